/* Peak loops on AVX-VNNI: vpdpbusd does 32 int8 multiply-adds into int32 in one instruction. */
#ifndef __AVXVNNI__
#error "compile with -mavx2 -mfma -mavxvnni"
#endif
#include <immintrin.h>

#include "kernels/cpu.h"
#include "kernels/peak_loops.h"
#include "kernels/x86/peak_fma_avx2.h"

enum { INT8_CHAINS = 12 };

static int64_t int8_loop(uint64_t iterations)
{
    __m256i s[INT8_CHAINS];
    const __m256i a = _mm256_set1_epi8(1), b = _mm256_set1_epi8(2);
    PEAK_UNROLL for (int c = 0; c < INT8_CHAINS; c++)
        s[c] = _mm256_set1_epi32(c); /* different, or the compiler would keep one chain for all */
    for (uint64_t i = 0; i < iterations; i++) {
        PEAK_UNROLL for (int c = 0; c < INT8_CHAINS; c++) {
            s[c] = _mm256_dpbusd_avx_epi32(s[c], a, b);
            __asm__("" : "+x"(s[c])); /* the sums stay in registers */
        }
    }
    PEAK_UNROLL for (int c = 1; c < INT8_CHAINS; c++)
        s[0] = _mm256_add_epi32(s[0], s[c]);
    return _mm256_extract_epi64(s[0], 0);
}

const struct peak_loops peak_avxvnni = {"avxvnni",     CPU_AVX2 | CPU_AVXVNNI, int8_loop,     32.0 * INT8_CHAINS,
                                        peak_fma_avx2, PEAK_FMA_AVX2_MACS,     peak_read_avx2};
