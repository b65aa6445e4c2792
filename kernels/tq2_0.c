/* tq2_0: two bits per weight in blocks of 256 with a float16 scale, 2.0625 bits in all (GGUF type 35).
 *
 * A block is 66 bytes: 64 bytes of codes, then the scale. Each half of 128 weights is 32 bytes; byte m holds weights m + 32 n
 * (n = 0..3) at bits 2n, as 0, 1, 2 for -1, 0, +1. With one scale for all blocks the memory layout and the kernels are those of
 * i2_s, 2 bits; else the memory layout is the file layout. Scales: tq_layout.h. */
#include <string.h>

#include "kernels/i2_s_layout.h"
#include "kernels/ternary.h"
#include "kernels/tq_layout.h"

enum {
    TQ2_BYTES = 66, /* of a block */
    TQ2_SCALE = 64, /* offset of the float16 scale */
};

static int code_at(const uint8_t *block, size_t j)
{
    return (block[j / 128 * 32 + j % 32] >> (2 * (j % 128 / 32))) & 3;
}

static const struct tq tq2_layout = {TQ2_BYTES, TQ2_SCALE, code_at};

static void pack_codes(const uint8_t *restrict codes, size_t cols, float scale, void *restrict dst)
{
    uint8_t *out = dst;
    for (size_t b = 0; b < cols / TQ_BLOCK; b++, out += TQ2_BYTES) {
        for (size_t half = 0; half < 2; half++, codes += 128)
            for (size_t m = 0; m < 32; m++)
                out[32 * half + m] = (uint8_t)(codes[m] | codes[m + 32] << 2 | codes[m + 64] << 4 | codes[m + 96] << 6);
        tq_put_scale(&tq2_layout, scale, out);
    }
}

static void pack_row(const float *src, size_t cols, float scale, void *dst)
{
    uint8_t codes[TQ_BLOCK];
    for (size_t b = 0; b < cols / TQ_BLOCK; b++) {
        ternary_codes(src + b * TQ_BLOCK, TQ_BLOCK, codes);
        pack_codes(codes, TQ_BLOCK, scale, (uint8_t *)dst + b * TQ2_BYTES);
    }
}

static size_t row_bytes(size_t cols)
{
    return tq_row_bytes(&tq2_layout, cols);
}

static void unpack_row(const void *src, size_t cols, float scale, float *dst)
{
    (void)scale;
    tq_unpack_row(&tq2_layout, src, cols, dst);
}

static bool row_valid(const void *src, size_t cols)
{
    bool ok = true;
    for (size_t b = 0; b < cols / TQ_BLOCK; b++)
        ok &= codes_valid((const uint8_t *)src + b * TQ2_BYTES, TQ2_SCALE);
    return ok;
}

static int file_scale(const void *file, size_t rows, size_t cols, float *scale)
{
    return tq_file_scale(&tq2_layout, file, rows, cols, scale);
}

/* The two halves of a block have i2_s's shape with the fields in the other order. */
static void load(const void *file, size_t row0, size_t row1, const struct weights *w, void *data)
{
    static const uint8_t shift[4] = {0, 2, 4, 6};
    for (size_t r = row0; r < row1; r++) {
        const uint8_t *block = (const uint8_t *)file + r * row_bytes(w->cols);
        for (size_t k = 0; k < w->cols; k += TQ_BLOCK, block += TQ2_BYTES) {
            i2s_load_block(block, shift, w, r, k, data);
            i2s_load_block(block + 32, shift, w, r, k + 128, data);
        }
    }
}

static void get_row(const struct weights *w, size_t row, float *dst)
{
    if (w->per_block)
        tq_get_row(&tq2_layout, w, row, dst);
    else
        i2s_get_row(w, row, dst);
}

static void blocks_gemm(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy,
                        void *scratch)
{
    (void)scratch;
    tq_blocks_gemm(&tq2_layout, w, x, row0, row1, y, ldy);
}

static const struct kernel block_kernel = {"c", 0, blocks_gemm, blocks_gemm};

const struct format format_tq2_0 = {
    .name = "tq2_0",
    .gguf_type = 35,
    .bits = 8.0 * TQ2_BYTES / TQ_BLOCK,
    .act = ACT_I8,
    .ternary = true,
    .cols_multiple = TQ_BLOCK,
    .row_group = I2S_ROWS,
    .row_bytes = row_bytes,
    .pack_row = pack_row,
    .pack_codes = pack_codes,
    .unpack_row = unpack_row,
    .row_valid = row_valid,
    .file_scale = file_scale,
    .mem_bytes = i2s_mem_bytes,
    .load = load,
    .get_row = get_row,
    .kernels = i2s_kernels,
    .block_kernel = &block_kernel,
};
