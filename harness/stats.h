/* Statistics of repeated measurements: pure functions, no state.
 *
 * Intervals are two-sided, 95 % where that can be had; the achieved confidence and the method are part of the result.
 *  - one sample: none (lo and hi are NAN).
 *  - 2 to 5 samples: log(x) taken as normal; exp(mean +- t(n-1) * sd / sqrt(n)). Speed and time give the same interval.
 *  - 6 and more: order statistics of the median, x(k) .. x(n+1-k), no assumption on the distribution. The confidence is
 *    1 - 2 * P(Binomial(n, 1/2) < k), with the largest k that keeps it at 0.95 or above.
 * The ratio of two speeds is always exp(mean log base time - mean log time), i.e. the ratio of geometric means, with Welch's
 * t interval on the log times (Satterthwaite's degrees of freedom). */
#ifndef BITJOULE_STATS_H
#define BITJOULE_STATS_H

#include <stddef.h>

enum { STATS_METHOD_LEN = 96 };

struct interval {
    double value, lo, hi; /* lo, hi: NAN when there is no interval */
    double confidence;    /* achieved; NAN without an interval */
    char method[STATS_METHOD_LEN];
};

void stats_sort(double *x, size_t n);
/* p-quantile of sorted values, Hyndman and Fan type 7 (linear between order statistics); n >= 1, 0 <= p <= 1. */
double stats_quantile(const double *sorted, size_t n, double p);
double stats_mean(const double *x, size_t n); /* n >= 1 */
double stats_sd(const double *x, size_t n);   /* divisor n - 1; n >= 2 */

/* Median of positive values with its interval. n >= 1. 0 or -ENOMEM. */
int stats_median_interval(const double *x, size_t n, struct interval *out);
/* Geometric mean of n >= 1 positive values that are a sample, with the t interval of their logarithms. */
void stats_geomean(const double *x, size_t n, struct interval *out);
/* Median absolute deviation from the median, unscaled. 0 or -ENOMEM. */
int stats_mad(const double *x, size_t n, double *out);

/* How many times faster `cell` is than `base`, from their times (s) for the same work; both n >= 1, all times positive. */
void stats_speed_ratio(const double *base, size_t n_base, const double *cell, size_t n_cell, struct interval *out);

#endif
