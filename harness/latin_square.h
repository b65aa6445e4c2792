/* Orders of visit that favour nobody: balanced Latin squares (E. J. Williams, Experimental designs balanced for the estimation of
 * residual effects of treatments, 1949), seeded.
 *
 * In n rounds of n variants each variant stands once in every position. For even n each also follows every other exactly once in
 * these n rounds; for odd n that takes two squares, of which the second is the mirror of the first: 2n rounds. Which variant is which
 * letter of the square and in which sequence its rows are used is drawn anew for every such period. */
#ifndef BITJOULE_LATIN_SQUARE_H
#define BITJOULE_LATIN_SQUARE_H

#include <stddef.h>
#include <stdint.h>

enum { LATIN_MAX = 256 };

/* Rounds after which a design is complete: n, or 2n for odd n. */
size_t latin_period(size_t n);
/* order[position] = variant, a permutation of 0 .. n-1; n <= LATIN_MAX. The same arguments always give the same order. */
void latin_order(uint64_t seed, size_t round, size_t n, size_t *order);

#endif
