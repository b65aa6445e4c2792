/* tq1_0 with smmla, which serves the gemm. All else is in tq1_0_arm.h. */
#ifndef __ARM_FEATURE_MATMUL_INT8
#error "compile with -march=armv8.2-a+dotprod+i8mm"
#endif
#define DOT_MMLA

#include "kernels/ternary.h"
#include "kernels/arm/tq1_0_arm.h"

TQ1_GEMM(i8mm)
