/* The numbers of tq1_0's memory layout (described in tq1_0.c), shared by its kernels. */
#ifndef BITJOULE_TQ1_0_LAYOUT_H
#define BITJOULE_TQ1_0_LAYOUT_H

#include <stddef.h>

enum {
    TQ1_ROWS = 16,   /* interleaved rows: a group */
    TQ1_LINE = 64,   /* bytes of a line */
    TQ1_LINE_K = 20, /* weights of each row in a line; the last line of a row may have fewer */
};

static inline size_t tq1_group_bytes(size_t cols)
{
    return (cols + TQ1_LINE_K - 1) / TQ1_LINE_K * TQ1_LINE;
}

#endif
