/* q8_0 on AVX-512 without VNNI: the gemm of q8_0_words.h. gemv waits for memory and is AVX2's. */
#ifndef __AVX512BW__
#error "compile with the flags of AVX-512"
#endif
#define VEC_BITS 512

#include "baselines/x86/q8_0_words.h"

void q8_0_gemm_avx512(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    q8_0_gemm(w, x, row0, row1, y, ldy, scratch);
}
