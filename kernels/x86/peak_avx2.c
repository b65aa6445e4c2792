/* Peak loops on AVX2: vpmaddubsw + vpaddw (how ternary kernels multiply: 32 multiply-adds in two instructions) and vfmadd.
 *
 * The multiply-add loop needs help to be a peak: gcc 12 keeps the sums in memory or copies them in every step (half the rate on
 * Zen 4), and a strict alternation of multiplication and addition is a tenth slower than two and two: kernels passed it. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma"
#endif
#include <immintrin.h>

#include "kernels/cpu.h"
#include "kernels/peak_loops.h"
#include "kernels/x86/peak_fma_avx2.h"

enum { INT8_CHAINS = 12 };

static int64_t int8_loop(uint64_t iterations)
{
    __m256i s[INT8_CHAINS], a = _mm256_set1_epi8(1), b = _mm256_set1_epi8(2);
    PEAK_UNROLL for (int c = 0; c < INT8_CHAINS; c++)
        s[c] = _mm256_set1_epi32(c); /* different, or the compiler would keep one chain for all */
    for (uint64_t i = 0; i < iterations; i++) {
        PEAK_UNROLL for (int c = 0; c < INT8_CHAINS; c += 2) {
            __m256i p = _mm256_maddubs_epi16(a, b), q;
            __asm__("" : "+x"(p), "+x"(a)); /* a is new each time, as far as the compiler knows: so is the product */
            q = _mm256_maddubs_epi16(a, b);
            __asm__("" : "+x"(p), "+x"(q), "+x"(a)); /* both products before the additions */
            s[c] = _mm256_add_epi16(s[c], p);
            s[c + 1] = _mm256_add_epi16(s[c + 1], q);
            __asm__("" : "+x"(s[c])); /* the sums stay in registers */
            __asm__("" : "+x"(s[c + 1]));
        }
    }
    PEAK_UNROLL for (int c = 1; c < INT8_CHAINS; c++)
        s[0] = _mm256_add_epi16(s[0], s[c]);
    return _mm256_extract_epi64(s[0], 0);
}

const struct peak_loops peak_avx2 = {"avx2",        CPU_AVX2,           int8_loop,     32.0 * INT8_CHAINS,
                                     peak_fma_avx2, PEAK_FMA_AVX2_MACS, peak_read_avx2};
