/* tl2 on AVX-VNNI: the gemm by vpdpbusd. A few tokens are looked up, by tl2_gemv_avx2. */
#ifndef __AVXVNNI__
#error "compile with -mavx2 -mavxvnni"
#endif
#define VEC_DPBUSD _mm256_dpbusd_avx_epi32

#include "kernels/ternary.h"
#include "kernels/x86/tl2_panel_256.h"

enum { LOOK_UP_TOKENS = 3 };

void tl2_gemm_avxvnni(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    if (x->n <= LOOK_UP_TOKENS)
        tl2_gemv_avx2(w, x, row0, row1, y, ldy, scratch);
    else
        ternary_gemm(w, x, row0, row1, y, ldy, scratch, tl2_unpack);
}
