/* The vector operations on AVX2 + FMA + F16C. Same bits as ops.c: 16 canonical lanes are two registers, elements beyond a
 * multiple of 16 are added to their lanes one by one, and the final tree adds register halves in the same pairs. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "kernels/canonical.h"
#include "kernels/cpu.h"
#include "kernels/half.h"
#include "kernels/ops_tables.h"

/* ((l + l8) + (l4 + l12)) ...: the fixed tree 16 -> 8 -> 4 -> 2 -> 1 of lanes 0..7 (lo) and 8..15 (hi) */
static inline __m128 tree4(__m256 lo, __m256 hi)
{
    const __m256 v8 = _mm256_add_ps(lo, hi);
    return _mm_add_ps(_mm256_castps256_ps128(v8), _mm256_extractf128_ps(v8, 1));
}

static inline float tree(__m256 lo, __m256 hi)
{
    const __m128 v4 = tree4(lo, hi);
    const __m128 v2 = _mm_add_ps(v4, _mm_movehl_ps(v4, v4));
    return _mm_cvtss_f32(_mm_add_ss(v2, _mm_movehdup_ps(v2)));
}

static inline __m256 exp8(__m256 x)
{
    const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(EXP_LOG2E)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m256 r = _mm256_fmadd_ps(n, _mm256_set1_ps(-EXP_LN2_LO), _mm256_fmadd_ps(n, _mm256_set1_ps(-EXP_LN2_HI), x));
    __m256 p = _mm256_set1_ps(EXP_C7);
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP_C6));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP_C5));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP_C4));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP_C3));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP_C2));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
    const __m256i pow2 = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    const __m256 in_range = _mm256_cmp_ps(x, _mm256_set1_ps(EXP_MIN), _CMP_GE_OQ);
    return _mm256_and_ps(in_range, _mm256_mul_ps(p, _mm256_castsi256_ps(pow2)));
}

static inline __m256 abs8(__m256 x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

static inline float max_lane(__m256 m)
{
    __m128 v = _mm_max_ps(_mm256_castps256_ps128(m), _mm256_extractf128_ps(m, 1));
    v = _mm_max_ps(v, _mm_movehl_ps(v, v));
    return _mm_cvtss_f32(_mm_max_ss(v, _mm_movehdup_ps(v)));
}

/* n is a multiple of 8; a NaN does not count: vmaxps returns its second operand then */
static inline float abs_max8(const float *x, size_t n)
{
    __m256 m = _mm256_setzero_ps();
    for (size_t i = 0; i < n; i += 8)
        m = _mm256_max_ps(abs8(_mm256_loadu_ps(x + i)), m);
    return max_lane(m);
}

static inline __m256i round8(const float *x, __m256 inv)
{
    const __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x), inv);
    return _mm256_cvtps_epi32(_mm256_and_ps(v, _mm256_cmp_ps(v, v, _CMP_ORD_Q))); /* NaN to 0; cvtps rounds half to even */
}

/* 32 floats to 32 int8 in order */
static inline __m256i round32(const float *x, __m256 inv)
{
    const __m256i ab = _mm256_packs_epi32(round8(x, inv), round8(x + 8, inv));
    const __m256i cd = _mm256_packs_epi32(round8(x + 16, inv), round8(x + 24, inv));
    return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(ab, cd), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

static inline int32_t sum_epi32(__m128i v)
{
    v = _mm_add_epi32(v, _mm_shuffle_epi32(v, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(v, _mm_shuffle_epi32(v, 0xb1)));
}

/* int8 -> sums of four neighbours as int32 */
static inline __m256i sum4(__m256i q)
{
    return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), q), _mm256_set1_epi16(1));
}

void quantize_i8_avx2(const float *x, size_t cols, int8_t *q, float *scale, int32_t *sum)
{
    float m = abs_max8(x, cols / 8 * 8);
    for (size_t k = cols / 8 * 8; k < cols; k++)
        if (fabsf(x[k]) > m)
            m = fabsf(x[k]);
    if (m < I8_ABSMAX_MIN)
        m = I8_ABSMAX_MIN;
    const float inv = 127.0f / m;
    __m256i sums = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 32 <= cols; i += 32) {
        const __m256i v = round32(x + i, _mm256_set1_ps(inv));
        _mm256_storeu_si256((__m256i *)(void *)(q + i), v);
        sums = _mm256_add_epi32(sums, sum4(v));
    }
    int32_t s = sum_epi32(_mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1)));
    for (; i < cols; i++) {
        const float v = x[i] * inv;
        q[i] = v == v ? (int8_t)rintf(v) : 0;
        s += q[i];
    }
    *scale = m / 127.0f;
    *sum = s;
}

void quantize_q8_avx2(const float *x, size_t cols, int8_t *q, float *scale, int32_t *sum)
{
    for (size_t b = 0; b < cols / ACT_Q8_BLOCK; b++) {
        const float m = abs_max8(x + b * ACT_Q8_BLOCK, ACT_Q8_BLOCK);
        const float inv = m < Q8_ABSMAX_MIN ? 0.0f : 127.0f / m;
        const __m256i v = round32(x + b * ACT_Q8_BLOCK, _mm256_set1_ps(inv));
        const __m256i s = sum4(v);
        _mm256_storeu_si256((__m256i *)(void *)(q + b * ACT_Q8_BLOCK), v);
        scale[b] = m < Q8_ABSMAX_MIN ? 0.0f : m / 127.0f;
        sum[2 * b] = sum_epi32(_mm256_castsi256_si128(s));
        sum[2 * b + 1] = sum_epi32(_mm256_extracti128_si256(s, 1));
    }
}

void rmsnorm_avx2(const float *x, const float *w, float eps, size_t n, float *y)
{
    __m256 lo = _mm256_setzero_ps(), hi = lo;
    float lane[CANONICAL_LANES];
    size_t i = 0;
    for (; i + CANONICAL_LANES <= n; i += CANONICAL_LANES) {
        const __m256 a = _mm256_loadu_ps(x + i), b = _mm256_loadu_ps(x + i + 8);
        lo = _mm256_fmadd_ps(a, a, lo);
        hi = _mm256_fmadd_ps(b, b, hi);
    }
    _mm256_storeu_ps(lane, lo);
    _mm256_storeu_ps(lane + 8, hi);
    for (size_t l = 0; i + l < n; l++)
        lane[l] = fmaf(x[i + l], x[i + l], lane[l]);
    const float scale = 1.0f / sqrtf(tree(_mm256_loadu_ps(lane), _mm256_loadu_ps(lane + 8)) / (float)n + eps);
    for (i = 0; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i, _mm256_mul_ps(_mm256_mul_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(w + i)), _mm256_set1_ps(scale)));
    for (; i < n; i++)
        y[i] = x[i] * w[i] * scale;
}

void add_avx2(float *y, const float *x, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i, _mm256_add_ps(_mm256_loadu_ps(y + i), _mm256_loadu_ps(x + i)));
    for (; i < n; i++)
        y[i] += x[i];
}

void relu2_mul_avx2(const float *gate, const float *up, size_t n, float *y)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256 g = _mm256_max_ps(_mm256_loadu_ps(gate + i), _mm256_setzero_ps()); /* 0 where gate is NaN */
        _mm256_storeu_ps(y + i, _mm256_mul_ps(_mm256_mul_ps(g, g), _mm256_loadu_ps(up + i)));
    }
    for (; i < n; i++) {
        const float g = gate[i] > 0.0f ? gate[i] : 0.0f;
        y[i] = g * g * up[i];
    }
}

void silu_mul_avx2(const float *gate, const float *up, size_t n, float *y)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256 g = _mm256_loadu_ps(gate + i);
        const __m256 e = exp8(_mm256_or_ps(g, _mm256_set1_ps(-0.0f)));
        const __m256 positive = _mm256_cmp_ps(g, _mm256_setzero_ps(), _CMP_GE_OQ);
        const __m256 top = _mm256_blendv_ps(_mm256_mul_ps(g, e), g, positive);
        const __m256 s = _mm256_div_ps(top, _mm256_add_ps(_mm256_set1_ps(1.0f), e));
        _mm256_storeu_ps(y + i, _mm256_mul_ps(s, _mm256_loadu_ps(up + i)));
    }
    for (; i < n; i++) {
        const float e = canonical_expf(-fabsf(gate[i]));
        const float top = gate[i] >= 0.0f ? gate[i] : gate[i] * e;
        y[i] = top / (1.0f + e) * up[i];
    }
}

static inline __m256 max16(const float *s, __m256 m)
{
    return _mm256_max_ps(_mm256_loadu_ps(s + 8), _mm256_max_ps(_mm256_loadu_ps(s), m));
}

/* s = exp(s - m) for 16 elements, added to the 16 lanes */
static inline void exp16(float *s, __m256 m, __m256 *lo, __m256 *hi)
{
    const __m256 a = exp8(_mm256_sub_ps(_mm256_loadu_ps(s), m)), b = exp8(_mm256_sub_ps(_mm256_loadu_ps(s + 8), m));
    _mm256_storeu_ps(s, a);
    _mm256_storeu_ps(s + 8, b);
    *lo = _mm256_add_ps(*lo, a);
    *hi = _mm256_add_ps(*hi, b);
}

/* The last n % 16 elements go through a buffer that is filled up with -infinity, whose exp is +0: it changes neither maximum nor
 * sum. (One by one they were most of the attention over a short context.) */
float softmax_exp_avx2(float *s, size_t n)
{
    const size_t whole = n / CANONICAL_LANES * CANONICAL_LANES;
    __m256 m8 = _mm256_set1_ps(s[0]), lo = _mm256_setzero_ps(), hi = lo;
    float rest[CANONICAL_LANES];
    _mm256_storeu_ps(rest, _mm256_set1_ps(-INFINITY));
    _mm256_storeu_ps(rest + 8, _mm256_set1_ps(-INFINITY));
    memcpy(rest, s + whole, (n - whole) * sizeof *s);
    for (size_t i = 0; i < whole; i += CANONICAL_LANES)
        m8 = max16(s + i, m8);
    const __m256 m = _mm256_set1_ps(max_lane(max16(rest, m8)));
    for (size_t i = 0; i < whole; i += CANONICAL_LANES)
        exp16(s + i, m, &lo, &hi);
    exp16(rest, m, &lo, &hi);
    memcpy(s + whole, rest, (n - whole) * sizeof *s);
    return tree(lo, hi);
}

void to_half_avx2(const float *x, size_t n, uint16_t *y)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(void *)(y + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
    for (; i < n; i++)
        y[i] = half_from_float(x[i]);
}

const struct ops ops_avx2 = {
    .isa = "avx2",
    .need = CPU_AVX2,
    OPS_AVX2,
    .attn_scores_f16 = attn_scores_f16_avx2,
    .attn_scores_f32 = attn_scores_f32_avx2,
    .attn_mix_f16 = attn_mix_f16_avx2,
    .attn_mix_f32 = attn_mix_f32_avx2,
};
