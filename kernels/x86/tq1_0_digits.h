/* The five digits of a byte by subtraction and 16-byte look-ups, and the sums of tq1_0 with and without VNNI; any ISA of vec.h.
 *
 * b = 27 e + r, e = 0..8, r = 0..26. The upper four bits of b tell e or e - 1, a look-up gives 27 times that, and one
 * conditional subtraction leaves r; 27 e = b - r differs in its lower four bits for all e, so two look-ups with it give digits 4
 * and 3. From r two conditional subtractions of 9 leave r mod 9, which gives digits 1 and 0; what was subtracted is 9 times
 * digit 2, and stays so.
 * A conditional subtraction is min(x, x - m) of unsigned bytes: where x < m the difference wraps to something larger. */
#ifndef BITJOULE_TQ1_0_DIGITS_H
#define BITJOULE_TQ1_0_DIGITS_H

#define GEMM_COLS 240 /* 12 lines */

#include "kernels/tq1_0_layout.h"
#include "kernels/x86/stream.h"
#include "kernels/x86/ternary_gemm.h"

static inline vec tq1_less(vec x, int m)
{
    return vec_min8(x, vec_sub8(x, vec_byte(m)));
}

/* Digits 0, 1, 3 and 4; digit[2] is 9 times too large. */
TILE tq1_digits(vec b, vec digit[5])
{
    static const uint8_t times_27[16] = {0, 0, 27, 27, 54, 54, 81, 108, 108, 135, 135, 162, 189, 189, 216, 216};
    /* at (27 e) mod 16 = 0, 11, 6, 1, 12, 7, 2, 13, 8 for e = 0..8: e / 3 and e mod 3 */
    static const uint8_t digit_4[16] = {[1] = 1, [12] = 1, [7] = 1, [2] = 2, [13] = 2, [8] = 2};
    static const uint8_t digit_3[16] = {[11] = 1, [6] = 2, [12] = 1, [7] = 2, [13] = 1, [8] = 2};
    static const uint8_t digit_1[16] = {0, 0, 0, 1, 1, 1, 2, 2, 2}, digit_0[16] = {0, 1, 2, 0, 1, 2, 0, 1, 2};
    const vec low = vec_byte(0x0f);
    const vec about = vec_look_up(vec_table(times_27), vec_and(vec_shift16(b, 4), low));
    const vec r = tq1_less(vec_sub8(b, about), 27), e = vec_and(vec_sub8(b, r), low), r9 = tq1_less(tq1_less(r, 9), 9);
    digit[4] = vec_look_up(vec_table(digit_4), e);
    digit[3] = vec_look_up(vec_table(digit_3), e);
    digit[2] = vec_sub8(r, r9);
    digit[1] = vec_look_up(vec_table(digit_1), r9);
    digit[0] = vec_look_up(vec_table(digit_0), r9);
}

TILE tq1_unpack_line(const uint8_t *line, uint8_t *to)
{
    UNROLL for (int v = 0; v < TQ1_LINE / VEC_BYTES; v++) {
        vec digit[5];
        tq1_digits(vec_load(line + v * VEC_BYTES), digit);
        digit[2] = vec_and(digit[2], vec_byte(3)); /* 0, 9, 18 -> 0, 1, 2 */
        UNROLL for (int p = 0; p < 5; p++)
            vec_store(to + p * GEMM_STEP + v * VEC_BYTES, digit[p]);
    }
}

/* Sums of 0, 1, 3, 4 and of digit 2 */
struct tq1_sums {
    vec one[TQ1_LINE / VEC_BYTES], nine[TQ1_LINE / VEC_BYTES];
};

TILE tq1_start(struct tq1_sums *s)
{
    UNROLL for (int v = 0; v < TQ1_LINE / VEC_BYTES; v++)
        s->one[v] = s->nine[v] = vec_zero();
}

/* 9 * 0x38e38e39 = 1 modulo 2^32 */
static inline vec tq1_total(const struct tq1_sums *s, int v)
{
    return vec_add32(s->one[v], vec_mul32(s->nine[v], 0x38e38e39u));
}

#ifdef VEC_DPBUSD
/* Two sums for the four digits of factor 1, so that a line does not wait for four vpdpbusd in a chain. */
TILE tq1_add_lines(struct tq1_sums *s, const uint8_t *line, const int8_t *q, size_t lines)
{
    struct tq1_sums odd;
    tq1_start(&odd);
    for (size_t l = 0; l < lines; l++, line += TQ1_LINE, q += TQ1_LINE_K) {
        prefetch_stream(cpu_core, line, TQ1_LINE);
        UNROLL for (int v = 0; v < TQ1_LINE / VEC_BYTES; v++) {
            vec digit[5];
            tq1_digits(vec_load(line + v * VEC_BYTES), digit);
            s->one[v] = VEC_DPBUSD(s->one[v], digit[0], vec_broadcast4(q));
            KEEP(s->one[v]);
            odd.one[v] = VEC_DPBUSD(odd.one[v], digit[1], vec_broadcast4(q + 4));
            KEEP(odd.one[v]);
            s->nine[v] = VEC_DPBUSD(s->nine[v], digit[2], vec_broadcast4(q + 8));
            KEEP(s->nine[v]);
            s->one[v] = VEC_DPBUSD(s->one[v], digit[3], vec_broadcast4(q + 12));
            KEEP(s->one[v]);
            odd.one[v] = VEC_DPBUSD(odd.one[v], digit[4], vec_broadcast4(q + 16));
            KEEP(odd.one[v]);
        }
    }
    UNROLL for (int v = 0; v < TQ1_LINE / VEC_BYTES; v++)
        s->one[v] = vec_add32(s->one[v], odd.one[v]);
}
#else
/* Lines that fit int16: a line adds a pair of products to `nine`, 2 * 18 * 128 = 4608 at most: 7 lines reach 32256. `one` gets four
 * pairs of 2 * 2 * 128: 7 lines reach 14336. */
enum { TQ1_INT16_LINES = 7 };

TILE tq1_add_lines(struct tq1_sums *s, const uint8_t *line, const int8_t *q, size_t lines)
{
    for (size_t l = 0, n; l < lines; l += n) {
        struct tq1_sums pair;
        n = lines - l < TQ1_INT16_LINES ? lines - l : TQ1_INT16_LINES;
        tq1_start(&pair);
        for (size_t i = 0; i < n; i++, line += TQ1_LINE, q += TQ1_LINE_K) {
            prefetch_stream(cpu_core, line, TQ1_LINE);
            UNROLL for (int v = 0; v < TQ1_LINE / VEC_BYTES; v++) {
                vec digit[5];
                tq1_digits(vec_load(line + v * VEC_BYTES), digit);
                pair.nine[v] = vec_add16(pair.nine[v], vec_maddubs(digit[2], vec_broadcast4(q + 8)));
                KEEP(pair.nine[v]);
                pair.one[v] = vec_add16(pair.one[v], vec_maddubs(digit[0], vec_broadcast4(q)));
                pair.one[v] = vec_add16(pair.one[v], vec_maddubs(digit[1], vec_broadcast4(q + 4)));
                pair.one[v] = vec_add16(pair.one[v], vec_maddubs(digit[3], vec_broadcast4(q + 12)));
                pair.one[v] = vec_add16(pair.one[v], vec_maddubs(digit[4], vec_broadcast4(q + 16)));
                KEEP(pair.one[v]);
            }
        }
        UNROLL for (int v = 0; v < TQ1_LINE / VEC_BYTES; v++) {
            s->one[v] = vec_add32(s->one[v], vec_madd16(pair.one[v], 1));
            s->nine[v] = vec_add32(s->nine[v], vec_madd16(pair.nine[v], 1));
        }
    }
}
#endif

#endif
