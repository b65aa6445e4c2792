/* The numbers of the tq1_0 and tq2_0 blocks (described in tq1_0.c and tq2_0.c), and their common test for equal scales. */
#ifndef BITJOULE_TQ_LAYOUT_H
#define BITJOULE_TQ_LAYOUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/half.h"

enum {
    TQ_BLOCK = 256,
    TQ2_BYTES = 66,
    TQ2_SCALE = 64, /* offset of the float16 scale */
    TQ1_BYTES = 54,
    TQ1_QH = 48, /* offset of the 4 bytes with four trits each */
    TQ1_SCALE = 52,
};

/* 0 when all n blocks have the same scale, else 1; *scale is the largest by magnitude. */
static inline int tq_file_scale(const void *file, size_t n, size_t block_bytes, size_t scale_at, float *scale)
{
    uint16_t first, h;
    int differ = 0;
    float best = 0.0f;
    memcpy(&first, (const uint8_t *)file + scale_at, sizeof first);
    for (size_t b = 0; b < n; b++) {
        memcpy(&h, (const uint8_t *)file + b * block_bytes + scale_at, sizeof h);
        const float d = half_to_float(h), mag = d < 0 ? -d : d;
        differ |= h != first;
        if (mag > (best < 0 ? -best : best))
            best = d;
    }
    *scale = best;
    return differ;
}

#endif
