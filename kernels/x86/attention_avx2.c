/* Attention on AVX2: scores q . k and the weighted sum of v, for f16 and f32 caches. Bits as in ops.c.
 *
 * Scores: 4 queries share the load (and conversion) of a key; 16 canonical lanes are two registers per query. Mixing: vectors
 * lie across the elements of v, positions follow one another; up to 4 queries share the load of a value. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include <immintrin.h>
#include <stdbool.h>

#include "kernels/ops_tables.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

enum { QUERIES = 4 };

/* 8 elements at index i of a cache row of either type */
static ALWAYS_INLINE __m256 load8(const void *row, size_t i, bool half)
{
    if (half)
        return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)((const uint16_t *)row + i)));
    return _mm256_loadu_ps((const float *)row + i);
}

static ALWAYS_INLINE const void *row_at(const void *base, size_t j, size_t dim, bool half)
{
    return (const char *)base + j * dim * (half ? sizeof(uint16_t) : sizeof(float));
}

/* The fixed tree for four queries at once: after the transposition a lane is a query. */
static ALWAYS_INLINE __m128 trees(__m256 s[QUERIES][2])
{
    __m128 v[QUERIES];
    for (int h = 0; h < QUERIES; h++) {
        const __m256 v8 = _mm256_add_ps(s[h][0], s[h][1]);
        v[h] = _mm_add_ps(_mm256_castps256_ps128(v8), _mm256_extractf128_ps(v8, 1));
    }
    _MM_TRANSPOSE4_PS(v[0], v[1], v[2], v[3]);
    return _mm_add_ps(_mm_add_ps(v[0], v[2]), _mm_add_ps(v[1], v[3]));
}

/* n <= QUERIES queries (a constant at every call) against all keys */
static ALWAYS_INLINE void scores_tile(const float *q, size_t q_ld, int n, const void *k, size_t n_pos, size_t dim, float scale, float *s,
                                      size_t s_ld, bool half)
{
    for (size_t j = 0; j < n_pos; j++) {
        const void *key = row_at(k, j, dim, half);
        __m256 acc[QUERIES][2];
        for (int h = 0; h < QUERIES; h++)
            acc[h][0] = acc[h][1] = _mm256_setzero_ps();
        for (size_t d = 0; d < dim; d += 16) {
            const __m256 lo = load8(key, d, half), hi = load8(key, d + 8, half);
            for (int h = 0; h < n; h++) {
                acc[h][0] = _mm256_fmadd_ps(_mm256_loadu_ps(q + (size_t)h * q_ld + d), lo, acc[h][0]);
                acc[h][1] = _mm256_fmadd_ps(_mm256_loadu_ps(q + (size_t)h * q_ld + d + 8), hi, acc[h][1]);
            }
        }
        float out[QUERIES];
        _mm_storeu_ps(out, _mm_mul_ps(_mm_set1_ps(scale), trees(acc)));
        for (int h = 0; h < n; h++)
            s[(size_t)h * s_ld + j] = out[h];
    }
}

static ALWAYS_INLINE void scores(const float *q, size_t q_ld, size_t n_q, const void *k, size_t n_pos, size_t dim, float scale, float *s,
                                 size_t s_ld, bool half)
{
    size_t h = 0;
    for (; h + QUERIES <= n_q; h += QUERIES)
        scores_tile(q + h * q_ld, q_ld, QUERIES, k, n_pos, dim, scale, s + h * s_ld, s_ld, half);
    for (; h < n_q; h++)
        scores_tile(q + h * q_ld, q_ld, 1, k, n_pos, dim, scale, s + h * s_ld, s_ld, half);
}

/* out[h, d0 .. d0 + 8 * vecs) for n queries; n * vecs accumulators stay in registers */
static ALWAYS_INLINE void mix_tile(const float *p, size_t p_ld, int n, const void *v, size_t n_pos, size_t dim, size_t d0, int vecs,
                                   const float *inv, float *out, size_t out_ld, bool half)
{
    __m256 acc[QUERIES][8];
    for (int h = 0; h < n; h++)
        for (int i = 0; i < vecs; i++)
            acc[h][i] = _mm256_setzero_ps();
    for (size_t j = 0; j < n_pos; j++) {
        const void *value = row_at(v, j, dim, half);
        for (int i = 0; i < vecs; i++) {
            const __m256 x = load8(value, d0 + 8 * (size_t)i, half);
            for (int h = 0; h < n; h++)
                acc[h][i] = _mm256_fmadd_ps(_mm256_broadcast_ss(p + (size_t)h * p_ld + j), x, acc[h][i]);
        }
    }
    for (int h = 0; h < n; h++)
        for (int i = 0; i < vecs; i++)
            _mm256_storeu_ps(out + (size_t)h * out_ld + d0 + 8 * (size_t)i, _mm256_mul_ps(acc[h][i], _mm256_set1_ps(inv[h])));
}

static ALWAYS_INLINE void mix(const float *p, size_t p_ld, size_t n_q, const void *v, size_t n_pos, size_t dim, const float *inv,
                              float *out, size_t out_ld, bool half)
{
    size_t h = 0;
    for (; h + QUERIES <= n_q; h += QUERIES)
        for (size_t d = 0; d < dim; d += 16)
            mix_tile(p + h * p_ld, p_ld, QUERIES, v, n_pos, dim, d, 2, inv + h, out + h * out_ld, out_ld, half);
    for (; h < n_q; h++) {
        size_t d = 0;
        for (; d + 64 <= dim; d += 64)
            mix_tile(p + h * p_ld, p_ld, 1, v, n_pos, dim, d, 8, inv + h, out + h * out_ld, out_ld, half);
        for (; d < dim; d += 16)
            mix_tile(p + h * p_ld, p_ld, 1, v, n_pos, dim, d, 2, inv + h, out + h * out_ld, out_ld, half);
    }
}

void attn_scores_f16_avx2(const float *q, size_t q_ld, size_t n_q, const uint16_t *k, size_t n_pos, size_t dim, float scale, float *s,
                          size_t s_ld)
{
    scores(q, q_ld, n_q, k, n_pos, dim, scale, s, s_ld, true);
}

void attn_scores_f32_avx2(const float *q, size_t q_ld, size_t n_q, const float *k, size_t n_pos, size_t dim, float scale, float *s,
                          size_t s_ld)
{
    scores(q, q_ld, n_q, k, n_pos, dim, scale, s, s_ld, false);
}

void attn_mix_f16_avx2(const float *p, size_t p_ld, size_t n_q, const uint16_t *v, size_t n_pos, size_t dim, const float *inv, float *out,
                       size_t out_ld)
{
    mix(p, p_ld, n_q, v, n_pos, dim, inv, out, out_ld, true);
}

void attn_mix_f32_avx2(const float *p, size_t p_ld, size_t n_q, const float *v, size_t n_pos, size_t dim, const float *inv, float *out,
                       size_t out_ld)
{
    mix(p, p_ld, n_q, v, n_pos, dim, inv, out, out_ld, false);
}
