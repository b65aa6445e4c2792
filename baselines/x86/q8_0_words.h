/* Private to baselines/x86/: the gemm of q8_0 without VNNI, of 256 or 512 bits (kernels/x86/vec.h). Layout: q8_0.c.
 *
 * |w| * |a| of two pairs overflows int16, so bytes would need four instructions for as many products as a register has bytes (sign,
 * multiply, widen, add). Weights are widened to int16 once per panel and activations once per tile, and then it is one vpmaddwd and
 * one addition for half as many: the bytes 0, 2 and 1, 3 of every 4 columns become two vectors of int16 pairs. */
#ifndef BITJOULE_Q8_0_WORDS_H
#define BITJOULE_Q8_0_WORDS_H

#include "baselines/x86/block_tile.h"

enum { Q8_0_PANEL_COLS = 128, Q8_0_PANEL_GROUPS = 4, PANEL_BLOCKS = Q8_0_PANEL_COLS / Q_BLOCK };

/* Tokens of a tile: the product and the widened weights need registers too. 4 to 6 tokens are equally fast on 256 bits. */
#if VEC_BITS == 256
enum { Q8_0_TILE = 4 };
#define Q8_0_TILE_CASES TILE_CASES_4
#else
enum { Q8_0_TILE = VEC_TILE };
#define Q8_0_TILE_CASES VEC_TILE_CASES
#endif

struct widened {
    /* Vector j < 8 holds bytes 0, 2 of the block's 4-column group j, vector j + 8 holds its bytes 1, 3. */
    int16_t q[Q8_0_TILE][PANEL_BLOCKS][16][2]; /* activations, [token][block][j] */
    struct widened_block {
        int16_t w[16][Q_GROUP][2]; /* [j][row] */
        float d[Q_GROUP];
    } block[Q8_0_PANEL_GROUPS][PANEL_BLOCKS]; /* 64 rows x 128 columns are 17 KB in L1 */
};
_Static_assert(sizeof(struct widened) <= PANEL_SPACE && sizeof(struct widened_block) % 64 == 0, "fits the scratch, aligned");

static inline void widen_weights(const struct q8_0_group *g, struct widened_block *out)
{
    UNROLL for (int v = 0; v < TILE_VECS; v++) {
        for (size_t j = 0; j < 8; j++) {
            const vec bytes = vec_load_half_line(g->q[j][v * VEC_ROWS]);
            vec_store(out->w[j][v * VEC_ROWS], vec_shift16_signed(vec_shift16_left(bytes, 8), 8));
            vec_store(out->w[j + 8][v * VEC_ROWS], vec_shift16_signed(bytes, 8));
        }
        vecf_store(out->d + v * VEC_ROWS, vecf_of_half(g->d + v * VEC_ROWS));
    }
}

/* 32 activations; 256 bits on every ISA */
static inline void widen_acts(const int8_t *q, int16_t out[16][2])
{
    const __m256i bytes = _mm256_load_si256((const __m256i *)(const void *)q);
    _mm256_store_si256((__m256i *)(void *)out, _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8));
    _mm256_store_si256((__m256i *)(void *)(out + 8), _mm256_srai_epi16(bytes, 8));
}

/* All 16 steps one after the other: 8 % faster with 16 registers, no gain with 32. */
#if VEC_BITS == 256
#define UNROLL_STEPS UNROLL
#else
#define UNROLL_STEPS
#endif

/* All sums are exact: int32 holds 32 * 128 * 127 easily. */
TILE q8_0_tile_of(const struct block_tile *p, const struct widened *wide, size_t g, const int tokens)
{
    vecf y[Q8_0_TILE][TILE_VECS];
    if (SUMS_STAY)
        sums_load(p->acc, y, tokens);
    for (size_t b = 0; b < p->n_blocks; b++) {
        const struct widened_block *w = &wide->block[g][b];
        vec isum[Q8_0_TILE][TILE_VECS];
        UNROLL for (int t = 0; t < tokens; t++)
            UNROLL for (int v = 0; v < TILE_VECS; v++)
                isum[t][v] = vec_zero();
        UNROLL_STEPS for (int j = 0; j < 16; j++) {
            vec words[TILE_VECS];
            UNROLL for (int v = 0; v < TILE_VECS; v++) {
                words[v] = vec_load(w->w[j][v * VEC_ROWS]);
                KEEP(words[v]); /* gcc 12 would load them again for every token */
            }
            UNROLL for (int t = 0; t < tokens; t++) {
                const vec a = vec_broadcast4(wide->q[t][b][j]);
                UNROLL for (int v = 0; v < TILE_VECS; v++) {
                    isum[t][v] = vec_add32(isum[t][v], vec_dot16(words[v], a));
                    KEEP(isum[t][v]);
                }
            }
        }
        UNROLL for (int t = 0; t < tokens; t++)
            UNROLL for (int v = 0; v < TILE_VECS; v++)
                sums_add(p, b, t, v, isum[t][v], w->d, y);
    }
    if (SUMS_STAY)
        sums_store(p->acc, y, tokens);
}

static inline void q8_0_panel(const struct panel *p)
{
    const size_t b0 = p->k0 / Q_BLOCK, n_blocks = p->k1 / Q_BLOCK - b0, row_blocks = p->w->cols / Q_BLOCK;
    const struct q8_0_group *in = (const struct q8_0_group *)p->w->data + p->row0 / Q_GROUP * row_blocks + b0;
    struct widened *wide = p->space;
    for (size_t g = 0; g < p->groups; g++)
        for (size_t b = 0; b < n_blocks; b++)
            widen_weights(&in[g * row_blocks + b], &wide->block[g][b]);
    for (size_t t = p->t0, n; t < p->t1; t += n) {
        n = next_tile(p->t1 - t, Q8_0_TILE);
        for (size_t i = 0; i < n; i++)
            for (size_t b = 0; b < n_blocks; b++)
                widen_acts(p->x->q + (t + i) * p->x->ld + p->k0 + b * Q_BLOCK, wide->q[i][b]);
        for (size_t g = 0; g < p->groups; g++) {
            const struct block_tile tile = block_tile(p, g, t);
#define RUN(tokens) q8_0_tile_of(&tile, wide, g, tokens)
            switch (n) {
                Q8_0_TILE_CASES(RUN)
            }
#undef RUN
        }
    }
}

static const struct panel_kernel q8_0_panels = {q8_0_panel, Q8_0_PANEL_COLS, Q8_0_PANEL_GROUPS};

#endif
