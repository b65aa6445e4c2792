/* The numbers of i2_s's memory layout (described in i2_s.c), shared by its kernels. */
#ifndef BITJOULE_I2_S_LAYOUT_H
#define BITJOULE_I2_S_LAYOUT_H

#include <stddef.h>

enum {
    I2S_ROWS = 16,   /* interleaved rows: a group */
    I2S_LINE = 64,   /* bytes of a line */
    I2S_LINE_K = 16, /* weights of each row in a line */
};

static inline size_t i2s_group_bytes(size_t cols)
{
    return cols / I2S_LINE_K * I2S_LINE;
}

#endif
