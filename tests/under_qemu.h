/* Whether this program runs under an emulator: the runner (run.sh) says so in RUN. Tests take less work then, and time nothing. */
#ifndef BITJOULE_UNDER_QEMU_H
#define BITJOULE_UNDER_QEMU_H

#include <stdbool.h>
#include <stdlib.h>

static inline bool under_qemu(void)
{
    const char *run = getenv("RUN");
    return run && *run;
}

#endif
