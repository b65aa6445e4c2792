/* The loops around a panel kernel: y[n, rows] = x[n, cols] . W[rows, cols]^T for many tokens.
 *
 * Activations are taken a block at a time: some tokens x some columns that stay in the second-level cache while all groups of rows pass
 * (with the whole width, the down projection of 128 tokens came from the third level again for every group of rows). Within it the
 * columns are taken a panel at a time: the panel of weights (a few KB) is unpacked at most once and stays in the first-level
 * cache while the tokens pass over it. Sums wait in the scratch between panels, side by side, and not in y, where the tokens lie
 * a whole row of outputs apart and would share few cache sets; between blocks they wait in y. Storing and reloading a
 * float changes nothing, so neither width shows in the result.
 *
 * It knows no format and no instruction set, and does not divide work among threads. */
#include <string.h>

#include "baselines/baseline_kernels.h"
#include "kernels/tile.h"

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Between the sums of a panel's groups, [tokens][group] each, and y; rows of padding stay behind. */
static void move_sums(const struct panel *p, size_t row1, float *y, size_t ldy, bool to_y)
{
    const size_t group = p->w->fmt->row_group;
    float *acc = p->acc;
    for (size_t row = p->row0; row < p->row0 + p->groups * group; row += group) {
        const size_t bytes = min_size(group, row1 - row) * sizeof *y;
        for (size_t t = p->t0; t < p->t1; t++, acc += group) {
            float *out = y + t * ldy + row;
            memcpy(to_y ? out : acc, to_y ? acc : out, bytes);
        }
    }
}

/* The panel after p: more columns of its rows, the next rows, or the first ones in the next block of columns. */
static void find_next(struct panel *p, size_t cols, size_t k0, size_t k1, size_t row0, size_t row1)
{
    const size_t next_row = p->row0 + p->groups * p->w->fmt->row_group;
    const bool more_cols = p->k1 < k1, more_rows = next_row < row1;
    p->next_row = more_cols ? p->row0 : more_rows ? next_row : row0;
    p->next_k = more_cols || !more_rows ? p->k1 : k0;
    p->next_cols = min_size(cols, (more_cols || more_rows ? k1 : p->w->cols) - p->next_k);
}

/* Columns [k0, k1) of all rows and of the tokens that p holds */
static void column_block(const struct panel_kernel *kernel, struct panel *p, size_t k0, size_t k1, size_t row0, size_t row1,
                         float *y, size_t ldy)
{
    const size_t group = p->w->fmt->row_group;
    for (p->row0 = row0; p->row0 < row1; p->row0 += p->groups * group) {
        p->groups = min_size(kernel->groups, (row1 - p->row0 + group - 1) / group);
        if (k0 == 0)
            memset(p->acc, 0, p->groups * (p->t1 - p->t0) * group * sizeof(float));
        else
            move_sums(p, row1, y, ldy, false);
        for (p->k0 = k0; p->k0 < k1; p->k0 = p->k1) {
            p->k1 = min_size(p->k0 + kernel->cols, k1);
            find_next(p, kernel->cols, k0, k1, row0, row1);
            kernel->run(p);
        }
        move_sums(p, row1, y, ldy, true);
    }
}

void gemm_by_panels(const struct panel_kernel *kernel, const struct weights *w, const struct acts *x, size_t row0, size_t row1,
                    float *y, size_t ldy, void *scratch)
{
    const size_t most = min_size(PANEL_SUMS / (kernel->groups * w->fmt->row_group), PANEL_TOKENS);
    const size_t act_bytes = x->kind == ACT_F32 ? sizeof *x->f32 : sizeof *x->q;
    struct panel p = {.w = w, .x = x, .acc = scratch, .space = (float *)scratch + PANEL_SUMS};
    for (p.t0 = 0; p.t0 < x->n; p.t0 = p.t1) {
        p.t1 = p.t0 + next_tile(x->n - p.t0, most);
        const size_t panels = GEMM_ACTS_BYTES / (act_bytes * (p.t1 - p.t0)) / kernel->cols,
                     cols = (panels ? panels : 1) * kernel->cols;
        for (size_t k = 0; k < w->cols; k += cols)
            column_block(kernel, &p, k, min_size(k + cols, w->cols), row0, row1, y, ldy);
    }
}
