/* i2_s on AVX-512 with VNNI: a line of 64 bytes is one register, and vpdpbusd multiplies the codes 0..2 (unsigned) with the
 * activations and sums four products straight into int32, so that no int16 bound matters.
 *
 * gemv needs no shift at all: each of the four 2-bit fields is masked where it stands and is 1, 4, 16 or 64 times too large, in a
 * sum of its own that sees a quarter of the columns: 4 * 2^31 / (192 * 128) = 349525 columns until int32 overflows. gemm unpacks
 * 32 rows x 256 weights once into L1 and multiplies 12 tokens at a time: 24 sums, 2 weights, 1 activation of 32 registers. */
#ifndef __AVX512VNNI__
#error "compile with -mavx512f -mavx512bw -mavx512vnni"
#endif
#include <assert.h>
#include <immintrin.h>
#include <string.h>

#include "kernels/i2_s_layout.h"
#include "kernels/ternary.h"

enum { MAX_COLS = 349525, PREFETCH_BYTES = 4096 };

static inline __m512i broadcast4(const int8_t *a)
{
    int32_t v;
    memcpy(&v, a, sizeof v);
    return _mm512_set1_epi32(v);
}

/* y[r .. r + 16) = (isum - act_sum) * factor, only rows before row1 */
static inline void finish(float *y, size_t r, size_t row1, __m512i isum, int32_t act_sum, float factor)
{
    const __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(isum, _mm512_set1_epi32(act_sum))), _mm512_set1_ps(factor));
    const unsigned n = row1 - r < I2S_ROWS ? (unsigned)(row1 - r) : I2S_ROWS;
    const __mmask16 rows = (__mmask16)((1u << n) - 1);
    _mm512_mask_storeu_ps(y + r, rows, v);
}

void i2_s_gemv_avx512vnni(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)ldy, (void)scratch;
    const size_t lines = w->cols / I2S_LINE_K;
    const float factor = w->scale * x->scale[0];
    const __m512i m0 = _mm512_set1_epi8(0x03), m1 = _mm512_set1_epi8(0x0c), m2 = _mm512_set1_epi8(0x30), m3 = _mm512_set1_epi8((char)0xc0);
    assert(w->cols <= MAX_COLS);
    for (size_t r = row0; r < row1; r += I2S_ROWS) {
        const uint8_t *p = (const uint8_t *)w->data + r / I2S_ROWS * i2s_group_bytes(w->cols);
        const int8_t *q = x->q;
        __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
        for (size_t l = 0; l < lines; l++, p += I2S_LINE, q += I2S_LINE_K) {
            const __m512i b = _mm512_load_si512(p);
            _mm_prefetch((const char *)p + PREFETCH_BYTES, _MM_HINT_T0);
            s0 = _mm512_dpbusd_epi32(s0, _mm512_and_si512(b, m0), broadcast4(q));
            s1 = _mm512_dpbusd_epi32(s1, _mm512_and_si512(b, m1), broadcast4(q + 4));
            s2 = _mm512_dpbusd_epi32(s2, _mm512_and_si512(b, m2), broadcast4(q + 8));
            s3 = _mm512_dpbusd_epi32(s3, _mm512_and_si512(b, m3), broadcast4(q + 12));
        }
        /* each sum is a multiple of its factor: the shifts are exact */
        s0 = _mm512_add_epi32(_mm512_add_epi32(s0, _mm512_srai_epi32(s1, 2)),
                              _mm512_add_epi32(_mm512_srai_epi32(s2, 4), _mm512_srai_epi32(s3, 6)));
        finish(y, r, row1, s0, x->sum[0], factor);
    }
}

/* ---- gemm ---- */
enum {
    TILE = 12,
    GROUPS = 2, /* groups of 16 rows that go together */
    PANEL_K = 256,
    PANEL_BYTES = GROUPS * I2S_ROWS * PANEL_K,
    ACC_PER_TOKEN = GROUPS * I2S_ROWS,
    MAX_RUN = (KERNEL_SCRATCH_BYTES - PANEL_BYTES) / (ACC_PER_TOKEN * 4),
};

/* `lines` lines of group g as codes: step i (4 weights) of both groups lies at panel + 128 i */
static void unpack_group(const uint8_t *p, size_t lines, uint8_t *panel)
{
    const __m512i mask = _mm512_set1_epi8(3);
    for (size_t l = 0; l < lines; l++, p += I2S_LINE, panel += 4 * GROUPS * I2S_LINE) {
        const __m512i b = _mm512_load_si512(p);
        _mm512_store_si512(panel, _mm512_and_si512(b, mask));
        _mm512_store_si512(panel + GROUPS * I2S_LINE, _mm512_and_si512(_mm512_srli_epi16(b, 2), mask));
        _mm512_store_si512(panel + 2 * GROUPS * I2S_LINE, _mm512_and_si512(_mm512_srli_epi16(b, 4), mask));
        _mm512_store_si512(panel + 3 * GROUPS * I2S_LINE, _mm512_and_si512(_mm512_srli_epi16(b, 6), mask));
    }
}

/* acc[t][32] += panel . q[t], for `tokens` (a constant at every call) tokens */
static inline __attribute__((always_inline)) void multiply_tile(const uint8_t *panel, size_t steps, const int8_t *q, size_t ld,
                                                                const int tokens, int32_t *acc)
{
    __m512i s[TILE][GROUPS];
#pragma GCC unroll 12
    for (int t = 0; t < tokens; t++) {
        s[t][0] = _mm512_load_si512(acc + (size_t)t * ACC_PER_TOKEN);
        s[t][1] = _mm512_load_si512(acc + (size_t)t * ACC_PER_TOKEN + I2S_ROWS);
    }
    for (size_t i = 0; i < steps; i++) {
        const __m512i w0 = _mm512_load_si512(panel + 128 * i), w1 = _mm512_load_si512(panel + 128 * i + 64);
#pragma GCC unroll 12
        for (int t = 0; t < tokens; t++) {
            const __m512i a = broadcast4(q + (size_t)t * ld + 4 * i);
            s[t][0] = _mm512_dpbusd_epi32(s[t][0], w0, a);
            s[t][1] = _mm512_dpbusd_epi32(s[t][1], w1, a);
        }
    }
#pragma GCC unroll 12
    for (int t = 0; t < tokens; t++) {
        _mm512_store_si512(acc + (size_t)t * ACC_PER_TOKEN, s[t][0]);
        _mm512_store_si512(acc + (size_t)t * ACC_PER_TOKEN + I2S_ROWS, s[t][1]);
    }
}

static void multiply_panel(const uint8_t *panel, size_t steps, const int8_t *q, size_t ld, size_t n, int32_t *acc)
{
    size_t t = 0;
    for (; t + TILE <= n; t += TILE)
        multiply_tile(panel, steps, q + t * ld, ld, TILE, acc + t * ACC_PER_TOKEN);
    for (; t + 4 <= n; t += 4)
        multiply_tile(panel, steps, q + t * ld, ld, 4, acc + t * ACC_PER_TOKEN);
    for (; t < n; t++)
        multiply_tile(panel, steps, q + t * ld, ld, 1, acc + t * ACC_PER_TOKEN);
}

/* Tokens [t0, t0 + n) x rows [r, r + 32), fewer at the end of the matrix: a missing second group repeats the first. */
static void gemm_rows(const struct weights *w, const struct acts *x, size_t t0, size_t n, size_t r, size_t row1, float *y, size_t ldy,
                      uint8_t *panel)
{
    int32_t *acc = (int32_t *)(void *)(panel + PANEL_BYTES);
    const size_t bytes = i2s_group_bytes(w->cols);
    const uint8_t *first = (const uint8_t *)w->data + r / I2S_ROWS * bytes;
    const uint8_t *second = r + I2S_ROWS < row1 ? first + bytes : first;
    memset(acc, 0, n * ACC_PER_TOKEN * sizeof *acc);
    for (size_t k = 0; k < w->cols; k += PANEL_K) {
        const size_t len = w->cols - k < PANEL_K ? w->cols - k : PANEL_K, at = k / I2S_LINE_K * I2S_LINE;
        unpack_group(first + at, len / I2S_LINE_K, panel);
        unpack_group(second + at, len / I2S_LINE_K, panel + I2S_LINE);
        multiply_panel(panel, len / 4, x->q + t0 * x->ld + k, x->ld, n, acc);
    }
    for (size_t t = 0; t < n; t++) {
        const float factor = w->scale * x->scale[t0 + t];
        const int32_t sum = x->sum[t0 + t];
        finish(y + (t0 + t) * ldy, r, row1, _mm512_load_si512(acc + t * ACC_PER_TOKEN), sum, factor);
        if (r + I2S_ROWS < row1)
            finish(y + (t0 + t) * ldy, r + I2S_ROWS, row1, _mm512_load_si512(acc + t * ACC_PER_TOKEN + I2S_ROWS), sum, factor);
    }
}

void i2_s_gemm_avx512vnni(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    for (size_t t = 0; t < x->n; t += MAX_RUN)
        for (size_t r = row0; r < row1; r += GROUPS * I2S_ROWS)
            gemm_rows(w, x, t, x->n - t < MAX_RUN ? x->n - t : MAX_RUN, r, row1, y, ldy, scratch);
}
