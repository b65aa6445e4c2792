/* The gemm of tl1 on every ARM instruction set: nibbles to codes 0..2 by look-up, then the panels of ternary_gemm_arm.h. */
#ifndef BITJOULE_TL1_PANEL_ARM_H
#define BITJOULE_TL1_PANEL_ARM_H

#define GEMM_GROUP 32
#include "kernels/arm/ternary_gemm_arm.h"
#include "kernels/tl1_layout.h"

_Static_assert((int)GEMM_GROUP == TL1_ROWS, "a group is two panels");

/* 16 bytes, one of each of 16 rows, to a step of these rows: 4 codes of row r in bytes 4 r .. 4 r + 3 of the four registers */
TILE tl1_step(uint8x16_t b, int8x16_t step[PANEL_REGS])
{
    static const uint8_t first_of[16] = {0, 0, 0, 1, 1, 1, 2, 2, 2}, second_of[16] = {0, 1, 2, 0, 1, 2, 0, 1, 2};
    const uint8x16_t first = vld1q_u8(first_of), second = vld1q_u8(second_of);
    const uint8x16_t low = vandq_u8(b, vdupq_n_u8(15)), high = vshrq_n_u8(b, 4);
    const uint8x16_t c0 = vqtbl1q_u8(first, low), c1 = vqtbl1q_u8(second, low), c2 = vqtbl1q_u8(first, high), c3 = vqtbl1q_u8(second, high);
    const uint16x8_t lo01 = vreinterpretq_u16_u8(vzip1q_u8(c0, c1)), lo23 = vreinterpretq_u16_u8(vzip1q_u8(c2, c3));
    const uint16x8_t hi01 = vreinterpretq_u16_u8(vzip2q_u8(c0, c1)), hi23 = vreinterpretq_u16_u8(vzip2q_u8(c2, c3));
    step[0] = vreinterpretq_s8_u16(vzip1q_u16(lo01, lo23));
    step[1] = vreinterpretq_s8_u16(vzip2q_u16(lo01, lo23));
    step[2] = vreinterpretq_s8_u16(vzip1q_u16(hi01, hi23));
    step[3] = vreinterpretq_s8_u16(vzip2q_u16(hi01, hi23));
}

/* An unpack_fn */
static inline void tl1_unpack(const struct weights *w, size_t row, size_t k, size_t cols, int8_t *panel)
{
    const uint8_t *p = (const uint8_t *)w->data + row / TL1_ROWS * tl1_group_bytes(w->cols) + k / TL1_LINE_K * TL1_LINE;
    for (size_t step = 0; step < cols / 4; step += 2, p += 2 * TL1_ROWS) {
        for (size_t half = 0; half < GEMM_PANELS; half++) {
            int8x16_t even[PANEL_REGS], odd[PANEL_REGS];
            tl1_step(vld1q_u8(p + half * PANEL_ROWS), even);
            tl1_step(vld1q_u8(p + TL1_ROWS + half * PANEL_ROWS), odd);
            UNROLL for (int v = 0; v < PANEL_REGS; v++)
                panel_store2(panel + half * GEMM_PANEL, step, v, even[v], odd[v]);
        }
    }
}

#define TL1_GEMM(isa) \
    MATMUL(tl1_gemm_##isa) \
    { \
        ternary_gemm(w, x, row0, row1, y, ldy, scratch, tl1_unpack); \
    }

#endif
