/* Who tests a kernel: the program itself where this CPU has its instruction set, else its twin test_X_simde_FOLDER, in which the
 * instruction set is emulated (Makefile, SIMDE_FOLDERS). The Makefile says which program is compiled, and what the twins emulate. */
#ifndef BITJOULE_EMULATION_H
#define BITJOULE_EMULATION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "kernels/cpu.h"

#ifdef EMULATED_RUN
enum { EMULATED = 1 };
#else
enum { EMULATED = 0 };
#endif
#ifndef EMULATED_ISAS
#define EMULATED_ISAS "" /* "avx2,avx512": none without twins */
#endif

/* Whether a twin of this program runs what needs these features and is called `isa`. */
static inline bool left_to_twin(const char *isa, uint32_t need)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, ",%s,", isa);
    return !EMULATED && (need & ~cpu_features()) != 0 && strstr("," EMULATED_ISAS ",", wanted) != NULL;
}

#endif
