/* The loops around a panel kernel: y[n, rows] = x[n, cols] . W[rows, cols]^T for many tokens.
 *
 * For a chunk of tokens and some groups of rows, the columns are taken a panel at a time: the panel of weights (a few KB) is
 * unpacked at most once and stays in the first-level cache while all tokens of the chunk pass over it. Sums wait in the
 * scratch between panels, side by side, and not in y, where the tokens lie a whole row of outputs apart and would share few
 * cache sets. Storing and reloading a float changes nothing, so the panel width does not show in the result.
 *
 * It knows no format and no instruction set, and does not divide work among threads. */
#include <string.h>

#include "baselines/baseline_kernels.h"

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The sums of one group, [tokens][group], to y; rows of padding stay behind. */
static void copy_group(const struct panel *p, size_t g, size_t row1, float *y, size_t ldy)
{
    const size_t group = p->w->fmt->row_group, row = p->row0 + g * group, n_rows = min_size(group, row1 - row);
    const float *acc = p->acc + g * (p->t1 - p->t0) * group;
    for (size_t t = p->t0; t < p->t1; t++, acc += group)
        memcpy(y + t * ldy + row, acc, n_rows * sizeof *acc);
}

void gemm_by_panels(const struct panel_kernel *kernel, const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y,
                    size_t ldy, void *scratch)
{
    const size_t group = w->fmt->row_group, tokens = PANEL_SUMS / (kernel->groups * group);
    struct panel p = {.w = w, .x = x, .acc = scratch, .space = (float *)scratch + PANEL_SUMS};
    for (p.t0 = 0; p.t0 < x->n; p.t0 = p.t1) {
        p.t1 = min_size(p.t0 + tokens, x->n);
        for (p.row0 = row0; p.row0 < row1; p.row0 += p.groups * group) {
            p.groups = min_size(kernel->groups, (row1 - p.row0 + group - 1) / group);
            memset(p.acc, 0, p.groups * (p.t1 - p.t0) * group * sizeof(float));
            for (p.k0 = 0; p.k0 < w->cols; p.k0 = p.k1) {
                p.k1 = min_size(p.k0 + kernel->cols, w->cols);
                kernel->run(&p);
            }
            for (size_t g = 0; g < p.groups; g++)
                copy_group(&p, g, row1, y, ldy);
        }
    }
}
