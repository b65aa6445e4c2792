/* q4_0 on AVX2: vpmaddubsw and vpaddw on 256 bits. All else is in q4_0_kernel.h. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include "baselines/x86/q4_0_kernel.h"

BLOCK_KERNELS(q4_0, avx2)
