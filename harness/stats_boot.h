/* BCa bootstrap: an interval for any statistic of one sample, such as a percentile, that has none of its own.
 *
 * Efron, Better Bootstrap Confidence Intervals, JASA 82 (1987): resample with replacement, correct the percentiles for the bias
 * (the share of resamples below the estimate) and for skewness (acceleration from the jackknife). Seeded: the same input gives the
 * same interval on every machine. It is approximate: below about 20 values it covers less than it says, so prefer the exact
 * intervals of stats_hl.h for the centre. */
#ifndef BITJOULE_STATS_BOOT_H
#define BITJOULE_STATS_BOOT_H

#include <stddef.h>
#include <stdint.h>

#include "harness/stats.h"

struct bootstrap {
    double (*statistic)(double *x, size_t n, const void *arg); /* may reorder x */
    const void *arg;
    size_t resamples; /* >= 100; 10000 is usual */
    uint64_t seed;
    double confidence; /* within (0, 1) */
};

/* n >= 1; with n == 1, or a statistic that never varies, lo = hi = value or NAN as in stats.h. 0 or -ENOMEM. */
int stats_bca(const double *x, size_t n, const struct bootstrap *b, struct interval *out);

/* Statistics to hand in: the mean, the median, and the quantile that *(const double *)arg names. */
double stats_boot_mean(double *x, size_t n, const void *arg);
double stats_boot_median(double *x, size_t n, const void *arg);
double stats_boot_quantile(double *x, size_t n, const void *arg);

#endif
