/* q8_0: int8 weights, one f16 scale per 32; int8 activations, one float scale per 32. The int8 baseline.
 *
 * File (ggml's block_q8_0, 34 bytes per 32 weights): f16 d, then 32 int8; value = d * q. Memory: struct q8_0_group.
 * The definition of the product, per output: acc = +0; for each block b of 32 columns in order
 *
 *     isum = sum over the block of w * q      exact: |isum| <= 32 * 128 * 127 < 2^24
 *     acc = fma(float(isum), d_b * scale_b, acc)
 *
 * where q, scale are the activations'. The type's code -128 never comes from pack, but other programs may write it. */
#include <math.h>
#include <string.h>

#include "baselines/baseline_kernels.h"
#include "baselines/quantize.h"
#include "kernels/cpu.h"
#include "kernels/half.h"

enum { BLOCK_BYTES = 34 };

static size_t q8_0_row_bytes(size_t cols)
{
    return cols / Q_BLOCK * BLOCK_BYTES;
}

/* d = absmax / 127 as f16; q = round(x / d), of the rounded d: the nearest code under the scale that the reader will see */
static void q8_0_pack_row(const float *src, size_t cols, float scale, void *dst)
{
    (void)scale;
    unsigned char *out = dst;
    for (size_t b = 0; b < cols / Q_BLOCK; b++, src += Q_BLOCK, out += BLOCK_BYTES) {
        const uint16_t d = half_scale(fabsf(largest(src, Q_BLOCK)) / 127.0f);
        memcpy(out, &d, sizeof d);
        int8_t code[Q_BLOCK];
        quantize(src, Q_BLOCK, half_to_float(d), -127, 127, code);
        memcpy(out + sizeof d, code, sizeof code);
    }
}

static void q8_0_unpack_row(const void *src, size_t cols, float scale, float *dst)
{
    (void)scale;
    const unsigned char *in = src;
    for (size_t b = 0; b < cols / Q_BLOCK; b++, dst += Q_BLOCK, in += BLOCK_BYTES) {
        uint16_t d;
        memcpy(&d, in, sizeof d);
        for (size_t k = 0; k < Q_BLOCK; k++)
            dst[k] = half_to_float(d) * (float)(int8_t)in[sizeof d + k];
    }
}

static size_t q8_0_mem_bytes(size_t rows, size_t cols)
{
    return (rows + Q_GROUP - 1) / Q_GROUP * (cols / Q_BLOCK) * sizeof(struct q8_0_group);
}

static size_t q8_0_index(const struct weights *w, size_t row)
{
    return row / Q_GROUP * (w->cols / Q_BLOCK);
}

static void q8_0_load(const void *file, size_t row0, size_t row1, const struct weights *w, void *data)
{
    const unsigned char *in = (const unsigned char *)file + row0 * q8_0_row_bytes(w->cols);
    for (size_t r = row0; r < row1; r++) {
        struct q8_0_group *g = (struct q8_0_group *)data + q8_0_index(w, r);
        for (size_t b = 0; b < w->cols / Q_BLOCK; b++, g++, in += BLOCK_BYTES) {
            memcpy(&g->d[r % Q_GROUP], in, sizeof g->d[0]);
            for (size_t j = 0; j < 8; j++)
                memcpy(g->q[j][r % Q_GROUP], in + sizeof g->d[0] + 4 * j, 4);
        }
    }
}

static void q8_0_get_row(const struct weights *w, size_t row, float *dst)
{
    const struct q8_0_group *g = (const struct q8_0_group *)w->data + q8_0_index(w, row);
    for (size_t k = 0; k < w->cols; k++) {
        const struct q8_0_group *b = &g[k / Q_BLOCK];
        dst[k] = half_to_float(b->d[row % Q_GROUP]) * (float)b->q[k % Q_BLOCK / 4][row % Q_GROUP][k % 4];
    }
}

static float dot_c(const struct q8_0_group *g, size_t row, size_t n_blocks, const int8_t *q, const float *scale)
{
    float acc = 0;
    for (size_t b = 0; b < n_blocks; b++, g++, q += Q_BLOCK) {
        int32_t isum = 0;
        for (size_t k = 0; k < Q_BLOCK; k++)
            isum += g->q[k / 4][row][k % 4] * q[k];
        acc = fmaf((float)isum, half_to_float(g->d[row]) * scale[b], acc);
    }
    return acc;
}

static void q8_0_c(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    const size_t n_blocks = w->cols / Q_BLOCK;
    (void)scratch;
    for (size_t t = 0; t < x->n; t++)
        for (size_t r = row0; r < row1; r++)
            y[t * ldy + r] = dot_c((const struct q8_0_group *)w->data + q8_0_index(w, r), r % Q_GROUP, n_blocks, x->q + t * x->ld,
                                   x->scale + t * n_blocks);
}

static const struct kernel q8_0_kernels[] = {
#ifdef HAVE_ISA_avx512vnni
    {"avx512vnni", CPU_AVX2 | CPU_AVX512 | CPU_AVX512VNNI, q8_0_gemv_avx512vnni, q8_0_gemm_avx512vnni},
#endif
#ifdef HAVE_ISA_avxvnni
    {"avxvnni", CPU_AVX2 | CPU_AVXVNNI, q8_0_gemv_avxvnni, q8_0_gemm_avxvnni},
#endif
#ifdef HAVE_ISA_avx512
    {"avx512", CPU_AVX2 | CPU_AVX512, q8_0_gemv_avx2, q8_0_gemm_avx512},
#endif
#ifdef HAVE_ISA_avx2
    {"avx2", CPU_AVX2, q8_0_gemv_avx2, q8_0_gemm_avx2},
#endif
#ifdef HAVE_ISA_i8mm
    {"i8mm", CPU_NEON | CPU_DOTPROD | CPU_I8MM, q8_0_gemv_dotprod, q8_0_gemm_i8mm},
#endif
#ifdef HAVE_ISA_dotprod
    {"dotprod", CPU_NEON | CPU_DOTPROD, q8_0_gemv_dotprod, q8_0_gemm_dotprod},
#endif
#ifdef HAVE_ISA_neon
    {"neon", CPU_NEON, q8_0_gemv_neon, q8_0_gemm_neon},
#endif
    {"c", 0, q8_0_c, q8_0_c},
};

const struct format format_q8_0 = {
    .name = "q8_0",
    .gguf_type = 8,
    .bits = 8.5,
    .act = ACT_Q8,
    .cols_multiple = Q_BLOCK,
    .row_group = Q_GROUP,
    .row_bytes = q8_0_row_bytes,
    .pack_row = q8_0_pack_row,
    .unpack_row = q8_0_unpack_row,
    .mem_bytes = q8_0_mem_bytes,
    .load = q8_0_load,
    .get_row = q8_0_get_row,
    .kernels = q8_0_kernels,
};
