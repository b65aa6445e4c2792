/* Sorts all pairwise means or differences and takes their median and two order statistics. With c the largest count such that
 * P(statistic <= c - 1) <= (1 - confidence) / 2, the interval is from the c-th smallest to the c-th largest. */
#include "harness/stats_hl.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/stats_normal.h"
#include "harness/stats_rank.h"

/* The c of above and the confidence that it gives; c == 0: there is none. */
struct cut {
    size_t c;
    double confidence;
};

static struct cut exact_cut(const double *tail, size_t len, double confidence)
{
    struct cut cut = {0, NAN};
    while (cut.c < len / 2 && tail[cut.c] <= (1 - confidence) / 2)
        cut.c++;
    if (cut.c > 0)
        cut.confidence = 1 - 2 * tail[cut.c - 1];
    return cut;
}

static struct cut normal_cut(double mean, double variance, double confidence)
{
    const double c = floor(mean + 0.5 - normal_quantile(0.5 + confidence / 2) * sqrt(variance));
    return c < 1 ? (struct cut){0, NAN} : (struct cut){(size_t)c, confidence};
}

static void order_statistics(double *v, size_t n, struct cut cut, struct interval *out)
{
    stats_sort(v, n);
    out->value = stats_quantile(v, n, 0.5);
    out->lo = cut.c > 0 ? v[cut.c - 1] : NAN;
    out->hi = cut.c > 0 ? v[n - cut.c] : NAN;
    out->confidence = cut.confidence;
}

int stats_hl_center(const double *x, size_t n, double confidence, struct interval *out)
{
    assert(n >= 1);
    const size_t pairs = n * (n + 1) / 2;
    const double N = (double)n;
    size_t len, k = 0;
    struct cut cut = normal_cut(N * (N + 1) / 4, N * (N + 1) * (2 * N + 1) / 24, confidence);
    double *mean = malloc(pairs * sizeof *mean), *tail = n <= STATS_EXACT_MAX ? stats_signed_rank_tail(n, &len) : NULL;
    const int rc = mean && (tail || n > STATS_EXACT_MAX) ? 0 : -ENOMEM;
    if (!rc) {
        if (tail)
            cut = exact_cut(tail, len, confidence);
        for (size_t i = 0; i < n; i++)
            for (size_t j = i; j < n; j++)
                mean[k++] = x[i] + (x[j] - x[i]) / 2;
        order_statistics(mean, pairs, cut, out);
        snprintf(out->method, sizeof out->method,
                 cut.c ? "Hodges-Lehmann, signed-rank interval, n=%zu" : "Hodges-Lehmann, n=%zu: too few", n);
    }
    free(mean);
    free(tail);
    return rc;
}

int stats_hl_shift(const double *a, size_t na, const double *b, size_t nb, double confidence, struct interval *out)
{
    assert(na >= 1 && nb >= 1);
    const bool exact = na + nb <= STATS_EXACT_MAX;
    const double x = (double)na, y = (double)nb;
    size_t len;
    struct cut cut = normal_cut(x * y / 2, x * y * (x + y + 1) / 12, confidence);
    double *diff = malloc(na * nb * sizeof *diff), *tail = exact ? stats_mann_whitney_tail(na, nb, &len) : NULL;
    const int rc = diff && (tail || !exact) ? 0 : -ENOMEM;
    if (!rc) {
        if (tail)
            cut = exact_cut(tail, len, confidence);
        for (size_t i = 0; i < na; i++)
            for (size_t j = 0; j < nb; j++)
                diff[i * nb + j] = b[j] - a[i];
        order_statistics(diff, na * nb, cut, out);
        snprintf(out->method, sizeof out->method,
                 cut.c ? "Hodges-Lehmann, rank-sum interval, n=%zu and %zu" : "Hodges-Lehmann, n=%zu and %zu: too few", na, nb);
    }
    free(diff);
    free(tail);
    return rc;
}

static void to_ratio(struct interval *i)
{
    i->value = exp(i->value);
    i->lo = exp(i->lo);
    i->hi = exp(i->hi);
}

int stats_paired_ratio(const double *base, const double *fresh, size_t n, double confidence, struct interval *out)
{
    double *d = malloc((n + 1) * sizeof *d);
    if (!d)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        d[i] = log(fresh[i] / base[i]);
    const int rc = stats_hl_center(d, n, confidence, out);
    if (!rc)
        to_ratio(out);
    free(d);
    return rc;
}

int stats_unpaired_ratio(const double *base, size_t n_base, const double *fresh, size_t n_fresh, double confidence,
                         struct interval *out)
{
    double *v = malloc((n_base + n_fresh + 1) * sizeof *v);
    if (!v)
        return -ENOMEM;
    for (size_t i = 0; i < n_base; i++)
        v[i] = log(base[i]);
    for (size_t i = 0; i < n_fresh; i++)
        v[n_base + i] = log(fresh[i]);
    const int rc = stats_hl_shift(v, n_base, v + n_base, n_fresh, confidence, out);
    if (!rc)
        to_ratio(out);
    free(v);
    return rc;
}
