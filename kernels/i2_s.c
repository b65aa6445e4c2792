/* i2_s: two bits per weight, the format of the official BitNet files (GGUF type 36).
 *
 * File layout: codes 0, 1, 2 for -1, 0, +1; 128 consecutive weights of a row are 32 bytes, weight j in byte j % 32 at shift
 * 6 - 2 * (j / 32); rows follow each other; after the last one the float scale and 28 bytes of padding.
 *
 * Memory layout: 16 rows are interleaved, so that a vector lane is a row, nothing has to be added across lanes, and a thread
 * reads one sequential stream. A line of 64 bytes holds 16 rows x 16 consecutive weights: row i, weights k = 16 L + 4 p + c
 * (p, c = 0..3) are in byte 4 i + c of line L, at bits 2p. Rows of padding in the last group are code 0 and never read out. */
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/i2_s_layout.h"
#include "kernels/ternary.h"

size_t i2s_row_bytes(size_t cols)
{
    return cols / 4;
}

void i2s_pack_codes(const uint8_t *restrict codes, size_t cols, float scale, void *restrict dst)
{
    (void)scale;
    uint8_t *out = dst;
    for (size_t b = 0; b < cols / I2S_FILE_BLOCK; b++, codes += I2S_FILE_BLOCK, out += I2S_FILE_BYTES)
        for (size_t m = 0; m < I2S_FILE_BYTES; m++)
            out[m] = (uint8_t)(codes[m] << 6 | codes[m + 32] << 4 | codes[m + 64] << 2 | codes[m + 96]);
}

void i2s_pack_row(const float *src, size_t cols, float scale, void *dst)
{
    uint8_t codes[I2S_FILE_BLOCK];
    for (size_t b = 0; b < cols / I2S_FILE_BLOCK; b++) {
        ternary_codes(src + b * I2S_FILE_BLOCK, I2S_FILE_BLOCK, codes);
        i2s_pack_codes(codes, I2S_FILE_BLOCK, scale, (uint8_t *)dst + b * I2S_FILE_BYTES);
    }
}

void i2s_unpack_codes(const uint8_t *restrict src, size_t cols, uint8_t *restrict codes)
{
    for (size_t b = 0; b < cols / I2S_FILE_BLOCK; b++, src += I2S_FILE_BYTES, codes += I2S_FILE_BLOCK)
        for (size_t m = 0; m < I2S_FILE_BYTES; m++)
            for (size_t n = 0; n < 4; n++)
                codes[m + 32 * n] = src[m] >> (6 - 2 * n) & 3;
}

void i2s_unpack_row(const void *src, size_t cols, float scale, float *dst)
{
    uint8_t codes[I2S_FILE_BLOCK];
    for (size_t k = 0; k < cols; k++) {
        if (k % I2S_FILE_BLOCK == 0)
            i2s_unpack_codes((const uint8_t *)src + k / I2S_FILE_BLOCK * I2S_FILE_BYTES, I2S_FILE_BLOCK, codes);
        dst[k] = (float)(codes[k % I2S_FILE_BLOCK] - 1) * scale;
    }
}

bool i2s_row_valid(const void *src, size_t cols)
{
    return codes_valid(src, cols / 4);
}

int i2s_file_scale(const void *file, size_t rows, size_t cols, float *scale)
{
    memcpy(scale, (const uint8_t *)file + rows * i2s_row_bytes(cols), sizeof *scale);
    return 0;
}

void i2s_write_tail(void *tail, float scale)
{
    memset(tail, 0, I2S_TAIL_BYTES);
    memcpy(tail, &scale, sizeof scale);
}

size_t i2s_mem_bytes(size_t rows, size_t cols)
{
    return (rows + I2S_ROWS - 1) / I2S_ROWS * i2s_group_bytes(cols);
}

/* Four weights (a 32-bit word of src) at a time. */
void i2s_load_block(const uint8_t *src, const uint8_t shift[4], const struct weights *w, size_t row, size_t k, void *data)
{
    uint8_t *dst = (uint8_t *)data + row / I2S_ROWS * i2s_group_bytes(w->cols) + k / I2S_LINE_K * I2S_LINE + 4 * (row % I2S_ROWS);
    uint32_t word[8];
    memcpy(word, src, sizeof word);
    for (unsigned line = 0; line < 8; line++) {
        uint32_t out = 0;
        for (unsigned p = 0; p < 4; p++)
            out |= ((word[4 * (line % 2) + p] >> shift[line / 2]) & 0x03030303u) << (2 * p);
        memcpy(dst + (size_t)line * I2S_LINE, &out, sizeof out);
    }
}

static void load(const void *file, size_t row0, size_t row1, const struct weights *w, void *data)
{
    static const uint8_t shift[4] = {6, 4, 2, 0};
    for (size_t r = row0; r < row1; r++) {
        const uint8_t *src = (const uint8_t *)file + r * i2s_row_bytes(w->cols);
        for (size_t k = 0; k < w->cols; k += I2S_FILE_BLOCK, src += I2S_FILE_BYTES)
            i2s_load_block(src, shift, w, r, k, data);
    }
}

static int code_at(const struct weights *w, size_t row, size_t k)
{
    const uint8_t *line = (const uint8_t *)w->data + row / I2S_ROWS * i2s_group_bytes(w->cols) + k / I2S_LINE_K * I2S_LINE;
    return (line[4 * (row % I2S_ROWS) + k % 4] >> (2 * (k % I2S_LINE_K / 4))) & 3;
}

void i2s_get_row(const struct weights *w, size_t row, float *dst)
{
    for (size_t k = 0; k < w->cols; k++)
        dst[k] = (float)(code_at(w, row, k) - 1) * w->scale;
}

static int32_t row_sum(const struct weights *w, size_t row, const int8_t *q)
{
    int32_t sum = 0;
    for (size_t k = 0; k < w->cols; k++)
        sum += (code_at(w, row, k) - 1) * q[k];
    return sum;
}

static void i2_s_gemm_c(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)scratch;
    ternary_gemm_c(w, x, row0, row1, y, ldy, row_sum);
}

const struct kernel i2s_kernels[] = {
#ifdef HAVE_ISA_avx512vnni
    {"avx512vnni", CPU_AVX2 | CPU_AVX512 | CPU_AVX512VNNI, i2_s_gemv_avx512vnni, i2_s_gemm_avx512vnni},
#endif
#ifdef HAVE_ISA_avxvnni
    {"avxvnni", CPU_AVX2 | CPU_AVXVNNI, i2_s_gemv_avxvnni, i2_s_gemm_avxvnni},
#endif
#ifdef HAVE_ISA_avx512
    {"avx512", CPU_AVX2 | CPU_AVX512, i2_s_gemv_avx512, i2_s_gemm_avx512},
#endif
#ifdef HAVE_ISA_avx2
    {"avx2", CPU_AVX2, i2_s_gemv_avx2, i2_s_gemm_avx2},
#endif
#ifdef HAVE_ISA_i8mm
    {"i8mm", CPU_NEON | CPU_DOTPROD | CPU_I8MM, i2_s_gemv_dotprod, i2_s_gemm_i8mm},
#endif
#ifdef HAVE_ISA_dotprod
    {"dotprod", CPU_NEON | CPU_DOTPROD, i2_s_gemv_dotprod, i2_s_gemm_dotprod},
#endif
#ifdef HAVE_ISA_neon
    {"neon", CPU_NEON, i2_s_gemv_neon, i2_s_gemm_neon},
#endif
    {"c", 0, i2_s_gemm_c, i2_s_gemm_c},
};

const struct format format_i2_s = {
    .name = "i2_s",
    .gguf_type = 36,
    .bits = 2.0,
    .act = ACT_I8,
    .ternary = true,
    .cols_multiple = I2S_FILE_BLOCK,
    .row_group = I2S_ROWS,
    .row_bytes = i2s_row_bytes,
    .tail_bytes = I2S_TAIL_BYTES,
    .pack_row = i2s_pack_row,
    .pack_codes = i2s_pack_codes,
    .unpack_row = i2s_unpack_row,
    .row_valid = i2s_row_valid,
    .file_scale = i2s_file_scale,
    .write_tail = i2s_write_tail,
    .mem_bytes = i2s_mem_bytes,
    .load = load,
    .get_row = i2s_get_row,
    .kernels = i2s_kernels,
};
