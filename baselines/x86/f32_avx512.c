/* f32 on AVX-512: a register is 16 rows of one column, each row sums its columns in order. See f32.c for the layout.
 *
 * gemv: one chain of FMA per group of 16 rows, and four groups at a time, or a single chain would wait 4 cycles per column.
 * gemm: tiles of 16 rows x 12 tokens straight from memory. */
#include "baselines/x86/float_tile_avx512.h"

enum {
    F32_PANEL_COLS = 128, /* 16 rows x 128 columns are 8 KB: they stay in L1 while the tokens pass */
    GROUPS = 4            /* of rows that gemv takes together */
};

TILE f32_gemv_groups(const struct weights *w, const float *x, size_t r, size_t row1, float *y, const int groups)
{
    const float *col = (const float *)w->data + r * w->cols;
    const size_t group = w->cols * F32_GROUP;
    __m512 s[GROUPS];
    UNROLL for (int i = 0; i < groups; i++)
        s[i] = _mm512_setzero_ps();
    for (size_t k = 0; k < w->cols; k++, col += F32_GROUP) {
        const __m512 a = _mm512_set1_ps(x[k]);
        UNROLL for (int i = 0; i < groups; i++)
            s[i] = _mm512_fmadd_ps(_mm512_load_ps(col + (size_t)i * group), a, s[i]);
    }
    UNROLL for (int i = 0; i < groups; i++)
        vecf_store_rows(y, r + F32_GROUP * (size_t)i, row1, s[i]);
}

void f32_gemv_avx512(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)ldy, (void)scratch;
    size_t r = row0;
    for (; r + (GROUPS - 1) * F32_GROUP < row1; r += GROUPS * F32_GROUP)
        f32_gemv_groups(w, x->f32, r, row1, y, GROUPS);
    for (; r < row1; r += F32_GROUP)
        f32_gemv_groups(w, x->f32, r, row1, y, 1);
}

static void f32_panel(const struct panel *p)
{
    float_panel(p, (const float *)p->w->data + p->row0 * p->w->cols + p->k0 * F32_GROUP, false, F32_GROUP / 16,
                F32_GROUP * sizeof(float));
}

void f32_gemm_avx512(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    static const struct panel_kernel kernel = {f32_panel, F32_PANEL_COLS, 1};
    gemm_by_panels(&kernel, w, x, row0, row1, y, ldy, scratch);
}
