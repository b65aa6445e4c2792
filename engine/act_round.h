/* Rounding of activations to int8 in blocks, for experiments: what an engine that does so loses against one scale per token. */
#ifndef BITJOULE_ACT_ROUND_H
#define BITJOULE_ACT_ROUND_H

#include <stddef.h>

/* x[n] in blocks of `block` (the last one may be shorter): x = round(x * 127 / absmax) * absmax / 127, ties to even; a block of
 * zeros stays. block 256 is what llama.cpp multiplies TQ1_0 and TQ2_0 by (Q8_K); block >= n is one scale per token, as BitNet b1.58
 * is trained. */
void act_round(float *x, size_t n, size_t block);

#endif
