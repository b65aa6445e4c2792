/* tq1_0 for every ARM instruction set: y = W . x for one token (gemv) and for many (gemm), from the interleaved layout of tq1_0.c.
 * The ISA comes with dot.h.
 *
 * Five digits out of a byte e < 243: u = floor(e / 27) from two look-ups by the upper four bits, its value at their beginning and where
 * in the 16 bytes that have them it grows by one; then two look-ups for the digits of u and three, of 27 entries, for those of
 * e - 27 u. 11 instructions for 80 digits. (Compare, subtract, multiply-add for each digit from the top: 16.) */
#ifndef BITJOULE_TQ1_0_ARM_H
#define BITJOULE_TQ1_0_ARM_H

#define GEMM_COLS 240 /* 12 lines */
#include "kernels/arm/ternary_gemm_arm.h"
#include "kernels/tq1_0_layout.h"

enum { TQ1_DIGITS = 5 };

/* Digit p of the bytes e: columns 4 p .. 4 p + 3 of four rows */
TILE tq1_digits(uint8x16_t e, int8x16_t digit[TQ1_DIGITS])
{
    static const uint8_t first[16] = {0, 0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 7, 7, 8, 8}; /* floor(16 h / 27) */
    static const uint8_t grows[16] = {27, 27, 54, 54, 81, 81, 108, 135, 135, 162, 162, 189, 216, 216, 243, 243};
    static const int8_t nines[32] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2};
    static const int8_t threes[32] = {0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 1, 1, 1, 2, 2, 2};
    static const int8_t ones[32] = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2};
    const uint8x16_t h = vshrq_n_u8(e, 4), more = vcgeq_u8(e, vqtbl1q_u8(vld1q_u8(grows), h)); /* -1 where it does */
    const uint8x16_t u = vsubq_u8(vqtbl1q_u8(vld1q_u8(first), h), more), r = vmlsq_u8(e, u, vdupq_n_u8(27));
    const int8x16x2_t one = {{vld1q_s8(ones), vld1q_s8(ones + 16)}}, three = {{vld1q_s8(threes), vld1q_s8(threes + 16)}};
    const int8x16x2_t nine = {{vld1q_s8(nines), vld1q_s8(nines + 16)}};
    digit[0] = vqtbl2q_s8(one, r);
    digit[1] = vqtbl2q_s8(three, r);
    digit[2] = vqtbl2q_s8(nine, r);
    digit[3] = vqtbl1q_s8(one.val[0], u);
    digit[4] = vqtbl1q_s8(three.val[0], u);
}

/* Lines until sums are widened. int16: a line adds 5 products of at most 2 * 128, 25 lines are within 32000. */
#ifdef DOT_SDOT
enum { TQ1_STRETCH = 1 << 20 };
#else
enum { TQ1_STRETCH = 25 };
#endif

TILE tq1_add_line(struct sums s[PANEL_REGS], const uint8_t *line, const int8_t *q)
{
    int32_t last;
    memcpy(&last, q + 16, sizeof last);
    const int8x16_t a = vld1q_s8(q), a4 = vreinterpretq_s8_s32(vdupq_n_s32(last));
    UNROLL for (int v = 0; v < PANEL_REGS; v++) {
        int8x16_t d[TQ1_DIGITS];
        tq1_digits(vld1q_u8(line + 16 * v), d);
        DOT_ADD2(s[v], d[0], d[1], a, 0, 1);
        DOT_ADD2(s[v], d[2], d[3], a, 2, 3);
        DOT_ADD(s[v], d[4], a4, 0);
    }
}

/* sum[v] += int32 of rows 4 v .. 4 v + 3 over whole lines */
TILE tq1_add_lines(const uint8_t *line, const int8_t *q, size_t lines, int32x4_t sum[PANEL_REGS])
{
    for (size_t i = 0, end; i < lines; i = end) {
        struct sums s[PANEL_REGS];
        end = lines - i < TQ1_STRETCH ? lines : i + TQ1_STRETCH;
        UNROLL for (int v = 0; v < PANEL_REGS; v++)
            s[v] = dot_zero();
        for (size_t j = i; j < end; j++)
            tq1_add_line(s, line + j * TQ1_LINE, q + j * TQ1_LINE_K);
        UNROLL for (int v = 0; v < PANEL_REGS; v++)
            sum[v] = vaddq_s32(sum[v], dot_total(s[v]));
    }
}

/* A matmul_fn for one token. In the last line columns may be missing: their activations are 0. */
TILE tq1_gemv(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y)
{
    const float factor = w->scale * x->scale[0];
    const size_t lines = w->cols / TQ1_LINE_K, rest = w->cols % TQ1_LINE_K;
    int8_t last[TQ1_LINE_K] = {0};
    memcpy(last, x->q + lines * TQ1_LINE_K, rest);
    for (size_t r = row0; r < row1; r += TQ1_ROWS) {
        const uint8_t *group = (const uint8_t *)w->data + r / TQ1_ROWS * tq1_group_bytes(w->cols);
        int32x4_t sum[PANEL_REGS];
        UNROLL for (int v = 0; v < PANEL_REGS; v++)
            sum[v] = vdupq_n_s32(0);
        tq1_add_lines(group, x->q, lines, sum);
        tq1_add_lines(group + lines * TQ1_LINE, last, rest > 0, sum);
        UNROLL for (size_t v = 0; v < PANEL_REGS; v++)
            finish_4_rows(y, r + 4 * v, row1, sum[v], x->sum[0], factor);
    }
}

/* An unpack_fn: two lines are ten steps. Where only one is left its digits fill the other's place, which is not multiplied. */
static inline void tq1_unpack(const struct weights *w, size_t row, size_t k, size_t cols, int8_t *panel)
{
    const uint8_t *line = (const uint8_t *)w->data + row / TQ1_ROWS * tq1_group_bytes(w->cols) + k / TQ1_LINE_K * TQ1_LINE;
    for (size_t step = 0; step < cols / 4; step += 2 * TQ1_DIGITS, line += 2 * TQ1_LINE) {
        const uint8_t *second = step + TQ1_DIGITS < cols / 4 ? line + TQ1_LINE : line;
        UNROLL for (int v = 0; v < PANEL_REGS; v++) {
            int8x16_t d[2 * TQ1_DIGITS];
            tq1_digits(vld1q_u8(line + 16 * v), d);
            tq1_digits(vld1q_u8(second + 16 * v), d + TQ1_DIGITS);
            UNROLL for (size_t j = 0; j < 2 * TQ1_DIGITS; j += 2)
                panel_store2(panel, step + j, v, d[j], d[j + 1]);
        }
    }
}

#define TQ1_GEMV(isa) \
    MATMUL(tq1_0_gemv_##isa) \
    { \
        (void)ldy, (void)scratch; \
        tq1_gemv(w, x, row0, row1, y); \
    }
#define TQ1_GEMM(isa) \
    MATMUL(tq1_0_gemm_##isa) \
    { \
        ternary_gemm(w, x, row0, row1, y, ldy, scratch, tq1_unpack); \
    }

#endif
