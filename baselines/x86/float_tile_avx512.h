/* Private to baselines/x86/: the tile of f32 and f16 on AVX-512, y[tokens, rows] += x[tokens, kc] . w[kc, rows].
 *
 * rows is 16 for f32 and 32 for f16, a whole group. 12 tokens x 32 rows are 24 sums, 2 weights and 1 activation of 32 registers;
 * 12 x 16 still hide the latency of an FMA (4 cycles x 2 per cycle = 8). */
#ifndef BITJOULE_FLOAT_TILE_AVX512_H
#define BITJOULE_FLOAT_TILE_AVX512_H

#if !defined(__AVX512F__) || !defined(__AVX512BW__)
#error "compile with -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq"
#endif
#define VEC_BITS 512
#include "baselines/x86/panel_ahead.h"
#include "kernels/tile.h"
#include "kernels/x86/vec.h"

/* One tile of a group of 16 * vecs rows. w: [kc][16 vecs], x: [tokens][x_ld], acc: [tokens][16 vecs]. */
struct float_tile {
    const void *w; /* halves or floats */
    const float *x;
    float *acc;
    size_t x_ld, kc;
};

TILE float_tile_of(const struct float_tile *p, const bool half, const int vecs, const int tokens)
{
    __m512 s[VEC_TILE][2], w[2];
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int v = 0; v < vecs; v++)
            s[t][v] = _mm512_load_ps(p->acc + 16 * (t * vecs + v));
    for (size_t k = 0; k < p->kc; k++) {
        const size_t i = 16 * (size_t)vecs * k;
        UNROLL for (int v = 0; v < vecs; v++)
            w[v] = half ? vecf_of_half((const uint16_t *)p->w + i + 16 * v) : _mm512_load_ps((const float *)p->w + i + 16 * v);
        UNROLL for (int t = 0; t < tokens; t++) {
            const __m512 a = _mm512_set1_ps(p->x[(size_t)t * p->x_ld + k]);
            UNROLL for (int v = 0; v < vecs; v++)
                s[t][v] = _mm512_fmadd_ps(w[v], a, s[t][v]);
        }
    }
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int v = 0; v < vecs; v++)
            _mm512_store_ps(p->acc + 16 * (t * vecs + v), s[t][v]);
}

/* All tokens of a panel with the weights w [k1 - k0][16 vecs], halves or floats; col_bytes: of a column of a group in memory. */
TILE float_panel(const struct panel *p, const void *w, const bool half, const int vecs, const size_t col_bytes)
{
    for (size_t t = p->t0, n; t < p->t1; t += n) {
        const struct float_tile tile = {.w = w,
                                        .x = p->x->f32 + t * p->x->ld + p->k0,
                                        .acc = p->acc + (t - p->t0) * 16 * (size_t)vecs,
                                        .x_ld = p->x->ld,
                                        .kc = p->k1 - p->k0};
        n = next_tile(p->t1 - t, VEC_TILE);
        if (!half) /* halves are not in a panel but read on and on */
            panel_ahead(p, col_bytes, t, n);
#define RUN(tokens) float_tile_of(&tile, half, vecs, tokens)
        switch (n) {
            VEC_TILE_CASES(RUN)
        }
#undef RUN
    }
}

#endif
