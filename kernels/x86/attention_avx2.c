/* Attention on AVX2: scores q . k and the weighted sum of v, for f16 and f32 caches. Bits as in ops.c.
 *
 * Both walk the cache in blocks of BLOCK positions, which stay in the first-level cache while all query heads use them: the
 * cache is read from memory once. Within a block the queries go in tiles of up to 4.
 *
 * Scores: a tile is 4 queries x 2 keys, 8 sums. The 16 canonical lanes of a sum are two registers; lanes 0-7 of all 8 sums come
 * first, then lanes 8-15, so that the accumulators fit into 16 registers (both at once would not). The final trees of the 8 sums
 * run side by side.
 * Mixing: vectors lie across the elements of v, positions follow one another in 8 accumulators, which is what two FMA ports
 * with a latency of 4 need; between blocks the sums wait in `out`.
 *
 * The loops over accumulators are unrolled by force: without, gcc -O2 keeps the accumulators in memory (5 times slower). */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include <immintrin.h>
#include <stdbool.h>

#include "kernels/ops_tables.h"
#include "kernels/tile.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

enum { QUERIES = 4, KEYS = 2, SUMS = QUERIES * KEYS, BLOCK = 64 };

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

/* The line of element i. The hardware's prefetchers do not foresee an order that goes through a block by columns. */
static ALWAYS_INLINE void prefetch(const void *row, size_t i, bool half)
{
    _mm_prefetch((const char *)row + i * (half ? sizeof(uint16_t) : sizeof(float)), _MM_HINT_T0);
}

/* Lanes `at` .. at + 7 of the sums of n queries x KEYS keys; sum of query h and key k is acc[h * KEYS + k]. Half of the keys at
 * `next` are prefetched, little by little. */
static ALWAYS_INLINE void half_sums(const float *q, size_t q_ld, int n, const void *const key[KEYS], size_t dim, size_t at,
                                    bool half, const void *next, __m256 acc[SUMS])
{
    UNROLL
    for (int i = 0; i < SUMS; i++)
        acc[i] = _mm256_setzero_ps();
    for (size_t d = at; d < dim; d += 16) {
        const __m256 x0 = load8(key[0], d, half), x1 = load8(key[1], d, half);
        prefetch(next, (at ? dim : 0) + d - at, half);
        UNROLL
        for (int h = 0; h < n; h++) {
            __m256 y = _mm256_loadu_ps(q + (size_t)h * q_ld + d);
            KEEP(y); /* one load, not one in each multiply-add: there are two load ports */
            acc[h * KEYS] = _mm256_fmadd_ps(y, x0, acc[h * KEYS]);
            acc[h * KEYS + 1] = _mm256_fmadd_ps(y, x1, acc[h * KEYS + 1]);
        }
    }
}

/* The fixed tree 8 -> 4 -> 2 -> 1 of eight sums at once: element i of the result is that of a[i]. */
static ALWAYS_INLINE __m256 trees(const __m256 a[SUMS])
{
    __m256 v4[4], v2[2]; /* v4[i]: [a[i] | a[i + 4]], four lanes each */
    UNROLL
    for (int i = 0; i < 4; i++)
        v4[i] = _mm256_add_ps(_mm256_permute2f128_ps(a[i], a[i + 4], 0x20), _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    UNROLL
    for (int i = 0; i < 2; i++)
        v2[i] = _mm256_add_ps(_mm256_shuffle_ps(v4[2 * i], v4[2 * i + 1], 0x44), _mm256_shuffle_ps(v4[2 * i], v4[2 * i + 1], 0xee));
    return _mm256_add_ps(_mm256_shuffle_ps(v2[0], v2[1], 0x88), _mm256_shuffle_ps(v2[0], v2[1], 0xdd));
}

/* n queries (a constant at every call) against the keys of a block; `ahead` keys follow it. */
static ALWAYS_INLINE void scores_tile(const float *q, size_t q_ld, int n, const void *k, size_t n_pos, size_t ahead, size_t dim,
                                      float scale, float *s, size_t s_ld, bool half)
{
    for (size_t j = 0; j < n_pos; j += KEYS) {
        const size_t left = n_pos - j < KEYS ? n_pos - j : KEYS;
        const void *const key[KEYS] = {row_at(k, j, dim, half), row_at(k, j + left - 1, dim, half)};
        __m256 lo[SUMS], hi[SUMS];
        float out[SUMS];
        const void *next = j + KEYS <= ahead ? row_at(k, j + BLOCK, dim, half) : key[0];
        half_sums(q, q_ld, n, key, dim, 0, half, next, lo);
        half_sums(q, q_ld, n, key, dim, 8, half, next, hi);
        UNROLL
        for (int i = 0; i < SUMS; i++)
            lo[i] = _mm256_add_ps(lo[i], hi[i]);
        _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_set1_ps(scale), trees(lo)));
        UNROLL
        for (int h = 0; h < n; h++) {
            s[(size_t)h * s_ld + j] = out[h * KEYS];
            if (left == KEYS)
                s[(size_t)h * s_ld + j + 1] = out[h * KEYS + 1];
        }
    }
}

static ALWAYS_INLINE void scores(const float *q, size_t q_ld, size_t n_q, const void *k, size_t n_pos, size_t dim, float scale, float *s,
                                 size_t s_ld, bool half)
{
    for (size_t j = 0; j < n_pos; j += BLOCK) {
        const size_t n = n_pos - j < BLOCK ? n_pos - j : BLOCK, ahead = n_pos - j - n;
        const void *key = row_at(k, j, dim, half);
        for (size_t h = 0; h < n_q; h += QUERIES) {
            const float *qh = q + h * q_ld;
            float *sh = s + h * s_ld + j;
            const size_t more = h ? 0 : ahead;
            switch (n_q - h) {
            case 1: scores_tile(qh, q_ld, 1, key, n, more, dim, scale, sh, s_ld, half); break;
            case 2: scores_tile(qh, q_ld, 2, key, n, more, dim, scale, sh, s_ld, half); break;
            case 3: scores_tile(qh, q_ld, 3, key, n, more, dim, scale, sh, s_ld, half); break;
            default: scores_tile(qh, q_ld, QUERIES, key, n, more, dim, scale, sh, s_ld, half); break;
            }
        }
    }
}

/* What a weighted sum works on. */
struct mix {
    const float *p; /* [n_q, p_ld] weights of the block's positions */
    size_t p_ld;
    const void *v; /* the block's first row */
    size_t v_ld, n_pos, dim;
    size_t ahead; /* rows that follow the block: the next BLOCK of them are prefetched */
    float *out; /* [n_q, out_ld] */
    size_t out_ld;
    const float *inv; /* NULL: more blocks follow */
    bool first;       /* of the blocks: nothing is in `out` yet */
};

/* out[h, d .. d + 8 * vecs) for n queries; n * vecs <= 8 accumulators */
static ALWAYS_INLINE void mix_tile(const struct mix *x, size_t h0, int n, size_t d, int vecs, bool half)
{
    __m256 acc[QUERIES][8];
    const float *p = x->p + h0 * x->p_ld;
    float *out = x->out + h0 * x->out_ld + d;
    UNROLL
    for (int h = 0; h < n; h++)
        UNROLL
        for (int i = 0; i < vecs; i++)
            acc[h][i] = x->first ? _mm256_setzero_ps() : _mm256_loadu_ps(out + (size_t)h * x->out_ld + 8 * (size_t)i);
    const size_t step = 8 * (size_t)vecs;
    size_t next = BLOCK * d / x->dim, at = 0; /* what this tile prefetches: its share of the next block, row after row */
    for (size_t j = 0; j < x->n_pos; j++) {
        const void *value = row_at(x->v, j, x->v_ld, half);
        if (h0 == 0 && next < x->ahead) {
            UNROLL
            for (size_t i = 0; i < step; i += 16)
                prefetch(row_at(x->v, BLOCK + next, x->v_ld, half), at + i, half);
        }
        at += step;
        if (at >= x->dim) {
            at = 0;
            next++;
        }
        UNROLL
        for (int i = 0; i < vecs; i++) {
            const __m256 y = load8(value, d + 8 * (size_t)i, half);
            UNROLL
            for (int h = 0; h < n; h++)
                acc[h][i] = _mm256_fmadd_ps(_mm256_broadcast_ss(p + (size_t)h * x->p_ld + j), y, acc[h][i]);
        }
    }
    UNROLL
    for (int h = 0; h < n; h++)
        UNROLL
        for (int i = 0; i < vecs; i++) {
            if (x->inv)
                acc[h][i] = _mm256_mul_ps(acc[h][i], _mm256_set1_ps(x->inv[h0 + (size_t)h]));
            _mm256_storeu_ps(out + (size_t)h * x->out_ld + 8 * (size_t)i, acc[h][i]);
        }
}

/* n queries over all elements of v */
static ALWAYS_INLINE void mix_rows(const struct mix *x, size_t h, int n, bool half)
{
    const int vecs = n == 1 ? 8 : n == 2 ? 4 : 2;
    size_t d = 0;
    for (; d + 8 * (size_t)vecs <= x->dim; d += 8 * (size_t)vecs)
        mix_tile(x, h, n, d, vecs, half);
    for (; d < x->dim; d += 16)
        mix_tile(x, h, n, d, 2, half);
}

static ALWAYS_INLINE void mix(const float *p, size_t p_ld, size_t n_q, const void *v, size_t v_ld, size_t n_pos, size_t dim,
                              const float *inv, float *out, size_t out_ld, bool half)
{
    for (size_t j = 0; j < n_pos; j += BLOCK) {
        const bool last = n_pos - j <= BLOCK;
        const size_t n = last ? n_pos - j : BLOCK;
        const struct mix x = {.p = p + j,
                              .p_ld = p_ld,
                              .v = row_at(v, j, v_ld, half),
                              .v_ld = v_ld,
                              .n_pos = n,
                              .dim = dim,
                              .ahead = n_pos - j - n,
                              .out = out,
                              .out_ld = out_ld,
                              .inv = last ? inv : NULL,
                              .first = j == 0};
        for (size_t h = 0; h < n_q; h += QUERIES) {
            switch (n_q - h) {
            case 1: mix_rows(&x, h, 1, half); break;
            case 2: mix_rows(&x, h, 2, half); break;
            case 3: mix_rows(&x, h, 3, half); break;
            default: mix_rows(&x, h, QUERIES, half); break;
            }
        }
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

void attn_mix_f16_avx2(const float *p, size_t p_ld, size_t n_q, const uint16_t *v, size_t v_ld, size_t n_pos, size_t dim,
                       const float *inv, float *out, size_t out_ld)
{
    mix(p, p_ld, n_q, v, v_ld, n_pos, dim, inv, out, out_ld, true);
}

void attn_mix_f32_avx2(const float *p, size_t p_ld, size_t n_q, const float *v, size_t v_ld, size_t n_pos, size_t dim,
                       const float *inv, float *out, size_t out_ld)
{
    mix(p, p_ld, n_q, v, v_ld, n_pos, dim, inv, out, out_ld, false);
}
