/* Private to baselines/: the steps that the packing of every integer format shares. */
#ifndef BITJOULE_QUANTIZE_H
#define BITJOULE_QUANTIZE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/half.h"

/* The value of largest magnitude, with its sign; the first of equals. NaN is passed over; 0 when there is nothing else. */
static inline float largest(const float *x, size_t n)
{
    float extreme = 0;
    for (size_t k = 0; k < n; k++)
        if (fabsf(x[k]) > fabsf(extreme))
            extreme = x[k];
    return extreme;
}

/* A scale as f16; what is too large becomes the largest finite f16 (65504), so that no block decodes to infinities. */
static inline uint16_t half_scale(float d)
{
    return half_from_float(fminf(fmaxf(d, -65504.0f), 65504.0f));
}

/* code[k] = round(x[k] / d), half to even, limited to lo..hi; 0 when d is 0 or x[k] / d is NaN. n: a multiple of 16 */
void quantize(const float *x, size_t n, float d, int lo, int hi, int8_t *code);

#endif
