/* q4_0 on ARMv8.0; the kernels are in q4_0_arm.h. */
#include "baselines/arm/q4_0_arm.h"

BLOCK_KERNELS(q4_0, neon)
