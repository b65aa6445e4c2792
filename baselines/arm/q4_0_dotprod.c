/* q4_0 on ARM with dot products (sdot); the kernels are in q4_0_arm.h. */
#ifndef __ARM_FEATURE_DOTPROD
#error "compile with -march=armv8.2-a+dotprod"
#endif
#define DOT_SDOT

#include "baselines/arm/q4_0_arm.h"

BLOCK_KERNELS(q4_0, dotprod)
