/* Private to baselines/x86/: what the AVX-512 kernels share, on top of tile_avx2.h. A register holds 16 rows.
 *
 * Tiles go up to 12 tokens: 12 or 24 sums of the 32 registers, the rest for weights and for what is unpacked. */
#ifndef BITJOULE_TILE_AVX512_H
#define BITJOULE_TILE_AVX512_H

#if !defined(__AVX512F__) || !defined(__AVX512BW__)
#error "compile with -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq"
#endif
#include "baselines/x86/tile_avx2.h"

enum { TILE_512 = 12 /* tokens */ };

/* Rows row .. row + 15 into y, or those of them before row1; row may lie beyond row1. */
static inline void store_16(float *y, size_t row, size_t row1, __m512 v)
{
    if (row < row1) {
        const unsigned n = row1 - row < 16 ? (unsigned)(row1 - row) : 16u;
        _mm512_mask_storeu_ps(y + row, (__mmask16)((1u << n) - 1u), v);
    }
}

/* 16 halves as floats */
static inline __m512 load_half_16(const uint16_t *h)
{
    return _mm512_cvtph_ps(_mm256_load_si256((const __m256i *)(const void *)h));
}

/* 4 bytes of activations, the same in every lane */
static inline __m512i spread4(const void *q)
{
    int32_t four;
    memcpy(&four, q, sizeof four);
    return _mm512_set1_epi32(four);
}

#endif
