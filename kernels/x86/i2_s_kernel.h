/* i2_s for every x86 instruction set: y = W . x for one token (gemv) and for many (gemm), from the interleaved layout of i2_s.c.
 * The ISA comes with vec.h. A lane is a row: nothing is added across.
 *
 * The unsigned codes 0..2 are multiplied with the int8 activations; at the end sum(code * a) - sum(a) = sum(w * a). gemv saves
 * shifts of unpacking: a 2-bit field is multiplied where it stands, 4, 16 or 64 times too large, into a sum of its own, as far as
 * the sums have room: with VNNI all four fields in int32, without it two of them in int16. gemm: ternary_gemm.h. */
#ifndef BITJOULE_I2_S_KERNEL_H
#define BITJOULE_I2_S_KERNEL_H

#include <assert.h>

#include "kernels/i2_s_layout.h"
#include "kernels/x86/stream.h"
#include "kernels/x86/ternary_gemm.h"

enum {
    I2S_VECS = I2S_LINE / VEC_BYTES, /* registers of a line: 1 or 2 */
};

#ifdef VEC_DPBUSD
/* A sum sees a quarter of the columns; the one of bits 6-7 overflows int32 after 4 * 2^31 / (192 * 128) = 349525 columns. */
enum { I2S_MAX_COLS = 349525 };

struct i2s_sums {
    vec field[4];
};

/* 16 weights of each row of p, activations q */
TILE i2s_add_line(struct i2s_sums *s, const uint8_t *p, const int8_t *q)
{
    vec b[I2S_VECS];
    UNROLL for (int v = 0; v < I2S_VECS; v++)
        b[v] = vec_load(p + v * VEC_BYTES);
    UNROLL for (int f = 0; f < 4; f++) {
        const vec a = vec_broadcast4(q + 4 * f), mask = vec_byte(3 << (2 * f));
        UNROLL for (int v = 0; v < I2S_VECS; v++) {
            s[v].field[f] = VEC_DPBUSD(s[v].field[f], vec_and(b[v], mask), a);
            KEEP(s[v].field[f]);
        }
    }
}

/* Each sum is a multiple of its factor: the shifts are exact. */
static inline vec i2s_total(const struct i2s_sums *s)
{
    return vec_add32(vec_add32(s->field[0], vec_shift32(s->field[1], 2)),
                     vec_add32(vec_shift32(s->field[2], 4), vec_shift32(s->field[3], 6)));
}

/* sum[v]: int32 of the rows of register v */
TILE i2s_dot(const uint8_t *p, const int8_t *q, size_t cols, vec sum[I2S_VECS])
{
    struct i2s_sums s[I2S_VECS];
    assert(cols <= I2S_MAX_COLS);
    UNROLL for (int v = 0; v < I2S_VECS; v++)
        s[v].field[0] = s[v].field[1] = s[v].field[2] = s[v].field[3] = vec_zero();
    for (size_t k = 0; k < cols; k += I2S_LINE_K, p += I2S_LINE, q += I2S_LINE_K) {
        prefetch_stream(cpu_core, p, I2S_LINE);
        i2s_add_line(s, p, q);
    }
    UNROLL for (int v = 0; v < I2S_VECS; v++)
        sum[v] = i2s_total(&s[v]);
}
#else
/* Lines that fit int16: a line adds 2 pairs of products to `four`, each within 8 * 128 * 2 = 2048: 8 lines reach -32768 at
 * most (all codes 2, all a = -128) and 8 * 2 * 8 * 127 * 2 = 32512 on the positive side. `one` is a quarter of that. */
enum { I2S_INT16_LINES = 8 };

/* Pair sums of the fields at bits 0-1 and, after a shift, 4-5 (one), of those at bits 2-3 and 6-7 (four: 4 times too large) */
struct i2s_sums {
    vec one, four;
};

TILE i2s_add_line(struct i2s_sums *s, const uint8_t *p, const int8_t *q)
{
    const vec low = vec_byte(0x03), high = vec_byte(0x0c);
    vec b[I2S_VECS];
    UNROLL for (int v = 0; v < I2S_VECS; v++)
        b[v] = vec_load(p + v * VEC_BYTES);
    UNROLL for (int f = 0; f < 4; f += 2) {
        const vec a0 = vec_broadcast4(q + 4 * f), a1 = vec_broadcast4(q + 4 * f + 4);
        UNROLL for (int v = 0; v < I2S_VECS; v++) {
            const vec t = f ? vec_shift16(b[v], 4) : b[v];
            s[v].one = vec_add16(s[v].one, vec_maddubs(vec_and(t, low), a0));
            s[v].four = vec_add16(s[v].four, vec_maddubs(vec_and(t, high), a1));
            KEEP(s[v].one);
            KEEP(s[v].four);
        }
    }
}

/* sum[v]: int32 of the rows of register v. cols is a multiple of 8 lines. */
TILE i2s_dot(const uint8_t *p, const int8_t *q, size_t cols, vec sum[I2S_VECS])
{
    UNROLL for (int v = 0; v < I2S_VECS; v++)
        sum[v] = vec_zero();
    for (size_t k = 0; k < cols; k += I2S_INT16_LINES * I2S_LINE_K) {
        struct i2s_sums s[I2S_VECS];
        UNROLL for (int v = 0; v < I2S_VECS; v++)
            s[v].one = s[v].four = vec_zero();
        for (size_t i = 0; i < I2S_INT16_LINES; i++, p += I2S_LINE, q += I2S_LINE_K) {
            prefetch_stream(cpu_core, p, I2S_LINE);
            i2s_add_line(s, p, q);
        }
        UNROLL for (int v = 0; v < I2S_VECS; v++)
            sum[v] = vec_add32(sum[v], vec_add32(vec_madd16(s[v].one, 4), vec_madd16(s[v].four, 1)));
    }
    UNROLL for (int v = 0; v < I2S_VECS; v++)
        sum[v] = vec_shift32(sum[v], 2);
}
#endif

/* A matmul_fn for one token */
TILE i2s_gemv(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y)
{
    const float factor = w->scale * x->scale[0];
    for (size_t r = row0; r < row1; r += I2S_ROWS) {
        vec sum[I2S_VECS];
        i2s_dot((const uint8_t *)w->data + r / I2S_ROWS * i2s_group_bytes(w->cols), x->q, w->cols, sum);
        UNROLL for (int v = 0; v < I2S_VECS; v++)
            vec_finish(y, r + (size_t)v * VEC_ROWS, row1, sum[v], x->sum[0], factor);
    }
}

/* An unpack_fn: the four fields of a line are four steps. */
static inline void i2s_unpack(const struct weights *w, size_t row, size_t k, size_t cols, uint8_t *panel)
{
    const uint8_t *line = (const uint8_t *)w->data + row / I2S_ROWS * i2s_group_bytes(w->cols) + k / I2S_LINE_K * I2S_LINE;
    const vec mask = vec_byte(3);
    for (size_t i = 0; i < cols; i += I2S_LINE_K, line += I2S_LINE, panel += 4 * GEMM_STEP) {
        UNROLL for (int v = 0; v < I2S_VECS; v++) {
            const vec b = vec_load(line + v * VEC_BYTES);
            uint8_t *to = panel + v * VEC_BYTES;
            vec_store(to, vec_and(b, mask));
            vec_store(to + GEMM_STEP, vec_and(vec_shift16(b, 2), mask));
            vec_store(to + 2 * GEMM_STEP, vec_and(vec_shift16(b, 4), mask));
            vec_store(to + 3 * GEMM_STEP, vec_and(vec_shift16(b, 6), mask));
        }
    }
}

/* The two kernels of an ISA */
#define I2S_KERNELS(isa) \
    MATMUL(i2_s_gemv_##isa) \
    { \
        (void)ldy, (void)scratch; \
        i2s_gemv(w, x, row0, row1, y); \
    } \
    MATMUL(i2_s_gemm_##isa) \
    { \
        ternary_gemm(w, x, row0, row1, y, ldy, scratch, i2s_unpack); \
    }

#endif
