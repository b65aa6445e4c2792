/* Peak loops on NEON: smlal (8 multiply-adds) and fmla. All else is in peak_arm.h. */
#include "kernels/arm/peak_arm.h"
#include "kernels/cpu.h"

const struct peak_loops peak_neon = {"neon", CPU_NEON, PEAK_LOOPS};
