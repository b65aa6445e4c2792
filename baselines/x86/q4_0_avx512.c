/* q4_0 on AVX-512: vpmaddubsw and vpaddw on 512 bits, without VNNI. All else is in q4_0_kernel.h. */
#ifndef __AVX512BW__
#error "compile with the flags of AVX-512"
#endif
#define VEC_BITS 512

#include "baselines/x86/q4_0_kernel.h"

BLOCK_KERNELS(q4_0, avx512)
