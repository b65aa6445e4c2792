/* Attention on NEON: scores q . k and the weighted sum of v, for f16 and f32 caches. Bits as in ops.c.
 *
 * Both walk the cache in blocks of BLOCK positions, which stay in the first-level cache while all query heads use them: the cache is
 * read from memory once.
 *
 * Scores: a tile is 4 sums of 16 canonical lanes, 16 registers: 4 or 3 queries x 1 key, 2 x 2 or 1 x 4. Their final trees run side
 * by side. Mixing: vectors lie across the elements of v, positions follow one another in 16 accumulators; between blocks the sums
 * wait in `out`. Loops over accumulators are unrolled by force, or gcc -O2 would keep them in memory. */
#include <stdbool.h>

#include "kernels/arm/lanes_neon.h"
#include "kernels/ops_tables.h"
#include "kernels/tile.h"

enum { QUERIES = 4, SUMS = 4, BLOCK = 64 };

/* 4 elements at index i of a cache row of either type */
static inline __attribute__((always_inline)) float32x4_t load4(const void *row, size_t i, const bool half)
{
    return half ? vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16((const uint16_t *)row + i))) : vld1q_f32((const float *)row + i);
}

static inline const void *row_at(const void *base, size_t j, size_t dim, bool half)
{
    return (const char *)base + j * dim * (half ? sizeof(uint16_t) : sizeof(float));
}

/* ---- scores ------------------------------------------------------------------------------------------------------------------ */

struct scores {
    const float *q;
    size_t q_ld;
    const void *k; /* the block's first key */
    size_t dim;
    float scale;
    float *s; /* the block's first score */
    size_t s_ld;
};

/* n queries from query h on, `keys` keys from key j on; n * keys <= 4 */
TILE scores_tile(const struct scores *p, size_t h, const int n, size_t j, const int keys, const bool half)
{
    struct lanes sum[SUMS];
    float out[SUMS];
    UNROLL for (int i = 0; i < SUMS; i++)
        sum[i] = lanes_zero();
    for (size_t d = 0; d < p->dim; d += 16) {
        UNROLL for (int r = 0; r < 4; r++) {
            const size_t at = d + 4 * (size_t)r;
            UNROLL for (int k = 0; k < keys; k++) {
                const float32x4_t key = load4(row_at(p->k, j + (size_t)k, p->dim, half), at, half);
                UNROLL for (int i = 0; i < n; i++)
                    sum[k * n + i].r[r] = vfmaq_f32(sum[k * n + i].r[r], vld1q_f32(p->q + (h + (size_t)i) * p->q_ld + at), key);
            }
        }
    }
    vst1q_f32(out, vmulq_n_f32(lanes_trees(sum), p->scale));
    UNROLL for (int k = 0; k < keys; k++)
        UNROLL for (int i = 0; i < n; i++)
            p->s[(h + (size_t)i) * p->s_ld + j + (size_t)k] = out[k * n + i];
}

/* n queries against the keys of a block */
TILE scores_rows(const struct scores *p, size_t h, const int n, size_t n_pos, const bool half)
{
    const int keys = n == 1 ? 4 : n == 2 ? 2 : 1;
    size_t j = 0;
    for (; j + (size_t)keys <= n_pos; j += (size_t)keys)
        scores_tile(p, h, n, j, keys, half);
    for (; j < n_pos; j++)
        scores_tile(p, h, n, j, 1, half);
}

TILE scores(const float *q, size_t q_ld, size_t n_q, const void *k, size_t n_pos, size_t dim, float scale, float *s, size_t s_ld,
            const bool half)
{
    for (size_t j = 0; j < n_pos; j += BLOCK) {
        const struct scores p = {q, q_ld, row_at(k, j, dim, half), dim, scale, s + j, s_ld};
        const size_t n = n_pos - j < BLOCK ? n_pos - j : BLOCK;
        for (size_t h = 0; h < n_q; h += QUERIES) {
            switch (n_q - h) {
            case 1: scores_rows(&p, h, 1, n, half); break;
            case 2: scores_rows(&p, h, 2, n, half); break;
            case 3: scores_rows(&p, h, 3, n, half); break;
            default: scores_rows(&p, h, QUERIES, n, half); break;
            }
        }
    }
}

/* ---- mixing ------------------------------------------------------------------------------------------------------------------ */

/* What a weighted sum works on. */
struct mix {
    const float *p; /* [n_q, p_ld] weights of the block's positions */
    size_t p_ld;
    const void *v; /* the block's first row */
    size_t v_ld, n_pos, dim;
    float *out; /* [n_q, out_ld] */
    size_t out_ld;
    const float *inv; /* NULL: more blocks follow */
    bool first;       /* of the blocks: nothing is in `out` yet */
};

/* out[h, d .. d + 4 * vecs) for n queries; n * vecs <= 16 accumulators */
TILE mix_tile(const struct mix *x, size_t h, const int n, size_t d, const int vecs, const bool half)
{
    float32x4_t acc[QUERIES][16];
    const float *p = x->p + h * x->p_ld;
    float *out = x->out + h * x->out_ld + d;
    UNROLL for (int i = 0; i < n; i++)
        UNROLL for (int v = 0; v < vecs; v++)
            acc[i][v] = x->first ? vdupq_n_f32(0.0f) : vld1q_f32(out + (size_t)i * x->out_ld + 4 * v);
    for (size_t j = 0; j < x->n_pos; j++) {
        const void *value = row_at(x->v, j, x->v_ld, half);
        UNROLL for (int v = 0; v < vecs; v++) {
            const float32x4_t y = load4(value, d + 4 * (size_t)v, half);
            UNROLL for (int i = 0; i < n; i++)
                acc[i][v] = vfmaq_n_f32(acc[i][v], y, p[(size_t)i * x->p_ld + j]);
        }
    }
    UNROLL for (int i = 0; i < n; i++)
        UNROLL for (int v = 0; v < vecs; v++)
            vst1q_f32(out + (size_t)i * x->out_ld + 4 * v, x->inv ? vmulq_n_f32(acc[i][v], x->inv[h + (size_t)i]) : acc[i][v]);
}

/* n queries over all elements of v */
TILE mix_rows(const struct mix *x, size_t h, const int n, const bool half)
{
    const int vecs = n == 1 ? 16 : n == 2 ? 8 : 4;
    const size_t step = 4 * (size_t)vecs;
    size_t d = 0;
    for (; d + step <= x->dim; d += step)
        mix_tile(x, h, n, d, vecs, half);
    for (; d < x->dim; d += 16)
        mix_tile(x, h, n, d, 4, half);
}

TILE mix(const float *p, size_t p_ld, size_t n_q, const void *v, size_t v_ld, size_t n_pos, size_t dim, const float *inv, float *out,
         size_t out_ld, const bool half)
{
    for (size_t j = 0; j < n_pos; j += BLOCK) {
        const bool last = n_pos - j <= BLOCK;
        const struct mix x = {.p = p + j,
                              .p_ld = p_ld,
                              .v = row_at(v, j, v_ld, half),
                              .v_ld = v_ld,
                              .n_pos = last ? n_pos - j : BLOCK,
                              .dim = dim,
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

DECLARE_SCORES(attn_scores_f16_neon, uint16_t)
{
    scores(q, q_ld, n_q, k, n_pos, dim, scale, s, s_ld, true);
}

DECLARE_SCORES(attn_scores_f32_neon, float)
{
    scores(q, q_ld, n_q, k, n_pos, dim, scale, s, s_ld, false);
}

DECLARE_MIX(attn_mix_f16_neon, uint16_t)
{
    mix(p, p_ld, n_q, v, v_ld, n_pos, dim, inv, out, out_ld, true);
}

DECLARE_MIX(attn_mix_f32_neon, float)
{
    mix(p, p_ld, n_q, v, v_ld, n_pos, dim, inv, out, out_ld, false);
}
