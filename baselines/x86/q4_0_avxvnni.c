/* q4_0 on AVX-VNNI: vpdpbusd on 256 bits. All else is in q4_0_kernel.h. */
#ifndef __AVXVNNI__
#error "compile with -mavx2 -mfma -mf16c -mavxvnni"
#endif
#define VEC_DPBUSD _mm256_dpbusd_avx_epi32

#include "baselines/x86/q4_0_kernel.h"

BLOCK_KERNELS(q4_0, avxvnni)
