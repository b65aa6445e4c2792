/* tq2_0 on AVX2: a block is two halves of 32 bytes, each four vectors of codes by shift and mask. The rest is
 * ternary_rows_avx2.h. Tensors with unequal block scales go to the C per-block path. */
#ifndef __AVX2__
#error "compile with -mavx2"
#endif
#include "kernels/x86/ternary_rows_avx2.h"

static ALWAYS_INLINE void decode(const uint8_t *block, __m256i code[BLOCK_VECTORS])
{
    const __m256i mask = _mm256_set1_epi8(3);
    for (int half = 0; half < 2; half++) {
        const __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32 * half));
        code[4 * half] = _mm256_and_si256(b, mask);
        code[4 * half + 1] = _mm256_and_si256(_mm256_srli_epi16(b, 2), mask);
        code[4 * half + 2] = _mm256_and_si256(_mm256_srli_epi16(b, 4), mask);
        code[4 * half + 3] = _mm256_and_si256(_mm256_srli_epi16(b, 6), mask);
    }
}

void tq2_0_gemv_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    if (w->per_block)
        tq2_0_gemm_c(w, x, row0, row1, y, ldy, scratch);
    else
        rows_gemv(w, x, row0, row1, y, TQ2_BYTES, decode);
}

void tq2_0_gemm_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    if (w->per_block)
        tq2_0_gemm_c(w, x, row0, row1, y, ldy, scratch);
    else
        rows_gemm(w, x, row0, row1, y, ldy, scratch, TQ2_BYTES, decode);
}
