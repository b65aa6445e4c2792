/* Peak loops on ARM with dot products: sdot does 16 int8 multiply-adds into int32 at once. All else is in peak_arm.h. */
#ifndef __ARM_FEATURE_DOTPROD
#error "compile with -march=armv8.2-a+dotprod"
#endif
#define DOT_SDOT

#include "kernels/arm/peak_arm.h"
#include "kernels/cpu.h"

const struct peak_loops peak_dotprod = {"dotprod", CPU_NEON | CPU_DOTPROD, PEAK_LOOPS};
