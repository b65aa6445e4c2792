/* i2_s with sdot: 16 products in one instruction. All else is in i2_s_arm.h. */
#ifndef __ARM_FEATURE_DOTPROD
#error "compile with -march=armv8.2-a+dotprod"
#endif
#define DOT_SDOT

#include "kernels/ternary.h"
#include "kernels/arm/i2_s_arm.h"

I2S_GEMV(dotprod)
I2S_GEMM(dotprod)
