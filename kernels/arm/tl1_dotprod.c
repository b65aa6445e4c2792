/* tl1 with sdot in the gemm; a look-up has no use for it: gemv is tl1_neon.c's. All else is in tl1_panel_arm.h. */
#ifndef __ARM_FEATURE_DOTPROD
#error "compile with -march=armv8.2-a+dotprod"
#endif
#define DOT_SDOT

#include "kernels/ternary.h"
#include "kernels/arm/tl1_panel_arm.h"

TL1_GEMM(dotprod)
