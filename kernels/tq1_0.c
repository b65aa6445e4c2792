/* tq1_0: five ternary digits (trits) to a byte, blocks of 256 with a float16 scale, 1.6875 bits in all (GGUF type 34).
 *
 * A block is 54 bytes: qs[48], qh[4], scale. Bytes m = 0..31 of qs hold weights m + 32 n (n = 0..4), bytes 32..47 hold weights
 * 160 + m + 16 n (m = 0..15), bytes j of qh hold weights 240 + j + 4 n (n = 0..3). Digits 0, 1, 2 stand for -1, 0, +1, first
 * digit most significant (qh: a fifth digit 0 follows): q = sum of digit_n * 3^(4-n). The byte is ceil(q * 256 / 243), so that
 * digit n is the whole part of 3 * frac(byte * 3^n / 256): (((byte * 3^n) mod 256) * 3) >> 8. The memory layout is the file
 * layout. Scales: tq_layout.h. */
#include "kernels/cpu.h"
#include "kernels/ternary.h"
#include "kernels/tq_layout.h"

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

const struct tq tq1_layout = {TQ1_BYTES, TQ1_SCALE, code_at};

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
    return rows * row_bytes(cols);
}

static void get_row(const struct weights *w, size_t row, float *dst)
{
    tq_get_row(&tq1_layout, w, row, dst);
}

void tq1_0_gemm_c(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)scratch;
    tq_gemm_c(&tq1_layout, w, x, row0, row1, y, ldy);
}

static const struct kernel kernels[] = {
#ifdef HAVE_ISA_avx2
    {"avx2", CPU_AVX2, tq1_0_gemv_avx2, tq1_0_gemm_avx2},
#endif
    {"c", 0, tq1_0_gemm_c, tq1_0_gemm_c},
};

const struct format format_tq1_0 = {
    .name = "tq1_0",
    .gguf_type = 34,
    .bits = 8.0 * TQ1_BYTES / TQ_BLOCK,
    .act = ACT_I8,
    .ternary = true,
    .cols_multiple = TQ_BLOCK,
    .row_group = 1,
    .row_bytes = row_bytes,
    .pack_row = pack_row,
    .pack_codes = pack_codes,
    .unpack_row = unpack_row,
    .file_scale = file_scale,
    .mem_bytes = mem_bytes,
    .get_row = get_row,
    .kernels = kernels,
};
