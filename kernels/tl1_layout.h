/* tl1's memory layout (described in tl1.c), shared by its kernels. */
#ifndef BITJOULE_TL1_LAYOUT_H
#define BITJOULE_TL1_LAYOUT_H

#include <stddef.h>

enum {
    TL1_ROWS = 32,             /* interleaved rows: a group */
    TL1_LINE_K = 16,           /* weights of each row in a line */
    TL1_BYTE_K = 4,            /* weights in a byte: two pairs */
    TL1_LINE = 4 * TL1_ROWS,   /* bytes of a line */
    TL1_CODES = 9,             /* of a pair */
};

static inline size_t tl1_group_bytes(size_t cols)
{
    return cols / TL1_LINE_K * TL1_LINE;
}

#endif
