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

/* ---- what needs no width ---- */

/* the same 4 bytes at p everywhere */
static inline vec vec_broadcast4(const void *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    return vec_set32(four);
}

/* int16: pairs added, times a small positive factor */
static inline vec vec_madd16(vec a, int16_t factor)
{
    return vec_dot16(a, vec_set32(factor * 0x10001));
}

/* y[r .. r + VEC_ROWS) = (isum - act_sum) * factor, only rows before row1; r may lie beyond row1 */
static inline void vec_finish(float *y, size_t r, size_t row1, vec isum, int32_t act_sum, float factor)
{
    vecf_store_rows(y, r, row1, vecf_mul(vecf_of(vec_sub32(isum, vec_set32(act_sum))), vecf_broadcast(&factor)));
}

#endif
