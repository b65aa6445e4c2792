/* tq1_0 on AVX-512 with VBMI and VNNI: one look-up (vpermi2b, a table of 128 bytes) gives four digits. The loops: tq1_0_kernel.h.
 *
 * b = 81 d + r, r = 0..80: two conditional subtractions of 81 (see tq1_0_digits.h) leave r; what they took away is 81 times
 * digit 4. The table turns r into digits 0..3, two bits each. gemv multiplies each field where it stands, 1, 4, 16 or 64 times too
 * large, and digit 4 81 times too large, into sums of their own. A sum sees a fifth of the columns, so the one of bits 6-7
 * overflows int32 after 5 * 2^31 / (128 * 128) = 655360 columns. */
#ifndef __AVX512VBMI__
#error "compile with -mavx512f -mavx512bw -mavx512vnni -mavx512vbmi"
#endif
#define VEC_BITS 512
#define VEC_DPBUSD _mm512_dpbusd_epi32
#define GEMM_COLS 240 /* 12 lines */
#define TQ1_OWN_DIGITS

#include <assert.h>

#include "kernels/ternary.h"
#include "kernels/tq1_0_layout.h"
#include "kernels/x86/stream.h"
#include "kernels/x86/ternary_gemm.h"

enum { MAX_COLS = 655360 };

/* r -> its four digits, digit p at bits 2p: a ROW for every value of digits 2 and 3 */
#define THREE(n) (n) << 2, (n) << 2 | 1, (n) << 2 | 2
#define ROW(high) THREE((high) << 2), THREE((high) << 2 | 1), THREE((high) << 2 | 2)
static const _Alignas(64) uint8_t fields_of[128] = {ROW(0), ROW(1), ROW(2), ROW(4), ROW(5), ROW(6), ROW(8), ROW(9), ROW(10)};

/* 81 times digit 4, and the other four */
struct digits {
    vec top, fields;
};

static inline struct digits split(const uint8_t *line)
{
    const vec b = vec_load(line), m = vec_byte(81);
    const vec once = vec_min8(b, vec_sub8(b, m)), r = vec_min8(once, vec_sub8(once, m));
    return (struct digits){vec_sub8(b, r), _mm512_permutex2var_epi8(vec_load(fields_of), r, vec_load(fields_of + 64))};
}

struct tq1_sums {
    vec field[4], top;
};

TILE tq1_start(struct tq1_sums *s)
{
    UNROLL for (int p = 0; p < 4; p++)
        s->field[p] = vec_zero();
    s->top = vec_zero();
}

TILE tq1_add_lines(struct tq1_sums *s, const uint8_t *line, const int8_t *q, size_t lines)
{
    assert(lines * TQ1_LINE_K <= MAX_COLS);
    for (size_t l = 0; l < lines; l++, line += TQ1_LINE, q += TQ1_LINE_K) {
        prefetch_stream(cpu_core, line, TQ1_LINE);
        const struct digits d = split(line);
        UNROLL for (int p = 0; p < 4; p++) {
            s->field[p] = VEC_DPBUSD(s->field[p], vec_and(d.fields, vec_byte(3 << (2 * p))), vec_broadcast4(q + 4 * p));
            KEEP(s->field[p]);
        }
        s->top = VEC_DPBUSD(s->top, d.top, vec_broadcast4(q + 16));
        KEEP(s->top);
    }
}

/* The shifts are exact, and so is the division by 81: 81 * 0x781948b1 = 1 modulo 2^32 */
static inline vec tq1_total(const struct tq1_sums *s, int v)
{
    (void)v;
    const vec low = vec_add32(s->field[0], vec_shift32(s->field[1], 2));
    const vec high = vec_add32(vec_shift32(s->field[2], 4), vec_shift32(s->field[3], 6));
    return vec_add32(vec_add32(low, high), vec_mul32(s->top, 0x781948b1u));
}

TILE tq1_unpack_line(const uint8_t *line, uint8_t *to)
{
    const struct digits d = split(line);
    const vec mask = vec_byte(3);
    vec_store(to, vec_and(d.fields, mask));
    vec_store(to + GEMM_STEP, vec_and(vec_shift16(d.fields, 2), mask));
    vec_store(to + 2 * GEMM_STEP, vec_and(vec_shift16(d.fields, 4), mask));
    vec_store(to + 3 * GEMM_STEP, vec_and(vec_shift16(d.fields, 6), mask));
    vec_store(to + 4 * GEMM_STEP, vec_and(d.top, mask)); /* 0, 81, 162 -> 0, 1, 2 */
}

#include "kernels/x86/tq1_0_kernel.h"

TQ1_KERNELS(avx512vbmi)
