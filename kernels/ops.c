/* The C definitions of the vector operations, and the choice of a table. Short and untuned: every other ISA reproduces these
 * bits. fmaf() is a correctly rounded fused multiply-add, in hardware or in the C library. */
#include "kernels/ops.h"

#include <math.h>

#include "kernels/canonical.h"
#include "kernels/cpu.h"
#include "kernels/half.h"
#include "kernels/ops_tables.h"

/* Sum of 16 lanes as a fixed tree: 16 -> 8 -> 4 -> 2 -> 1. */
static float lanes_sum(float lane[CANONICAL_LANES])
{
    for (size_t width = CANONICAL_LANES / 2; width > 0; width /= 2)
        for (size_t l = 0; l < width; l++)
            lane[l] += lane[l + width];
    return lane[0];
}

float canonical_expf(float x)
{
    if (!(x >= EXP_MIN))
        return 0.0f;
    const float n = rintf(x * EXP_LOG2E);
    const float r = fmaf(n, -EXP_LN2_LO, fmaf(n, -EXP_LN2_HI, x));
    float p = EXP_C7;
    p = fmaf(p, r, EXP_C6);
    p = fmaf(p, r, EXP_C5);
    p = fmaf(p, r, EXP_C4);
    p = fmaf(p, r, EXP_C3);
    p = fmaf(p, r, EXP_C2);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    return p * float_from_bits((uint32_t)((int32_t)n + 127) << 23);
}

/* NaN never wins a comparison, so it does not count. */
static float abs_max(const float *x, size_t n)
{
    float m = 0.0f;
    for (size_t i = 0; i < n; i++)
        if (fabsf(x[i]) > m)
            m = fabsf(x[i]);
    return m;
}

static int8_t quantize(float x, float inv)
{
    const float v = x * inv;
    return v == v ? (int8_t)rintf(v) : 0;
}

static void quantize_i8(const float *x, size_t cols, int8_t *q, float *scale, int32_t *sum)
{
    float m = abs_max(x, cols);
    if (m < I8_ABSMAX_MIN)
        m = I8_ABSMAX_MIN;
    const float inv = 127.0f / m;
    int32_t s = 0;
    for (size_t i = 0; i < cols; i++) {
        q[i] = quantize(x[i], inv);
        s += q[i];
    }
    *scale = m / 127.0f;
    *sum = s;
}

static void quantize_q8(const float *x, size_t cols, int8_t *q, float *scale, int32_t *sum)
{
    for (size_t b = 0; b < cols / ACT_Q8_BLOCK; b++) {
        const float *xb = x + b * ACT_Q8_BLOCK;
        const float m = abs_max(xb, ACT_Q8_BLOCK);
        const float inv = m < Q8_ABSMAX_MIN ? 0.0f : 127.0f / m;
        scale[b] = m < Q8_ABSMAX_MIN ? 0.0f : m / 127.0f;
        for (size_t half = 0; half < 2; half++) {
            int32_t s = 0;
            for (size_t i = half * ACT_Q8_SUM; i < (half + 1) * ACT_Q8_SUM; i++) {
                q[b * ACT_Q8_BLOCK + i] = quantize(xb[i], inv);
                s += q[b * ACT_Q8_BLOCK + i];
            }
            sum[2 * b + half] = s;
        }
    }
}

static void rmsnorm(const float *x, const float *w, float eps, size_t n, float *y)
{
    float lane[CANONICAL_LANES] = {0};
    for (size_t i = 0; i < n; i++)
        lane[i % CANONICAL_LANES] = fmaf(x[i], x[i], lane[i % CANONICAL_LANES]);
    const float scale = 1.0f / sqrtf(lanes_sum(lane) / (float)n + eps);
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * w[i] * scale;
}

static void add(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

static void relu2_mul(const float *gate, const float *up, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++) {
        const float g = gate[i] > 0.0f ? gate[i] : 0.0f;
        y[i] = g * g * up[i];
    }
}

/* silu(g) = g / (1 + exp(-g)); with e = exp(-|g|) in (0, 1]: g / (1 + e) for g >= 0, g * e / (1 + e) for g < 0 */
static void silu_mul(const float *gate, const float *up, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++) {
        const float e = canonical_expf(-fabsf(gate[i]));
        const float top = gate[i] >= 0.0f ? gate[i] : gate[i] * e;
        y[i] = top / (1.0f + e) * up[i];
    }
}

static void attn_scores_f32(const float *q, size_t q_ld, size_t n_q, const float *k, size_t n_pos, size_t dim, float scale, float *s,
                            size_t s_ld)
{
    for (size_t h = 0; h < n_q; h++) {
        for (size_t j = 0; j < n_pos; j++) {
            float lane[CANONICAL_LANES] = {0};
            for (size_t d = 0; d < dim; d++)
                lane[d % CANONICAL_LANES] = fmaf(q[h * q_ld + d], k[j * dim + d], lane[d % CANONICAL_LANES]);
            s[h * s_ld + j] = scale * lanes_sum(lane);
        }
    }
}

static void attn_scores_f16(const float *q, size_t q_ld, size_t n_q, const uint16_t *k, size_t n_pos, size_t dim, float scale, float *s,
                            size_t s_ld)
{
    for (size_t h = 0; h < n_q; h++) {
        for (size_t j = 0; j < n_pos; j++) {
            float lane[CANONICAL_LANES] = {0};
            for (size_t d = 0; d < dim; d++)
                lane[d % CANONICAL_LANES] = fmaf(q[h * q_ld + d], half_to_float(k[j * dim + d]), lane[d % CANONICAL_LANES]);
            s[h * s_ld + j] = scale * lanes_sum(lane);
        }
    }
}

static float softmax_exp(float *s, size_t n)
{
    float lane[CANONICAL_LANES] = {0};
    float m = s[0];
    for (size_t i = 1; i < n; i++)
        if (s[i] > m)
            m = s[i];
    for (size_t i = 0; i < n; i++) {
        s[i] = canonical_expf(s[i] - m);
        lane[i % CANONICAL_LANES] += s[i];
    }
    return lanes_sum(lane);
}

static void attn_mix_f32(const float *p, size_t p_ld, size_t n_q, const float *v, size_t v_ld, size_t n_pos, size_t dim,
                         const float *inv, float *out, size_t out_ld)
{
    for (size_t h = 0; h < n_q; h++) {
        for (size_t d = 0; d < dim; d++) {
            float sum = 0.0f;
            for (size_t j = 0; j < n_pos; j++)
                sum = fmaf(p[h * p_ld + j], v[j * v_ld + d], sum);
            out[h * out_ld + d] = sum * inv[h];
        }
    }
}

static void attn_mix_f16(const float *p, size_t p_ld, size_t n_q, const uint16_t *v, size_t v_ld, size_t n_pos, size_t dim,
                         const float *inv, float *out, size_t out_ld)
{
    for (size_t h = 0; h < n_q; h++) {
        for (size_t d = 0; d < dim; d++) {
            float sum = 0.0f;
            for (size_t j = 0; j < n_pos; j++)
                sum = fmaf(p[h * p_ld + j], half_to_float(v[j * v_ld + d]), sum);
            out[h * out_ld + d] = sum * inv[h];
        }
    }
}

static void to_half(const float *x, size_t n, uint16_t *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = half_from_float(x[i]);
}

const struct ops ops_c = {
    .isa = "c",
    .quantize_i8 = quantize_i8,
    .quantize_q8 = quantize_q8,
    .rmsnorm = rmsnorm,
    .add = add,
    .relu2_mul = relu2_mul,
    .silu_mul = silu_mul,
    .attn_scores_f16 = attn_scores_f16,
    .attn_scores_f32 = attn_scores_f32,
    .softmax_exp = softmax_exp,
    .attn_mix_f16 = attn_mix_f16,
    .attn_mix_f32 = attn_mix_f32,
    .to_half = to_half,
};

const struct ops *const ops_tables[] = {
#ifdef HAVE_ISA_avx512
    &ops_avx512,
#endif
#ifdef HAVE_ISA_avx2
    &ops_avx2,
#endif
#ifdef HAVE_ISA_neon
    &ops_neon,
#endif
    &ops_c,
    NULL,
};

const struct ops *ops_select(void)
{
    const uint32_t have = cpu_features();
    for (size_t i = 0; ops_tables[i]; i++)
        if ((ops_tables[i]->need & have) == ops_tables[i]->need)
            return ops_tables[i];
    return &ops_c;
}
