/* f32 on NEON: see float_tile_arm.h, and f32.c for the layout. */
#include "baselines/arm/float_tile_arm.h"

enum { F32_PANEL_COLS = 128 }; /* 8 KB of weights in L1 */

MATMUL(f32_gemv_neon)
{
    (void)ldy, (void)scratch;
    float_gemv(w, x, row0, row1, y, false, F32_GROUP / 4);
}

static void f32_panel(const struct panel *p)
{
    float_panel(p, (const float *)p->w->data + p->row0 * p->w->cols + p->k0 * F32_GROUP, false, F32_GROUP);
}

static const struct panel_kernel f32_panels = {f32_panel, F32_PANEL_COLS, 1};

BLOCK_GEMM(f32, neon)
