/* q6_k on ARM with smmla, which serves the gemm; the kernels are in q6_k_arm.h. */
#ifndef __ARM_FEATURE_MATMUL_INT8
#error "compile with -march=armv8.2-a+dotprod+i8mm"
#endif
#define DOT_MMLA

#include "baselines/arm/q6_k_arm.h"

BLOCK_GEMM(q6_k, i8mm)
