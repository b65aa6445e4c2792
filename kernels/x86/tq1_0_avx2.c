/* tq1_0 on AVX2. A byte x holds digit n as floor(3 * frac(x * 3^n / 256)): 0 below 86, 1 up to 170, 2 from 171 on
 * (3 * 85 = 255 < 256 <= 3 * 86, 3 * 170 = 510 < 512 <= 3 * 171).
 *
 * With z = x - 128 as a signed byte both thresholds are one signed comparison, and tripling needs no correction, since
 * 3 (z + 128) - 128 = 3 z + 256. So a digit costs two additions (tripling), two comparisons, an addition and an absolute
 * value; the averages that stand in for a multiplication elsewhere err for x = 85, 170 and 255, which do occur. */
#ifndef __AVX2__
#error "compile with -mavx2"
#endif
#include "kernels/x86/ternary_rows_avx2.h"

static ALWAYS_INLINE __m256i digit(__m256i z)
{
    const __m256i one = _mm256_cmpgt_epi8(z, _mm256_set1_epi8(85 - 128)), two = _mm256_cmpgt_epi8(z, _mm256_set1_epi8(170 - 128));
    return _mm256_abs_epi8(_mm256_add_epi8(one, two));
}

static ALWAYS_INLINE __m256i triple(__m256i z)
{
    return _mm256_add_epi8(z, _mm256_add_epi8(z, z));
}

static ALWAYS_INLINE __m128i triple128(__m128i z)
{
    return _mm_add_epi8(z, _mm_add_epi8(z, z));
}

/* The four digits of the qh bytes as 16 values z, digit after digit: 4 bytes each. */
static ALWAYS_INLINE __m128i expand_qh(const uint8_t *qh)
{
    int32_t word;
    memcpy(&word, qh, sizeof word);
    const __m128i z0 = _mm_xor_si128(_mm_cvtsi32_si128(word), _mm_set1_epi8(-128));
    const __m128i z1 = triple128(z0), z2 = triple128(z1), z3 = triple128(z2);
    return _mm_unpacklo_epi64(_mm_unpacklo_epi32(z0, z1), _mm_unpacklo_epi32(z2, z3));
}

static ALWAYS_INLINE void decode(const uint8_t *block, __m256i code[BLOCK_VECTORS])
{
    __m256i z = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)block), _mm256_set1_epi8(-128));
    for (int n = 0; n < 5; n++) {
        code[n] = digit(z);
        z = triple(z);
    }
    const __m128i h0 = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)(block + 32)), _mm_set1_epi8(-128));
    const __m128i h1 = triple128(h0), h2 = triple128(h1), h3 = triple128(h2), h4 = triple128(h3);
    code[5] = digit(_mm256_set_m128i(h1, h0));
    code[6] = digit(_mm256_set_m128i(h3, h2));
    code[7] = digit(_mm256_set_m128i(expand_qh(block + TQ1_QH), h4));
}

void tq1_0_gemv_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    if (w->per_block)
        tq1_0_gemm_c(w, x, row0, row1, y, ldy, scratch);
    else
        rows_gemv(w, x, row0, row1, y, TQ1_BYTES, decode);
}

void tq1_0_gemm_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    if (w->per_block)
        tq1_0_gemm_c(w, x, row0, row1, y, ldy, scratch);
    else
        rows_gemm(w, x, row0, row1, y, ldy, scratch, TQ1_BYTES, decode);
}
