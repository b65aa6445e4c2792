/* Private to baselines/arm/: q8_0 on every ARM instruction set. Layout: q8_0.c. Its blocks are panels as they lie in memory: gemv and,
 * but for smmla, which wants two rows to a register, gemm multiply them there. */
#ifndef BITJOULE_Q8_0_ARM_H
#define BITJOULE_Q8_0_ARM_H

#ifndef DOT_SDOT
#ifndef DOT_MMLA
#define DOT_WIDE
#endif
#endif
#include "baselines/arm/block_tile_arm.h"

enum { Q8_0_PANEL_COLS = 512, Q8_0_BLOCKS = Q8_0_PANEL_COLS / Q_BLOCK };

static inline const struct q8_0_group *q8_0_at(const struct weights *w, size_t row, size_t k)
{
    return (const struct q8_0_group *)w->data + row / Q_GROUP * (w->cols / Q_BLOCK) + k / Q_BLOCK;
}

static inline void q8_0_gemv(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y)
{
    for (size_t r = row0; r < row1; r += Q_GROUP) {
        const struct q8_0_group *g = q8_0_at(w, r, 0);
        float32x4_t acc[PANEL_REGS];
        UNROLL for (int v = 0; v < PANEL_REGS; v++)
            acc[v] = vdupq_n_f32(0.0f);
        for (size_t b = 0; b < w->cols / Q_BLOCK; b++, g++) {
            const int8x16_t a0 = vld1q_s8(x->q + b * Q_BLOCK), a1 = vld1q_s8(x->q + b * Q_BLOCK + 16);
            UNROLL for (int v = 0; v < PANEL_REGS; v++) {
                struct sums s = dot_zero();
#define CODES(j) vld1q_s8(g->q[j][4 * v])
                DOT_ADD2(s, CODES(0), CODES(1), a0, 0, 1);
                DOT_ADD2(s, CODES(2), CODES(3), a0, 2, 3);
                DOT_ADD2(s, CODES(4), CODES(5), a1, 0, 1);
                DOT_ADD2(s, CODES(6), CODES(7), a1, 2, 3);
#undef CODES
                acc[v] = add_block(acc[v], dot_total(s), load_half_4(g->d + 4 * v), x->scale[b]);
            }
        }
        store_group(y, r, row1, acc);
    }
}

struct q8_0_space {
    float d[Q8_0_BLOCKS][Q_GROUP];
    int8_t codes[Q8_0_BLOCKS][BLOCK_BYTES]; /* smmla only */
};
_Static_assert(sizeof(struct q8_0_space) <= PANEL_SPACE, "fits the scratch");

#ifdef DOT_MMLA
static inline struct code_blocks q8_0_codes(const struct q8_0_group *g, size_t n_blocks, struct q8_0_space *s)
{
    for (size_t b = 0; b < n_blocks; b++)
        for (size_t j = 0; j < BLOCK_STEPS; j += 2)
            UNROLL for (int v = 0; v < PANEL_REGS; v++)
                panel_store2(s->codes[b], j, v, vld1q_s8(g[b].q[j][4 * v]), vld1q_s8(g[b].q[j + 1][4 * v]));
    return (struct code_blocks){s->codes[0], s->d[0], BLOCK_BYTES};
}
#else
static inline struct code_blocks q8_0_codes(const struct q8_0_group *g, size_t n_blocks, struct q8_0_space *s)
{
    (void)n_blocks;
    return (struct code_blocks){g->q[0][0], s->d[0], sizeof *g};
}
#endif

static inline void q8_0_panel(const struct panel *p)
{
    const struct q8_0_group *g = q8_0_at(p->w, p->row0, p->k0);
    const size_t n_blocks = (p->k1 - p->k0) / Q_BLOCK;
    struct q8_0_space *s = p->space;
    for (size_t b = 0; b < n_blocks; b++)
        UNROLL for (int v = 0; v < PANEL_REGS; v++)
            vst1q_f32(s->d[b] + 4 * v, load_half_4(g[b].d + 4 * v));
    const struct code_blocks w = q8_0_codes(g, n_blocks, s);
    codes_panel(p, &w);
}

static const struct panel_kernel q8_0_panels = {q8_0_panel, Q8_0_PANEL_COLS, 1};

#endif
