/* What a cell gave: raw samples, what the worker said, and the record's object made from both. */
#ifndef BITJOULE_CELL_RESULT_H
#define BITJOULE_CELL_RESULT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/plan.h"
#include "harness/sha256.h"
#include "harness/stats.h"

enum cell_status { CELL_OK, CELL_SKIPPED, CELL_FAILED };

struct samples {
    double *v;
    size_t n, cap;
};
int samples_push(struct samples *s, double x); /* 0 or -ENOMEM */

struct cell_result {
    enum cell_status status;
    char reason[PLAN_REASON_LEN];
    struct samples time_s, warmup_s, token_s; /* raw, in the order in which they were taken */
    struct samples energy_j, energy_s;        /* of each timed repetition, between two reads of the counters; empty: no counter */
    char output_sha256[SHA256_HEX_LEN];       /* "" before the first repetition */
    json_t *load, *setup;                     /* the worker's answers; NULL: it did not come so far */
    json_t *metrics;                          /* array */
    json_t *profile;                          /* of a repetition after the samples (cell_ops.h); NULL: not asked for */
};
void cell_result_free(struct cell_result *r);

/* The record's object of a cell. `peak`: the record's entry for this number of threads, or NULL. New reference, NULL: no memory. */
json_t *cell_json(const struct plan *p, const struct cell *c, const struct cell_result *r, const char *kv, const json_t *peak);

/* The metric that a cell's joules are taken from: package, else platform, board, power chip; borrowed; NULL: none. */
const json_t *cell_energy_metric(const struct cell_result *r);

/* Tokens of one repetition, by the worker's own account; NAN when there is none. */
double cell_tokens(const struct cell_result *r);

/* The record's "comparisons": every ok cell against the ok f16 cell of the same model, threads, test, depth and batch. */
json_t *comparisons_json(const struct plan *p, const struct cell_result *results);

#endif
