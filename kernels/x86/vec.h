/* One source for 256 and 512 bits: the register that a kernel template works on, under names without a width.
 *
 * The file of an ISA says before it includes anything of this folder
 *     #define VEC_BITS 512            256 when it says nothing
 *     #define VEC_DPBUSD intrinsic    only if the ISA has VNNI: sum += 4 products of unsigned and signed bytes, per 32-bit lane
 * and the templates (ternary_gemm.h, i2_s_kernel.h, those of baselines/x86) do the rest. A 32-bit lane is a row of the matrix. */
#ifndef BITJOULE_VEC_H
#define BITJOULE_VEC_H

#ifndef VEC_BITS
#define VEC_BITS 256
#endif
#if VEC_BITS == 512
#include "kernels/x86/vec_512.h"
#else
#include "kernels/x86/vec_256.h"
#endif

#endif
