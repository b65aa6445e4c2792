/* tl2 on AVX-VNNI: the gemm by vpdpbusd. A few tokens are looked up, by tl2_gemv_avx2. */
#ifndef __AVXVNNI__
#error "compile with -mavx2 -mfma -mf16c -mavxvnni"
#endif
#define VEC_DPBUSD _mm256_dpbusd_avx_epi32

#include "kernels/ternary.h"
#include "kernels/x86/tl2_panel.h"

TL2_GEMM(avxvnni, tl2_gemv_avx2, 3)
