/* What `run --counters` measures with. The engine knows no probes, so the program's main() puts something here that does. */
#ifndef BITJOULE_RUN_METER_H
#define BITJOULE_RUN_METER_H

#include <stdio.h>

enum run_phase { RUN_PROMPT, RUN_GENERATION, RUN_PHASES };

struct run_meter {
    /* Values of --counters and --counter-group, either may be NULL. 0 and *state; or the exit status after a message. */
    int (*open)(const char *counters, const char *groups, void **state);
    void (*start)(void *state);
    void (*stop)(void *state, enum run_phase phase);
    void (*print)(void *state, FILE *f); /* of each phase the last window */
    void (*close)(void *state);
};

extern const struct run_meter *run_meter; /* cmd_run.c; NULL: --counters is refused */

#endif
