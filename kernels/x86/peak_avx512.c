/* Peak loops on AVX-512: vpmaddubsw + vpaddw and vfmadd on 64-byte registers. */
#ifndef __AVX512BW__
#error "compile with -mavx512f -mavx512bw"
#endif
#include <immintrin.h>

#include "kernels/cpu.h"
#include "kernels/peak_loops.h"
#include "kernels/x86/peak_fma_avx512.h"

enum { INT8_CHAINS = 16 };

static int64_t int8_loop(uint64_t iterations)
{
    __m512i s[INT8_CHAINS], a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(2);
    PEAK_UNROLL for (int c = 0; c < INT8_CHAINS; c++)
        s[c] = _mm512_set1_epi32(c); /* different, or the compiler would keep one chain for all */
    for (uint64_t i = 0; i < iterations; i++) {
        PEAK_UNROLL for (int c = 0; c < INT8_CHAINS; c++) {
            __asm__("" : "+v"(a)); /* the product must be computed anew each time */
            s[c] = _mm512_add_epi16(s[c], _mm512_maddubs_epi16(a, b));
        }
    }
    PEAK_UNROLL for (int c = 1; c < INT8_CHAINS; c++)
        s[0] = _mm512_add_epi16(s[0], s[c]);
    return _mm512_reduce_add_epi64(_mm512_srli_epi64(s[0], 8)); /* eight lanes of 56 bits cannot overflow */
}

const struct peak_loops peak_avx512 = {"avx512",        CPU_AVX2 | CPU_AVX512, int8_loop, 64.0 * INT8_CHAINS,
                                       peak_fma_avx512, PEAK_FMA_AVX512_MACS,    peak_read_avx512};
