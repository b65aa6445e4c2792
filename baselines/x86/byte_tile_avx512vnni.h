/* Private to baselines/x86/: the gemm of q8_0 and q4_0 on AVX-512 VNNI.
 *
 * vpdpbusd multiplies unsigned by signed bytes and adds four products to an int32. Weights become unsigned codes once per panel,
 * code = weight + zero (128 for q8_0, 8 for q4_0), and a sum starts from -zero * (sum of the block's activations), which comes
 * with the activations: sum(weight q) = sum(code q) - zero sum(q). Exact: |sums| < 32 * 255 * 127 * 2 < 2^21.
 * A tile is 16 rows x 12 tokens: 12 sums of integers for a block and 12 of floats for the panel, all in registers. */
#ifndef BITJOULE_BYTE_TILE_AVX512VNNI_H
#define BITJOULE_BYTE_TILE_AVX512VNNI_H

#ifndef __AVX512VNNI__
#error "compile with the flags of AVX-512 and -mavx512vnni"
#endif
#include "baselines/x86/tile_avx512.h"

enum { BYTE_PANEL_COLS = 512, PANEL_BLOCKS = BYTE_PANEL_COLS / Q_BLOCK };

/* Column k = 4 j + i of a block lies in code[j][row][i]. 16 rows x 512 columns are 9 KB: they stay in L1 while the tokens pass. */
struct byte_block {
    uint8_t code[8][Q_GROUP][4];
    float d[Q_GROUP];
};
_Static_assert(PANEL_BLOCKS * sizeof(struct byte_block) <= PANEL_SPACE && sizeof(struct byte_block) % 64 == 0, "fits, aligned");

/* acc[tokens][16] over n_blocks blocks; q, scale, sum of the first token at the first block */
struct byte_tile {
    const struct byte_block *w;
    size_t n_blocks;
    const int8_t *q;
    const float *scale;
    const int32_t *sum;
    size_t q_ld, scale_ld;
    float *acc;
};

TILE byte_tile_of(const struct byte_tile *p, const int32_t zero, const int tokens)
{
    __m512 y[TILE_512];
    UNROLL for (int t = 0; t < tokens; t++)
        y[t] = _mm512_load_ps(p->acc + (size_t)t * Q_GROUP);
    for (size_t b = 0; b < p->n_blocks; b++) {
        const int8_t *q = p->q + b * Q_BLOCK;
        __m512i isum[TILE_512];
        UNROLL for (int t = 0; t < tokens; t++) {
            const int32_t *sum = p->sum + 2 * ((size_t)t * p->scale_ld + b);
            isum[t] = _mm512_set1_epi32(-zero * (sum[0] + sum[1]));
        }
        UNROLL for (size_t j = 0; j < 8; j++) {
            const __m512i w = _mm512_load_si512(p->w[b].code[j]);
            UNROLL for (int t = 0; t < tokens; t++)
                isum[t] = _mm512_dpbusd_epi32(isum[t], w, spread4(q + (size_t)t * p->q_ld + 4 * j));
        }
        const __m512 d = _mm512_load_ps(p->w[b].d);
        UNROLL for (int t = 0; t < tokens; t++) {
            const __m512 dx = _mm512_set1_ps(p->scale[(size_t)t * p->scale_ld + b]);
            y[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(isum[t]), _mm512_mul_ps(d, dx), y[t]);
        }
    }
    UNROLL for (int t = 0; t < tokens; t++)
        _mm512_store_ps(p->acc + (size_t)t * Q_GROUP, y[t]);
}

/* All tokens of a panel with its unpacked blocks w. */
TILE byte_panel(const struct panel *p, const struct byte_block *w, const int32_t zero)
{
    const size_t row_blocks = p->w->cols / Q_BLOCK, b0 = p->k0 / Q_BLOCK;
    for (size_t t = p->t0, n; t < p->t1; t += n) {
        const size_t block = t * row_blocks + b0;
        const struct byte_tile tile = {.w = w,
                                       .n_blocks = p->k1 / Q_BLOCK - b0,
                                       .q = p->x->q + t * p->x->ld + p->k0,
                                       .scale = p->x->scale + block,
                                       .sum = p->x->sum + 2 * block,
                                       .q_ld = p->x->ld,
                                       .scale_ld = row_blocks,
                                       .acc = p->acc + (t - p->t0) * Q_GROUP};
        n = next_tile(p->t1 - t, TILE_512);
#define RUN(tokens) byte_tile_of(&tile, zero, tokens)
        switch (n) {
            TILE_CASES_12(RUN)
        }
#undef RUN
    }
}

#endif
