/* The profile of one more repetition of a cell, by operation: the worker's answer, the record's fields, the table on stdout. */
#ifndef BITJOULE_CELL_OPS_H
#define BITJOULE_CELL_OPS_H

#include <jansson.h>
#include <stdio.h>

#include "engine/op_profile.h"

/* The worker's answer about a repetition of time_s seconds and `tokens` tokens: {"time_s", "clock_s", "clock_reads", "ops": [...]};
 * op_counters.h adds counters.
 * New reference; NULL: no memory. */
json_t *ops_answer_json(const struct op_profile *p, double time_s, double tokens);

/* Sets "ops" and "profile" of a cell from that answer; both null where `answer` is NULL. median_s: of the timed repetitions, which
 * ran without the profile. 0 or -ENOMEM. */
int ops_into_cell(json_t *cell, json_t *answer, double median_s);

/* A table per cell of the record that has a profile. */
void ops_print(FILE *f, const json_t *root);

#endif
