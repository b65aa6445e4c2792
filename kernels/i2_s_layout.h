/* i2_s's layouts (described in i2_s.c): the numbers and functions of the memory layout, for its kernels and for tq2_0, and the file layout,
 * for the formats that differ from it only in memory. */
#ifndef BITJOULE_I2_S_LAYOUT_H
#define BITJOULE_I2_S_LAYOUT_H

#include "kernels/format.h"

enum {
    I2S_ROWS = 16,   /* interleaved rows: a group */
    I2S_LINE = 64,   /* bytes of a line */
    I2S_LINE_K = 16, /* weights of each row in a line */

    I2S_FILE_BLOCK = 128, /* weights of a row that go together in a file */
    I2S_FILE_BYTES = 32,  /* their bytes */
    I2S_TAIL_BYTES = 32,  /* after the last row */
};

static inline size_t i2s_group_bytes(size_t cols)
{
    return cols / I2S_LINE_K * I2S_LINE;
}

/* mem_bytes, get_row and kernels of struct format */
size_t i2s_mem_bytes(size_t rows, size_t cols);
void i2s_get_row(const struct weights *w, size_t row, float *dst);
extern const struct kernel i2s_kernels[];

/* Weights [k, k + 128) of a row into their 8 lines of data. src: 32 bytes, weight k + 32 n + m in byte m at bits shift[n]. */
void i2s_load_block(const uint8_t *src, const uint8_t shift[4], const struct weights *w, size_t row, size_t k, void *data);

/* The codes 0..2 of a row in a file, a byte each; the reverse of i2s_pack_codes */
void i2s_unpack_codes(const uint8_t *restrict src, size_t cols, uint8_t *restrict codes);
/* As in struct format */
size_t i2s_row_bytes(size_t cols);
void i2s_pack_row(const float *src, size_t cols, float scale, void *dst);
void i2s_pack_codes(const uint8_t *restrict codes, size_t cols, float scale, void *restrict dst);
void i2s_unpack_row(const void *src, size_t cols, float scale, float *dst);
bool i2s_row_valid(const void *src, size_t cols);
int i2s_file_scale(const void *file, size_t rows, size_t cols, float *scale);
void i2s_write_tail(void *tail, float scale);

#endif
