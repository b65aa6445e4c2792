/* Private to baselines/x86/: what the AVX2 kernels share. */
#ifndef BITJOULE_TILE_AVX2_H
#define BITJOULE_TILE_AVX2_H

#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include <immintrin.h>
#include <string.h>

#include "baselines/baseline_kernels.h"
#include "kernels/tile.h"

/* The rows of a group into y, or those of them before row1. */
static inline void store_rows(float *y, size_t row, size_t row1, const float *acc, size_t group)
{
    memcpy(y + row, acc, (row1 - row < group ? row1 - row : group) * sizeof *acc);
}

/* As store_rows, from the registers of a group of 16 */
static inline void store_two(float *y, size_t row, size_t row1, __m256 first, __m256 second)
{
    float acc[16];
    _mm256_storeu_ps(acc, first);
    _mm256_storeu_ps(acc + 8, second);
    store_rows(y, row, row1, acc, 16);
}

static inline __m256i load_i(const void *p)
{
    return _mm256_load_si256((const __m256i *)p);
}

/* 8 halves as floats */
static inline __m256 load_half(const uint16_t *h)
{
    return _mm256_cvtph_ps(_mm_load_si128((const __m128i *)(const void *)h));
}

/* 4 bytes of activations, the same in every lane */
static inline __m256i broadcast4(const void *q)
{
    int32_t four;
    memcpy(&four, q, sizeof four);
    return _mm256_set1_epi32(four);
}

#endif
