/* AVX2 multiplication for ternary formats whose rows are contiguous blocks of 256 weights: tq1_0, tq2_0.
 *
 * A format gives one inline function that decodes a block into 8 vectors of 32 codes 0..2 in the order of the weights; this
 * header makes a gemv and a gemm of it. gemv multiplies the codes where they are decoded. gemm decodes two rows x 2048 weights
 * into L1 once and multiplies 6 tokens at a time. Sums are int16 (vpmaddubsw) as long as the bound allows, then int32:
 * sum(code * a) - sum(a) = sum(w * a). */
#ifndef BITJOULE_TERNARY_ROWS_AVX2_H
#define BITJOULE_TERNARY_ROWS_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "kernels/ternary.h"
#include "kernels/tq_layout.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

enum {
    BLOCK_VECTORS = TQ_BLOCK / 32,
    RUN_BLOCKS = 8, /* blocks per int16 run: 8 * 8 vectors * 2 * 2 * 127 = 32512 (and 32768 on the negative side): fits */
    RUN_K = RUN_BLOCKS * TQ_BLOCK,
    ROWS_TILE = 2,
    TOKENS_TILE = 6,
};

typedef void (*decode_block_fn)(const uint8_t *block, __m256i code[BLOCK_VECTORS]);

static ALWAYS_INLINE __m256i load_a(const int8_t *q)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)q);
}

static ALWAYS_INLINE int32_t sum_lanes(__m256i v)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return _mm_cvtsi128_si32(s);
}

/* sums of the lanes of four vectors */
static ALWAYS_INLINE __m128i sum_lanes4(__m256i a, __m256i b, __m256i c, __m256i d)
{
    const __m256i s = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    return _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
}

static ALWAYS_INLINE void rows_gemv(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t block_bytes,
                                    decode_block_fn decode)
{
    const size_t blocks = w->cols / TQ_BLOCK;
    const float factor = w->scale * x->scale[0];
    const __m256i ones = _mm256_set1_epi16(1);
    const uint8_t *p = (const uint8_t *)w->data + row0 * blocks * block_bytes;
    for (size_t r = row0; r < row1; r++) {
        __m256i sum = _mm256_setzero_si256(), s16 = sum;
        for (size_t b = 0; b < blocks; b++, p += block_bytes) {
            __m256i code[BLOCK_VECTORS];
            const int8_t *q = x->q + b * TQ_BLOCK;
            _mm_prefetch((const char *)p + 1024, _MM_HINT_T0);
            decode(p, code);
            for (int i = 0; i < BLOCK_VECTORS; i++)
                s16 = _mm256_add_epi16(s16, _mm256_maddubs_epi16(code[i], load_a(q + 32 * i)));
            if (b % RUN_BLOCKS == RUN_BLOCKS - 1) {
                sum = _mm256_add_epi32(sum, _mm256_madd_epi16(s16, ones));
                s16 = _mm256_setzero_si256();
            }
        }
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(s16, ones));
        y[r] = ternary_finish(sum_lanes(sum) - x->sum[0], factor);
    }
}

/* acc[t][2] += codes of two rows . q[t], for `tokens` (a constant at every call) tokens of `steps` * 32 weights */
static ALWAYS_INLINE void rows_tile(const uint8_t *code, size_t steps, const int8_t *q, size_t ld, int tokens, int32_t *acc)
{
    __m256i s[TOKENS_TILE][ROWS_TILE];
    for (int t = 0; t < TOKENS_TILE; t++)
        s[t][0] = s[t][1] = _mm256_setzero_si256();
    for (size_t i = 0; i < steps; i++) {
        const __m256i w0 = _mm256_load_si256((const __m256i *)(const void *)(code + 32 * i));
        const __m256i w1 = _mm256_load_si256((const __m256i *)(const void *)(code + RUN_K + 32 * i));
        for (int t = 0; t < tokens; t++) {
            const __m256i a = load_a(q + (size_t)t * ld + 32 * i);
            s[t][0] = _mm256_add_epi16(s[t][0], _mm256_maddubs_epi16(w0, a));
            s[t][1] = _mm256_add_epi16(s[t][1], _mm256_maddubs_epi16(w1, a));
        }
    }
    const __m256i ones = _mm256_set1_epi16(1);
    for (int t = 0; t < tokens; t += 2) {
        const int u = t + 1 < TOKENS_TILE ? t + 1 : t;
        int32_t out[4];
        _mm_storeu_si128((__m128i *)(void *)out, sum_lanes4(_mm256_madd_epi16(s[t][0], ones), _mm256_madd_epi16(s[t][1], ones),
                                                            _mm256_madd_epi16(s[u][0], ones), _mm256_madd_epi16(s[u][1], ones)));
        for (int i = 0; i < 4 && t + i / 2 < tokens; i++)
            acc[ROWS_TILE * t + i] += out[i];
    }
}

static ALWAYS_INLINE void rows_tokens(const uint8_t *code, size_t steps, const int8_t *q, size_t ld, size_t n, int32_t *acc)
{
    for (size_t t = 0; t < n; t += TOKENS_TILE) {
        const size_t left = n - t;
        const int8_t *qt = q + t * ld;
        int32_t *out = acc + ROWS_TILE * t;
        if (left >= TOKENS_TILE)
            rows_tile(code, steps, qt, ld, TOKENS_TILE, out);
        else if (left >= 4)
            rows_tile(code, steps, qt, ld, (int)left, out);
        else
            for (size_t i = 0; i < left; i++)
                rows_tile(code, steps, qt + i * ld, ld, 1, out + ROWS_TILE * i);
    }
}

/* scratch: codes of two rows [2][RUN_K], then acc[n][2]; tokens in runs that fit. */
enum { CODE_BYTES = ROWS_TILE * RUN_K, MAX_TOKENS = (KERNEL_SCRATCH_BYTES - CODE_BYTES) / (ROWS_TILE * 4) };

static ALWAYS_INLINE void rows_gemm_run(const struct weights *w, const struct acts *x, size_t t0, size_t n, size_t row0, size_t row1,
                                        float *y, size_t ldy, void *scratch, size_t block_bytes, decode_block_fn decode)
{
    const size_t blocks = w->cols / TQ_BLOCK;
    uint8_t *code = scratch;
    int32_t *acc = (int32_t *)(void *)(code + CODE_BYTES);
    for (size_t r = row0; r < row1; r += ROWS_TILE) {
        const size_t rows = row1 - r < ROWS_TILE ? 1 : ROWS_TILE; /* a last single row is multiplied twice, stored once */
        memset(acc, 0, n * ROWS_TILE * sizeof *acc);
        for (size_t b = 0; b < blocks; b += RUN_BLOCKS) {
            const size_t len = blocks - b < RUN_BLOCKS ? blocks - b : RUN_BLOCKS;
            for (size_t i = 0; i < ROWS_TILE; i++) {
                const uint8_t *p = (const uint8_t *)w->data + ((r + (i < rows ? i : 0)) * blocks + b) * block_bytes;
                for (size_t j = 0; j < len; j++, p += block_bytes) {
                    __m256i v[BLOCK_VECTORS];
                    decode(p, v);
                    for (size_t k = 0; k < BLOCK_VECTORS; k++)
                        _mm256_store_si256((__m256i *)(void *)(code + i * RUN_K + j * TQ_BLOCK + 32 * k), v[k]);
                }
            }
            rows_tokens(code, len * BLOCK_VECTORS, x->q + t0 * x->ld + b * TQ_BLOCK, x->ld, n, acc);
        }
        for (size_t t = 0; t < n; t++)
            for (size_t i = 0; i < rows; i++)
                y[(t0 + t) * ldy + r + i] =
                    ternary_finish(acc[ROWS_TILE * t + i] - x->sum[t0 + t], w->scale * x->scale[t0 + t]);
    }
}

static ALWAYS_INLINE void rows_gemm(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy,
                                    void *scratch, size_t block_bytes, decode_block_fn decode)
{
    for (size_t t = 0; t < x->n; t += MAX_TOKENS)
        rows_gemm_run(w, x, t, x->n - t < MAX_TOKENS ? x->n - t : MAX_TOKENS, row0, row1, y, ldy, scratch, block_bytes, decode);
}

#endif
