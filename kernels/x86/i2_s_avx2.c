/* i2_s on AVX2: vpmaddubsw and vpaddw, 32 products in two instructions. All else is in i2_s_kernel.h. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include "kernels/ternary.h"
#include "kernels/x86/i2_s_kernel.h"

I2S_KERNELS(avx2)
