/* q8_0 on AVX-512 without VNNI: the gemm of q8_0_words.h. gemv waits for memory and is AVX2's. */
#ifndef __AVX512BW__
#error "compile with the flags of AVX-512"
#endif
#define VEC_BITS 512

#include "baselines/x86/q8_0_words.h"

BLOCK_GEMM(q8_0, avx512)
