/* ARM intrinsics as portable C: SIMDe's functions under the names of the intrinsics, so that tests run the NEON, dot-product and matrix
 * kernels on x86. Stands in the way of the compiler's header of this name (Makefile, SIMDE_FOLDERS).
 *
 * At the end the macros are defined by which the compiler would announce the instruction sets. In between are functions that
 * Debian 12's SIMDe (0.7.4) has not, and those that it computes otherwise: its multiply-adds round the product, its conversions to and
 * from half know one NaN, its maximum of lanes knows none. What they give is held by the results of the kernels, which must be C's. */
#ifndef BITJOULE_FROM_ARM_ARM_NEON_H
#define BITJOULE_FROM_ARM_ARM_NEON_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/simde-common.h>
#undef SIMDE_FUNCTION_ATTRIBUTES
#define SIMDE_FUNCTION_ATTRIBUTES static inline /* not always_inline: a kernel would take minutes to compile */
#include <simde/arm/neon.h>

#include <math.h>
#include <string.h>

#include "kernels/half.h"

/* a + b * c, one rounding */
static inline float32x4_t emulated_vfmaq_f32(float32x4_t a, float32x4_t b, float32x4_t c)
{
    float x[4], y[4], z[4];
    memcpy(x, &a, sizeof x);
    memcpy(y, &b, sizeof y);
    memcpy(z, &c, sizeof z);
    for (int i = 0; i < 4; i++)
        x[i] = fmaf(y[i], z[i], x[i]);
    memcpy(&a, x, sizeof x);
    return a;
}
#undef vfmaq_f32
#undef vfmaq_n_f32
#undef vfmaq_laneq_f32
#define vfmaq_f32 emulated_vfmaq_f32
#define vfmaq_n_f32(a, b, n) emulated_vfmaq_f32(a, b, vdupq_n_f32(n))
#define vfmaq_laneq_f32(a, b, v, lane) emulated_vfmaq_f32(a, b, vdupq_laneq_f32(v, lane))

static inline float32x4_t emulated_vdivq_f32(float32x4_t a, float32x4_t b)
{
    float x[4], y[4];
    memcpy(x, &a, sizeof x);
    memcpy(y, &b, sizeof y);
    for (int i = 0; i < 4; i++)
        x[i] /= y[i];
    memcpy(&a, x, sizeof x);
    return a;
}
#define vdivq_f32 emulated_vdivq_f32

/* The largest lane, or NaN when there is one */
static inline float emulated_vmaxvq_f32(float32x4_t a)
{
    float x[4];
    memcpy(x, &a, sizeof x);
    for (int i = 1; i < 4; i++)
        if (isnan(x[i]) || x[i] > x[0])
            x[0] = x[i];
    return x[0];
}
#undef vmaxvq_f32
#define vmaxvq_f32 emulated_vmaxvq_f32

static inline float32x4_t emulated_vcvt_f32_f16(float16x4_t a)
{
    uint16_t h[4];
    float x[4];
    float32x4_t y;
    memcpy(h, &a, sizeof h);
    for (int i = 0; i < 4; i++)
        x[i] = half_to_float(h[i]);
    memcpy(&y, x, sizeof x);
    return y;
}

static inline float16x4_t emulated_vcvt_f16_f32(float32x4_t a)
{
    uint16_t h[4];
    float x[4];
    float16x4_t y;
    memcpy(x, &a, sizeof x);
    for (int i = 0; i < 4; i++)
        h[i] = half_from_float(x[i]);
    memcpy(&y, h, sizeof h);
    return y;
}
#undef vcvt_f32_f16
#undef vcvt_f16_f32
#define vcvt_f32_f16 emulated_vcvt_f32_f16
#define vcvt_f16_f32 emulated_vcvt_f16_f32

/* sum[2 i + j] += rows i of a . row j of b: 2 x 8 bytes each */
static inline int32x4_t emulated_vmmlaq_s32(int32x4_t sum, int8x16_t a, int8x16_t b)
{
    int32_t s[4];
    int8_t x[16], y[16];
    memcpy(s, &sum, sizeof s);
    memcpy(x, &a, sizeof x);
    memcpy(y, &b, sizeof y);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 8; k++)
            s[i] += x[8 * (i / 2) + k] * y[8 * (i % 2) + k];
    memcpy(&sum, s, sizeof s);
    return sum;
}
#define vmmlaq_s32 emulated_vmmlaq_s32

#define ISA_EMULATED 1 /* for kernels/tile.h and kernels/arm/peak_arm.h */
#define __ARM_FEATURE_DOTPROD 1
#define __ARM_FEATURE_MATMUL_INT8 1

#endif
