/* The bootstrap of stats_boot.h. Random indices come from splitmix64, one number for each draw. */
#include "harness/stats_boot.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/mix64.h"
#include "harness/stats_normal.h"

double stats_boot_mean(double *x, size_t n, const void *arg)
{
    (void)arg;
    return stats_mean(x, n);
}

double stats_boot_quantile(double *x, size_t n, const void *arg)
{
    stats_sort(x, n);
    return stats_quantile(x, n, *(const double *)arg);
}

double stats_boot_median(double *x, size_t n, const void *arg)
{
    static const double half = 0.5;
    (void)arg;
    return stats_boot_quantile(x, n, &half);
}

/* Index below n <= 2^32; the bias of the multiplication is below n / 2^32. */
static size_t draw(uint64_t seed, uint64_t i, size_t n)
{
    return (size_t)(((random_at(seed, i) >> 32) * (uint64_t)n) >> 32);
}

/* a = sum u^3 / (6 (sum u^2)^1.5) with u[i] = mean of the leave-one-out statistics - the i-th of them; 0 where they do not vary. */
static double acceleration(const double *x, size_t n, const struct bootstrap *b, double *work, double *loo)
{
    for (size_t i = 0; i < n; i++) {
        memcpy(work, x, i * sizeof *x);
        memcpy(work + i, x + i + 1, (n - 1 - i) * sizeof *x);
        loo[i] = b->statistic(work, n - 1, b->arg);
    }
    const double mean = stats_mean(loo, n);
    double square = 0, cube = 0;
    for (size_t i = 0; i < n; i++) {
        const double u = mean - loo[i];
        square += u * u;
        cube += u * u * u;
    }
    return square > 0 ? cube / (6 * pow(square, 1.5)) : 0;
}

/* Share of sorted values below the estimate, ties half, kept off 0 and 1. */
static double share_below(const double *sorted, size_t n, double value)
{
    double below = 0;
    for (size_t i = 0; i < n; i++)
        below += sorted[i] < value ? 1 : sorted[i] > value ? 0 : 0.5;
    return fmin(fmax(below, 0.5), (double)n - 0.5) / (double)n;
}

/* Where in the sorted resamples the bound lies that a percentile interval has at p. */
static double corrected(double p, double bias, double a)
{
    const double z = bias + normal_quantile(p);
    return a * z < 1 ? normal_cdf(bias + z / (1 - a * z)) : p > 0.5 ? 1 : 0;
}

static void bca_interval(const double *x, size_t n, const struct bootstrap *b, double *work, double *boot, struct interval *out)
{
    for (size_t r = 0; r < b->resamples; r++) {
        for (size_t i = 0; i < n; i++)
            work[i] = x[draw(b->seed, (uint64_t)r * n + i, n)];
        boot[r] = b->statistic(work, n, b->arg);
    }
    stats_sort(boot, b->resamples);
    const double bias = normal_quantile(share_below(boot, b->resamples, out->value));
    const double a = acceleration(x, n, b, work, work + n);
    out->lo = stats_quantile(boot, b->resamples, corrected((1 - b->confidence) / 2, bias, a));
    out->hi = stats_quantile(boot, b->resamples, corrected((1 + b->confidence) / 2, bias, a));
    out->confidence = b->confidence;
    snprintf(out->method, sizeof out->method, "BCa bootstrap, n=%zu, %zu resamples", n, b->resamples);
}

int stats_bca(const double *x, size_t n, const struct bootstrap *b, struct interval *out)
{
    assert(n >= 1 && n <= UINT32_MAX && b->resamples >= 100);
    double *work = malloc(2 * n * sizeof *work), *boot = malloc(b->resamples * sizeof *boot);
    const int rc = work && boot ? 0 : -ENOMEM;
    if (!rc) {
        memcpy(work, x, n * sizeof *x);
        out->value = b->statistic(work, n, b->arg);
        out->lo = out->hi = out->confidence = NAN;
        snprintf(out->method, sizeof out->method, "single sample");
        if (n > 1)
            bca_interval(x, n, b, work, boot, out);
    }
    free(work);
    free(boot);
    return rc;
}
