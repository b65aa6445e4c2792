/* Did a cell's speed stand still while it was measured? Ratios of rounds stand a drift, single speeds do not: a reader should know. */
#ifndef BITJOULE_STATIONARY_H
#define BITJOULE_STATIONARY_H

#include "harness/cell_result.h"

enum { STATIONARY_LEN = 192 };

/* A line about what is not as it should be, or empty text:
 *  - a trend over the rounds (Mann-Kendall, p < 0.01) that changes the time by more than 5 % from the first to the last block;
 *  - a first block that took more than 10 % longer than the others (p < 0.01): the warm-up was too short.
 * Cells of fewer than 6 blocks are not judged. 0 or -ENOMEM. */
int stationary_fault(const struct cell_result *r, char fault[STATIONARY_LEN]);

#endif
