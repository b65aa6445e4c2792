/* Two records, or the two arms of one, cell by cell and metric by metric.
 *
 * Of each sampled metric (tokens/s, joules per token): medians with intervals; the ratio new / base by Hodges and Lehmann with its
 * interval, and p. Arms that shared rounds are compared in pairs (signed ranks), other records as two samples (Mann-Whitney).
 * Metrics that do not scatter (bytes, perplexity, counts) have one value per side, a ratio, and neither interval nor p.
 * Holm's adjustment goes over all sampled rows of the table. */
#ifndef BITJOULE_COMPARISON_H
#define BITJOULE_COMPARISON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/stats.h"

enum { COMPARISON_CELL_LEN = 256, COMPARISON_REASON_LEN = 200 };

struct compared_metric {
    const char *name, *unit;
    bool more_is_better;
    bool exact; /* one value per side */
};

/* The metrics that a record can be compared by, ended by one without a name. */
extern const struct compared_metric compared_metrics[];
const struct compared_metric *compared_metric_find(const char *name);

struct comparison_row {
    char cell[COMPARISON_CELL_LEN]; /* id without the arm */
    const struct compared_metric *metric;
    double *base, *fresh; /* values; of pairs [i] is the same round. NULL when there is a reason */
    size_t n_base, n_fresh;
    bool paired;
    bool failed;    /* a side's cell failed */
    bool estimated; /* a side's value is no measurement */
    struct interval base_mid, fresh_mid, ratio;
    double p, p_holm; /* NAN: exact metric, or no comparison */
    char test[STATS_METHOD_LEN];
    char reason[COMPARISON_REASON_LEN]; /* why there is no comparison; empty: there is */
};

struct comparison_table {
    struct comparison_row *rows; /* by metric, then in the order of the base's cells */
    size_t n;
    double confidence;
    bool same_output; /* all cells of both sides chose the same tokens; cells that did not are named in `other_output` */
    char other_output[COMPARISON_CELL_LEN];
};

/* base and fresh may be the same record with arms. 0 or -ENOMEM. */
int comparison_make(const json_t *base, const json_t *fresh, double confidence, struct comparison_table *out);
void comparison_free(struct comparison_table *t);

/* Appends a row of one value per side (NAN: not had, `reason` says why). 0 or -ENOMEM. */
int comparison_add_exact(struct comparison_table *t, const char *cell, const char *metric, const double value[2],
                         const char *reason);
/* Adjusts all p again; after rows were added or removed. 0 or -ENOMEM. */
int comparison_adjust(struct comparison_table *t);

/* Geometric mean of the ratios of one metric's rows. false: there is no such row. */
bool comparison_geomean(const struct comparison_table *t, const struct compared_metric *m, struct interval *out);

/* Whether a record holds two arms. */
bool comparison_has_arms(const json_t *record);

#endif
