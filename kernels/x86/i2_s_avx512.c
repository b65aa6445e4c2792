/* i2_s on AVX-512 (BW) without VNNI: vpmaddubsw and vpaddw, 64 products in two instructions. All else is in i2_s_kernel.h. */
#ifndef __AVX512BW__
#error "compile with -mavx512f -mavx512bw"
#endif
#define VEC_BITS 512

#include "kernels/ternary.h"
#include "kernels/x86/i2_s_kernel.h"

I2S_KERNELS(avx512)
