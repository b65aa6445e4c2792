/* q4_0: 4-bit weights, one f16 scale per 32; int8 activations, one float scale per 32. What a user would pick instead of ternary.
 *
 * File (ggml's block_q4_0, 18 bytes per 32 weights): f16 d, then 16 bytes; byte j holds weight j in its low and weight j + 16 in
 * its high nibble; value = d * (code - 8). Memory: struct q4_0_group. The definition of the product, per output: acc = +0; for
 * each block b of 32 columns in order
 *
 *     isum = sum over the block of (code - 8) * q      exact: |isum| <= 32 * 8 * 127 < 2^24
 *     acc = fma(float(isum), d_b * scale_b, acc)
 *
 * where q, scale are the activations'. */
#include <math.h>
#include <string.h>

#include "baselines/baseline_kernels.h"
#include "baselines/quantize.h"
#include "kernels/cpu.h"
#include "kernels/half.h"

enum { BLOCK_BYTES = 18, NIBBLE_BYTES = 16, ZERO_CODE = 8 };

static size_t q4_0_row_bytes(size_t cols)
{
    return cols / Q_BLOCK * BLOCK_BYTES;
}

/* The extreme takes the code -8, the only one of magnitude 8: d = extreme / -8 as f16, so d carries a sign. Values of the other
 * sign end at +7. */
static void q4_0_pack_row(const float *src, size_t cols, float scale, void *dst)
{
    (void)scale;
    unsigned char *out = dst;
    for (size_t b = 0; b < cols / Q_BLOCK; b++, src += Q_BLOCK, out += BLOCK_BYTES) {
        const uint16_t d = half_scale(largest(src, Q_BLOCK) / -8.0f);
        memcpy(out, &d, sizeof d);
        int8_t code[Q_BLOCK];
        quantize(src, Q_BLOCK, half_to_float(d), -8, 7, code);
        for (size_t j = 0; j < NIBBLE_BYTES; j++)
            out[sizeof d + j] = (unsigned char)((code[j] + ZERO_CODE) | (code[j + NIBBLE_BYTES] + ZERO_CODE) << 4);
    }
}

static void q4_0_unpack_row(const void *src, size_t cols, float scale, float *dst)
{
    (void)scale;
    const unsigned char *in = src;
    for (size_t b = 0; b < cols / Q_BLOCK; b++, dst += Q_BLOCK, in += BLOCK_BYTES) {
        uint16_t d;
        memcpy(&d, in, sizeof d);
        for (size_t j = 0; j < NIBBLE_BYTES; j++) {
            dst[j] = half_to_float(d) * (float)((in[sizeof d + j] & 15) - ZERO_CODE);
            dst[j + NIBBLE_BYTES] = half_to_float(d) * (float)((in[sizeof d + j] >> 4) - ZERO_CODE);
        }
    }
}

static size_t q4_0_mem_bytes(size_t rows, size_t cols)
{
    return (rows + Q_GROUP - 1) / Q_GROUP * (cols / Q_BLOCK) * sizeof(struct q4_0_group);
}

static size_t q4_0_index(const struct weights *w, size_t row)
{
    return row / Q_GROUP * (w->cols / Q_BLOCK);
}

static void q4_0_load(const void *file, size_t row0, size_t row1, const struct weights *w, void *data)
{
    const unsigned char *in = (const unsigned char *)file + row0 * q4_0_row_bytes(w->cols);
    for (size_t r = row0; r < row1; r++) {
        struct q4_0_group *g = (struct q4_0_group *)data + q4_0_index(w, r);
        for (size_t b = 0; b < w->cols / Q_BLOCK; b++, g++, in += BLOCK_BYTES) {
            memcpy(&g->d[r % Q_GROUP], in, sizeof g->d[0]);
            for (size_t j = 0; j < 4; j++)
                memcpy(g->q[j][r % Q_GROUP], in + sizeof g->d[0] + 4 * j, 4);
        }
    }
}

/* code - 8 of column k of the block, -8..7 */
static int weight(const struct q4_0_group *g, size_t row, size_t k)
{
    return ((g->q[k % 16 / 4][row][k % 4] >> (k / 16 * 4)) & 15) - ZERO_CODE;
}

static void q4_0_get_row(const struct weights *w, size_t row, float *dst)
{
    const struct q4_0_group *g = (const struct q4_0_group *)w->data + q4_0_index(w, row);
    for (size_t k = 0; k < w->cols; k++) {
        const struct q4_0_group *b = &g[k / Q_BLOCK];
        dst[k] = half_to_float(b->d[row % Q_GROUP]) * (float)weight(b, row % Q_GROUP, k % Q_BLOCK);
    }
}

static float dot_c(const struct q4_0_group *g, size_t row, size_t n_blocks, const int8_t *q, const float *scale)
{
    float acc = 0;
    for (size_t b = 0; b < n_blocks; b++, g++, q += Q_BLOCK) {
        int32_t isum = 0;
        for (size_t k = 0; k < Q_BLOCK; k++)
            isum += weight(g, row, k) * q[k];
        acc = fmaf((float)isum, half_to_float(g->d[row]) * scale[b], acc);
    }
    return acc;
}

static void q4_0_c(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    const size_t n_blocks = w->cols / Q_BLOCK;
    (void)scratch;
    for (size_t t = 0; t < x->n; t++)
        for (size_t r = row0; r < row1; r++)
            y[t * ldy + r] = dot_c((const struct q4_0_group *)w->data + q4_0_index(w, r), r % Q_GROUP, n_blocks, x->q + t * x->ld,
                                   x->scale + t * n_blocks);
}

static const struct kernel q4_0_kernels[] = {
#ifdef HAVE_ISA_avx512vnni
    {"avx512vnni", CPU_AVX2 | CPU_AVX512 | CPU_AVX512VNNI, q4_0_gemv_avx512vnni, q4_0_gemm_avx512vnni},
#endif
#ifdef HAVE_ISA_avxvnni
    {"avxvnni", CPU_AVX2 | CPU_AVXVNNI, q4_0_gemv_avxvnni, q4_0_gemm_avxvnni},
#endif
#ifdef HAVE_ISA_avx512
    {"avx512", CPU_AVX2 | CPU_AVX512, q4_0_gemv_avx512, q4_0_gemm_avx512},
#endif
#ifdef HAVE_ISA_avx2
    {"avx2", CPU_AVX2, q4_0_gemv_avx2, q4_0_gemm_avx2},
#endif
#ifdef HAVE_ISA_i8mm
    {"i8mm", CPU_NEON | CPU_DOTPROD | CPU_I8MM, q4_0_gemv_dotprod, q4_0_gemm_i8mm},
#endif
#ifdef HAVE_ISA_dotprod
    {"dotprod", CPU_NEON | CPU_DOTPROD, q4_0_gemv_dotprod, q4_0_gemm_dotprod},
#endif
#ifdef HAVE_ISA_neon
    {"neon", CPU_NEON, q4_0_gemv_neon, q4_0_gemm_neon},
#endif
    {"c", 0, q4_0_c, q4_0_c},
};

const struct format format_q4_0 = {
    .name = "q4_0",
    .gguf_type = 2,
    .bits = 4.5,
    .act = ACT_Q8,
    .cols_multiple = Q_BLOCK,
    .row_group = Q_GROUP,
    .row_bytes = q4_0_row_bytes,
    .pack_row = q4_0_pack_row,
    .unpack_row = q4_0_unpack_row,
    .mem_bytes = q4_0_mem_bytes,
    .load = q4_0_load,
    .get_row = q4_0_get_row,
    .kernels = q4_0_kernels,
};
