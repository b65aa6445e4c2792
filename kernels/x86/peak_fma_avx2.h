/* The float and the memory loop that the peaks of AVX2 and AVX-VNNI share. */
#ifndef BITJOULE_PEAK_FMA_AVX2_H
#define BITJOULE_PEAK_FMA_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#include "kernels/peak_loops.h"

enum { FMA_CHAINS = 12, READ_VECTORS = 8 };
#define PEAK_FMA_AVX2_MACS (8.0 * FMA_CHAINS)

static inline int64_t peak_fma_avx2(uint64_t iterations)
{
    __m256 s[FMA_CHAINS];
    const __m256 a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(1.0f);
    PEAK_UNROLL for (int c = 0; c < FMA_CHAINS; c++)
        s[c] = _mm256_set1_ps((float)c); /* different, see above */
    for (uint64_t i = 0; i < iterations; i++)
        PEAK_UNROLL for (int c = 0; c < FMA_CHAINS; c++)
            s[c] = _mm256_fmadd_ps(s[c], a, b);
    PEAK_UNROLL for (int c = 1; c < FMA_CHAINS; c++)
        s[0] = _mm256_add_ps(s[0], s[c]);
    return (int64_t)_mm256_cvtss_f32(s[0]);
}

static inline int64_t peak_read_avx2(const void *p, size_t bytes, size_t ahead)
{
    const char *from = p;
    __m256i s[READ_VECTORS];
    PEAK_UNROLL for (int c = 0; c < READ_VECTORS; c++)
        s[c] = _mm256_set1_epi32(c); /* different, or the compiler would keep one chain for all */
    for (size_t i = 0; i < bytes; i += sizeof s) {
        PEAK_UNROLL for (int c = 0; c < READ_VECTORS; c += 2)
            if (ahead)
                _mm_prefetch(from + i + 32 * (size_t)c + ahead, _MM_HINT_T0);
        PEAK_UNROLL for (int c = 0; c < READ_VECTORS; c++)
            s[c] = _mm256_add_epi64(s[c], _mm256_load_si256((const __m256i *)(const void *)(from + i) + c));
    }
    PEAK_UNROLL for (int c = 1; c < READ_VECTORS; c++)
        s[0] = _mm256_add_epi64(s[0], s[c]);
    return _mm256_extract_epi64(s[0], 0) ^ _mm256_extract_epi64(s[0], 2);
}

#endif
