/* The float and the memory loop that the AVX-512 peaks share. */
#ifndef BITJOULE_PEAK_FMA_AVX512_H
#define BITJOULE_PEAK_FMA_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#include "kernels/peak_loops.h"

enum { PEAK_FMA_CHAINS = 16, PEAK_READ_VECTORS = 8 };
#define PEAK_FMA_AVX512_MACS (16.0 * PEAK_FMA_CHAINS)

static inline int64_t peak_fma_avx512(uint64_t iterations)
{
    __m512 s[PEAK_FMA_CHAINS];
    const __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(1.0f);
    PEAK_UNROLL for (int c = 0; c < PEAK_FMA_CHAINS; c++)
        s[c] = _mm512_set1_ps((float)c); /* different, or the compiler would keep one chain for all */
    for (uint64_t i = 0; i < iterations; i++)
        PEAK_UNROLL for (int c = 0; c < PEAK_FMA_CHAINS; c++)
            s[c] = _mm512_fmadd_ps(s[c], a, b);
    PEAK_UNROLL for (int c = 1; c < PEAK_FMA_CHAINS; c++)
        s[0] = _mm512_add_ps(s[0], s[c]);
    return (int64_t)_mm512_reduce_add_ps(s[0]);
}

static inline int64_t peak_read_avx512(const void *p, size_t bytes, size_t ahead)
{
    const char *from = p;
    __m512i s[PEAK_READ_VECTORS];
    PEAK_UNROLL for (int c = 0; c < PEAK_READ_VECTORS; c++)
        s[c] = _mm512_set1_epi32(c); /* different, or the compiler would keep one chain for all */
    for (size_t i = 0; i < bytes; i += sizeof s) {
        PEAK_UNROLL for (int c = 0; c < PEAK_READ_VECTORS; c++)
            if (ahead)
                _mm_prefetch(from + i + 64 * (size_t)c + ahead, _MM_HINT_T0);
        PEAK_UNROLL for (int c = 0; c < PEAK_READ_VECTORS; c++)
            s[c] = _mm512_add_epi64(s[c], _mm512_load_si512(from + i + 64 * (size_t)c));
    }
    PEAK_UNROLL for (int c = 1; c < PEAK_READ_VECTORS; c++)
        s[0] = _mm512_add_epi64(s[0], s[c]);
    return _mm512_reduce_add_epi64(_mm512_srli_epi64(s[0], 8)); /* eight lanes of 56 bits cannot overflow */
}

#endif
