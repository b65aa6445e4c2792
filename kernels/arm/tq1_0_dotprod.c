/* tq1_0 with sdot. All else is in tq1_0_arm.h. */
#ifndef __ARM_FEATURE_DOTPROD
#error "compile with -march=armv8.2-a+dotprod"
#endif
#define DOT_SDOT

#include "kernels/ternary.h"
#include "kernels/arm/tq1_0_arm.h"

TQ1_GEMV(dotprod)
TQ1_GEMM(dotprod)
