/* tq1_0 on AVX-512 (BW) without VNNI: vpmaddubsw and vpaddw, 64 products in two instructions; a line is one
 * register. All else is in tq1_0_digits.h and tq1_0_kernel.h. */
#ifndef __AVX512BW__
#error "compile with -mavx512f -mavx512bw"
#endif
#define VEC_BITS 512

#include "kernels/ternary.h"
#include "kernels/x86/tq1_0_kernel.h"

TQ1_KERNELS(avx512)
