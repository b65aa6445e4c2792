/* Private to baselines/x86/: the tile of f32 and f16, y[tokens, 16 rows] += x[tokens, kc] . w[kc, 16 rows].
 *
 * 6 tokens x 16 rows are 12 sums in registers: enough to hide the latency of an FMA (4 cycles x 2 per cycle = 8), and 12 FMA per
 * 2 loads and 6 broadcasts keep the load ports below their limit. */
#ifndef BITJOULE_FLOAT_TILE_AVX2_H
#define BITJOULE_FLOAT_TILE_AVX2_H

#include "baselines/x86/tile_avx2.h"

enum { FLOAT_TILE = 6 };

/* One tile. w: [kc][w_ld], x: [tokens][x_ld], acc: [tokens][acc_ld]; strides in elements. */
struct float_tile {
    const void *w; /* halves or floats */
    const float *x;
    float *acc;
    size_t w_ld, x_ld, acc_ld, kc;
};

static inline __attribute__((always_inline)) __m256 load_8(const void *w, size_t i, const bool half)
{
    return half ? load_half((const uint16_t *)w + i) : _mm256_load_ps((const float *)w + i);
}

TILE float_tile_of(const struct float_tile *p, const bool half, const int tokens)
{
    const float *x = p->x;
    __m256 s[FLOAT_TILE][2];
    UNROLL for (int t = 0; t < tokens; t++) {
        s[t][0] = _mm256_load_ps(p->acc + (size_t)t * p->acc_ld);
        s[t][1] = _mm256_load_ps(p->acc + (size_t)t * p->acc_ld + 8);
    }
    for (size_t k = 0, i = 0; k < p->kc; k++, i += p->w_ld) {
        const __m256 w0 = load_8(p->w, i, half), w1 = load_8(p->w, i + 8, half);
        UNROLL for (int t = 0; t < tokens; t++) {
            const __m256 a = _mm256_broadcast_ss(x + (size_t)t * p->x_ld + k);
            s[t][0] = _mm256_fmadd_ps(w0, a, s[t][0]);
            s[t][1] = _mm256_fmadd_ps(w1, a, s[t][1]);
        }
    }
    UNROLL for (int t = 0; t < tokens; t++) {
        _mm256_store_ps(p->acc + (size_t)t * p->acc_ld, s[t][0]);
        _mm256_store_ps(p->acc + (size_t)t * p->acc_ld + 8, s[t][1]);
    }
}

/* tokens: 1 .. FLOAT_TILE */
TILE float_tile(const struct float_tile *p, const bool half, size_t tokens)
{
    switch (tokens) {
    case 1: float_tile_of(p, half, 1); break;
    case 2: float_tile_of(p, half, 2); break;
    case 3: float_tile_of(p, half, 3); break;
    case 4: float_tile_of(p, half, 4); break;
    case 5: float_tile_of(p, half, 5); break;
    default: float_tile_of(p, half, FLOAT_TILE); break;
    }
}

/* All tokens of a panel with the weights w [k1 - k0][group], halves or floats. */
TILE float_panel(const struct panel *p, const void *w, const bool half, size_t group)
{
    for (size_t t = p->t0, n; t < p->t1; t += n) {
        n = next_tile(p->t1 - t, FLOAT_TILE);
        for (size_t r = 0; r < group; r += 16) {
            const struct float_tile tile = {.w = half ? (const void *)((const uint16_t *)w + r) : (const void *)((const float *)w + r),
                                            .x = p->x->f32 + t * p->x->ld + p->k0,
                                            .acc = p->acc + (t - p->t0) * group + r,
                                            .w_ld = group,
                                            .x_ld = p->x->ld,
                                            .acc_ld = group,
                                            .kc = p->k1 - p->k0};
            float_tile(&tile, half, n);
        }
    }
}

#endif
