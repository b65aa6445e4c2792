/* The vector operations on NEON. Same bits as ops.c: 16 canonical lanes are four registers, elements beyond a multiple of 16 are
 * added to their lanes one by one, and the final tree adds registers and halves in the same pairs. */
#include <arm_neon.h>
#include <math.h>
#include <string.h>

#include "kernels/arm/lanes_neon.h"
#include "kernels/canonical.h"
#include "kernels/cpu.h"
#include "kernels/half.h"
#include "kernels/ops_tables.h"

static inline float32x4_t exp4(float32x4_t x)
{
    const float32x4_t n = vrndnq_f32(vmulq_n_f32(x, EXP_LOG2E));
    const float32x4_t r = vfmaq_f32(vfmaq_f32(x, n, vdupq_n_f32(-EXP_LN2_HI)), n, vdupq_n_f32(-EXP_LN2_LO));
    float32x4_t p = vdupq_n_f32(EXP_C7);
    p = vfmaq_f32(vdupq_n_f32(EXP_C6), p, r);
    p = vfmaq_f32(vdupq_n_f32(EXP_C5), p, r);
    p = vfmaq_f32(vdupq_n_f32(EXP_C4), p, r);
    p = vfmaq_f32(vdupq_n_f32(EXP_C3), p, r);
    p = vfmaq_f32(vdupq_n_f32(EXP_C2), p, r);
    p = vfmaq_f32(vdupq_n_f32(1.0f), p, r);
    p = vfmaq_f32(vdupq_n_f32(1.0f), p, r);
    const uint32x4_t in_range = vcgeq_f32(x, vdupq_n_f32(EXP_MIN));
    const int32x4_t whole = vcvtq_s32_f32(vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(n), in_range)));
    const float32x4_t pow2 = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(whole, vdupq_n_s32(127)), 23));
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(vmulq_f32(p, pow2)), in_range));
}

/* The larger magnitude, its sign kept; a NaN in x does not count */
static inline float32x4_t larger(float32x4_t x, float32x4_t m)
{
    return vbslq_f32(vcagtq_f32(x, m), x, m);
}

/* n is a multiple of 4 */
static inline float abs_max4(const float *x, size_t n)
{
    float32x4_t m = vdupq_n_f32(0.0f);
    for (size_t i = 0; i < n; i += 4)
        m = larger(vld1q_f32(x + i), m);
    return vmaxvq_f32(vabsq_f32(m));
}

/* Half to even; NaN to 0 */
static inline int32x4_t round4(const float *x, float inv)
{
    const float32x4_t v = vmulq_n_f32(vld1q_f32(x), inv);
    const uint32x4_t number = vceqq_f32(v, v);
    return vcvtq_s32_f32(vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(vrndnq_f32(v)), number)));
}

/* 16 floats to 16 int8; every value is in range */
static inline int8x16_t round16(const float *x, float inv)
{
    const int16x8_t lo = vcombine_s16(vmovn_s32(round4(x, inv)), vmovn_s32(round4(x + 4, inv)));
    const int16x8_t hi = vcombine_s16(vmovn_s32(round4(x + 8, inv)), vmovn_s32(round4(x + 12, inv)));
    return vcombine_s8(vmovn_s16(lo), vmovn_s16(hi));
}

static void quantize_i8(const float *x, size_t cols, int8_t *q, float *scale, int32_t *sum)
{
    float m = abs_max4(x, cols / 4 * 4);
    for (size_t k = cols / 4 * 4; k < cols; k++)
        if (fabsf(x[k]) > m)
            m = fabsf(x[k]);
    if (m < I8_ABSMAX_MIN)
        m = I8_ABSMAX_MIN;
    const float inv = 127.0f / m;
    int32x4_t sums = vdupq_n_s32(0);
    size_t i = 0;
    for (; i + 16 <= cols; i += 16) {
        const int8x16_t v = round16(x + i, inv);
        vst1q_s8(q + i, v);
        sums = vpadalq_s16(sums, vpaddlq_s8(v));
    }
    int32_t s = vaddvq_s32(sums);
    for (; i < cols; i++) {
        const float v = x[i] * inv;
        q[i] = v == v ? (int8_t)rintf(v) : 0;
        s += q[i];
    }
    *scale = m / 127.0f;
    *sum = s;
}

static void quantize_q8(const float *x, size_t cols, int8_t *q, float *scale, int32_t *sum)
{
    for (size_t b = 0; b < cols / ACT_Q8_BLOCK; b++) {
        const float m = abs_max4(x + b * ACT_Q8_BLOCK, ACT_Q8_BLOCK);
        const float inv = m < Q8_ABSMAX_MIN ? 0.0f : 127.0f / m;
        scale[b] = m < Q8_ABSMAX_MIN ? 0.0f : m / 127.0f;
        for (size_t half = 0; half < 2; half++) {
            const size_t at = b * ACT_Q8_BLOCK + half * ACT_Q8_SUM;
            const int8x16_t v = round16(x + at, inv);
            vst1q_s8(q + at, v);
            sum[2 * b + half] = vaddvq_s32(vpaddlq_s16(vpaddlq_s8(v)));
        }
    }
}

static void rmsnorm(const float *x, const float *w, float eps, size_t n, float *y)
{
    struct lanes s = lanes_zero();
    float lane[CANONICAL_LANES];
    size_t i = 0;
    for (; i + CANONICAL_LANES <= n; i += CANONICAL_LANES) {
        for (size_t r = 0; r < 4; r++) {
            const float32x4_t v = vld1q_f32(x + i + 4 * r);
            s.r[r] = vfmaq_f32(s.r[r], v, v);
        }
    }
    lanes_store(lane, s);
    for (size_t l = 0; i + l < n; l++)
        lane[l] = fmaf(x[i + l], x[i + l], lane[l]);
    const float scale = 1.0f / sqrtf(lanes_tree(lanes_load(lane)) / (float)n + eps);
    for (i = 0; i + 4 <= n; i += 4)
        vst1q_f32(y + i, vmulq_n_f32(vmulq_f32(vld1q_f32(x + i), vld1q_f32(w + i)), scale));
    for (; i < n; i++)
        y[i] = x[i] * w[i] * scale;
}

static void add(float *y, const float *x, size_t n)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        vst1q_f32(y + i, vaddq_f32(vld1q_f32(y + i), vld1q_f32(x + i)));
    for (; i < n; i++)
        y[i] += x[i];
}

static void relu2_mul(const float *gate, const float *up, size_t n, float *y)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const float32x4_t x = vld1q_f32(gate + i);
        const float32x4_t g = vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x), vcgtq_f32(x, vdupq_n_f32(0.0f)))); /* 0 for NaN */
        vst1q_f32(y + i, vmulq_f32(vmulq_f32(g, g), vld1q_f32(up + i)));
    }
    for (; i < n; i++) {
        const float g = gate[i] > 0.0f ? gate[i] : 0.0f;
        y[i] = g * g * up[i];
    }
}

static void silu_mul(const float *gate, const float *up, size_t n, float *y)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const float32x4_t g = vld1q_f32(gate + i), e = exp4(vnegq_f32(vabsq_f32(g)));
        const float32x4_t top = vbslq_f32(vcgeq_f32(g, vdupq_n_f32(0.0f)), g, vmulq_f32(g, e));
        vst1q_f32(y + i, vmulq_f32(vdivq_f32(top, vaddq_f32(vdupq_n_f32(1.0f), e)), vld1q_f32(up + i)));
    }
    for (; i < n; i++) {
        const float e = canonical_expf(-fabsf(gate[i]));
        const float top = gate[i] >= 0.0f ? gate[i] : gate[i] * e;
        y[i] = top / (1.0f + e) * up[i];
    }
}

static inline float32x4_t max16(const float *s, float32x4_t m)
{
    for (size_t r = 0; r < 4; r++) {
        const float32x4_t v = vld1q_f32(s + 4 * r);
        m = vbslq_f32(vcgtq_f32(v, m), v, m);
    }
    return m;
}

/* s = exp(s - m) for 16 elements, added to the 16 lanes */
static inline struct lanes exp16(float *s, float32x4_t m, struct lanes sum)
{
    for (size_t r = 0; r < 4; r++) {
        const float32x4_t e = exp4(vsubq_f32(vld1q_f32(s + 4 * r), m));
        vst1q_f32(s + 4 * r, e);
        sum.r[r] = vaddq_f32(sum.r[r], e);
    }
    return sum;
}

/* The last n % 16 elements go through a buffer that is filled up with -infinity, whose exp is +0: it changes neither maximum nor
 * sum. */
static float softmax_exp(float *s, size_t n)
{
    const size_t whole = n / CANONICAL_LANES * CANONICAL_LANES;
    float32x4_t m4 = vdupq_n_f32(s[0]);
    struct lanes sum = lanes_zero();
    float rest[CANONICAL_LANES];
    for (size_t r = 0; r < 4; r++)
        vst1q_f32(rest + 4 * r, vdupq_n_f32(-INFINITY));
    memcpy(rest, s + whole, (n - whole) * sizeof *s);
    for (size_t i = 0; i < whole; i += CANONICAL_LANES)
        m4 = max16(s + i, m4);
    const float32x4_t m = vdupq_n_f32(vmaxvq_f32(max16(rest, m4)));
    for (size_t i = 0; i < whole; i += CANONICAL_LANES)
        sum = exp16(s + i, m, sum);
    sum = exp16(rest, m, sum);
    memcpy(s + whole, rest, (n - whole) * sizeof *s);
    return lanes_tree(sum);
}

static void to_half(const float *x, size_t n, uint16_t *y)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        vst1_u16(y + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x + i))));
    for (; i < n; i++)
        y[i] = half_from_float(x[i]);
}

const struct ops ops_neon = {
    .isa = "neon",
    .need = CPU_NEON,
    .quantize_i8 = quantize_i8,
    .quantize_q8 = quantize_q8,
    .rmsnorm = rmsnorm,
    .add = add,
    .relu2_mul = relu2_mul,
    .silu_mul = silu_mul,
    .attn_scores_f16 = attn_scores_f16_neon,
    .attn_scores_f32 = attn_scores_f32_neon,
    .softmax_exp = softmax_exp,
    .attn_mix_f16 = attn_mix_f16_neon,
    .attn_mix_f32 = attn_mix_f32_neon,
    .to_half = to_half,
};
