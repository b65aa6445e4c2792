/* i2_s on AVX-512 with VNNI: vpdpbusd, 64 products in one instruction; a line is one register. All else is in i2_s_kernel.h. */
#ifndef __AVX512VNNI__
#error "compile with -mavx512f -mavx512bw -mavx512vnni"
#endif
#define VEC_BITS 512
#define VEC_DPBUSD _mm512_dpbusd_epi32

#include "kernels/ternary.h"
#include "kernels/x86/i2_s_kernel.h"

I2S_KERNELS(avx512vnni)
