/* Peak loops on AVX-512 with VNNI: vpdpbusd does 64 int8 multiply-adds into int32 in one instruction. */
#ifndef __AVX512VNNI__
#error "compile with -mavx512f -mavx512bw -mavx512vnni"
#endif
#include <immintrin.h>

#include "kernels/cpu.h"
#include "kernels/peak_loops.h"
#include "kernels/x86/peak_fma_avx512.h"

enum { INT8_CHAINS = 16 };

static int64_t int8_loop(uint64_t iterations)
{
    __m512i s[INT8_CHAINS];
    const __m512i a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(2);
    PEAK_UNROLL for (int c = 0; c < INT8_CHAINS; c++)
        s[c] = _mm512_set1_epi32(c); /* different, or the compiler would keep one chain for all */
    for (uint64_t i = 0; i < iterations; i++)
        PEAK_UNROLL for (int c = 0; c < INT8_CHAINS; c++)
            s[c] = _mm512_dpbusd_epi32(s[c], a, b);
    PEAK_UNROLL for (int c = 1; c < INT8_CHAINS; c++)
        s[0] = _mm512_add_epi32(s[0], s[c]);
    return _mm512_reduce_add_epi64(_mm512_srli_epi64(s[0], 8)); /* eight lanes of 56 bits cannot overflow */
}

const struct peak_loops peak_avx512vnni = {
    "avx512vnni",    CPU_AVX2 | CPU_AVX512 | CPU_AVX512VNNI, int8_loop, 64.0 * INT8_CHAINS,
    peak_fma_avx512, PEAK_FMA_AVX512_MACS,                 peak_read_avx512};
