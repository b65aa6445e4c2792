/* q4_0 on AVX-512 VNNI: vpdpbusd on 512 bits. All else is in q4_0_kernel.h. */
#ifndef __AVX512VNNI__
#error "compile with the flags of AVX-512 and -mavx512vnni"
#endif
#define VEC_BITS 512
#define VEC_DPBUSD _mm512_dpbusd_epi32

#include "baselines/x86/q4_0_kernel.h"

BLOCK_KERNELS(q4_0, avx512vnni)
