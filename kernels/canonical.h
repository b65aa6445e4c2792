/* Constants of the canonical float operations: the same in C and in every SIMD file, or the bits would differ. */
#ifndef BITJOULE_CANONICAL_H
#define BITJOULE_CANONICAL_H

enum { CANONICAL_LANES = 16 };

/* exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2 + rounding. ln 2 is split in two (Cody and Waite) so that n * HI is
 * exact; exp(r) is its Taylor polynomial: the first term left out, r^8 / 8!, is below 5.2e-9. Below EXP_MIN 2^n would be
 * subnormal and the result is 0. */
#define EXP_MIN (-87.0f)
#define EXP_LOG2E 1.44269504f
#define EXP_LN2_HI 0.693359375f
#define EXP_LN2_LO (-2.12194440e-4f)
#define EXP_C2 0.5f
#define EXP_C3 0.166666667f
#define EXP_C4 0.0416666667f
#define EXP_C5 0.00833333333f
#define EXP_C6 0.00138888889f
#define EXP_C7 0.000198412698f

/* Smallest absmax that activations are scaled by (BitNet's 1e-5), and below which a block of 32 counts as all zero. */
#define I8_ABSMAX_MIN 1e-5f
#define Q8_ABSMAX_MIN 1e-30f

#endif
