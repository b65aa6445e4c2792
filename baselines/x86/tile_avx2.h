/* Private to baselines/x86/: what the AVX2 kernels share. */
#ifndef BITJOULE_TILE_AVX2_H
#define BITJOULE_TILE_AVX2_H

#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include <immintrin.h>
#include <string.h>

#include "baselines/baseline_kernels.h"

/* Tiles are inlined with a constant number of tokens; their loops over tokens must vanish, or the sums would live in memory. */
#define TILE static inline __attribute__((always_inline)) void
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Ties the old and the new value of a sum to one register; without it gcc 12 copies every sum in every step of an integer tile. */
#define KEEP(sum) __asm__("" : "+x"(sum))

/* Tokens are spread evenly over tiles: 7 as 4 + 3, not 6 + 1, since a tile of one leaves the multipliers waiting. */
static inline size_t next_tile(size_t tokens_left, size_t tile)
{
    const size_t tiles = (tokens_left + tile - 1) / tile;
    return (tokens_left + tiles - 1) / tiles;
}

/* The rows of a group into y, or those of them before row1. */
static inline void store_rows(float *y, size_t row, size_t row1, const float *acc, size_t group)
{
    memcpy(y + row, acc, (row1 - row < group ? row1 - row : group) * sizeof *acc);
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

/* The cache lines of [p, p + bytes), which may lie beyond the matrix, into the second-level cache */
static inline __attribute__((always_inline)) void prefetch_l2(const void *p, const size_t bytes)
{
    UNROLL for (size_t i = 0; i < bytes; i += 64)
        _mm_prefetch((const char *)p + i, _MM_HINT_T1);
}

/* 4 bytes of activations, the same in every lane */
static inline __m256i broadcast4(const void *q)
{
    int32_t four;
    memcpy(&four, q, sizeof four);
    return _mm256_set1_epi32(four);
}

#endif
