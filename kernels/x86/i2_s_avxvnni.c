/* i2_s on AVX-VNNI: vpdpbusd in its VEX form, 32 products in one instruction. All else is in i2_s_kernel.h. */
#ifndef __AVXVNNI__
#error "compile with -mavx2 -mfma -mf16c -mavxvnni"
#endif
#define VEC_DPBUSD _mm256_dpbusd_avx_epi32

#include "kernels/ternary.h"
#include "kernels/x86/i2_s_kernel.h"

I2S_KERNELS(avxvnni)
