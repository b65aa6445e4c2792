/* q6_k on ARM with dot products (sdot); the kernels are in q6_k_arm.h. */
#ifndef __ARM_FEATURE_DOTPROD
#error "compile with -march=armv8.2-a+dotprod"
#endif
#define DOT_SDOT

#include "baselines/arm/q6_k_arm.h"

BLOCK_KERNELS(q6_k, dotprod)
