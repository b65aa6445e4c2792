/* i2_s with smmla: 32 products in one instruction, two rows by two tokens. A single token has nothing of it: gemv is i2_s_dotprod.c's.
 * All else is in i2_s_arm.h. */
#ifndef __ARM_FEATURE_MATMUL_INT8
#error "compile with -march=armv8.2-a+dotprod+i8mm"
#endif
#define DOT_MMLA

#include "kernels/ternary.h"
#include "kernels/arm/i2_s_arm.h"

I2S_GEMM(i8mm)
