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

struct pair {
    const struct block *base, *cell;
};

/* The rounds in common; NULL: out of memory. */
static struct pair *pairs_of(const struct cell_result *base, const struct cell_result *cell, size_t *n)
{
    struct pair *list = malloc((cell->n_blocks + 1) * sizeof *list);
    *n = 0;
    for (size_t i = 0; list && i < cell->n_blocks; i++) {
        const struct block *c = &cell->blocks[i], *b = block_counts(c) ? block_of_round(base, c->round) : NULL;
        if (b)
            list[(*n)++] = (struct pair){b, c};
    }
    return list;
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

unsigned paired_last_pass(const struct cell_result *r)
{
    unsigned last = 0;
    for (size_t i = 0; i < r->n_blocks; i++)
        last = r->blocks[i].pass > last ? r->blocks[i].pass : last;
    return last;
}

/* Medians of the passes that have pairs into ratio[passes], NAN for the others. */
static int ratios_of_passes(const struct pair *pairs, size_t n, unsigned passes, double *ratio)
{
    double *v = malloc((n + 1) * sizeof *v);
    for (unsigned pass = 1; v && pass <= passes; pass++) {
        struct interval x = {.value = (double)NAN};
        size_t k = 0;
        for (size_t i = 0; i < n; i++)
            if (pairs[i].cell->pass == pass)
                v[k++] = block_sample_s(pairs[i].base) / block_sample_s(pairs[i].cell);
        ratio[pass - 1] = k && !stats_median_interval(v, k, &x) ? x.value : (double)NAN;
    }
    const int rc = v ? 0 : -ENOMEM;
    free(v);
    return rc;
}

int paired_pass_ratios(const struct cell_result *base, const struct cell_result *cell, unsigned passes, double *ratio)
{
    size_t n;
    struct pair *pairs = pairs_of(base, cell, &n);
    const int rc = pairs ? ratios_of_passes(pairs, n, passes, ratio) : -ENOMEM;
    free(pairs);
    return rc;
}

/* Bounds that the passes push outwards; `unequal`: by how much more because of their sizes. */
static void widen(const double *ratio, size_t k, double unequal, struct interval *out)
{
    struct interval of_passes;
    stats_geomean(ratio, k, &of_passes);
    const double half = exp(unequal * log(of_passes.hi / of_passes.lo) / 2), lo = out->value / half, hi = out->value * half;
    if (lo >= out->lo && hi <= out->hi)
        return;
    out->lo = fmin(lo, out->lo); /* where there is none: the other */
    out->hi = fmax(hi, out->hi);
    out->confidence = of_passes.confidence;
    snprintf(out->method, sizeof out->method, "Hodges-Lehmann, t interval of the logs of %zu passes", k);
}

/* Share of the pairs that are of that pass */
static double share_of(const struct pair *pairs, size_t n, unsigned pass)
{
    size_t of_pass = 0;
    for (size_t i = 0; i < n; i++)
        of_pass += pairs[i].cell->pass == pass;
    return (double)of_pass / (double)n;
}

static int widen_by_passes(const struct pair *pairs, size_t n, unsigned passes, struct interval *out)
{
    double *ratio = passes >= PAIRED_PASSES ? malloc(passes * sizeof *ratio) : NULL;
    if (!ratio)
        return passes >= PAIRED_PASSES ? -ENOMEM : 0;
    const int rc = ratios_of_passes(pairs, n, passes, ratio);
    size_t k = 0;
    double squares = 0;
    for (unsigned i = 0; !rc && i < passes; i++)
        if (!isnan(ratio[i])) {
            const double share = share_of(pairs, n, i + 1);
            squares += share * share;
            ratio[k++] = ratio[i];
        }
    if (k >= PAIRED_PASSES && n >= WILCOXON_MIN)
        widen(ratio, k, sqrt((double)k * squares), out);
    free(ratio);
    return rc;
}

static int ratio_of_pairs(const struct pair *pairs, size_t n, struct interval *out)
{
    double *times = malloc(2 * (n + 1) * sizeof *times);
    for (size_t i = 0; times && i < n; i++) {
        times[i] = block_sample_s(pairs[i].base);
        times[n + i] = block_sample_s(pairs[i].cell);
    }
    const int rc = times ? ratio_of(times, times + n, n, out) : -ENOMEM;
    free(times);
    return rc;
}

int paired_ratio(const struct cell_result *base, const struct cell_result *cell, struct interval *out, size_t *rounds)
{
    size_t n = 0;
    struct pair *pairs = pairs_of(base, cell, &n);
    int rc = pairs ? ratio_of_pairs(pairs, n, out) : -ENOMEM;
    rc = rc ? rc : widen_by_passes(pairs, n, paired_last_pass(cell), out);
    free(pairs);
    if (!rc) {
        char method[STATS_METHOD_LEN];
        snprintf(method, sizeof method, "ratios of %zu rounds: %.70s", n, out->method);
        snprintf(out->method, sizeof out->method, "%s", method);
    }
    if (rounds)
        *rounds = n;
    return rc;
}

static bool has_energy(const struct block *b)
{
    return b->energy_j > 0 && b->energy_s > 0;
}

int paired_energy(const struct cell_result *base, const struct cell_result *cell, struct energy_factors *out)
{
    size_t n, with = 0;
    struct pair *pairs = pairs_of(base, cell, &n);
    struct energy_of_round *v = pairs ? malloc((n + 1) * sizeof *v) : NULL;
    double shortest_s = INFINITY;
    for (size_t i = 0; v && i < n; i++) {
        const struct block *b = pairs[i].base, *c = pairs[i].cell;
        if (!has_energy(b) || !has_energy(c))
            continue;
        v[with++] = (struct energy_of_round){b->energy_j / b->repetitions, b->energy_s / b->repetitions,
                                             c->energy_j / c->repetitions, c->energy_s / c->repetitions};
        shortest_s = fmin(shortest_s, fmin(b->energy_s, c->energy_s));
    }
    const int rc = v ? energy_stats_factors(v, with, out) : -ENOMEM;
    out->shortest_s = shortest_s;
    free(pairs);
    free(v);
    return rc;
}

double paired_half_width(const struct interval *x)
{
    return x->lo > 0 && x->hi >= x->lo ? sqrt(x->hi / x->lo) - 1 : INFINITY;
}
