/* What tq1_0 and tq2_0 share: blocks of 256 weights with a float16 scale of their own. A `struct tq` says how long a block is,
 * where its scale stands and how to find a code; the C definitions below work on either. The files tq1_0.c and tq2_0.c describe
 * the blocks.
 *
 * When all scales of a tensor are equal they are one scale per tensor, the blocks are rearranged at load, and the result has the
 * bits of every other ternary format; otherwise (w->per_block) they stay as they are in the file and y = act_scale * (sum over
 * blocks, in order, of fma(d_block, isum_block)). */
#ifndef BITJOULE_TQ_LAYOUT_H
#define BITJOULE_TQ_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/format.h"

enum { TQ_BLOCK = 256 /* weights */ };

struct tq {
    size_t block_bytes, scale_at;
    int (*code_at)(const uint8_t *block, size_t j); /* 0, 1, 2 for weight j of a block */
};

/* The fields of struct format, for either layout. */
size_t tq_row_bytes(const struct tq *q, size_t cols);
void tq_put_scale(const struct tq *q, float scale, uint8_t *block);
void tq_unpack_row(const struct tq *q, const void *src, size_t cols, float *dst);
/* 0 when all blocks have the same scale, else 1; *scale is the largest by magnitude. */
int tq_file_scale(const struct tq *q, const void *file, size_t rows, size_t cols, float *scale);

/* For weights with per_block, that is in the file layout: a row as floats, and the kernel. */
void tq_get_row(const struct tq *q, const struct weights *w, size_t row, float *dst);
void tq_blocks_gemm(const struct tq *q, const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y,
                    size_t ldy);

#endif
