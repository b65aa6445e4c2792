/* tq1_0 on AVX-512 with VNNI but without VBMI (Cascade Lake): vpdpbusd, 64 products in one instruction. All else is in
 * tq1_0_digits.h and tq1_0_kernel.h. */
#ifndef __AVX512VNNI__
#error "compile with -mavx512f -mavx512bw -mavx512vnni"
#endif
#define VEC_BITS 512
#define VEC_DPBUSD _mm512_dpbusd_epi32

#include "kernels/ternary.h"
#include "kernels/x86/tq1_0_kernel.h"

TQ1_KERNELS(avx512vnni)
