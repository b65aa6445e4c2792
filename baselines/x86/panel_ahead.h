/* Private to baselines/x86/: fetching the weights of a gemm's next panel while the tokens pass over this one. A panel is read in one go and
 * then not for a long time, so that the hardware's prefetchers begin anew with each. On Zen 5 only; log in README.md. */
#ifndef BITJOULE_PANEL_AHEAD_H
#define BITJOULE_PANEL_AHEAD_H

#include "baselines/baseline_kernels.h"
#include "kernels/x86/stream.h"

/* The share of the tile of n tokens from t on, into L2. col_bytes: of a column of a group; a group's columns follow one another. */
static inline void panel_ahead(const struct panel *p, const size_t col_bytes, size_t t, size_t n)
{
    if (cpu_core != CPU_CORE_ZEN5)
        return;
    const size_t all = p->next_cols * col_bytes, tokens = p->t1 - p->t0, group_bytes = p->w->cols * col_bytes;
    const size_t from = all * (t - p->t0) / tokens, to = all * (t - p->t0 + n) / tokens;
    const char *next = (const char *)p->w->data + p->next_row / p->w->fmt->row_group * group_bytes + p->next_k * col_bytes;
    for (size_t g = 0; g < p->groups; g++, next += group_bytes)
        for (size_t i = from / 64 * 64; i < to; i += 64)
            prefetch_l2(next + i, 64);
}

#endif
