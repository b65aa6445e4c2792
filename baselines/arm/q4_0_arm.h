/* Private to baselines/arm/: q4_0 on every ARM instruction set. Layout: q4_0.c.
 *
 * gemv leaves the codes as they are, 0..15, and takes their zero of 8 off with the sums of the activations; gemm makes them -8..7 once
 * for all tokens of a panel. int16 sums: 8 steps of 15 * 128 = 15360. */
#ifndef BITJOULE_Q4_0_ARM_H
#define BITJOULE_Q4_0_ARM_H

#include "baselines/arm/block_tile_arm.h"

enum { Q4_0_ZERO = 8, Q4_0_PANEL_COLS = 512, Q4_0_BLOCKS = Q4_0_PANEL_COLS / Q_BLOCK };

static inline const struct q4_0_group *q4_0_at(const struct weights *w, size_t row, size_t k)
{
    return (const struct q4_0_group *)w->data + row / Q_GROUP * (w->cols / Q_BLOCK) + k / Q_BLOCK;
}

static inline int8x16_t low_nibbles(uint8x16_t b)
{
    return vreinterpretq_s8_u8(vandq_u8(b, vdupq_n_u8(15)));
}

static inline int8x16_t high_nibbles(uint8x16_t b)
{
    return vreinterpretq_s8_u8(vshrq_n_u8(b, 4));
}

static inline void q4_0_gemv(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y)
{
    for (size_t r = row0; r < row1; r += Q_GROUP) {
        const struct q4_0_group *g = q4_0_at(w, r, 0);
        float32x4_t acc[PANEL_REGS];
        UNROLL for (int v = 0; v < PANEL_REGS; v++)
            acc[v] = vdupq_n_f32(0.0f);
        for (size_t b = 0; b < w->cols / Q_BLOCK; b++, g++) {
            const int8x16_t a0 = vld1q_s8(x->q + b * Q_BLOCK), a1 = vld1q_s8(x->q + b * Q_BLOCK + 16);
            const int32x4_t offset = vdupq_n_s32(Q4_0_ZERO * (x->sum[2 * b] + x->sum[2 * b + 1]));
            UNROLL for (int v = 0; v < PANEL_REGS; v++) {
                struct sums s = dot_zero();
                const uint8x16_t b0 = vld1q_u8(g->q[0][4 * v]), b1 = vld1q_u8(g->q[1][4 * v]), b2 = vld1q_u8(g->q[2][4 * v]),
                                 b3 = vld1q_u8(g->q[3][4 * v]);
                DOT_ADD2(s, low_nibbles(b0), low_nibbles(b1), a0, 0, 1);
                DOT_ADD2(s, low_nibbles(b2), low_nibbles(b3), a0, 2, 3);
                DOT_ADD2(s, high_nibbles(b0), high_nibbles(b1), a1, 0, 1);
                DOT_ADD2(s, high_nibbles(b2), high_nibbles(b3), a1, 2, 3);
                acc[v] = add_block(acc[v], vsubq_s32(dot_total(s), offset), load_half_4(g->d + 4 * v), x->scale[b]);
            }
        }
        store_group(y, r, row1, acc);
    }
}

struct q4_0_space {
    float d[Q4_0_BLOCKS][Q_GROUP];
    int8_t codes[Q4_0_BLOCKS][BLOCK_BYTES];
};
_Static_assert(sizeof(struct q4_0_space) <= PANEL_SPACE, "fits the scratch");

static inline void q4_0_unpack(const struct q4_0_group *g, float *d, int8_t *codes)
{
    const int8x16_t zero = vdupq_n_s8(Q4_0_ZERO);
    UNROLL for (int v = 0; v < PANEL_REGS; v++) {
        vst1q_f32(d + 4 * v, load_half_4(g->d + 4 * v));
        for (size_t j = 0; j < 4; j += 2) {
            const uint8x16_t b0 = vld1q_u8(g->q[j][4 * v]), b1 = vld1q_u8(g->q[j + 1][4 * v]);
            panel_store2(codes, j, v, vsubq_s8(low_nibbles(b0), zero), vsubq_s8(low_nibbles(b1), zero));
            panel_store2(codes, j + 4, v, vsubq_s8(high_nibbles(b0), zero), vsubq_s8(high_nibbles(b1), zero));
        }
    }
}

static inline void q4_0_panel(const struct panel *p)
{
    const struct q4_0_group *g = q4_0_at(p->w, p->row0, p->k0);
    struct q4_0_space *s = p->space;
    for (size_t b = 0; b < (p->k1 - p->k0) / Q_BLOCK; b++)
        q4_0_unpack(&g[b], s->d[b], s->codes[b]);
    const struct code_blocks w = {s->codes[0], s->d[0], BLOCK_BYTES};
    codes_panel(p, &w);
}

static const struct panel_kernel q4_0_panels = {q4_0_panel, Q4_0_PANEL_COLS, 1};

#endif
