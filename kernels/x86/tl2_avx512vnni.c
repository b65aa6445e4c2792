/* tl2 on AVX-512 with VNNI: the gemm by vpdpbusd. A few tokens are looked up, by tl2_gemv_avx512. */
#ifndef __AVX512VNNI__
#error "compile with -mavx512f -mavx512bw -mavx512vnni"
#endif
#define VEC_BITS 512
#define VEC_DPBUSD _mm512_dpbusd_epi32

#include "kernels/ternary.h"
#include "kernels/x86/tl2_panel.h"

TL2_GEMM(avx512vnni, tl2_gemv_avx512, 5)
