/* q4_0 on AVX2: a vector is 8 rows x 4 columns, multiplied by 4 activations that are the same in every lane. Layout: q4_0.c.
 *
 * Codes stay unsigned (0..15), which is what vpmaddubsw wants; sum((code - 8) q) = sum(code q) - 8 sum(q) with the sums that come
 * with the activations. Tiles of 16 rows x 1..4 tokens; gemv is a tile of 1. */
#include "baselines/x86/tile_avx2.h"

enum { Q4_0_TILE = 4, Q4_0_PANEL_COLS = 1024 }; /* 16 rows x 1024 columns are 9 KB: they stay in L1 while the tokens pass */

/* acc[tokens][16] over n_blocks blocks; q, scale, sum of the first token at the first block */
struct q4_0_tile {
    const struct q4_0_group *g;
    size_t n_blocks;
    const int8_t *q;
    const float *scale;
    const int32_t *sum;
    size_t q_ld, scale_ld;
    float *acc;
};

/* isum[t][h]: int16 pair sums of 8 rows. A block adds 8 pairs: 8 * 15 * 127 * 2 = 30480 < 32768, so they fit to its end. */
TILE q4_0_block(const struct q4_0_group *g, const int8_t *q, size_t q_ld, __m256i isum[Q4_0_TILE][2], const int tokens)
{
    const __m256i low = _mm256_set1_epi8(15);
    UNROLL for (int t = 0; t < 2 * tokens; t++)
        isum[t / 2][t % 2] = _mm256_setzero_si256();
    UNROLL for (size_t j = 0; j < 4; j++) {
        UNROLL for (int half = 0; half < 2; half++) {
            const __m256i w0 = _mm256_and_si256(_mm256_srli_epi16(load_i(g->q[j][0]), 4 * half), low);
            const __m256i w1 = _mm256_and_si256(_mm256_srli_epi16(load_i(g->q[j][8]), 4 * half), low);
            UNROLL for (int t = 0; t < tokens; t++) {
                const __m256i a = broadcast4(q + (size_t)t * q_ld + 4 * j + 16 * (size_t)half);
                isum[t][0] = _mm256_add_epi16(isum[t][0], _mm256_maddubs_epi16(w0, a));
                isum[t][1] = _mm256_add_epi16(isum[t][1], _mm256_maddubs_epi16(w1, a));
            }
        }
    }
}

TILE q4_0_tile_of(const struct q4_0_tile *p, const int tokens)
{
    const __m256i ones = _mm256_set1_epi16(1);
    const struct q4_0_group *g = p->g;
    for (size_t b = 0; b < p->n_blocks; b++, g++) {
        __m256i isum[Q4_0_TILE][2];
        q4_0_block(g, p->q + b * Q_BLOCK, p->q_ld, isum, tokens);
        const __m256 d0 = load_half(g->d), d1 = load_half(g->d + 8);
        UNROLL for (int t = 0; t < tokens; t++) {
            const int32_t *sum = p->sum + 2 * ((size_t)t * p->scale_ld + b);
            const __m256i offset = _mm256_set1_epi32(8 * (sum[0] + sum[1]));
            const __m256i i0 = _mm256_sub_epi32(_mm256_madd_epi16(isum[t][0], ones), offset);
            const __m256i i1 = _mm256_sub_epi32(_mm256_madd_epi16(isum[t][1], ones), offset);
            const __m256 dx = _mm256_broadcast_ss(p->scale + (size_t)t * p->scale_ld + b);
            float *acc = p->acc + (size_t)t * Q_GROUP;
            _mm256_store_ps(acc, _mm256_fmadd_ps(_mm256_cvtepi32_ps(i0), _mm256_mul_ps(d0, dx), _mm256_load_ps(acc)));
            _mm256_store_ps(acc + 8, _mm256_fmadd_ps(_mm256_cvtepi32_ps(i1), _mm256_mul_ps(d1, dx), _mm256_load_ps(acc + 8)));
        }
    }
}

void q4_0_gemv_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)ldy, (void)scratch;
    const size_t n_blocks = w->cols / Q_BLOCK;
    for (size_t r = row0; r < row1; r += Q_GROUP) {
        _Alignas(32) float acc[Q_GROUP] = {0};
        const struct q4_0_group *g = (const struct q4_0_group *)w->data + r / Q_GROUP * n_blocks;
        const struct q4_0_tile tile = {g, n_blocks, x->q, x->scale, x->sum, 0, 0, acc};
        q4_0_tile_of(&tile, 1);
        store_rows(y, r, row1, acc, Q_GROUP);
    }
}

static void q4_0_tile(const struct q4_0_tile *p, size_t tokens)
{
    switch (tokens) {
    case 1: q4_0_tile_of(p, 1); break;
    case 2: q4_0_tile_of(p, 2); break;
    case 3: q4_0_tile_of(p, 3); break;
    default: q4_0_tile_of(p, Q4_0_TILE); break;
    }
}

static void q4_0_panel(const struct panel *p)
{
    const size_t row_blocks = p->w->cols / Q_BLOCK, b0 = p->k0 / Q_BLOCK, n_blocks = p->k1 / Q_BLOCK - b0;
    const struct q4_0_group *g = (const struct q4_0_group *)p->w->data + p->row0 / Q_GROUP * row_blocks + b0;
    for (size_t t = p->t0, n; t < p->t1; t += n) {
        const size_t block = t * row_blocks + b0;
        const struct q4_0_tile tile = {g, n_blocks, p->x->q + t * p->x->ld + p->k0, p->x->scale + block, p->x->sum + 2 * block,
                                       p->x->ld, row_blocks, p->acc + (t - p->t0) * Q_GROUP};
        n = next_tile(p->t1 - t, Q4_0_TILE);
        q4_0_tile(&tile, n);
    }
}

void q4_0_gemm_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    static const struct panel_kernel kernel = {q4_0_panel, Q4_0_PANEL_COLS};
    gemm_by_panels(&kernel, w, x, row0, row1, y, ldy, scratch);
}
