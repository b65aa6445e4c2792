/* q8_0 on ARMv8.0; the kernels are in q8_0_arm.h. */
#include "baselines/arm/q8_0_arm.h"

BLOCK_KERNELS(q8_0, neon)
