/* Peak loops on ARM with the 8-bit matrix extension: smmla does 32 int8 multiply-adds into int32 at once. All else is in peak_arm.h. */
#ifndef __ARM_FEATURE_MATMUL_INT8
#error "compile with -march=armv8.2-a+dotprod+i8mm"
#endif
#define DOT_MMLA

#include "kernels/arm/peak_arm.h"
#include "kernels/cpu.h"

const struct peak_loops peak_i8mm = {"i8mm", CPU_NEON | CPU_DOTPROD | CPU_I8MM, PEAK_LOOPS};
