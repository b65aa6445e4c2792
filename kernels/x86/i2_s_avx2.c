/* i2_s on AVX2: y = W . x for one token (gemv) and for many (gemm), from the interleaved layout of i2_s.c.
 *
 * The unsigned codes 0..2 are multiplied (vpmaddubsw) with the int8 activations and summed in int16 as long as the bound
 * allows, then in int32; at the end sum(code * a) - sum(a) = sum(w * a). A vector lane is a row: nothing is added across.
 *
 * gemv saves two of the three shifts of unpacking: the fields at bits 2-3 are multiplied as they stand, four times too large,
 * in an accumulator of their own. gemm unpacks 16 rows x 256 weights once into L1 and multiplies 6 tokens at a time. */
#ifndef __AVX2__
#error "compile with -mavx2"
#endif
#include <immintrin.h>
#include <string.h>

#include "kernels/i2_s_layout.h"
#include "kernels/ternary.h"

/* Writes the 8 rows that start at r, or those that exist. */
static inline void store_rows(float *y, size_t r, size_t row1, __m256 v)
{
    if (r + 8 <= row1) {
        _mm256_storeu_ps(y + r, v);
    } else if (r < row1) {
        float tmp[8];
        _mm256_storeu_ps(tmp, v);
        memcpy(y + r, tmp, (row1 - r) * sizeof *tmp);
    }
}

static inline __m256 finish(__m256i isum, int32_t act_sum, float factor)
{
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(isum, _mm256_set1_epi32(act_sum))), _mm256_set1_ps(factor));
}

static inline __m256i broadcast4(const int8_t *a)
{
    int32_t v;
    memcpy(&v, a, sizeof v);
    return _mm256_set1_epi32(v);
}

/* Partial sums of 8 rows: int16 pairs of the fields at bits 0-1 (one), of the fields at bits 2-3 (four: four times too large). */
struct pair {
    __m256i one, four;
};

static inline void add_line(struct pair *s, __m256i b, __m256i a0, __m256i a1, __m256i a2, __m256i a3)
{
    const __m256i low = _mm256_set1_epi8(0x03), high = _mm256_set1_epi8(0x0c);
    const __m256i t = _mm256_srli_epi16(b, 4);
    s->one = _mm256_add_epi16(s->one, _mm256_maddubs_epi16(_mm256_and_si256(b, low), a0));
    s->four = _mm256_add_epi16(s->four, _mm256_maddubs_epi16(_mm256_and_si256(b, high), a1));
    s->one = _mm256_add_epi16(s->one, _mm256_maddubs_epi16(_mm256_and_si256(t, low), a2));
    s->four = _mm256_add_epi16(s->four, _mm256_maddubs_epi16(_mm256_and_si256(t, high), a3));
}

/* 4 * one + four, as int32 per row */
static inline __m256i widen(struct pair s)
{
    return _mm256_add_epi32(_mm256_madd_epi16(s.one, _mm256_set1_epi16(4)), _mm256_madd_epi16(s.four, _mm256_set1_epi16(1)));
}

/* Lines that fit int16: a line adds 2 products pairs to `four`, each within 8 * 128 * 2 = 2048: 8 lines reach -32768 at
 * most (all codes 2, all a = -128) and 8 * 2 * 8 * 127 * 2 = 32512 on the positive side. `one` is a quarter of that. */
enum { GEMV_LINES = 8, PREFETCH_BYTES = 2048 };

void i2_s_gemv_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)ldy, (void)scratch;
    const size_t lines = w->cols / I2S_LINE_K;
    const float factor = w->scale * x->scale[0];
    for (size_t r = row0; r < row1; r += I2S_ROWS) {
        const uint8_t *p = (const uint8_t *)w->data + r / I2S_ROWS * i2s_group_bytes(w->cols);
        const int8_t *q = x->q;
        __m256i sum0 = _mm256_setzero_si256(), sum1 = sum0;
        for (size_t l = 0; l < lines; l += GEMV_LINES) {
            struct pair s0 = {_mm256_setzero_si256(), _mm256_setzero_si256()}, s1 = s0;
            for (size_t i = 0; i < GEMV_LINES; i++, p += I2S_LINE, q += I2S_LINE_K) {
                const __m256i a0 = broadcast4(q), a1 = broadcast4(q + 4), a2 = broadcast4(q + 8), a3 = broadcast4(q + 12);
                _mm_prefetch((const char *)p + PREFETCH_BYTES, _MM_HINT_T0);
                add_line(&s0, _mm256_load_si256((const __m256i *)(const void *)p), a0, a1, a2, a3);
                add_line(&s1, _mm256_load_si256((const __m256i *)(const void *)(p + 32)), a0, a1, a2, a3);
            }
            sum0 = _mm256_add_epi32(sum0, widen(s0));
            sum1 = _mm256_add_epi32(sum1, widen(s1));
        }
        store_rows(y, r, row1, finish(_mm256_srai_epi32(sum0, 2), x->sum[0], factor));
        store_rows(y, r + 8, row1, finish(_mm256_srai_epi32(sum1, 2), x->sum[0], factor));
    }
}

/* ---- gemm ---- */
enum {
    TILE = 6,            /* tokens per pass over the panel: 2 x 6 accumulators, 2 weights, 1 activation in 16 registers */
    PANEL_K = 256,       /* 64 steps of 4 weights: 64 * 2 * 2 * 128 = 32768 on the negative side, 32512 on the positive: fits int16 */
    PANEL_STEPS = PANEL_K / 4,
};

/* One group's weights [k0, k0 + 16 * lines) as codes, 64 bytes (16 rows x 4 weights) per step. */
static void unpack_panel(const uint8_t *p, size_t lines, uint8_t *panel)
{
    const __m256i mask = _mm256_set1_epi8(0x03);
    for (size_t l = 0; l < lines; l++, p += I2S_LINE, panel += 4 * I2S_LINE) {
        for (unsigned half = 0; half < 64; half += 32) {
            const __m256i b = _mm256_load_si256((const __m256i *)(const void *)(p + half));
            __m256i *out = (__m256i *)(void *)(panel + half);
            _mm256_store_si256(out, _mm256_and_si256(b, mask));
            _mm256_store_si256(out + 2, _mm256_and_si256(_mm256_srli_epi16(b, 2), mask));
            _mm256_store_si256(out + 4, _mm256_and_si256(_mm256_srli_epi16(b, 4), mask));
            _mm256_store_si256(out + 6, _mm256_and_si256(_mm256_srli_epi16(b, 6), mask));
        }
    }
}

/* acc[t][16] += panel . q[t], for `tokens` (a constant at every call) tokens */
static inline __attribute__((always_inline)) void multiply_tile(const uint8_t *panel, size_t steps, const int8_t *q, size_t ld,
                                                                int tokens, int32_t *acc)
{
    __m256i s[TILE][2];
    for (int t = 0; t < tokens; t++)
        s[t][0] = s[t][1] = _mm256_setzero_si256();
    for (size_t i = 0; i < steps; i++) {
        const __m256i w0 = _mm256_load_si256((const __m256i *)(const void *)(panel + 64 * i));
        const __m256i w1 = _mm256_load_si256((const __m256i *)(const void *)(panel + 64 * i + 32));
        for (int t = 0; t < tokens; t++) {
            const __m256i a = broadcast4(q + (size_t)t * ld + 4 * i);
            s[t][0] = _mm256_add_epi16(s[t][0], _mm256_maddubs_epi16(w0, a));
            s[t][1] = _mm256_add_epi16(s[t][1], _mm256_maddubs_epi16(w1, a));
        }
    }
    const __m256i ones = _mm256_set1_epi16(1);
    for (int t = 0; t < tokens; t++) {
        __m256i *out = (__m256i *)(void *)(acc + (size_t)t * I2S_ROWS);
        _mm256_store_si256(out, _mm256_add_epi32(_mm256_load_si256(out), _mm256_madd_epi16(s[t][0], ones)));
        _mm256_store_si256(out + 1, _mm256_add_epi32(_mm256_load_si256(out + 1), _mm256_madd_epi16(s[t][1], ones)));
    }
}

static void multiply_panel(const uint8_t *panel, size_t steps, const int8_t *q, size_t ld, size_t n, int32_t *acc)
{
    size_t t = 0;
    for (; t + TILE <= n; t += TILE)
        multiply_tile(panel, steps, q + t * ld, ld, TILE, acc + t * I2S_ROWS);
    q += t * ld;
    acc += t * I2S_ROWS;
    switch (n - t) {
    case 5: multiply_tile(panel, steps, q, ld, 5, acc); break;
    case 4: multiply_tile(panel, steps, q, ld, 4, acc); break;
    case 3: multiply_tile(panel, steps, q, ld, 3, acc); break;
    case 2: multiply_tile(panel, steps, q, ld, 2, acc); break;
    case 1: multiply_tile(panel, steps, q, ld, 1, acc); break;
    default: break;
    }
}

/* scratch: panel, then acc[n][16]; tokens are taken in runs that fit. */
enum { PANEL_BYTES = PANEL_STEPS * 64, MAX_RUN = (KERNEL_SCRATCH_BYTES - PANEL_BYTES) / (I2S_ROWS * 4) };

static void gemm_run(const struct weights *w, const struct acts *x, size_t t0, size_t n, size_t row0, size_t row1, float *y, size_t ldy,
                     void *scratch)
{
    uint8_t *panel = scratch;
    int32_t *acc = (int32_t *)(void *)(panel + PANEL_BYTES);
    for (size_t r = row0; r < row1; r += I2S_ROWS) {
        const uint8_t *group = (const uint8_t *)w->data + r / I2S_ROWS * i2s_group_bytes(w->cols);
        memset(acc, 0, n * I2S_ROWS * sizeof *acc);
        for (size_t k = 0; k < w->cols; k += PANEL_K) {
            const size_t len = w->cols - k < PANEL_K ? w->cols - k : PANEL_K;
            unpack_panel(group + k / I2S_LINE_K * I2S_LINE, len / I2S_LINE_K, panel);
            multiply_panel(panel, len / 4, x->q + t0 * x->ld + k, x->ld, n, acc);
        }
        for (size_t t = 0; t < n; t++) {
            const float factor = w->scale * x->scale[t0 + t];
            const __m256i *sum = (const __m256i *)(const void *)(acc + t * I2S_ROWS);
            store_rows(y + (t0 + t) * ldy, r, row1, finish(_mm256_load_si256(sum), x->sum[t0 + t], factor));
            store_rows(y + (t0 + t) * ldy, r + 8, row1, finish(_mm256_load_si256(sum + 1), x->sum[t0 + t], factor));
        }
    }
}

void i2_s_gemm_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    for (size_t t = 0; t < x->n; t += MAX_RUN)
        gemm_run(w, x, t, x->n - t < MAX_RUN ? x->n - t : MAX_RUN, row0, row1, y, ldy, scratch);
}
