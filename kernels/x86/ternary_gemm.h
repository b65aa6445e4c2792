/* The gemm of the ternary formats, for every instruction set: y = W . x for many tokens. The ISA comes with vec.h.
 *
 * Two registers of rows x GEMM_COLS weights are unpacked once into L1 as codes 0..2, a byte each (a "panel"); then all tokens pass over
 * it, VEC_TILE at a time, with their sums in registers. Panel: step i = 4 consecutive weights of each row, at 2 * VEC_BYTES * i,
 * byte 4 r + c for row r, weight 4 i + c. Sums over panels are int32 in the scratch; sum(code a) - sum(a) = sum(w a) at the end.
 * The unpacking is the format's. */
#ifndef BITJOULE_TERNARY_GEMM_H
#define BITJOULE_TERNARY_GEMM_H

#include <string.h>

#include "kernels/format.h"
#include "kernels/tile.h"
#include "kernels/x86/vec.h"

#ifndef GEMM_GROUP
#define GEMM_GROUP 16 /* rows that the format unpacks at once */
#endif
#ifndef GEMM_COLS /* columns of a panel; without VNNI 256 at most: see gemm_step for the bound of int16 */
#if defined VEC_DPBUSD && VEC_BITS == 512
#define GEMM_COLS 512
#else
#define GEMM_COLS 256
#endif
#endif

enum {
    GEMM_ROWS = 2 * VEC_ROWS,               /* rows of a panel */
    GEMM_GROUPS = GEMM_ROWS / GEMM_GROUP,   /* 1 or 2 */
    GEMM_STEP = 2 * VEC_BYTES,              /* bytes of 4 weights of all rows */
    GEMM_PANEL = GEMM_COLS / 4 * GEMM_STEP, /* bytes */
    GEMM_TOKENS = (KERNEL_SCRATCH_BYTES - GEMM_PANEL) / (GEMM_ROWS * 4), /* whose sums fit the scratch */
};

/* Writes columns [k, k + cols) of rows [row, row + GEMM_GROUP) as codes: 4 weights of these rows every GEMM_STEP bytes from
 * panel on. k is a multiple of GEMM_COLS, cols <= GEMM_COLS one of 4; the panel has room for GEMM_COLS always. */
typedef void (*unpack_fn)(const struct weights *w, size_t row, size_t k, size_t cols, uint8_t *panel);

/* ---- the step: 4 products per row ---- */

#ifdef VEC_DPBUSD
static inline vec gemm_start(const void *acc)
{
    return vec_load(acc);
}

static inline vec gemm_step(vec sum, vec codes, vec acts)
{
    return VEC_DPBUSD(sum, codes, acts);
}

static inline vec gemm_end(vec sum, const void *acc)
{
    (void)acc;
    return sum;
}
#else
/* Pair sums in int16 to the end of a panel. A step adds 2 products to an int16, each at most 2 * 128: 64 steps reach
 * 64 * 2 * 2 * -128 = -32768 at worst (all codes 2, all activations -128) and 64 * 2 * 2 * 127 = 32512 on the other side. */
static inline vec gemm_start(const void *acc)
{
    (void)acc;
    return vec_zero();
}

static inline vec gemm_step(vec sum, vec codes, vec acts)
{
    return vec_add16(sum, vec_maddubs(codes, acts));
}

static inline vec gemm_end(vec sum, const void *acc)
{
    return vec_add32(vec_load(acc), vec_madd16(sum, 1));
}
#endif

/* ---- tiles, panels, rows ---- */

/* acc[t][GEMM_ROWS] += panel . q[t] */
TILE gemm_tile(const uint8_t *panel, size_t steps, const int8_t *q, size_t ld, int32_t *acc, const int tokens)
{
    vec s[VEC_TILE][2];
    UNROLL for (int t = 0; t < tokens; t++) {
        s[t][0] = gemm_start(acc + t * GEMM_ROWS);
        s[t][1] = gemm_start(acc + t * GEMM_ROWS + VEC_ROWS);
    }
    for (size_t i = 0; i < steps; i++) {
        const vec w0 = vec_load(panel + GEMM_STEP * i), w1 = vec_load(panel + GEMM_STEP * i + VEC_BYTES);
        UNROLL for (int t = 0; t < tokens; t++) {
            const vec a = vec_broadcast4(q + (size_t)t * ld + 4 * i);
            s[t][0] = gemm_step(s[t][0], w0, a);
            s[t][1] = gemm_step(s[t][1], w1, a);
            KEEP(s[t][0]);
            KEEP(s[t][1]);
        }
    }
    UNROLL for (int t = 0; t < tokens; t++) {
        vec_store(acc + t * GEMM_ROWS, gemm_end(s[t][0], acc + t * GEMM_ROWS));
        vec_store(acc + t * GEMM_ROWS + VEC_ROWS, gemm_end(s[t][1], acc + t * GEMM_ROWS + VEC_ROWS));
    }
}

/* acc[n][GEMM_ROWS] += panel . q[n] */
static inline void gemm_panel(const uint8_t *panel, size_t steps, const int8_t *q, size_t ld, size_t n, int32_t *acc)
{
    for (size_t t = 0, tile; t < n; t += tile, q += tile * ld, acc += tile * GEMM_ROWS) {
        tile = next_tile(n - t, VEC_TILE);
#define RUN(tokens) gemm_tile(panel, steps, q, ld, acc, tokens)
        switch (tile) {
            VEC_TILE_CASES(RUN)
        }
#undef RUN
    }
}

/* Rows [r, r + GEMM_ROWS) or those before row1, tokens [t0, t0 + n). A missing second group repeats the first. */
TILE gemm_rows(const struct weights *w, const struct acts *x, size_t t0, size_t n, size_t r, size_t row1, float *y, size_t ldy,
               void *scratch, unpack_fn unpack)
{
    uint8_t *panel = scratch;
    int32_t *acc = (int32_t *)(void *)(panel + GEMM_PANEL);
    memset(acc, 0, n * GEMM_ROWS * sizeof *acc);
    for (size_t k = 0; k < w->cols; k += GEMM_COLS) {
        const size_t cols = w->cols - k < GEMM_COLS ? w->cols - k : GEMM_COLS;
        for (size_t g = 0; g < GEMM_GROUPS; g++)
            unpack(w, r + g * GEMM_GROUP < row1 ? r + g * GEMM_GROUP : r, k, cols, panel + 4 * GEMM_GROUP * g);
        gemm_panel(panel, cols / 4, x->q + t0 * x->ld + k, x->ld, n, acc);
    }
    for (size_t t = 0; t < n; t++) {
        const float factor = w->scale * x->scale[t0 + t];
        for (size_t v = 0; v < 2; v++)
            vec_finish(y + (t0 + t) * ldy, r + v * VEC_ROWS, row1, vec_load(acc + t * GEMM_ROWS + v * VEC_ROWS), x->sum[t0 + t], factor);
    }
}

/* A whole matmul_fn but for `unpack` */
TILE ternary_gemm(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch,
                  unpack_fn unpack)
{
    for (size_t t = 0, n; t < x->n; t += n) {
        n = gemm_chunk(x->n - t, x->ld, GEMM_TOKENS);
        for (size_t r = row0; r < row1; r += GEMM_ROWS)
            gemm_rows(w, x, t, n, r, row1, y, ldy, scratch, unpack);
    }
}

#endif
