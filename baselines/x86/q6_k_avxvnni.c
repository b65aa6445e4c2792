/* q6_k on AVX-VNNI; the kernels are in q6_k_kernel.h and q6_k_vnni.h. */
#ifndef __AVXVNNI__
#error "compile with -mavx2 -mfma -mf16c -mavxvnni"
#endif
#define VEC_DPBUSD _mm256_dpbusd_avx_epi32
#define DPBUSD_256 VEC_DPBUSD

#include "baselines/x86/q6_k_kernel.h"

BLOCK_KERNELS(q6_k, avxvnni)
