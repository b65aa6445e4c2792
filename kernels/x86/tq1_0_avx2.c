/* tq1_0 on AVX2: vpmaddubsw and vpaddw, 32 products in two instructions. All else is in tq1_0_digits.h and tq1_0_kernel.h. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include "kernels/ternary.h"
#include "kernels/x86/tq1_0_kernel.h"

TQ1_KERNELS(avx2)
