/* tq1_0 on ARMv8.0: smlal. All else is in tq1_0_arm.h. */
#include "kernels/ternary.h"
#include "kernels/arm/tq1_0_arm.h"

TQ1_GEMV(neon)
TQ1_GEMM(neon)
