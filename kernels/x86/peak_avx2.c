/* Peak loops on AVX2: vpmaddubsw + vpaddw (how ternary kernels multiply: 32 multiply-adds in two instructions) and vfmadd. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma"
#endif
#include <immintrin.h>

#include "kernels/cpu.h"
#include "kernels/peak_loops.h"

enum { INT8_CHAINS = 12, FMA_CHAINS = 12, READ_VECTORS = 8 };

static int64_t int8_loop(uint64_t iterations)
{
    __m256i s[INT8_CHAINS], a = _mm256_set1_epi8(1), b = _mm256_set1_epi8(2);
    PEAK_UNROLL for (int c = 0; c < INT8_CHAINS; c++)
        s[c] = _mm256_set1_epi32(c); /* different, or the compiler would keep one chain for all */
    for (uint64_t i = 0; i < iterations; i++) {
        PEAK_UNROLL for (int c = 0; c < INT8_CHAINS; c++) {
            __asm__("" : "+x"(a)); /* the product must be computed anew each time */
            s[c] = _mm256_add_epi16(s[c], _mm256_maddubs_epi16(a, b));
        }
    }
    PEAK_UNROLL for (int c = 1; c < INT8_CHAINS; c++)
        s[0] = _mm256_add_epi16(s[0], s[c]);
    return _mm256_extract_epi64(s[0], 0);
}

static int64_t fma_loop(uint64_t iterations)
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

static int64_t read_loop(const void *p, size_t bytes, size_t ahead)
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

const struct peak_loops peak_avx2 = {"avx2", CPU_AVX2, int8_loop, 32.0 * INT8_CHAINS, fma_loop, 8.0 * FMA_CHAINS, read_loop};
