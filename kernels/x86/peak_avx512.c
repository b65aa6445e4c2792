/* Peak loops on AVX-512: vpmaddubsw + vpaddw and vfmadd on 64-byte registers. See peak_avx2.c about the order. */
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
        PEAK_UNROLL for (int c = 0; c < INT8_CHAINS; c += 2) {
            __m512i p = _mm512_maddubs_epi16(a, b), q;
            __asm__("" : "+v"(p), "+v"(a)); /* a is new each time, as far as the compiler knows: so is the product */
            q = _mm512_maddubs_epi16(a, b);
            __asm__("" : "+v"(p), "+v"(q), "+v"(a)); /* both products before the additions */
            s[c] = _mm512_add_epi16(s[c], p);
            s[c + 1] = _mm512_add_epi16(s[c + 1], q);
            __asm__("" : "+v"(s[c])); /* the sums stay in registers */
            __asm__("" : "+v"(s[c + 1]));
        }
    }
    PEAK_UNROLL for (int c = 1; c < INT8_CHAINS; c++)
        s[0] = _mm512_add_epi16(s[0], s[c]);
    return _mm512_reduce_add_epi64(_mm512_srli_epi64(s[0], 8)); /* eight lanes of 56 bits cannot overflow */
}

const struct peak_loops peak_avx512 = {"avx512",        CPU_AVX2 | CPU_AVX512, int8_loop, 64.0 * INT8_CHAINS,
                                       peak_fma_avx512, PEAK_FMA_AVX512_MACS,    peak_read_avx512};
