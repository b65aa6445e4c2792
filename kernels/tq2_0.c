/* tq2_0: two bits per weight in blocks of 256 with a float16 scale, 2.0625 bits in all (GGUF type 35).
 *
 * A block is 66 bytes: 64 bytes of codes, then the scale. Each half of 128 weights is 32 bytes; byte m holds weights m + 32 n
 * (n = 0..3) at bits 2n, as 0, 1, 2 for -1, 0, +1. The memory layout is the file layout.
 *
 * When all scales of a tensor are equal they are one scale per tensor and the result has the bits of every other ternary
 * format; otherwise the kernels take the per-block path of ternary.h. */
#include <math.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/half.h"
#include "kernels/ternary.h"
#include "kernels/tq_layout.h"

static size_t row_bytes(size_t cols)
{
    return cols / TQ_BLOCK * TQ2_BYTES;
}

static int code_at(const uint8_t *block, size_t j)
{
    return (block[j / 128 * 32 + j % 32] >> (2 * (j % 128 / 32))) & 3;
}

static uint16_t block_scale(const uint8_t *block)
{
    uint16_t h;
    memcpy(&h, block + TQ2_SCALE, sizeof h);
    return h;
}

static void pack_row(const float *src, size_t cols, float scale, void *dst)
{
    const uint16_t d = half_from_float(scale);
    for (size_t b = 0; b < cols / TQ_BLOCK; b++) {
        uint8_t *out = (uint8_t *)dst + b * TQ2_BYTES;
        const float *in = src + b * TQ_BLOCK;
        memset(out, 0, TQ2_SCALE);
        for (size_t j = 0; j < TQ_BLOCK; j++)
            out[j / 128 * 32 + j % 32] |= (uint8_t)((ternary_sign(in[j]) + 1) << (2 * (j % 128 / 32)));
        memcpy(out + TQ2_SCALE, &d, sizeof d);
    }
}

static void unpack_row(const void *src, size_t cols, float scale, float *dst)
{
    (void)scale;
    for (size_t k = 0; k < cols; k++) {
        const uint8_t *block = (const uint8_t *)src + k / TQ_BLOCK * TQ2_BYTES;
        dst[k] = (float)(code_at(block, k % TQ_BLOCK) - 1) * half_to_float(block_scale(block));
    }
}

static int file_scale(const void *file, size_t rows, size_t cols, float *scale)
{
    return tq_file_scale(file, rows * (cols / TQ_BLOCK), TQ2_BYTES, TQ2_SCALE, scale);
}

static size_t mem_bytes(size_t rows, size_t cols)
{
    return rows * row_bytes(cols);
}

static void get_row(const struct weights *w, size_t row, float *dst)
{
    unpack_row((const uint8_t *)w->data + row * row_bytes(w->cols), w->cols, w->scale, dst);
}

static void tq2_0_gemm_c(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    if (w->per_block) {
        tq2_0_per_block(w, x, row0, row1, y, ldy, scratch);
        return;
    }
    for (size_t t = 0; t < x->n; t++) {
        const int8_t *q = x->q + t * x->ld;
        const float factor = w->scale * x->scale[t];
        for (size_t r = row0; r < row1; r++) {
            const uint8_t *row = (const uint8_t *)w->data + r * row_bytes(w->cols);
            int32_t isum = 0;
            for (size_t k = 0; k < w->cols; k++)
                isum += (code_at(row + k / TQ_BLOCK * TQ2_BYTES, k % TQ_BLOCK) - 1) * q[k];
            y[t * ldy + r] = ternary_finish(isum, factor);
        }
    }
}

void tq2_0_per_block(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)scratch;
    for (size_t t = 0; t < x->n; t++) {
        for (size_t r = row0; r < row1; r++) {
            const uint8_t *block = (const uint8_t *)w->data + r * row_bytes(w->cols);
            const int8_t *q = x->q + t * x->ld;
            float sum = 0.0f;
            for (size_t b = 0; b < w->cols / TQ_BLOCK; b++, block += TQ2_BYTES, q += TQ_BLOCK) {
                int32_t isum = 0;
                for (size_t j = 0; j < TQ_BLOCK; j++)
                    isum += (code_at(block, j) - 1) * q[j];
                sum = fmaf(half_to_float(block_scale(block)), (float)isum, sum);
            }
            y[t * ldy + r] = sum * x->scale[t];
        }
    }
}

static const struct kernel kernels[] = {
#ifdef HAVE_ISA_avx2
    {"avx2", CPU_AVX2, tq2_0_gemv_avx2, tq2_0_gemm_avx2},
#endif
    {"c", 0, tq2_0_gemm_c, tq2_0_gemm_c},
};

const struct format format_tq2_0 = {
    .name = "tq2_0",
    .gguf_type = 35,
    .bits = 8.0 * TQ2_BYTES / TQ_BLOCK,
    .act = ACT_I8,
    .ternary = true,
    .cols_multiple = TQ_BLOCK,
    .row_group = 1,
    .row_bytes = row_bytes,
    .pack_row = pack_row,
    .unpack_row = unpack_row,
    .file_scale = file_scale,
    .mem_bytes = mem_bytes,
    .get_row = get_row,
    .kernels = kernels,
};
