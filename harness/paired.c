/* Pairs blocks by round. A round number belongs to one visit of a contest, also where a base takes part in several batches. */
#include "harness/paired.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct block *block_of_round(const struct cell_result *r, unsigned round)
{
    for (size_t i = 0; i < r->n_blocks; i++)
        if (r->blocks[i].round == round && block_counts(&r->blocks[i]))
            return &r->blocks[i];
    return NULL;
}

int paired_ratio(const struct cell_result *base, const struct cell_result *cell, struct interval *out, size_t *rounds)
{
    double *x = malloc((cell->n_blocks + 1) * sizeof *x);
    size_t n = 0;
    if (!x)
        return -ENOMEM;
    for (size_t i = 0; i < cell->n_blocks; i++) {
        const struct block *c = &cell->blocks[i], *b = block_counts(c) ? block_of_round(base, c->round) : NULL;
        if (b)
            x[n++] = block_sample_s(b) / block_sample_s(c);
    }
    const int rc = n ? stats_median_interval(x, n, out) : -ENODATA;
    free(x);
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
