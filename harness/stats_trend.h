/* Is a series stationary? Two questions that a mean and an interval do not answer: does it drift, and is its first value another
 * thing than the rest (a cold cache, a page fault, a CPU that has not clocked up yet)? */
#ifndef BITJOULE_STATS_TREND_H
#define BITJOULE_STATS_TREND_H

#include <stdbool.h>
#include <stddef.h>

/* Mann-Kendall: S = sum of sign(x[j] - x[i]), i < j. Two-sided p, exact without ties up to 100 values (the distribution of
 * inversions of a random order), else normal with tie and continuity correction. Slope by Theil and Sen: median of (x[j] - x[i]) /
 * (j - i). */
struct trend {
    double s, tau, p; /* tau = S / (n (n - 1) / 2) */
    double slope;     /* x per step */
    bool exact;
};

/* n >= 2. 0 or -ENOMEM. */
int stats_trend(const double *x, size_t n, struct trend *out);

/* First value against the others, on the log scale: t = (ln x[0] - mean) / (sd sqrt(1 + 1/(n-1))) with mean and sd of ln x[1..n-1]
 * has Student's t distribution with n - 2 degrees of freedom when the first is like the rest and the noise is normal. */
struct first_run {
    double ratio; /* x[0] over the geometric mean of the others */
    double p;     /* two-sided; NAN for n < 3 */
};

/* n >= 2 positive values. */
void stats_first_run(const double *x, size_t n, struct first_run *out);

#endif
