/* The gemm of the ternary formats on ARM: y = W . x for many tokens. The ISA comes with dot.h.
 *
 * 16 rows x GEMM_COLS weights are unpacked once into L1 as codes 0..2, a byte each (the panel of dot_tile.h); then all tokens pass over
 * it, DOT_TILE at a time, with their sums in registers. Sums over panels are int32 in the scratch; sum(code a) - sum(a) = sum(w a) at
 * the end. The unpacking is the format's. int16 sums: a step of 4 columns adds one product to each, at most 2 * 128 = 256; the
 * 64 steps of a panel reach 16384. */
#ifndef BITJOULE_TERNARY_GEMM_ARM_H
#define BITJOULE_TERNARY_GEMM_ARM_H

#include "kernels/arm/dot_tile.h"
#include "kernels/format.h"

#ifndef GEMM_COLS
#define GEMM_COLS 256 /* columns of a panel, a multiple of 16 */
#endif
#ifndef GEMM_GROUP
#define GEMM_GROUP PANEL_ROWS /* rows that the format unpacks at once: 16 or 32 */
#endif

enum {
    GEMM_PANELS = GEMM_GROUP / PANEL_ROWS, /* side by side: one or two of 16 rows */
    GEMM_PANEL = GEMM_COLS * PANEL_ROWS, /* bytes */
    GEMM_TOKENS = (KERNEL_SCRATCH_BYTES - GEMM_PANELS * GEMM_PANEL) / (GEMM_GROUP * 4), /* whose sums fit the scratch */
};

/* Writes columns [k, k + cols) of rows [row, row + GEMM_GROUP) as codes, with panel_store2(), into GEMM_PANELS panels of GEMM_PANEL bytes
 * each. k is a multiple of GEMM_COLS, cols <= GEMM_COLS one of 16; a panel has room for GEMM_COLS always. */
typedef void (*unpack_fn)(const struct weights *w, size_t row, size_t k, size_t cols, int8_t *panel);

/* One token's result of 4 rows, from sum(code a) */
static inline void finish_4_rows(float *y, size_t row, size_t row1, int32x4_t sum, int32_t act_sum, float factor)
{
    store_4_rows(y, row, row1, vmulq_n_f32(vcvtq_f32_s32(vsubq_s32(sum, vdupq_n_s32(act_sum))), factor));
}

TILE gemm_tile(const int8_t *panel, size_t steps, const int8_t *q, size_t ld, int32_t *acc, const int tokens)
{
    int32x4_t sum[DOT_TILE][PANEL_REGS];
    dot_tile(panel, steps, q, ld, sum, tokens);
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int v = 0; v < PANEL_REGS; v++) {
            int32_t *at = acc + t * PANEL_ROWS + 4 * v;
            vst1q_s32(at, vaddq_s32(vld1q_s32(at), sum[t][v]));
        }
}

/* acc[n][PANEL_ROWS] += panel . q[n] */
static inline void gemm_panel(const int8_t *panel, size_t steps, const int8_t *q, size_t ld, size_t n, int32_t *acc)
{
    for (size_t t = 0, tile; t < n; t += tile, q += tile * ld, acc += tile * PANEL_ROWS) {
        tile = next_tile(n - t, DOT_TILE);
#define RUN(tokens) gemm_tile(panel, steps, q, ld, acc, tokens)
        switch (tile) {
            DOT_TILE_CASES(RUN)
        }
#undef RUN
    }
}

/* Rows [r, r + GEMM_GROUP) or those before row1, tokens [t0, t0 + n) */
TILE gemm_rows(const struct weights *w, const struct acts *x, size_t t0, size_t n, size_t r, size_t row1, float *y, size_t ldy,
               void *scratch, unpack_fn unpack)
{
    int8_t *panel = scratch;
    int32_t *acc = (int32_t *)(void *)(panel + GEMM_PANELS * GEMM_PANEL);
    memset(acc, 0, n * GEMM_GROUP * sizeof *acc);
    for (size_t k = 0; k < w->cols; k += GEMM_COLS) {
        const size_t cols = w->cols - k < GEMM_COLS ? w->cols - k : GEMM_COLS;
        unpack(w, r, k, cols, panel);
        for (size_t p = 0; p < GEMM_PANELS; p++)
            gemm_panel(panel + p * GEMM_PANEL, cols / 4, x->q + t0 * x->ld + k, x->ld, n, acc + p * n * PANEL_ROWS);
    }
    for (size_t p = 0; p < GEMM_PANELS; p++)
        for (size_t t = 0; t < n; t++)
            for (size_t v = 0; v < PANEL_REGS; v++, acc += 4)
                finish_4_rows(y + (t0 + t) * ldy, r + p * PANEL_ROWS + 4 * v, row1, vld1q_s32(acc), x->sum[t0 + t],
                              w->scale * x->scale[t0 + t]);
}

/* A whole matmul_fn but for `unpack` */
TILE ternary_gemm(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch,
                  unpack_fn unpack)
{
    for (size_t t = 0, n; t < x->n; t += n) {
        n = gemm_chunk(x->n - t, x->ld, GEMM_TOKENS);
        for (size_t r = row0; r < row1; r += GEMM_GROUP)
            gemm_rows(w, x, t, n, r, row1, y, ldy, scratch, unpack);
    }
}

#endif
