/* Rank tests for "did it change?", without an assumption on the shape of the noise. Two-sided p-values.
 *
 *  - Mann-Whitney U: two samples that were not taken in pairs, e.g. a stored baseline against a new record.
 *  - Wilcoxon signed-rank: differences of pairs, e.g. ln(new / base) of each round of an interleaved experiment.
 *
 * Ties get the mean of their ranks. Up to STATS_EXACT_MAX values p is exact: the conditional permutation distribution given the
 * ties is counted by dynamic programming, and p is the share of arrangements whose statistic is at least as far from its
 * expectation as the one seen. Above, the normal approximation with tie and continuity correction (Hollander and Wolfe,
 * Nonparametric Statistical Methods, sections 3.1 and 4.1). Differences of exactly 0 say nothing of a direction and are left out,
 * as Wilcoxon did. */
#ifndef BITJOULE_STATS_RANK_H
#define BITJOULE_STATS_RANK_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/stats.h"

enum { STATS_EXACT_MAX = 100 };

struct rank_test {
    double
        statistic; /* U of the first sample: pairs in which its value is the larger one, ties half; or W+, the sum of positive ranks */
    double p;      /* 1 where nothing can be said: no pairs, or all values equal */
    bool exact;
    size_t n; /* values that counted */
    char method[STATS_METHOD_LEN];
};

/* na, nb >= 1. 0 or -ENOMEM. */
int stats_mann_whitney(const double *a, size_t na, const double *b, size_t nb, struct rank_test *out);
int stats_signed_rank(const double *d, size_t n, struct rank_test *out);

/* Smallest two-sided p that so many values can give at all: below it no change can be called significant. */
double stats_mann_whitney_min_p(size_t na, size_t nb);
double stats_signed_rank_min_p(size_t n);

/* ---- what the intervals of stats_hl.h are made from --------------------------------------------------------------------- */

/* Lower tails without ties: p[s] = P(statistic <= s), s = 0 .. len - 1, of U (len = na * nb + 1) or W+ (len = n (n + 1) / 2 + 1).
 * NULL: out of memory. The caller frees. */
double *stats_mann_whitney_tail(size_t na, size_t nb, size_t *len);
double *stats_signed_rank_tail(size_t n, size_t *len);

#endif
