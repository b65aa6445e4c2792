/* q6_k on ARMv8.0; the kernels are in q6_k_arm.h. */
#include "baselines/arm/q6_k_arm.h"

BLOCK_KERNELS(q6_k, neon)
