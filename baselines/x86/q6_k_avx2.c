/* q6_k on AVX2: vpmaddubsw and vpaddw on 256 bits. All else is in q6_k_kernel.h and q6_k_pairs.h. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include "baselines/x86/q6_k_kernel.h"

BLOCK_KERNELS(q6_k, avx2)
