/* f16 on NEON: see float_tile_arm.h, and f16.c for the layout. gemm: a panel of 32 rows x 128 columns is converted to float once and
 * stays in L1 while all tokens pass; up to 4 tokens convert as they go. */
#include "baselines/arm/float_tile_arm.h"

enum { F16_PANEL_COLS = 128 }; /* 16 KB as float */
_Static_assert(F16_PANEL_COLS * F16_GROUP * sizeof(float) <= PANEL_SPACE, "panel fits the scratch");

MATMUL(f16_gemv_neon)
{
    (void)ldy, (void)scratch;
    float_gemv(w, x, row0, row1, y, true, F16_GROUP / 4);
}

static void f16_panel(const struct panel *p)
{
    const uint16_t *half = (const uint16_t *)p->w->data + p->row0 * p->w->cols + p->k0 * F16_GROUP;
    float *w = p->space;
    if (p->t1 - p->t0 <= FLOAT_TILE) { /* every weight is used once: a copy would not pay */
        float_panel(p, half, true, F16_GROUP);
        return;
    }
    for (size_t i = 0; i < (p->k1 - p->k0) * F16_GROUP; i += 4)
        vst1q_f32(w + i, load_4(half, i, true));
    float_panel(p, w, false, F16_GROUP);
}

static const struct panel_kernel f16_panels = {f16_panel, F16_PANEL_COLS, 1};

BLOCK_GEMM(f16, neon)
