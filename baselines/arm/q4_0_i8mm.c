/* q4_0 on ARM with smmla, which serves the gemm; the kernels are in q4_0_arm.h. */
#ifndef __ARM_FEATURE_MATMUL_INT8
#error "compile with -march=armv8.2-a+dotprod+i8mm"
#endif
#define DOT_MMLA

#include "baselines/arm/q4_0_arm.h"

BLOCK_GEMM(q4_0, i8mm)
