/* Private to baselines/arm/: what q8_0, q4_0 and q6_k share on every ARM instruction set. The ISA comes with kernels/arm/dot.h.
 *
 * gemm: a panel of signed codes (kernels/arm/dot_tile.h) in L1 while the tokens pass. The integer sums of a run of columns are in
 * registers; at the end of a block of 32 they are scaled and added to the float sums, which wait in memory: a conversion, a
 * multiplication and an FMA for each register of 4 rows and token. Codes carry their sign here, so nothing is taken off with the sums
 * of the activations. */
#ifndef BITJOULE_BLOCK_TILE_ARM_H
#define BITJOULE_BLOCK_TILE_ARM_H

#include "baselines/panel_tile.h"
#include "kernels/arm/dot_tile.h"

enum { BLOCK_STEPS = Q_BLOCK / 4, BLOCK_BYTES = Q_BLOCK * Q_GROUP };

/* 4 halves as floats */
static inline float32x4_t load_half_4(const uint16_t *h)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(h)));
}

/* acc + isum * (d * scale): the end of the definition's every step */
static inline float32x4_t add_block(float32x4_t acc, int32x4_t isum, float32x4_t d, float scale)
{
    return vfmaq_f32(acc, vcvtq_f32_s32(isum), vmulq_n_f32(d, scale));
}

/* The float sums of token t of a tile += block b */
TILE add_block_to(const struct block_tile *p, size_t b, int t, const int32x4_t isum[PANEL_REGS], const float32x4_t d[PANEL_REGS])
{
    UNROLL for (int v = 0; v < PANEL_REGS; v++) {
        float *acc = p->acc + t * Q_GROUP + 4 * v;
        vst1q_f32(acc, add_block(vld1q_f32(acc), isum[v], d[v], p->scale[(size_t)t * p->scale_ld + b]));
    }
}

/* All tokens of a panel, group of rows g. run(tile, tokens) is a macro that takes a constant number of tokens. */
#define FOR_TILES(p, g, run) \
    for (size_t t_ = (p)->t0, n_; t_ < (p)->t1; t_ += n_) { \
        const struct block_tile tile_ = block_tile(p, g, t_); \
        n_ = next_tile((p)->t1 - t_, DOT_TILE); \
        switch (n_) { \
            DOT_TILE_CASES(run) \
        } \
    }

/* ---- formats with one scale for each 32 columns: q8_0, q4_0 ---- */

/* Codes and scales of the block of 16 rows at `codes`, which is one of several `stride` bytes apart */
struct code_blocks {
    const int8_t *codes;
    const float *d; /* [n_blocks][16] */
    size_t stride;
};

TILE codes_tile_of(const struct block_tile *p, const struct code_blocks *w, const int tokens)
{
    for (size_t b = 0; b < p->n_blocks; b++) {
        int32x4_t isum[DOT_TILE][PANEL_REGS];
        float32x4_t d[PANEL_REGS];
        dot_tile(w->codes + b * w->stride, BLOCK_STEPS, p->q + b * Q_BLOCK, p->q_ld, isum, tokens);
        UNROLL for (int v = 0; v < PANEL_REGS; v++)
            d[v] = vld1q_f32(w->d + b * Q_GROUP + 4 * v);
        UNROLL for (int t = 0; t < tokens; t++)
            add_block_to(p, b, t, isum[t], d);
    }
}

static inline void codes_panel(const struct panel *p, const struct code_blocks *w)
{
#define RUN(tokens) codes_tile_of(&tile_, w, tokens)
    FOR_TILES(p, 0, RUN)
#undef RUN
}

/* The rows of a group into y, or those of them before row1 */
TILE store_group(float *y, size_t row, size_t row1, const float32x4_t acc[PANEL_REGS])
{
    UNROLL for (size_t v = 0; v < PANEL_REGS; v++)
        store_4_rows(y, row + 4 * v, row1, acc[v]);
}

#endif
