/* The loops around a panel kernel: y[n, rows] = x[n, cols] . W[rows, cols]^T for many tokens.
 *
 * For a chunk of tokens and one group of rows, the columns are taken a panel at a time: the panel of weights (a few KB) is
 * unpacked at most once and stays in the first-level cache while all tokens of the chunk pass over it. Sums wait in the
 * scratch between panels, side by side, and not in y, where the tokens lie a whole row of outputs apart and would share few
 * cache sets. Storing and reloading a float changes nothing, so the panel width does not show in the result.
 *
 * It knows no format and no instruction set, and does not divide work among threads. */
#include <assert.h>
#include <string.h>

#include "baselines/baseline_kernels.h"

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

void gemm_by_panels(const struct panel_kernel *kernel, const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y,
                    size_t ldy, void *scratch)
{
    const size_t group = w->fmt->row_group;
    const size_t acc_bytes = PANEL_TOKENS * group * sizeof(float);
    struct panel p = {.w = w, .x = x, .acc = scratch, .space = (char *)scratch + acc_bytes};
    assert(group <= F16_GROUP);
    for (p.t0 = 0; p.t0 < x->n; p.t0 = p.t1) {
        p.t1 = min_size(p.t0 + PANEL_TOKENS, x->n);
        for (p.row0 = row0; p.row0 < row1; p.row0 += group) {
            const size_t n_rows = min_size(group, row1 - p.row0);
            memset(p.acc, 0, (p.t1 - p.t0) * group * sizeof(float));
            for (p.k0 = 0; p.k0 < w->cols; p.k0 = p.k1) {
                p.k1 = min_size(p.k0 + kernel->cols, w->cols);
                kernel->run(&p);
            }
            for (size_t t = p.t0; t < p.t1; t++)
                memcpy(y + t * ldy + p.row0, p.acc + (t - p.t0) * group, n_rows * sizeof(float));
        }
    }
}
