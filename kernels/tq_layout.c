/* The C definitions of tq1_0 and tq2_0 (tq_layout.h): plain, weight by weight. */
#include "kernels/tq_layout.h"

#include <math.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/ternary.h"

size_t tq_row_bytes(const struct tq *q, size_t cols)
{
    return cols / TQ_BLOCK * q->block_bytes;
}

static uint16_t scale_bits(const struct tq *q, const uint8_t *block)
{
    uint16_t h;
    memcpy(&h, block + q->scale_at, sizeof h);
    return h;
}

void tq_put_scale(const struct tq *q, float scale, uint8_t *block)
{
    const uint16_t d = half_from_float(scale);
    memcpy(block + q->scale_at, &d, sizeof d);
}

void tq_unpack_row(const struct tq *q, const void *src, size_t cols, float *dst)
{
    for (size_t k = 0; k < cols; k++) {
        const uint8_t *block = (const uint8_t *)src + k / TQ_BLOCK * q->block_bytes;
        dst[k] = (float)(q->code_at(block, k % TQ_BLOCK) - 1) * half_to_float(scale_bits(q, block));
    }
}

int tq_file_scale(const struct tq *q, const void *file, size_t rows, size_t cols, float *scale)
{
    const uint8_t *block = file;
    const uint16_t first = scale_bits(q, block);
    int differ = 0;
    *scale = 0.0f;
    for (size_t n = rows * (cols / TQ_BLOCK); n > 0; n--, block += q->block_bytes) {
        const float d = half_to_float(scale_bits(q, block));
        differ |= scale_bits(q, block) != first;
        if (fabsf(d) > fabsf(*scale))
            *scale = d;
    }
    return differ;
}

void tq_get_row(const struct tq *q, const struct weights *w, size_t row, float *dst)
{
    tq_unpack_row(q, (const uint8_t *)w->data + row * tq_row_bytes(q, w->cols), w->cols, dst);
}

static int32_t block_dot(const struct tq *q, const uint8_t *block, const int8_t *a)
{
    int32_t isum = 0;
    for (size_t j = 0; j < TQ_BLOCK; j++)
        isum += (q->code_at(block, j) - 1) * a[j];
    return isum;
}

void tq_blocks_gemm(const struct tq *q, const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y,
                    size_t ldy)
{
    const size_t blocks = w->cols / TQ_BLOCK;
    for (size_t t = 0; t < x->n; t++) {
        for (size_t r = row0; r < row1; r++) {
            const uint8_t *block = (const uint8_t *)w->data + r * tq_row_bytes(q, w->cols);
            float sum = 0.0f;
            for (size_t b = 0; b < blocks; b++, block += q->block_bytes) {
                const int32_t dot = block_dot(q, block, x->q + t * x->ld + b * TQ_BLOCK);
                sum = fmaf(half_to_float(scale_bits(q, block)), (float)dot, sum);
            }
            y[t * ldy + r] = sum * x->scale[t];
        }
    }
}
