/* tq1_0: five ternary digits (trits) to a byte: 1.6 bits per weight in memory, 1.6875 in the file (GGUF type 34).
 *
 * File layout: blocks of 256 weights with a float16 scale. A block is 54 bytes: qs[48], qh[4], scale. Bytes m = 0..31 of qs hold
 * weights m + 32 n (n = 0..4), bytes 32..47 hold weights 160 + m + 16 n (m = 0..15), bytes j of qh hold weights 240 + j + 4 n
 * (n = 0..3). Digits 0, 1, 2 stand for -1, 0, +1, first digit most significant (qh: a fifth digit 0 follows): q = sum of
 * digit_n * 3^(4-n). The byte is ceil(q * 256 / 243), so that digit n is the whole part of 3 * frac(byte * 3^n / 256):
 * (((byte * 3^n) mod 256) * 3) >> 8. No byte is invalid.
 *
 * Memory layout, with one scale for all blocks (else the file layout: tq_layout.h): 16 rows are interleaved as in i2_s.c. A line
 * of 64 bytes holds 16 rows x 20 consecutive weights: row i, weights k = 20 L + 4 p + c (p = 0..4, c = 0..3) are in byte 4 i + c
 * of line L, as the plain number sum of code_p * 3^p, 0..242: weight 4 p + c is digit p, the last ones most significant. Columns
 * beyond the matrix in the last line, and rows of padding in the last group, are code 0; neither counts. */
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/ternary.h"
#include "kernels/tq1_0_layout.h"
#include "kernels/tq_layout.h"

enum {
    TQ1_BYTES = 54, /* of a block */
    TQ1_QH = 48,    /* offset of the 4 bytes with four trits each */
    TQ1_SCALE = 52, /* offset of the float16 scale */
};

static const uint8_t power3[5] = {1, 3, 9, 27, 81};

/* Where weight j of a block is: its byte, and which digit of it. */
static size_t place(size_t j, size_t *digit)
{
    if (j < 160) {
        *digit = j / 32;
        return j % 32;
    }
    if (j < 240) {
        *digit = (j - 160) / 16;
        return 32 + (j - 160) % 16;
    }
    *digit = (j - 240) / 4;
    return TQ1_QH + (j - 240) % 4;
}

static int code_at(const uint8_t *block, size_t j)
{
    size_t digit;
    const uint8_t byte = block[place(j, &digit)];
    const uint8_t frac = (uint8_t)(byte * power3[digit]);
    return frac * 3 >> 8;
}

static const struct tq tq1_layout = {TQ1_BYTES, TQ1_SCALE, code_at};

/* `bytes` bytes of `digits` weights each, the first one most significant, digit n of byte m at codes[m + bytes * n]. Where
 * there are only four, a fifth digit 0 follows. ceil(q 256 / 243) = q + ceil(13 q / 243), and 13 * 242 + 242 = 3388 fits. */
static inline void pack_digits(const uint8_t *restrict codes, size_t bytes, size_t digits, uint8_t *restrict out)
{
    for (size_t m = 0; m < bytes; m++) {
        unsigned q = 0;
        for (size_t n = 0; n < 5; n++)
            q = q * 3 + (n < digits ? codes[m + bytes * n] : 0);
        out[m] = (uint8_t)(q + (uint16_t)(13 * q + 242) / 243);
    }
}

static void pack_codes(const uint8_t *restrict codes, size_t cols, float scale, void *restrict dst)
{
    uint8_t *out = dst;
    for (size_t b = 0; b < cols / TQ_BLOCK; b++, codes += TQ_BLOCK, out += TQ1_BYTES) {
        pack_digits(codes, 32, 5, out);
        pack_digits(codes + 160, 16, 5, out + 32);
        pack_digits(codes + 240, 4, 4, out + TQ1_QH);
        tq_put_scale(&tq1_layout, scale, out);
    }
}

static void pack_row(const float *src, size_t cols, float scale, void *dst)
{
    uint8_t codes[TQ_BLOCK];
    for (size_t b = 0; b < cols / TQ_BLOCK; b++) {
        ternary_codes(src + b * TQ_BLOCK, TQ_BLOCK, codes);
        pack_codes(codes, TQ_BLOCK, scale, (uint8_t *)dst + b * TQ1_BYTES);
    }
}

static size_t row_bytes(size_t cols)
{
    return tq_row_bytes(&tq1_layout, cols);
}

static void unpack_row(const void *src, size_t cols, float scale, float *dst)
{
    (void)scale;
    tq_unpack_row(&tq1_layout, src, cols, dst);
}

static int file_scale(const void *file, size_t rows, size_t cols, float *scale)
{
    return tq_file_scale(&tq1_layout, file, rows, cols, scale);
}

static size_t mem_bytes(size_t rows, size_t cols)
{
    return (rows + TQ1_ROWS - 1) / TQ1_ROWS * tq1_group_bytes(cols);
}

/* `bytes` bytes of `digits` weights each, digit n of byte m to codes[m + bytes * n] */
static inline void unpack_digits(const uint8_t *restrict src, size_t bytes, size_t digits, uint8_t *restrict codes)
{
    for (size_t n = 0; n < digits; n++)
        for (size_t m = 0; m < bytes; m++)
            codes[m + bytes * n] = (uint8_t)((uint8_t)(src[m] * power3[n]) * 3 >> 8);
}

static void block_codes(const uint8_t *block, uint8_t codes[TQ_BLOCK])
{
    unpack_digits(block, 32, 5, codes);
    unpack_digits(block + 32, 16, 5, codes + 160);
    unpack_digits(block + TQ1_QH, 4, 4, codes + 240);
}

enum {
    LOAD_BLOCKS = 5, /* the least that are whole lines */
    LOAD_COLS = LOAD_BLOCKS * TQ_BLOCK,
    LOAD_LINES = LOAD_COLS / TQ1_LINE_K,
};

/* codes: whole lines. A 32-bit word is four bytes of the line; no byte overflows, the sum is at most 242. */
static void load_lines(const uint8_t *codes, size_t lines, uint8_t *dst)
{
    for (size_t l = 0; l < lines; l++, codes += TQ1_LINE_K, dst += TQ1_LINE) {
        uint32_t code[5];
        memcpy(code, codes, sizeof code);
        const uint32_t word = code[0] + 3 * code[1] + 9 * code[2] + 27 * code[3] + 81 * code[4];
        memcpy(dst, &word, sizeof word);
    }
}

static void load(const void *file, size_t row0, size_t row1, const struct weights *w, void *data)
{
    const size_t blocks = w->cols / TQ_BLOCK;
    for (size_t r = row0; r < row1; r++) {
        const uint8_t *src = (const uint8_t *)file + r * row_bytes(w->cols);
        uint8_t *dst = (uint8_t *)data + r / TQ1_ROWS * tq1_group_bytes(w->cols) + 4 * (r % TQ1_ROWS);
        for (size_t b = 0; b < blocks; b += LOAD_BLOCKS, dst += LOAD_LINES * TQ1_LINE) {
            const size_t n = blocks - b < LOAD_BLOCKS ? blocks - b : LOAD_BLOCKS;
            uint8_t codes[LOAD_COLS] = {0};
            for (size_t i = 0; i < n; i++, src += TQ1_BYTES)
                block_codes(src, codes + i * TQ_BLOCK);
            load_lines(codes, (n * TQ_BLOCK + TQ1_LINE_K - 1) / TQ1_LINE_K, dst);
        }
    }
}

static int mem_code_at(const struct weights *w, size_t row, size_t k)
{
    const uint8_t *line = (const uint8_t *)w->data + row / TQ1_ROWS * tq1_group_bytes(w->cols) + k / TQ1_LINE_K * TQ1_LINE;
    return line[4 * (row % TQ1_ROWS) + k % 4] / power3[k % TQ1_LINE_K / 4] % 3;
}

static void get_row(const struct weights *w, size_t row, float *dst)
{
    if (w->per_block)
        tq_get_row(&tq1_layout, w, row, dst);
    else
        for (size_t k = 0; k < w->cols; k++)
            dst[k] = (float)(mem_code_at(w, row, k) - 1) * w->scale;
}

static int32_t row_sum(const struct weights *w, size_t row, const int8_t *q)
{
    int32_t sum = 0;
    for (size_t k = 0; k < w->cols; k++)
        sum += (mem_code_at(w, row, k) - 1) * q[k];
    return sum;
}

static void tq1_0_gemm_c(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy,
                         void *scratch)
{
    (void)scratch;
    ternary_gemm_c(w, x, row0, row1, y, ldy, row_sum);
}

static const struct kernel kernels[] = {
#ifdef HAVE_ISA_avx512vbmi
    {"avx512vbmi", CPU_AVX2 | CPU_AVX512 | CPU_AVX512VNNI | CPU_AVX512VBMI, tq1_0_gemv_avx512vbmi, tq1_0_gemm_avx512vbmi},
#endif
#ifdef HAVE_ISA_avx512vnni
    {"avx512vnni", CPU_AVX2 | CPU_AVX512 | CPU_AVX512VNNI, tq1_0_gemv_avx512vnni, tq1_0_gemm_avx512vnni},
#endif
#ifdef HAVE_ISA_avxvnni
    {"avxvnni", CPU_AVX2 | CPU_AVXVNNI, tq1_0_gemv_avxvnni, tq1_0_gemm_avxvnni},
#endif
#ifdef HAVE_ISA_avx512
    {"avx512", CPU_AVX2 | CPU_AVX512, tq1_0_gemv_avx512, tq1_0_gemm_avx512},
#endif
#ifdef HAVE_ISA_avx2
    {"avx2", CPU_AVX2, tq1_0_gemv_avx2, tq1_0_gemm_avx2},
#endif
#ifdef HAVE_ISA_i8mm
    {"i8mm", CPU_NEON | CPU_DOTPROD | CPU_I8MM, tq1_0_gemv_dotprod, tq1_0_gemm_i8mm},
#endif
#ifdef HAVE_ISA_dotprod
    {"dotprod", CPU_NEON | CPU_DOTPROD, tq1_0_gemv_dotprod, tq1_0_gemm_dotprod},
#endif
#ifdef HAVE_ISA_neon
    {"neon", CPU_NEON, tq1_0_gemv_neon, tq1_0_gemm_neon},
#endif
    {"c", 0, tq1_0_gemm_c, tq1_0_gemm_c},
};

static void blocks_gemm(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy,
                        void *scratch)
{
    (void)scratch;
    tq_blocks_gemm(&tq1_layout, w, x, row0, row1, y, ldy);
}

static const struct kernel block_kernel = {"c", 0, blocks_gemm, blocks_gemm};

const struct format format_tq1_0 = {
    .name = "tq1_0",
    .gguf_type = 34,
    .bits = 8.0 * TQ1_BYTES / TQ_BLOCK,
    .act = ACT_I8,
    .ternary = true,
    .cols_multiple = TQ_BLOCK,
    .row_group = TQ1_ROWS,
    .row_bytes = row_bytes,
    .pack_row = pack_row,
    .pack_codes = pack_codes,
    .unpack_row = unpack_row,
    .file_scale = file_scale,
    .mem_bytes = mem_bytes,
    .load = load,
    .get_row = get_row,
    .kernels = kernels,
    .block_kernel = &block_kernel,
};
