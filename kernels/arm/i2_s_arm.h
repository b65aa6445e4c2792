/* i2_s for every ARM instruction set: y = W . x for one token (gemv) and for many (gemm), from the interleaved layout of i2_s.c.
 * A line is four registers of four rows; the ISA comes with dot.h.
 *
 * The codes 0..2 are multiplied with the int8 activations; at the end sum(code * a) - sum(a) = sum(w * a). gemv saves shifts of
 * unpacking: a field is multiplied where it stands, 4 or 16 times too large, into a sum of its own, as far as the sums have room:
 * with sdot the fields at bits 2-3 and 4-5, in int32; with smlal, in int16, those at bits 2-3 and 6-7 of either half byte. */
#ifndef BITJOULE_I2_S_ARM_H
#define BITJOULE_I2_S_ARM_H

#include "kernels/arm/ternary_gemm_arm.h"
#include "kernels/i2_s_layout.h"

#define CODES(x) vreinterpretq_s8_u8(x)

#ifdef DOT_SDOT
/* One instruction of unpacking for each field: the last one's shift leaves no bits of another. The sum of the field at bits 4-5 grows
 * by 4 * 32 * 128 = 2^14 at most in a line. */
struct i2s_sums {
    struct sums one, four, sixteen;
};

enum { I2S_STRETCH = 1 << 20 }; /* columns until sums are widened: 2^16 lines are within 2^30 */

static inline struct i2s_sums i2s_zero(void)
{
    return (struct i2s_sums){dot_zero(), dot_zero(), dot_zero()};
}

TILE i2s_add_line(struct i2s_sums s[PANEL_REGS], const uint8_t *p, const int8_t *q)
{
    const int8x16_t a = vld1q_s8(q);
    UNROLL for (int v = 0; v < PANEL_REGS; v++) {
        const uint8x16_t b = vld1q_u8(p + 16 * v);
        DOT_ADD(s[v].one, CODES(vandq_u8(b, vdupq_n_u8(0x03))), a, 0);
        DOT_ADD(s[v].four, CODES(vandq_u8(b, vdupq_n_u8(0x0c))), a, 1);
        DOT_ADD(s[v].sixteen, CODES(vandq_u8(b, vdupq_n_u8(0x30))), a, 2);
        DOT_ADD(s[v].one, CODES(vshrq_n_u8(b, 6)), a, 3);
        DOT_KEEP(s[v].one);
        DOT_KEEP(s[v].four);
        DOT_KEEP(s[v].sixteen);
    }
}

/* Each sum is a multiple of its factor: the shifts are exact. */
static inline int32x4_t i2s_total(const struct i2s_sums *s)
{
    return vaddq_s32(dot_total(s->one), vaddq_s32(vshrq_n_s32(dot_total(s->four), 2), vshrq_n_s32(dot_total(s->sixteen), 4)));
}
#else
/* A line adds two products to an int16 of `four`, each within 4 * 2 * 128 = 1024: 16 lines reach -32768 at most (all codes 2, all
 * a = -128) and 16 * 2 * 8 * 127 = 32512 on the positive side. `one` is a quarter of that. */
enum { I2S_STRETCH = 16 * I2S_LINE_K };

struct i2s_sums {
    struct sums one, four;
};

static inline struct i2s_sums i2s_zero(void)
{
    return (struct i2s_sums){dot_zero(), dot_zero()};
}

TILE i2s_add_line(struct i2s_sums s[PANEL_REGS], const uint8_t *p, const int8_t *q)
{
    const uint8x16_t low = vdupq_n_u8(0x03), high = vdupq_n_u8(0x0c);
    const int8x16_t a = vld1q_s8(q);
    UNROLL for (int v = 0; v < PANEL_REGS; v++) {
        const uint8x16_t b = vld1q_u8(p + 16 * v), t = vshrq_n_u8(b, 4);
        DOT_ADD(s[v].one, CODES(vandq_u8(b, low)), a, 0);
        DOT_ADD(s[v].four, CODES(vandq_u8(b, high)), a, 1);
        DOT_ADD(s[v].one, CODES(vandq_u8(t, low)), a, 2);
        DOT_ADD(s[v].four, CODES(vandq_u8(t, high)), a, 3);
    }
}

static inline int32x4_t i2s_total(const struct i2s_sums *s)
{
    return vaddq_s32(dot_total(s->one), vshrq_n_s32(dot_total(s->four), 2));
}
#endif

/* sum[v]: int32 of rows 4 v .. 4 v + 3 */
TILE i2s_dot(const uint8_t *p, const int8_t *q, size_t cols, int32x4_t sum[PANEL_REGS])
{
    UNROLL for (int v = 0; v < PANEL_REGS; v++)
        sum[v] = vdupq_n_s32(0);
    for (size_t k = 0, end; k < cols; k = end) {
        struct i2s_sums s[PANEL_REGS];
        end = cols - k < I2S_STRETCH ? cols : k + I2S_STRETCH;
        UNROLL for (int v = 0; v < PANEL_REGS; v++)
            s[v] = i2s_zero();
        for (size_t i = k; i < end; i += I2S_LINE_K, p += I2S_LINE, q += I2S_LINE_K)
            i2s_add_line(s, p, q);
        UNROLL for (int v = 0; v < PANEL_REGS; v++)
            sum[v] = vaddq_s32(sum[v], i2s_total(&s[v]));
    }
}

/* A matmul_fn for one token */
TILE i2s_gemv(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y)
{
    const float factor = w->scale * x->scale[0];
    for (size_t r = row0; r < row1; r += I2S_ROWS) {
        int32x4_t sum[PANEL_REGS];
        i2s_dot((const uint8_t *)w->data + r / I2S_ROWS * i2s_group_bytes(w->cols), x->q, w->cols, sum);
        UNROLL for (size_t v = 0; v < PANEL_REGS; v++)
            finish_4_rows(y, r + 4 * v, row1, sum[v], x->sum[0], factor);
    }
}

/* An unpack_fn: the four fields of a line are four steps. */
static inline void i2s_unpack(const struct weights *w, size_t row, size_t k, size_t cols, int8_t *panel)
{
    const uint8_t *line = (const uint8_t *)w->data + row / I2S_ROWS * i2s_group_bytes(w->cols) + k / I2S_LINE_K * I2S_LINE;
    const uint8x16_t mask = vdupq_n_u8(3);
    for (size_t step = 0; step < cols / 4; step += 4, line += I2S_LINE) {
        UNROLL for (int v = 0; v < PANEL_REGS; v++) {
            const uint8x16_t b = vld1q_u8(line + 16 * v);
            panel_store2(panel, step, v, CODES(vandq_u8(b, mask)), CODES(vandq_u8(vshrq_n_u8(b, 2), mask)));
            panel_store2(panel, step + 2, v, CODES(vandq_u8(vshrq_n_u8(b, 4), mask)), CODES(vshrq_n_u8(b, 6)));
        }
    }
}

#define I2S_GEMV(isa) \
    MATMUL(i2_s_gemv_##isa) \
    { \
        (void)ldy, (void)scratch; \
        i2s_gemv(w, x, row0, row1, y); \
    }
#define I2S_GEMM(isa) \
    MATMUL(i2_s_gemm_##isa) \
    { \
        ternary_gemm(w, x, row0, row1, y, ldy, scratch, i2s_unpack); \
    }

#endif
