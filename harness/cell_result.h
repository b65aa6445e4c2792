/* What a cell gave: raw samples, what the worker said, and the record's object made from both. */
#ifndef BITJOULE_CELL_RESULT_H
#define BITJOULE_CELL_RESULT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/block.h"
#include "harness/block_metrics.h"
#include "harness/plan.h"
#include "harness/sha256.h"
#include "harness/stats.h"

enum { CELL_STOP_LEN = 16 };
enum cell_status { CELL_OK, CELL_SKIPPED, CELL_FAILED };

struct samples {
    double *v;
    size_t n, cap;
};
int samples_push(struct samples *s, double x); /* 0 or -ENOMEM */

struct cell_result {
    enum cell_status status;
    char reason[PLAN_REASON_LEN];
    struct block *blocks; /* all, in the order in which they were taken, void ones too */
    size_t n_blocks, cap_blocks;
    struct samples warmup_s;            /* single repetitions */
    struct samples time_s;              /* of the blocks that count: seconds per repetition */
    struct samples token_s;             /* of the same blocks */
    struct samples energy_j, energy_s;  /* the same, per repetition; empty: no counter */
    double repetitions;                 /* of the blocks that count, together */
    double energy_repetitions;          /* of those whose joules are in `metrics` */
    char stop[CELL_STOP_LEN];           /* why there are no more rounds: "precision", "rounds", ...; "": it did not come so far */
    char output_sha256[SHA256_HEX_LEN]; /* "" before the first repetition */
    json_t *load, *setup;               /* the worker's answers; NULL: it did not come so far */
    struct metric_totals totals;        /* of the blocks that count, until they are settled */
    json_t *metrics;                    /* array, made of them */
    json_t *profile;                    /* of a repetition after the samples (cell_ops.h); NULL: not asked for */
    double used_s;                      /* time of its warm-ups and blocks so far */
};
void cell_result_free(struct cell_result *r);
/* Takes the block over, and keeps its numbers: what is JSON in it goes into the totals. 0 or -ENOMEM. */
int cell_result_add(struct cell_result *r, struct block *b);
/* After the last block: makes `metrics` and energy_repetitions of the totals, and lets go of these. */
void cell_result_settle(struct cell_result *r);

/* The record's object of a cell. New reference, NULL: no memory. */
json_t *cell_json(const struct plan *p, const struct cell *c, const struct cell_result *r, const char *kv);

/* The metric that a cell's joules are taken from: package, else platform, board, power chip; borrowed; NULL: none. */
const json_t *cell_energy_metric(const struct cell_result *r);
/* Why there is none; NULL: no probe said. */
const char *cell_no_energy_reason(const struct cell_result *r);

/* Tokens of one repetition, by the worker's own account; NAN when there is none. */
double cell_tokens(const struct cell_result *r);

/* The record's "comparisons": every ok cell against its base (plan_base_cell), by the rounds that both were in. */
json_t *comparisons_json(const struct plan *p, const struct cell_result *results);

#endif
