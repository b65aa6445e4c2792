/* f16 on AVX2 + F16C: a vector is 8 rows of one column, each row sums its columns in order. See f16.c for the layout.
 *
 * gemv: 32 rows are 4 chains of FMA over one stream of weights, 64 bytes per column. gemm: a panel of 32 rows x 128 columns is
 * converted to float once and stays in L1 while all tokens pass in tiles of 16 rows x 6 tokens; up to 6 tokens convert as they go. */
#include "baselines/x86/float_tile_avx2.h"
#include "kernels/x86/stream.h"

enum { F16_PANEL_COLS = 128 }; /* 16 KB as float */
_Static_assert(F16_PANEL_COLS * F16_GROUP * sizeof(float) <= PANEL_SPACE, "panel fits the scratch");

void f16_gemv_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)ldy, (void)scratch;
    for (size_t r = row0; r < row1; r += F16_GROUP) {
        const uint16_t *col = (const uint16_t *)w->data + r * w->cols;
        __m256 s[4];
        UNROLL for (int i = 0; i < 4; i++)
            s[i] = _mm256_setzero_ps();
        for (size_t k = 0; k < w->cols; k++, col += F16_GROUP) {
            prefetch_dense(cpu_core, col, F16_GROUP * sizeof *col);
            const __m256 a = _mm256_broadcast_ss(x->f32 + k);
            UNROLL for (int i = 0; i < 4; i++)
                s[i] = _mm256_fmadd_ps(load_half(col + 8 * i), a, s[i]);
        }
        float acc[F16_GROUP];
        UNROLL for (int i = 0; i < 4; i++)
            _mm256_storeu_ps(acc + 8 * i, s[i]);
        store_rows(y, r, row1, acc, F16_GROUP);
    }
}

static void f16_panel(const struct panel *p)
{
    const uint16_t *half = (const uint16_t *)p->w->data + p->row0 * p->w->cols + p->k0 * F16_GROUP;
    float *w = p->space;
    if (p->t1 - p->t0 <= FLOAT_TILE) { /* every weight is used once: a copy would not pay */
        float_panel(p, half, true, F16_GROUP);
        return;
    }
    for (size_t i = 0; i < (p->k1 - p->k0) * F16_GROUP; i += 8)
        _mm256_store_ps(w + i, load_half(half + i));
    float_panel(p, w, false, F16_GROUP);
}

void f16_gemm_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    static const struct panel_kernel kernel = {f16_panel, F16_PANEL_COLS, 1};
    gemm_by_panels(&kernel, w, x, row0, row1, y, ldy, scratch);
}
