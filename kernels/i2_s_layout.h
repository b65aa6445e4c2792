/* i2_s's layouts (described in i2_s.c): the numbers of the memory layout, for its kernels, and the file layout, for the formats
 * that differ from it only in memory. */
#ifndef BITJOULE_I2_S_LAYOUT_H
#define BITJOULE_I2_S_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
