/* tl1 with smmla, which serves the gemm. All else is in tl1_panel_arm.h. */
#ifndef __ARM_FEATURE_MATMUL_INT8
#error "compile with -march=armv8.2-a+dotprod+i8mm"
#endif
#define DOT_MMLA

#include "kernels/ternary.h"
#include "kernels/arm/tl1_panel_arm.h"

TL1_GEMM(i8mm)
