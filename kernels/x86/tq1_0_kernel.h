/* tq1_0 for every x86 instruction set: y = W . x for one token (gemv) and for many (gemm), from the interleaved layout of tq1_0.c.
 * A 32-bit lane is a row: nothing is added across.
 *
 * How a byte becomes five digits, and how their products are summed, is in tq1_0_digits.h, or in the file of the ISA, which then
 * says #define TQ1_OWN_DIGITS. Either has
 *
 *     struct tq1_sums                             sums of products of the 16 rows of a group
 *     void tq1_start(s)                           all zero
 *     void tq1_add_lines(s, line, q, lines)       `lines` lines and the activations q of their 20 columns each
 *     vec tq1_total(s, v)                         int32: sum(code * a) of the rows of register v
 *     void tq1_unpack_line(line, to)              a line as codes 0..2: digit p at to + p * GEMM_STEP
 *
 * Sums of factor * digit * activation with an odd factor are divided by it at the end as a multiplication by its inverse modulo
 * 2^32: exact even where the sum has wrapped, since the quotient is sum(code * a), at most 2^28 in size for 2^20 columns. */
#ifndef BITJOULE_TQ1_0_KERNEL_H
#define BITJOULE_TQ1_0_KERNEL_H

#ifndef TQ1_OWN_DIGITS
#include "kernels/x86/tq1_0_digits.h"
#endif

/* The sums of a whole group. In the last line columns may be missing: their activations are 0. */
TILE tq1_dot(struct tq1_sums *s, const uint8_t *group, const int8_t *q, size_t cols)
{
    const size_t lines = cols / TQ1_LINE_K, rest = cols % TQ1_LINE_K;
    tq1_start(s);
    tq1_add_lines(s, group, q, lines);
    if (rest) {
        int8_t last[TQ1_LINE_K] = {0};
        memcpy(last, q + lines * TQ1_LINE_K, rest);
        tq1_add_lines(s, group + lines * TQ1_LINE, last, 1);
    }
}

/* A matmul_fn for one token */
TILE tq1_gemv(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y)
{
    const float factor = w->scale * x->scale[0];
    const size_t bytes = tq1_group_bytes(w->cols);
    for (size_t r = row0; r < row1; r += TQ1_ROWS) {
        struct tq1_sums s;
        tq1_dot(&s, (const uint8_t *)w->data + r / TQ1_ROWS * bytes, x->q, w->cols);
        UNROLL for (int v = 0; v < TQ1_LINE / VEC_BYTES; v++)
            vec_finish(y, r + (size_t)v * VEC_ROWS, row1, tq1_total(&s, v), x->sum[0], factor);
    }
}

/* An unpack_fn. The last line is unpacked whole; steps beyond cols are not multiplied. */
static inline void tq1_unpack(const struct weights *w, size_t row, size_t k, size_t cols, uint8_t *panel)
{
    const uint8_t *line = (const uint8_t *)w->data + row / TQ1_ROWS * tq1_group_bytes(w->cols) + k / TQ1_LINE_K * TQ1_LINE;
    for (size_t i = 0; i < cols; i += TQ1_LINE_K, line += TQ1_LINE, panel += 5 * GEMM_STEP)
        tq1_unpack_line(line, panel);
}

/* The two kernels of an ISA */
#define TQ1_KERNELS(isa) \
    MATMUL(tq1_0_gemv_##isa) \
    { \
        (void)ldy, (void)scratch; \
        tq1_gemv(w, x, row0, row1, y); \
    } \
    MATMUL(tq1_0_gemm_##isa) \
    { \
        ternary_gemm(w, x, row0, row1, y, ldy, scratch, tq1_unpack); \
    }

#endif
