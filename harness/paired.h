/* Ratios of two cells that shared rounds: each round gives one ratio, so that what changes from minute to minute cancels. */
#ifndef BITJOULE_PAIRED_H
#define BITJOULE_PAIRED_H

#include "harness/cell_result.h"
#include "harness/energy_stats.h"

/* So many passes say themselves how far their ratios are apart; of fewer, t is too large to be of use. */
enum { PAIRED_PASSES = 4 };

/* How many times faster `cell` is than `base`, from time of base / time of cell of the rounds in which both have a block that counts:
 * Hodges-Lehmann centre of the logs with the interval of the signed-rank test (stats_hl.h); of fewer than 6 rounds, which that test cannot
 * use, the median with a t interval of the logs (stats.h). Rounds of one pass have much in common (a neighbour, a level of the memory's
 * speed), so where PAIRED_PASSES passes or more share rounds, six at least, the interval is widened to the t interval of the logs of the
 * passes' medians around the same centre; of passes with unequal numbers of rounds, which weigh in that centre as they have rounds, by
 * sqrt(k sum(share^2)) more (Kish's effective sample size). 0; -ENODATA: no round in common; -ENOMEM. *rounds: how many, may be NULL. */
int paired_ratio(const struct cell_result *base, const struct cell_result *cell, struct interval *out, size_t *rounds);

/* Number of the last pass in which a cell has a block; 0: it has none. */
unsigned paired_last_pass(const struct cell_result *r);
/* The median of these ratios in each pass, NAN where a pass has none: ratio[passes]. 0 or -ENOMEM. */
int paired_pass_ratios(const struct cell_result *base, const struct cell_result *cell, unsigned passes, double *ratio);

/* Joules, seconds and watts of `cell` over those of `base`, of the rounds in which both have joules that count. 0; -ENODATA: there is no
 * such round; -ENOMEM. */
int paired_energy(const struct cell_result *base, const struct cell_result *cell, struct energy_factors *out);

/* Half of the relative width of an interval, of its logarithm: sqrt(hi / lo) - 1. INFINITY without an interval. */
double paired_half_width(const struct interval *x);

#endif
