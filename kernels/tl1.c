/* tl1: two weights in four bits, 2 bits per weight, multiplied by look-up: made for ARM's tbl, 16 entries of a byte.
 *
 * A layout of memory, not of files: its file layout is i2_s's, code and all. Two consecutive weights a, b of a row (a pair) become
 * the code 3 (a + 1) + (b + 1), 0..8, a nibble. 32 rows are interleaved, so that a byte lane is a row and a thread reads one
 * sequential stream: a line of 128 bytes holds 32 rows x 16 consecutive weights; row i, weights k = 16 L + 4 v + c (v, c = 0..3) are
 * in byte 32 v + i of line L, the pair c = 0, 1 in the low nibble. Rows of padding in the last group are 0 and never read out. */
#include "kernels/tl1_layout.h"

#include "kernels/cpu.h"
#include "kernels/i2_s_layout.h"
#include "kernels/ternary.h"

static size_t mem_bytes(size_t rows, size_t cols)
{
    return (rows + TL1_ROWS - 1) / TL1_ROWS * tl1_group_bytes(cols);
}

/* Where the byte of `row` and column k is */
static size_t offset(const struct weights *w, size_t row, size_t k)
{
    return row / TL1_ROWS * tl1_group_bytes(w->cols) + k / TL1_LINE_K * TL1_LINE + k % TL1_LINE_K / TL1_BYTE_K * TL1_ROWS + row % TL1_ROWS;
}

static void load(const void *file, size_t row0, size_t row1, const struct weights *w, void *data)
{
    for (size_t r = row0; r < row1; r++) {
        const uint8_t *src = (const uint8_t *)file + r * i2s_row_bytes(w->cols);
        for (size_t k = 0; k < w->cols; k += I2S_FILE_BLOCK, src += I2S_FILE_BYTES) {
            uint8_t c[I2S_FILE_BLOCK], *out = (uint8_t *)data + offset(w, r, k);
            i2s_unpack_codes(src, I2S_FILE_BLOCK, c);
            for (size_t i = 0; i < I2S_FILE_BLOCK; i += TL1_BYTE_K, out += TL1_ROWS)
                *out = (uint8_t)((3 * c[i] + c[i + 1]) | (3 * c[i + 2] + c[i + 3]) << 4);
        }
    }
}

/* Weight k of a row, -1..1 */
static int weight(const struct weights *w, size_t row, size_t k)
{
    const unsigned byte = ((const uint8_t *)w->data)[offset(w, row, k)], code = k % 4 < 2 ? byte & 15 : byte >> 4;
    return (int)(k % 2 ? code % 3 : code / 3) - 1;
}

static void get_row(const struct weights *w, size_t row, float *dst)
{
    for (size_t k = 0; k < w->cols; k++)
        dst[k] = (float)weight(w, row, k) * w->scale;
}

static int32_t row_sum(const struct weights *w, size_t row, const int8_t *q)
{
    int32_t sum = 0;
    for (size_t k = 0; k < w->cols; k++)
        sum += weight(w, row, k) * q[k];
    return sum;
}

static void tl1_gemm_c(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)scratch;
    ternary_gemm_c(w, x, row0, row1, y, ldy, row_sum);
}

/* A look-up needs no dot products: all rows name the gemv of NEON. */
static const struct kernel kernels[] = {
#ifdef HAVE_ISA_i8mm
    {"i8mm", CPU_NEON | CPU_DOTPROD | CPU_I8MM, tl1_gemv_neon, tl1_gemm_i8mm},
#endif
#ifdef HAVE_ISA_dotprod
    {"dotprod", CPU_NEON | CPU_DOTPROD, tl1_gemv_neon, tl1_gemm_dotprod},
#endif
#ifdef HAVE_ISA_neon
    {"neon", CPU_NEON, tl1_gemv_neon, tl1_gemm_neon},
#endif
    {"c", 0, tl1_gemm_c, tl1_gemm_c},
};

const struct format format_tl1 = {
    .name = "tl1",
    .gguf_type = 36, /* i2_s's: files say i2_s */
    .bits = 2.0,
    .act = ACT_I8,
    .ternary = true,
    .cols_multiple = I2S_FILE_BLOCK,
    .row_group = TL1_ROWS,
    .row_bytes = i2s_row_bytes,
    .tail_bytes = I2S_TAIL_BYTES,
    .pack_row = i2s_pack_row,
    .pack_codes = i2s_pack_codes,
    .unpack_row = i2s_unpack_row,
    .row_valid = i2s_row_valid,
    .file_scale = i2s_file_scale,
    .write_tail = i2s_write_tail,
    .mem_bytes = mem_bytes,
    .load = load,
    .get_row = get_row,
    .kernels = kernels,
};
