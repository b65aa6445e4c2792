/* tl2: three weights in five bits, 1.67 bits per weight, multiplied by look-up.
 *
 * A layout of memory, not of files: its file layout is i2_s's, code and all. Three consecutive weights a, b, c of a row (a triple)
 * become the code |9 a + 3 b + c|, 0..13, with bit 4 set when the sum is negative; columns beyond the last are 0. A 16-bit word
 * holds three codes, at bits 0, 5 and 11; bit 10 of five words together is the code of a sixteenth triple, the first word's bit
 * the highest. So 48 weights are 80 bits, and what is left of a row takes a word for every 9 weights.
 *
 * 128 rows are interleaved, so that a vector lane is a row and a thread reads one sequential stream: line j, 256 bytes, holds
 * word j of each, little-endian. Rows of padding in the last group are 0 and never read out. */
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/i2_s_layout.h"
#include "kernels/ternary.h"
#include "kernels/tl2_layout.h"

static size_t mem_bytes(size_t rows, size_t cols)
{
    return (rows + TL2_ROWS - 1) / TL2_ROWS * tl2_words(cols) * TL2_LINE;
}

/* Codes 0..2 of three weights -> the code of the triple */
static unsigned triple_code(const uint8_t *c)
{
    const int v = 9 * c[0] + 3 * c[1] + c[2] - 13;
    return (unsigned)(v < 0 ? TL2_SIGN - v : v);
}

/* The five words of a block from its 48 codes */
static void make_words(const uint8_t *c, unsigned words[TL2_BLOCK_WORDS])
{
    const unsigned sixteenth = triple_code(c + TL2_BLOCK_K - 3);
    for (unsigned j = 0; j < TL2_BLOCK_WORDS; j++, c += TL2_WORD_K)
        words[j] = triple_code(c) | triple_code(c + 3) << TL2_FIELD1 | triple_code(c + 6) << TL2_FIELD2 |
                   (sixteenth >> (TL2_BLOCK_WORDS - 1 - j) & 1) << TL2_SPARE;
}

/* `cols` columns, beginning with a block, from their codes (1, no weight, beyond them) into the words from `out` on */
static void load_codes(const uint8_t *codes, size_t cols, uint8_t *out)
{
    for (size_t left = tl2_words(cols), n; left; left -= n, codes += TL2_BLOCK_K) {
        unsigned words[TL2_BLOCK_WORDS];
        n = left < TL2_BLOCK_WORDS ? left : TL2_BLOCK_WORDS;
        make_words(codes, words);
        for (size_t j = 0; j < n; j++, out += TL2_LINE) {
            out[0] = (uint8_t)words[j];
            out[1] = (uint8_t)(words[j] >> 8);
        }
    }
}

/* In steps of 384 columns, whole blocks of both layouts. */
static void load(const void *file, size_t row0, size_t row1, const struct weights *w, void *data)
{
    enum { STEP = 3 * I2S_FILE_BLOCK };
    _Static_assert(STEP % TL2_BLOCK_K == 0, "whole blocks");
    for (size_t r = row0; r < row1; r++) {
        const uint8_t *src = (const uint8_t *)file + r * i2s_row_bytes(w->cols);
        for (size_t k = 0; k < w->cols; k += STEP) {
            const size_t cols = w->cols - k < STEP ? w->cols - k : STEP;
            uint8_t codes[STEP];
            memset(codes, 1, sizeof codes);
            i2s_unpack_codes(src + i2s_row_bytes(k), cols, codes);
            load_codes(codes, cols, (uint8_t *)data + tl2_offset(w, r, k));
        }
    }
}

/* The code of triple i of the row whose words start at `words` */
static unsigned code_at(const uint8_t *words, size_t i)
{
    static const unsigned shift[TL2_WORD_TRIPLES] = {0, TL2_FIELD1, TL2_FIELD2};
    const size_t t = i % TL2_BLOCK_TRIPLES;
    unsigned code = 0;
    words += i / TL2_BLOCK_TRIPLES * TL2_BLOCK_WORDS * TL2_LINE;
    if (t < TL2_BLOCK_TRIPLES - 1) {
        words += t / TL2_WORD_TRIPLES * TL2_LINE;
        return (words[0] | (unsigned)words[1] << 8) >> shift[t % TL2_WORD_TRIPLES] & (TL2_SIGN | TL2_MAGNITUDE);
    }
    for (size_t j = 0; j < TL2_BLOCK_WORDS; j++, words += TL2_LINE)
        code = code << 1 | (words[1] >> (TL2_SPARE - 8) & 1);
    return code;
}

/* The weights of a code: 9 a + 3 b + c + 13 has the base-3 digits a + 1, b + 1, c + 1. */
static void triple_weights(unsigned code, int weight[3])
{
    const int magnitude = (int)(code & TL2_MAGNITUDE), v = 13 + (code & TL2_SIGN ? -magnitude : magnitude);
    weight[0] = v / 9 - 1;
    weight[1] = v / 3 % 3 - 1;
    weight[2] = v % 3 - 1;
}

static void get_row(const struct weights *w, size_t row, float *dst)
{
    const uint8_t *words = (const uint8_t *)w->data + tl2_offset(w, row, 0);
    for (size_t k = 0; k < w->cols; k += 3) {
        int weight[3];
        triple_weights(code_at(words, k / 3), weight);
        for (size_t i = 0; i < 3 && k + i < w->cols; i++)
            dst[k + i] = (float)weight[i] * w->scale;
    }
}

static int32_t row_sum(const struct weights *w, size_t row, const int8_t *q)
{
    const uint8_t *words = (const uint8_t *)w->data + tl2_offset(w, row, 0);
    int32_t sum = 0;
    for (size_t k = 0; k < w->cols; k += 3) {
        int weight[3];
        triple_weights(code_at(words, k / 3), weight);
        for (size_t i = 0; i < 3 && k + i < w->cols; i++)
            sum += weight[i] * q[k + i];
    }
    return sum;
}

static void tl2_gemm_c(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)scratch;
    ternary_gemm_c(w, x, row0, row1, y, ldy, row_sum);
}

/* A look-up needs no VNNI: rows with it name the gemv of the ISA below. */
static const struct kernel kernels[] = {
#ifdef HAVE_ISA_avx512vnni
    {"avx512vnni", CPU_AVX2 | CPU_AVX512 | CPU_AVX512VNNI, tl2_gemv_avx512, tl2_gemm_avx512vnni},
#endif
#ifdef HAVE_ISA_avx512
    {"avx512", CPU_AVX2 | CPU_AVX512, tl2_gemv_avx512, tl2_gemm_avx512},
#endif
#ifdef HAVE_ISA_avxvnni
    {"avxvnni", CPU_AVX2 | CPU_AVXVNNI, tl2_gemv_avx2, tl2_gemm_avxvnni},
#endif
#ifdef HAVE_ISA_avx2
    {"avx2", CPU_AVX2, tl2_gemv_avx2, tl2_gemm_avx2},
#endif
    {"c", 0, tl2_gemm_c, tl2_gemm_c},
};

const struct format format_tl2 = {
    .name = "tl2",
    .gguf_type = 36, /* i2_s's: files say i2_s */
    .bits = 5.0 / 3.0,
    .act = ACT_I8,
    .ternary = true,
    .cols_multiple = I2S_FILE_BLOCK,
    .row_group = TL2_ROWS,
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
