/* Hodges-Lehmann estimates of a centre, a shift and a ratio, with the intervals that belong to the rank tests: a value outside of
 * the interval is one that the test would reject. (Hollander and Wolfe, Nonparametric Statistical Methods, 3.2-3.3 and 4.2-4.3.)
 *
 *   centre of x:           median of the means (x[i] + x[j]) / 2, i <= j
 *   shift from a to b:     median of all b[j] - a[i]
 *
 * The achieved confidence is at least what was asked for. Too few values for it (below 6 pairs, or 4 + 4 values, at 95 %) leave lo
 * and hi NAN, and the method says so. Up to STATS_EXACT_MAX values the distribution is exact; ties make it conservative. */
#ifndef BITJOULE_STATS_HL_H
#define BITJOULE_STATS_HL_H

#include <stddef.h>

#include "harness/stats.h"

/* n, na, nb >= 1; 0 < confidence < 1. 0 or -ENOMEM. Memory: n^2 / 2 or na * nb doubles. */
int stats_hl_center(const double *x, size_t n, double confidence, struct interval *out);
int stats_hl_shift(const double *a, size_t na, const double *b, size_t nb, double confidence, struct interval *out);

/* new / base of positive values: exp of the centre of ln(fresh[i] / base[i]) of rounds in which both ran, or, of values that
 * belong to no rounds, exp of the shift from ln base to ln fresh. Of times above 1 is slower. */
int stats_paired_ratio(const double *base, const double *fresh, size_t n, double confidence, struct interval *out);
int stats_unpaired_ratio(const double *base, size_t n_base, const double *fresh, size_t n_fresh, double confidence,
                         struct interval *out);

#endif
