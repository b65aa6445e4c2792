/* Counters of each operation of a profiled repetition: the engine tells when an operation ends, profiles/ reads, and here both meet.
 *
 * The time of an operation comes from a repetition without counters. Each group of counters then gets a repetition of its own, so
 * that reading them is in no time and no two groups share the CPU's counters. */
#ifndef BITJOULE_OP_COUNTERS_H
#define BITJOULE_OP_COUNTERS_H

#include <jansson.h>
#include <stdio.h>

#include "engine/op_profile.h"
#include "profiles/counter_laps.h"

/* What `p` has to call to be counted by l; p is new, and the group of l is chosen. */
void op_counters_join(struct op_profile *p, struct counter_laps *l);

/* Adds the group that was chosen to the answer about a profiled repetition (cell_ops.h): to each of its operations "counters", metrics
 * without a source, and to the answer's "counters" an entry {"group", "time_s", "reads", "read_s", "read_counts", "metrics"}, the last
 * with status and source, over all operations. timed: of the repetition without counters; counted: of this one, which took time_s.
 * 0 or -ENOMEM. */
int op_counters_add(json_t *answer, const struct op_profile *timed, const struct op_profile *counted, const struct counter_laps *l,
                    size_t group, double time_s);

/* The tables of a cell's "ops" and "profile", when it has counters. */
void op_counters_print(FILE *f, const json_t *ops, const json_t *profile);

#endif
