/* Many cells at once: p-values that hold together, and one mean over ratios. */
#ifndef BITJOULE_STATS_MULTI_H
#define BITJOULE_STATS_MULTI_H

#include <stddef.h>

#include "harness/stats.h"

/* Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979: adjusted[i] < alpha for any i is a false alarm in at most a
 * share alpha of tables in which nothing changed, however the tests depend on each other. In the order of p. A p that is NAN is no
 * test: it stays NAN and does not count. 0 or -ENOMEM. */
int stats_holm(const double *p, size_t n, double *adjusted);

/* Geometric mean of the ratios of n >= 1 cells that were measured independently. The interval is how well the mean of *these*
 * cells is known, not how much cells differ: half widths on the log scale add as squares, h = sqrt(sum h[i]^2) / n. It has the
 * confidence of the cells' intervals, and there is none when one of them is missing. (Of stats_geomean() in stats.h the cells are
 * a sample.) */
void stats_geomean_of_ratios(const struct interval *ratio, size_t n, struct interval *out);

#endif
