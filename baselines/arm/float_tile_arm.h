/* Private to baselines/arm/: f16 and f32 on NEON. A register is 4 rows of one column, each row sums its columns in order.
 *
 * gemv: all rows of a group (16 or 32) at once, 4 or 8 chains of FMA over one stream of weights. gemm: tiles of 16 rows x 4 tokens, 16
 * sums in registers; 16 FMA for 4 loads of weights and one of 4 activations. Four columns at a time, as the lanes of a register of
 * activations; what is left of the columns one by one.
 *
 * FP16 arithmetic (ARMv8.2) has no place here: the product is defined as float FMAs of exactly converted weights. */
#ifndef BITJOULE_FLOAT_TILE_ARM_H
#define BITJOULE_FLOAT_TILE_ARM_H

#include <stdbool.h>

#include "baselines/baseline_kernels.h"
#include "kernels/arm/dot.h"

enum { FLOAT_TILE = 4 /* tokens */, FLOAT_ROWS = 16, FLOAT_REGS = FLOAT_ROWS / 4 };

/* 4 weights, halves or floats */
static inline __attribute__((always_inline)) float32x4_t load_4(const void *w, size_t i, const bool half)
{
    return half ? vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16((const uint16_t *)w + i))) : vld1q_f32((const float *)w + i);
}

/* One tile. w: [kc][w_ld], x: [tokens][x_ld], acc: [tokens][acc_ld]; strides in elements. */
struct float_tile {
    const void *w; /* halves or floats */
    const float *x;
    float *acc;
    size_t w_ld, x_ld, acc_ld, kc;
};

/* s += column k of the weights x activation `lane` of a */
#define FLOAT_COLUMN(lane) \
    UNROLL for (int v = 0; v < FLOAT_REGS; v++) \
    { \
        const float32x4_t w = load_4(p->w, (k + lane) * p->w_ld + 4 * (size_t)v, half); \
        UNROLL for (int t = 0; t < tokens; t++) \
            s[t][v] = vfmaq_laneq_f32(s[t][v], w, a[t], lane); \
    }

TILE float_tile_of(const struct float_tile *p, const bool half, const int tokens)
{
    float32x4_t s[FLOAT_TILE][FLOAT_REGS], a[FLOAT_TILE];
    size_t k = 0;
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int v = 0; v < FLOAT_REGS; v++)
            s[t][v] = vld1q_f32(p->acc + (size_t)t * p->acc_ld + 4 * v);
    for (; k + 4 <= p->kc; k += 4) {
        UNROLL for (int t = 0; t < tokens; t++)
            a[t] = vld1q_f32(p->x + (size_t)t * p->x_ld + k);
        FLOAT_COLUMN(0)
        FLOAT_COLUMN(1)
        FLOAT_COLUMN(2)
        FLOAT_COLUMN(3)
    }
    for (; k < p->kc; k++) {
        UNROLL for (int t = 0; t < tokens; t++)
            a[t] = vdupq_n_f32(p->x[(size_t)t * p->x_ld + k]);
        FLOAT_COLUMN(0)
    }
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int v = 0; v < FLOAT_REGS; v++)
            vst1q_f32(p->acc + (size_t)t * p->acc_ld + 4 * v, s[t][v]);
}

/* All tokens of a panel with the weights w [k1 - k0][group], halves or floats. */
TILE float_panel(const struct panel *p, const void *w, const bool half, size_t group)
{
    for (size_t t = p->t0, n; t < p->t1; t += n) {
        n = next_tile(p->t1 - t, FLOAT_TILE);
        for (size_t r = 0; r < group; r += FLOAT_ROWS) {
            const struct float_tile tile = {.w = half ? (const void *)((const uint16_t *)w + r) : (const void *)((const float *)w + r),
                                            .x = p->x->f32 + t * p->x->ld + p->k0,
                                            .acc = p->acc + (t - p->t0) * group + r,
                                            .w_ld = group,
                                            .x_ld = p->x->ld,
                                            .acc_ld = group,
                                            .kc = p->k1 - p->k0};
#define RUN(tokens) float_tile_of(&tile, half, tokens)
            switch (n) {
                TILE_CASES_4(RUN)
            }
#undef RUN
        }
    }
}

/* A matmul_fn for one token; `regs` registers are a group of rows */
TILE float_gemv(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, const bool half, const int regs)
{
    const size_t group = 4 * (size_t)regs;
    for (size_t r = row0; r < row1; r += group) {
        const char *col = (const char *)w->data + r * w->cols * (half ? sizeof(uint16_t) : sizeof(float));
        float32x4_t s[8];
        UNROLL for (int v = 0; v < regs; v++)
            s[v] = vdupq_n_f32(0.0f);
        for (size_t k = 0; k < w->cols; k++) {
            const float32x4_t a = vdupq_n_f32(x->f32[k]);
            UNROLL for (int v = 0; v < regs; v++)
                s[v] = vfmaq_f32(s[v], load_4(col, k * group + 4 * (size_t)v, half), a);
        }
        UNROLL for (size_t v = 0; v < (size_t)regs; v++)
            store_4_rows(y, r + 4 * v, row1, s[v]);
    }
}

#endif
