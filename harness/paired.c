/* Pairs blocks by round. A round number belongs to one visit of a contest, also where a base takes part in several batches. */
#include "harness/paired.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/stats_hl.h"

enum { WILCOXON_MIN = 6 };
static const double confidence = 0.95;

static const struct block *block_of_round(const struct cell_result *r, unsigned round)
{
    for (size_t i = 0; i < r->n_blocks; i++)
        if (r->blocks[i].round == round && block_counts(&r->blocks[i]))
            return &r->blocks[i];
    return NULL;
}

/* Times of the rounds in common: base[n], cell[n]. */
static size_t pairs(const struct cell_result *base, const struct cell_result *cell, double *base_s, double *cell_s)
{
    size_t n = 0;
    for (size_t i = 0; i < cell->n_blocks; i++) {
        const struct block *c = &cell->blocks[i], *b = block_counts(c) ? block_of_round(base, c->round) : NULL;
        if (b) {
            base_s[n] = block_sample_s(b);
            cell_s[n++] = block_sample_s(c);
        }
    }
    return n;
}

static int ratio_of(const double *base_s, const double *cell_s, size_t n, struct interval *out)
{
    double x[WILCOXON_MIN];
    if (n >= WILCOXON_MIN)
        return stats_paired_ratio(cell_s, base_s, n, confidence, out);
    for (size_t i = 0; i < n; i++)
        x[i] = base_s[i] / cell_s[i];
    return n ? stats_median_interval(x, n, out) : -ENODATA;
}

int paired_ratio(const struct cell_result *base, const struct cell_result *cell, struct interval *out, size_t *rounds)
{
    const size_t cap = cell->n_blocks + 1;
    double *times = malloc(2 * cap * sizeof *times);
    if (!times)
        return -ENOMEM;
    const size_t n = pairs(base, cell, times, times + cap);
    const int rc = ratio_of(times, times + cap, n, out);
    free(times);
    if (!rc) {
        char method[STATS_METHOD_LEN];
        snprintf(method, sizeof method, "ratios of %zu rounds: %.70s", n, out->method);
        snprintf(out->method, sizeof out->method, "%s", method);
    }
    if (rounds)
        *rounds = n;
    return rc;
}

double paired_half_width(const struct interval *x)
{
    return x->lo > 0 && x->hi >= x->lo ? sqrt(x->hi / x->lo) - 1 : INFINITY;
}
