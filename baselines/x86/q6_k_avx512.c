/* q6_k on AVX-512 without VNNI: the gemm of q6_k_kernel.h and q6_k_pairs.h. gemv waits for memory and is AVX2's. */
#ifndef __AVX512BW__
#error "compile with the flags of AVX-512"
#endif
#define VEC_BITS 512

#include "baselines/x86/q6_k_kernel.h"

BLOCK_GEMM(q6_k, avx512)
