/* i2_s on ARMv8.0: smlal, 8 products in one instruction, summed in int16. All else is in i2_s_arm.h. */
#include "kernels/ternary.h"
#include "kernels/arm/i2_s_arm.h"

I2S_GEMV(neon)
I2S_GEMM(neon)
