/* tl2 on AVX-512 with VNNI: the gemm by vpdpbusd. A few tokens are looked up, by tl2_gemv_avx512. */
#ifndef __AVX512VNNI__
#error "compile with -mavx512f -mavx512bw -mavx512vnni"
#endif
#define VEC_DPBUSD _mm512_dpbusd_epi32

#include "kernels/ternary.h"
#include "kernels/x86/tl2_panel_512.h"

enum { LOOK_UP_TOKENS = 5 };

void tl2_gemm_avx512vnni(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy,
                         void *scratch)
{
    if (x->n <= LOOK_UP_TOKENS)
        tl2_gemv_avx512(w, x, row0, row1, y, ldy, scratch);
    else
        ternary_gemm(w, x, row0, row1, y, ldy, scratch, tl2_unpack);
}
