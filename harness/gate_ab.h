/* Two programs in one job: runs the suite of a gate with both interleaved in rounds, and counts what does not scatter. */
#ifndef BITJOULE_GATE_AB_H
#define BITJOULE_GATE_AB_H

#include <jansson.h>

#include "harness/gate_config.h"

struct gate_ab {
    const char *base, *fresh; /* programs */
    const char *dir;          /* where the record goes */
};

/* Runs `bench -c SUITE --against BASE --program NEW` of this very program, and loads its record. 0, or the exit status after one
 * line: 2 bad input, 4 there is no record. */
int gate_ab_run(const struct gate_config *g, const struct gate_ab *ab, json_t **record);

/* Adds the rows that the gate asks for: instructions, allocations, size of the binary. 0 or -ENOMEM. */
int gate_ab_count(const struct gate_config *g, const struct gate_ab *ab, struct comparison_table *t);

#endif
