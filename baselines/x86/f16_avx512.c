/* f16 on AVX-512: a register is 16 rows of one column, each row sums its columns in order. See f16.c for the layout.
 *
 * gemv: a group of 32 rows, 2 chains of FMA over one stream of weights: 32 rows in the 4 cycles of an FMA are twice what a core
 * gets from memory, and one stream is read faster than two (see the log in README.md). gemm: a panel of 32 rows x 128 columns
 * is converted to float once and stays in L1 while all tokens pass in tiles of 32 rows x 12 tokens; up to 12 tokens convert as
 * they go. */
#include "baselines/x86/float_tile_avx512.h"
#include "kernels/x86/stream.h"

enum { F16_PANEL_COLS = 128 }; /* 16 KB as float */
_Static_assert(F16_PANEL_COLS * F16_GROUP * sizeof(float) <= PANEL_SPACE, "panel fits the scratch");

void f16_gemv_avx512(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)ldy, (void)scratch;
    for (size_t r = row0; r < row1; r += F16_GROUP) {
        const uint16_t *col = (const uint16_t *)w->data + r * w->cols;
        __m512 s0 = _mm512_setzero_ps(), s1 = s0;
        for (size_t k = 0; k < w->cols; k++, col += F16_GROUP) {
            prefetch_intel(cpu_core, col, F16_GROUP * sizeof *col);
            const __m512 a = _mm512_set1_ps(x->f32[k]);
            s0 = _mm512_fmadd_ps(vecf_of_half(col), a, s0);
            s1 = _mm512_fmadd_ps(vecf_of_half(col + 16), a, s1);
        }
        vecf_store_rows(y, r, row1, s0);
        vecf_store_rows(y, r + 16, row1, s1);
    }
}

static void f16_panel(const struct panel *p)
{
    const uint16_t *half = (const uint16_t *)p->w->data + p->row0 * p->w->cols + p->k0 * F16_GROUP;
    float *w = p->space;
    if (p->t1 - p->t0 <= VEC_TILE) { /* every weight is used once: a copy would not pay */
        float_panel(p, half, true, F16_GROUP / 16, F16_GROUP * sizeof *half);
        return;
    }
    for (size_t i = 0; i < (p->k1 - p->k0) * F16_GROUP; i += 16)
        _mm512_store_ps(w + i, vecf_of_half(half + i));
    float_panel(p, w, false, F16_GROUP / 16, F16_GROUP * sizeof *half);
}

void f16_gemm_avx512(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    static const struct panel_kernel kernel = {f16_panel, F16_PANEL_COLS, 1};
    gemm_by_panels(&kernel, w, x, row0, row1, y, ldy, scratch);
}
