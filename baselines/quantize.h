/* Private to baselines/: the steps that the packing of every integer format shares. */
#ifndef BITJOULE_QUANTIZE_H
#define BITJOULE_QUANTIZE_H

#include <math.h>
#include <stddef.h>

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

/* round(x / d), limited to lo..hi; 0 when d is 0 or x / d is NaN */
static inline int quantize(float x, float d, int lo, int hi)
{
    const float q = x / d;
    if (d == 0 || isnan(q))
        return 0;
    return (int)lrintf(fminf(fmaxf(q, (float)lo), (float)hi));
}

#endif
