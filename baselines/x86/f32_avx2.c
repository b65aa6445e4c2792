/* f32 on AVX2: a vector is 8 rows of one column, each row sums its columns in order. See f32.c for the layout.
 *
 * gemv: two chains of FMA per group of 16 rows, one stream of weights. gemm: tiles of 16 rows x 6 tokens straight from memory. */
#include "baselines/x86/float_tile_avx2.h"

enum { F32_PANEL_COLS = 128 }; /* 16 rows x 128 columns are 8 KB: they stay in L1 while the tokens pass */

void f32_gemv_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)ldy, (void)scratch;
    for (size_t r = row0; r < row1; r += F32_GROUP) {
        const float *col = (const float *)w->data + r * w->cols;
        __m256 s0 = _mm256_setzero_ps(), s1 = s0;
        for (size_t k = 0; k < w->cols; k++, col += F32_GROUP) {
            const __m256 a = _mm256_broadcast_ss(x->f32 + k);
            s0 = _mm256_fmadd_ps(_mm256_load_ps(col), a, s0);
            s1 = _mm256_fmadd_ps(_mm256_load_ps(col + 8), a, s1);
        }
        float acc[F32_GROUP];
        _mm256_storeu_ps(acc, s0);
        _mm256_storeu_ps(acc + 8, s1);
        store_rows(y, r, row1, acc, F32_GROUP);
    }
}

static void f32_panel(const struct panel *p)
{
    float_panel(p, (const float *)p->w->data + p->row0 * p->w->cols + p->k0 * F32_GROUP, false, F32_GROUP);
}

void f32_gemm_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    static const struct panel_kernel kernel = {f32_panel, F32_PANEL_COLS, 1};
    gemm_by_panels(&kernel, w, x, row0, row1, y, ldy, scratch);
}
