/* Private to baselines/x86/: q4_0 on every ISA, of 256 or 512 bits, with VNNI or without (kernels/x86/vec.h). Layout: q4_0.c.
 *
 * A register is rows x 4 columns, multiplied by 4 activations that are the same in every lane. Codes stay unsigned (0..15), which is
 * what both multiplications want; their zero of 8 is taken off with the sums of the activations. gemv unpacks in registers, gemm a
 * panel to bytes; byte_tile.h has its tile, and what a block's sums look like. */
#ifndef BITJOULE_Q4_0_KERNEL_H
#define BITJOULE_Q4_0_KERNEL_H

#include "baselines/x86/byte_tile.h"
#include "kernels/x86/stream.h"

enum { Q4_0_ZERO = 8 };

/* sum[v] of a block, all 32 columns */
#ifdef VEC_DPBUSD
/* No shift: high nibbles are masked where they stand, 16 times too large, into a sum of their own. |sum| <= 16 * 240 * 127 fits,
 * and it is a multiple of 16: the shift at the end is exact. */
TILE gemv_block(const struct q4_0_group *g, const int8_t *q, const int32_t *act_sum, vec sum[TILE_VECS])
{
    const vec low_mask = vec_byte(0x0f), high_mask = vec_byte(0xf0);
    vec high[TILE_VECS];
    UNROLL for (int v = 0; v < TILE_VECS; v++) {
        sum[v] = byte_zero_sum(act_sum, Q4_0_ZERO);
        high[v] = vec_zero();
    }
    UNROLL for (int j = 0; j < 4; j++) {
        const vec a = vec_broadcast4(q + 4 * j), a16 = vec_broadcast4(q + 16 + 4 * j);
        UNROLL for (int v = 0; v < TILE_VECS; v++) {
            const vec codes = vec_load_half_line(g->q[j][v * VEC_ROWS]);
            sum[v] = VEC_DPBUSD(sum[v], vec_and(codes, low_mask), a);
            high[v] = VEC_DPBUSD(high[v], vec_and(codes, high_mask), a16);
        }
    }
    UNROLL for (int v = 0; v < TILE_VECS; v++)
        sum[v] = vec_add32(sum[v], vec_shift32(high[v], 4));
}
#else
TILE gemv_block(const struct q4_0_group *g, const int8_t *q, const int32_t *act_sum, vec sum[TILE_VECS])
{
    const vec nibble = vec_byte(0x0f);
    vec pairs[TILE_VECS];
    UNROLL for (int v = 0; v < TILE_VECS; v++)
        pairs[v] = vec_zero();
    UNROLL for (int j = 0; j < 4; j++) {
        const vec a = vec_broadcast4(q + 4 * j), a16 = vec_broadcast4(q + 16 + 4 * j);
        UNROLL for (int v = 0; v < TILE_VECS; v++) {
            const vec codes = vec_load_half_line(g->q[j][v * VEC_ROWS]);
            pairs[v] = byte_step(pairs[v], vec_and(codes, nibble), a);
            pairs[v] = byte_step(pairs[v], vec_and(vec_shift16(codes, 4), nibble), a16);
        }
    }
    UNROLL for (int v = 0; v < TILE_VECS; v++)
        sum[v] = byte_end(pairs[v], byte_zero_sum(act_sum, Q4_0_ZERO));
}
#endif

TILE q4_0_gemv_on(const enum cpu_core core, const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y)
{
    const size_t n_blocks = w->cols / Q_BLOCK;
    for (size_t r = row0; r < row1; r += Q_GROUP) {
        const struct q4_0_group *g = (const struct q4_0_group *)w->data + r / Q_GROUP * n_blocks;
        vecf acc[TILE_VECS];
        UNROLL for (int v = 0; v < TILE_VECS; v++)
            acc[v] = vecf_of(vec_zero());
        for (size_t b = 0; b < n_blocks; b++, g++) {
            vec sum[TILE_VECS];
            if ((VEC_BITS == 256 && core != CPU_CORE_ZEN) || core == CPU_CORE_ZEN5)
                prefetch_stream(core, g, sizeof *g);
            else
                prefetch_dense(core, g, sizeof *g); /* 512 bits were not measured elsewhere */
            gemv_block(g, x->q + b * Q_BLOCK, x->sum + 2 * b, sum);
            UNROLL for (int v = 0; v < TILE_VECS; v++) {
                const vecf d = vecf_mul(vecf_of_half(g->d + v * VEC_ROWS), vecf_broadcast(x->scale + b));
                acc[v] = vecf_fma(vecf_of(sum[v]), d, acc[v]);
            }
        }
        UNROLL for (int v = 0; v < TILE_VECS; v++)
            vecf_store_rows(y, r + (size_t)v * VEC_ROWS, row1, acc[v]);
    }
}

static inline void q4_0_gemv(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y)
{
    FOR_THIS_CORE(q4_0_gemv_on, w, x, row0, row1, y)
}

static inline void q4_0_unpack(const struct weights *w, size_t row, size_t k, size_t n_blocks, struct byte_block *out)
{
    const vec nibble = vec_byte(0x0f);
    const struct q4_0_group *g = (const struct q4_0_group *)w->data + row / Q_GROUP * (w->cols / Q_BLOCK) + k / Q_BLOCK;
    for (size_t b = 0; b < n_blocks; b++, g++, out++) {
        UNROLL for (int v = 0; v < TILE_VECS; v++) {
            for (size_t j = 0; j < 4; j++) {
                const vec codes = vec_load_half_line(g->q[j][v * VEC_ROWS]);
                vec_store(out->code[j][v * VEC_ROWS], vec_and(codes, nibble));
                vec_store(out->code[j + 4][v * VEC_ROWS], vec_and(vec_shift16(codes, 4), nibble));
            }
            vecf_store(out->d + v * VEC_ROWS, vecf_of_half(g->d + v * VEC_ROWS));
        }
    }
}

static inline void q4_0_panel(const struct panel *p)
{
    byte_run(p, q4_0_unpack, sizeof(struct q4_0_group), Q4_0_ZERO);
}

static const struct panel_kernel q4_0_panels = {q4_0_panel, BYTE_PANEL_COLS, BYTE_GROUPS};

#endif
