/* q6_k: 6-bit weights, an int8 scale per 16 and an f16 scale per 256; int8 activations, one float scale per 32. For embeddings.
 *
 * File (ggml's block_q6_K, 210 bytes per 256 weights): ql[128], qh[64], int8 scales[16], f16 d. Half n = 0, 1 of the block (128
 * weights) owns ql[64 n ..], qh[32 n ..]. For l = 0..31 its weights l, l + 32, l + 64, l + 96 take their low four bits from the
 * low nibbles of ql[l], ql[l + 32] and the high nibbles of ql[l], ql[l + 32], and their high two bits from bits 0-1, 2-3, 4-5, 6-7
 * of qh[l]. Value = d * scales[k / 16] * (code - 32). Memory: struct q6_k_group.
 * The definition of the product, per output: acc = +0; for each block b of 32 columns in order
 *
 *     isum = sum over its two runs s of 16 of scales_s * sum over the run of (code - 32) * q
 *            exact: |isum| <= 2 * 128 * 16 * 32 * 127 = 16646144 < 2^24
 *     acc = fma(float(isum), d * scale_b, acc)
 *
 * where q, scale are the activations'. Packing is in q6_k_pack.c. */
#include <math.h>
#include <string.h>

#include "baselines/baseline_kernels.h"
#include "baselines/q6_k_file.h"
#include "kernels/cpu.h"
#include "kernels/half.h"

static size_t q6_k_row_bytes(size_t cols)
{
    return cols / Q6_K_SUPER * sizeof(struct q6_k_file);
}

/* d * scale * code: |scale * code| <= 128 * 32 is exact, so one rounding, whatever the order of the factors */
static float value(uint16_t d, int scale, int code)
{
    return half_to_float(d) * (float)(scale * (code - Q6_K_ZERO));
}

static void q6_k_unpack_row(const void *src, size_t cols, float scale, float *dst)
{
    (void)scale;
    const struct q6_k_file *in = src;
    for (size_t k = 0; k < cols; k++) {
        const struct q6_k_file *s = &in[k / Q6_K_SUPER];
        uint16_t d;
        memcpy(&d, s->d, sizeof d);
        dst[k] = value(d, s->scales[k % Q6_K_SUPER / Q6_K_SUB], q6_k_file_code(s, k % Q6_K_SUPER));
    }
}

static size_t q6_k_mem_bytes(size_t rows, size_t cols)
{
    return (rows + Q_GROUP - 1) / Q_GROUP * (cols / Q6_K_SUPER) * sizeof(struct q6_k_group);
}

static size_t q6_k_index(const struct weights *w, size_t row)
{
    return row / Q_GROUP * (w->cols / Q6_K_SUPER);
}

static uint32_t four_bytes(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* A block of 32 columns is a quarter (block % 4) of a half of the file's 256: its low bits are in one nibble of 32 bytes of ql, its
 * high bits in one pair of bits of 32 bytes of qh. Four columns at a time, as the bytes of a word. */
static void load_block(const struct q6_k_file *in, size_t block, size_t row, struct q6_k_block *b)
{
    const struct q6_k_place p = q6_k_place(block * Q_BLOCK);
    for (size_t j = 0; j < 4; j++) {
        const uint32_t first = four_bytes(in->ql + p.low + 4 * j) >> p.low_shift & 0x0f0f0f0fu;
        const uint32_t second = four_bytes(in->ql + p.low + 16 + 4 * j) >> p.low_shift & 0x0f0f0f0fu;
        const uint32_t low = first | second << 4;
        memcpy(b->low[j][row], &low, sizeof low);
    }
    for (size_t h = 0; h < 2; h++) {
        uint32_t high = 0;
        for (size_t j = 0; j < 4; j++)
            high |= (four_bytes(in->qh + p.high + 16 * h + 4 * j) >> p.high_shift & 0x03030303u) << (2 * j);
        memcpy(b->high[h][row], &high, sizeof high);
    }
}

static void load_super(const struct q6_k_file *in, size_t row, struct q6_k_group *g)
{
    memcpy(&g->d[row], in->d, sizeof g->d[0]);
    for (size_t s = 0; s < Q6_K_SUPER / Q6_K_SUB; s++)
        g->scale[s][row] = in->scales[s];
    for (size_t b = 0; b < Q6_K_SUPER / Q_BLOCK; b++)
        load_block(in, b, row, &g->block[b]);
}

static void q6_k_load(const void *file, size_t row0, size_t row1, const struct weights *w, void *data)
{
    const size_t n_supers = w->cols / Q6_K_SUPER;
    const struct q6_k_file *in = (const struct q6_k_file *)file + row0 * n_supers;
    for (size_t r = row0; r < row1; r++)
        for (size_t s = 0; s < n_supers; s++)
            load_super(in++, r % Q_GROUP, (struct q6_k_group *)data + q6_k_index(w, r) + s);
}

static void q6_k_get_row(const struct weights *w, size_t row, float *dst)
{
    const struct q6_k_group *g = (const struct q6_k_group *)w->data + q6_k_index(w, row);
    for (size_t k = 0; k < w->cols; k++) {
        const struct q6_k_group *s = &g[k / Q6_K_SUPER];
        const size_t in_super = k % Q6_K_SUPER, r = row % Q_GROUP;
        dst[k] = value(s->d[r], s->scale[in_super / Q6_K_SUB][r], q6_k_code(&s->block[in_super / Q_BLOCK], r, k % Q_BLOCK));
    }
}

static float dot_c(const struct q6_k_group *g, size_t row, size_t n_blocks, const int8_t *q, const float *scale)
{
    enum { BLOCKS = Q6_K_SUPER / Q_BLOCK };
    float acc = 0;
    for (size_t b = 0; b < n_blocks; b++, q += Q_BLOCK) {
        const struct q6_k_group *s = &g[b / BLOCKS];
        int32_t isum = 0;
        for (size_t k = 0; k < Q_BLOCK; k++)
            isum += s->scale[b % BLOCKS * 2 + k / Q6_K_SUB][row] * (q6_k_code(&s->block[b % BLOCKS], row, k) - Q6_K_ZERO) * q[k];
        acc = fmaf((float)isum, half_to_float(s->d[row]) * scale[b], acc);
    }
    return acc;
}

static void q6_k_c(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    const size_t n_blocks = w->cols / Q_BLOCK;
    (void)scratch;
    for (size_t t = 0; t < x->n; t++)
        for (size_t r = row0; r < row1; r++)
            y[t * ldy + r] = dot_c((const struct q6_k_group *)w->data + q6_k_index(w, r), r % Q_GROUP, n_blocks, x->q + t * x->ld,
                                   x->scale + t * n_blocks);
}

static const struct kernel q6_k_kernels[] = {
#ifdef HAVE_ISA_avx512vnni
    {"avx512vnni", CPU_AVX2 | CPU_AVX512 | CPU_AVX512VNNI, q6_k_gemv_avx512vnni, q6_k_gemm_avx512vnni},
#endif
#ifdef HAVE_ISA_avxvnni
    {"avxvnni", CPU_AVX2 | CPU_AVXVNNI, q6_k_gemv_avxvnni, q6_k_gemm_avxvnni},
#endif
#ifdef HAVE_ISA_avx512
    {"avx512", CPU_AVX2 | CPU_AVX512, q6_k_gemv_avx2, q6_k_gemm_avx512},
#endif
#ifdef HAVE_ISA_avx2
    {"avx2", CPU_AVX2, q6_k_gemv_avx2, q6_k_gemm_avx2},
#endif
#ifdef HAVE_ISA_i8mm
    {"i8mm", CPU_NEON | CPU_DOTPROD | CPU_I8MM, q6_k_gemv_dotprod, q6_k_gemm_i8mm},
#endif
#ifdef HAVE_ISA_dotprod
    {"dotprod", CPU_NEON | CPU_DOTPROD, q6_k_gemv_dotprod, q6_k_gemm_dotprod},
#endif
#ifdef HAVE_ISA_neon
    {"neon", CPU_NEON, q6_k_gemv_neon, q6_k_gemm_neon},
#endif
    {"c", 0, q6_k_c, q6_k_c},
};

const struct format format_q6_k = {
    .name = "q6_k",
    .gguf_type = 14,
    .bits = 6.5625,
    .act = ACT_Q8,
    .cols_multiple = Q6_K_SUPER,
    .row_group = Q_GROUP,
    .row_bytes = q6_k_row_bytes,
    .pack_row = q6_k_pack_row,
    .unpack_row = q6_k_unpack_row,
    .mem_bytes = q6_k_mem_bytes,
    .load = q6_k_load,
    .get_row = q6_k_get_row,
    .kernels = q6_k_kernels,
};
