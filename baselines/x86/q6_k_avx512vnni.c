/* q6_k on AVX-512 VNNI; the kernels are in q6_k_kernel.h and q6_k_vnni.h. */
#ifndef __AVX512VNNI__
#error "compile with the flags of AVX-512 and -mavx512vnni"
#endif
#define VEC_BITS 512
#define VEC_DPBUSD _mm512_dpbusd_epi32
#define DPBUSD_256 _mm256_dpbusd_epi32

#include "baselines/x86/q6_k_kernel.h"

BLOCK_KERNELS(q6_k, avx512vnni)
