/* Attention on AVX2. All else is in attention_kernel.h. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include "kernels/x86/attention_kernel.h"

ATTENTION_KERNELS(avx2)
