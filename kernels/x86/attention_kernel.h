/* Attention for both widths of x86: scores q . k and the weighted sum of v, for f16 and f32 caches. Bits as in ops.c. The width comes
 * with vec.h; a vector lies across elements here.
 *
 * Both walk the cache in blocks of BLOCK positions, which stay in the first-level cache while all query heads use them: the
 * cache is read from memory once. Within a block the queries go in tiles of up to 4.
 *
 * Scores: a tile is 4 queries x KEYS keys. The 16 canonical lanes of a sum are one register of 512 bits, or two of 256: then lanes 0-7 of
 * all sums come first, then lanes 8-15, so that the accumulators fit into 16 registers (both at once would not). The final trees of all
 * sums run side by side.
 * Mixing: positions follow one another in 8 accumulators or more, which is what two FMA ports with a latency of 4 need; between blocks the
 * sums wait in `out`.
 *
 * The loops over accumulators are unrolled by force: without, gcc -O2 keeps the accumulators in memory (5 times slower). */
#ifndef BITJOULE_ATTENTION_KERNEL_H
#define BITJOULE_ATTENTION_KERNEL_H

#include <stdbool.h>

#include "kernels/canonical.h"
#include "kernels/ops_tables.h"
#include "kernels/tile.h"
#include "kernels/x86/vec.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

enum {
    PARTS = CANONICAL_LANES / VEC_ROWS, /* registers of a sum */
    QUERIES = 4,
    KEYS = 4 / PARTS,
    SUMS = QUERIES * KEYS,
    MIX_VECS = 8, /* registers across the elements of an output, at most */
    BLOCK = 64
};

/* A register of elements from index i of a cache row of either type on */
static ALWAYS_INLINE vecf load(const void *row, size_t i, bool half)
{
    return half ? vecf_of_halves((const uint16_t *)row + i) : vecf_loadu((const float *)row + i);
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

/* ---- scores --------------------------------------------------------------------------------------------------------- */

/* The lanes of `part` of the sums of n queries x KEYS keys; sum of query h and key k is acc[h * KEYS + k]. This part's share of the KEYS
 * keys at `next` is prefetched, little by little. */
static ALWAYS_INLINE void part_sums(const float *q, size_t q_ld, int n, const void *const key[KEYS], size_t dim, size_t part, bool half,
                                    const void *next, vecf acc[SUMS])
{
    UNROLL for (int i = 0; i < SUMS; i++)
        acc[i] = vecf_zero();
    for (size_t d = 0; d < dim; d += CANONICAL_LANES) {
        const size_t at = d + part * VEC_ROWS;
        vecf x[KEYS];
        UNROLL for (int k = 0; k < KEYS; k++)
            x[k] = load(key[k], at, half);
        UNROLL for (size_t k = 0; k < KEYS / PARTS; k++)
            prefetch(next, KEYS / PARTS * (part * dim + d) + k * CANONICAL_LANES, half);
        UNROLL for (int h = 0; h < n; h++) {
            vecf y = vecf_loadu(q + (size_t)h * q_ld + at);
            KEEP(y); /* one load, not one in each multiply-add: there are two load ports */
            UNROLL for (int k = 0; k < KEYS; k++)
                acc[h * KEYS + k] = vecf_fma(y, x[k], acc[h * KEYS + k]);
        }
    }
}

#if VEC_BITS == 512
/* The fixed tree 16 -> 8 -> 4 -> 2 -> 1 of all sums at once, sum i into out[i] */
static ALWAYS_INLINE void tree_of_sums(const float *q, size_t q_ld, int n, const void *const key[KEYS], size_t dim, bool half,
                                       const void *next, float scale, float out[SUMS])
{
    vecf a[SUMS], v8[8], v4[4], v2[2];
    part_sums(q, q_ld, n, key, dim, 0, half, next, a);
    UNROLL for (int i = 0; i < 8; i++) /* 8 lanes of a[i], 8 of a[i + 8] */
        v8[i] = _mm512_add_ps(_mm512_shuffle_f32x4(a[i], a[i + 8], 0x44), _mm512_shuffle_f32x4(a[i], a[i + 8], 0xee));
    UNROLL for (int i = 0; i < 4; i++) /* 4 each of a[i], a[i + 8], a[i + 4], a[i + 12] */
        v4[i] = _mm512_add_ps(_mm512_shuffle_f32x4(v8[i], v8[i + 4], 0x88), _mm512_shuffle_f32x4(v8[i], v8[i + 4], 0xdd));
    UNROLL for (int i = 0; i < 2; i++)
        v2[i] = _mm512_add_ps(_mm512_shuffle_ps(v4[2 * i], v4[2 * i + 1], 0x44), _mm512_shuffle_ps(v4[2 * i], v4[2 * i + 1], 0xee));
    const vecf v1 = _mm512_add_ps(_mm512_shuffle_ps(v2[0], v2[1], 0x88), _mm512_shuffle_ps(v2[0], v2[1], 0xdd));
    vecf_storeu(out, vecf_mul(vecf_broadcast(&scale), _mm512_shuffle_f32x4(v1, v1, 0xd8)));
}
#else
/* The same with two registers for a sum */
static ALWAYS_INLINE void tree_of_sums(const float *q, size_t q_ld, int n, const void *const key[KEYS], size_t dim, bool half,
                                       const void *next, float scale, float out[SUMS])
{
    vecf a[SUMS], hi[SUMS], v4[4], v2[2]; /* v4[i]: [a[i] | a[i + 4]], four lanes each */
    part_sums(q, q_ld, n, key, dim, 0, half, next, a);
    part_sums(q, q_ld, n, key, dim, 1, half, next, hi);
    UNROLL for (int i = 0; i < SUMS; i++)
        a[i] = _mm256_add_ps(a[i], hi[i]);
    UNROLL for (int i = 0; i < 4; i++)
        v4[i] = _mm256_add_ps(_mm256_permute2f128_ps(a[i], a[i + 4], 0x20), _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    UNROLL for (int i = 0; i < 2; i++)
        v2[i] = _mm256_add_ps(_mm256_shuffle_ps(v4[2 * i], v4[2 * i + 1], 0x44), _mm256_shuffle_ps(v4[2 * i], v4[2 * i + 1], 0xee));
    const vecf v1 = _mm256_add_ps(_mm256_shuffle_ps(v2[0], v2[1], 0x88), _mm256_shuffle_ps(v2[0], v2[1], 0xdd));
    vecf_storeu(out, vecf_mul(vecf_broadcast(&scale), v1));
}
#endif

/* n queries (a constant at every call) against the keys of a block; `ahead` keys follow it. */
static ALWAYS_INLINE void scores_tile(const float *q, size_t q_ld, int n, const void *k, size_t n_pos, size_t ahead, size_t dim,
                                      float scale, float *s, size_t s_ld, bool half)
{
    for (size_t j = 0; j < n_pos; j += KEYS) {
        const size_t left = n_pos - j < KEYS ? n_pos - j : KEYS;
        const void *key[KEYS];
        float out[SUMS];
        UNROLL for (size_t i = 0; i < KEYS; i++)
            key[i] = row_at(k, j + (i < left ? i : left - 1), dim, half);
        tree_of_sums(q, q_ld, n, key, dim, half, j + KEYS <= ahead ? row_at(k, j + BLOCK, dim, half) : key[0], scale, out);
        UNROLL for (int h = 0; h < n; h++)
            UNROLL for (size_t i = 0; i < KEYS; i++)
                if (i < left)
                    s[(size_t)h * s_ld + j + i] = out[(size_t)h * KEYS + i];
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

/* ---- weighted sums -------------------------------------------------------------------------------------------------- */

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

/* out[h, d .. d + VEC_ROWS * vecs) for n queries; n * vecs <= 8 accumulators, with 512 bits 16 */
static ALWAYS_INLINE void mix_tile(const struct mix *x, size_t h0, int n, size_t d, int vecs, bool half)
{
    vecf acc[QUERIES][MIX_VECS];
    const float *p = x->p + h0 * x->p_ld;
    float *out = x->out + h0 * x->out_ld + d;
    UNROLL for (int h = 0; h < n; h++)
        UNROLL for (int i = 0; i < vecs; i++)
            acc[h][i] = x->first ? vecf_zero() : vecf_loadu(out + (size_t)h * x->out_ld + VEC_ROWS * (size_t)i);
    const size_t step = VEC_ROWS * (size_t)vecs;
    size_t next = BLOCK * d / x->dim, at = BLOCK * d % x->dim; /* what this tile prefetches: its share of the next block, row after row */
    for (size_t j = 0; j < x->n_pos; j++) {
        const void *value = row_at(x->v, j, x->v_ld, half);
        if (h0 == 0 && next < x->ahead) {
            UNROLL for (size_t i = 0; i < step; i += 16)
                prefetch(row_at(x->v, BLOCK + next, x->v_ld, half), at + i, half);
        }
        at += step;
        if (at >= x->dim) {
            at -= x->dim;
            next++;
        }
        UNROLL for (int i = 0; i < vecs; i++) {
            const vecf y = load(value, d + VEC_ROWS * (size_t)i, half);
            UNROLL for (int h = 0; h < n; h++)
                acc[h][i] = vecf_fma(vecf_broadcast(p + (size_t)h * x->p_ld + j), y, acc[h][i]);
        }
    }
    UNROLL for (int h = 0; h < n; h++)
        UNROLL for (int i = 0; i < vecs; i++) {
            if (x->inv)
                acc[h][i] = vecf_mul(acc[h][i], vecf_broadcast(x->inv + h0 + h));
            vecf_storeu(out + (size_t)h * x->out_ld + VEC_ROWS * (size_t)i, acc[h][i]);
        }
}

/* From element d on as many tiles of so many registers as fit; the element after them */
static ALWAYS_INLINE size_t mix_tiles(const struct mix *x, size_t h, int n, size_t d, int vecs, bool half)
{
    for (; d + VEC_ROWS * (size_t)vecs <= x->dim; d += VEC_ROWS * (size_t)vecs)
        mix_tile(x, h, n, d, vecs, half);
    return d;
}

/* n queries over all elements of v, 16 n of them: the widest tiles that the registers allow, then narrower ones */
static ALWAYS_INLINE void mix_rows(const struct mix *x, size_t h, int n, bool half)
{
    size_t d = 0;
    if (n == 1)
        d = mix_tiles(x, h, n, d, MIX_VECS, half);
    if (n <= 2 || VEC_BITS == 512)
        d = mix_tiles(x, h, n, d, MIX_VECS / 2, half);
    d = mix_tiles(x, h, n, d, 2, half);
    if (VEC_BITS == 512)
        mix_tiles(x, h, n, d, 1, half);
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

#define ATTENTION_KERNELS(isa) \
    void attn_scores_f16_##isa(const float *q, size_t q_ld, size_t n_q, const uint16_t *k, size_t n_pos, size_t dim, float scale, \
                               float *s, size_t s_ld) \
    { \
        scores(q, q_ld, n_q, k, n_pos, dim, scale, s, s_ld, true); \
    } \
    void attn_scores_f32_##isa(const float *q, size_t q_ld, size_t n_q, const float *k, size_t n_pos, size_t dim, float scale, \
                               float *s, size_t s_ld) \
    { \
        scores(q, q_ld, n_q, k, n_pos, dim, scale, s, s_ld, false); \
    } \
    void attn_mix_f16_##isa(const float *p, size_t p_ld, size_t n_q, const uint16_t *v, size_t v_ld, size_t n_pos, size_t dim, \
                            const float *inv, float *out, size_t out_ld) \
    { \
        mix(p, p_ld, n_q, v, v_ld, n_pos, dim, inv, out, out_ld, true); \
    } \
    void attn_mix_f32_##isa(const float *p, size_t p_ld, size_t n_q, const float *v, size_t v_ld, size_t n_pos, size_t dim, \
                            const float *inv, float *out, size_t out_ld) \
    { \
        mix(p, p_ld, n_q, v, v_ld, n_pos, dim, inv, out, out_ld, false); \
    }

#endif
