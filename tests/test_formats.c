/* Packing and layouts of every weight format, without multiplying.
 *
 * Bytes: blocks written down by hand from the published layouts, which pack_row must make and unpack_row must read. Sizes: per
 * row, and in a GGUF file. Error: how far unpack(pack(x)) may be from x. Memory: what get_row gives after load has the bits
 * of unpack_row. The data of the last two are random; a failure prints the seed, and BITJOULE_TEST_SEED=N repeats it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "baselines/baselines.h"
#include "engine/gguf.h"
#include "kernels/half.h"
#include "tests/kernel_fixture.h"

static uint64_t seed;

static const struct format *format_at(size_t i)
{
    size_t n = 0;
    while (ternary_formats[n])
        n++;
    return i < n ? ternary_formats[i] : baseline_formats[i - n];
}

static const struct format *format_named(const char *name)
{
    for (size_t i = 0; format_at(i); i++)
        if (strcmp(format_at(i)->name, name) == 0)
            return format_at(i);
    fail_msg("no format %s", name);
    return NULL;
}

#define FAIL(...) \
    do { \
        print_message("BITJOULE_TEST_SEED=%llu\n", (unsigned long long)seed); \
        fail_msg(__VA_ARGS__); \
    } while (0)

/* ---- sizes ------------------------------------------------------------------------------------------------------------------ */

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t type;
        size_t cols, row_bytes, tail;
        double bits;
    } want[] = {
        {"i2_s", 36, 128, 32, 32, 2},        {"tq1_0", 34, 256, 54, 0, 1.6875}, {"tq2_0", 35, 256, 66, 0, 2.0625},
        {"f32", 0, 1, 4, 0, 32},             {"f16", 1, 1, 2, 0, 16},           {"q8_0", 8, 32, 34, 0, 8.5},
        {"q4_0", 2, 32, 18, 0, 4.5},         {"q6_k", 14, 256, 210, 0, 6.5625},
        {"tl2", 36, 128, 32, 32, 5.0 / 3},
        {"tl1", 36, 128, 32, 32, 2.0},
    };
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        const struct format *fmt = format_named(want[i].name);
        assert_int_equal(fmt->gguf_type, want[i].type);
        assert_int_equal(fmt->cols_multiple, want[i].cols);
        assert_int_equal(fmt->row_bytes(want[i].cols), want[i].row_bytes);
        assert_int_equal(fmt->row_bytes(10 * want[i].cols), 10 * want[i].row_bytes);
        assert_int_equal(fmt->tail_bytes, want[i].tail);
        assert_true(fmt->bits == want[i].bits);
    }
}

/* A tensor is as long as the GGUF reader thinks, and no memory layout is larger than its file, whole groups given. */
static void test_sizes_in_file(void **state)
{
    (void)state;
    for (size_t i = 0; format_at(i); i++) {
        const struct format *fmt = format_at(i);
        const size_t cols = 5 * fmt->cols_multiple, rows = 3 * fmt->row_group;
        const uint64_t dims[GGUF_MAX_DIMS] = {cols, rows, 1, 1};
        assert_int_equal(rows * fmt->row_bytes(cols) + fmt->tail_bytes, gguf_tensor_bytes(fmt->gguf_type, dims));
        assert_true(fmt->mem_bytes(rows, cols) <= rows * fmt->row_bytes(cols));
        assert_true(fmt->mem_bytes(rows - 1, cols) <= fmt->mem_bytes(rows, cols));
        assert_true(fmt->mem_bytes(rows + 1, cols) > fmt->mem_bytes(rows, cols));
    }
}

/* ---- bytes by hand ---------------------------------------------------------------------------------------------------------- */

/* x -> bytes -> x, both exactly. bytes: one row and the tail. */
static void check_bytes(const char *name, const float *x, size_t cols, float scale, const uint8_t *bytes)
{
    const struct format *fmt = format_named(name);
    uint8_t got[1024];
    float back[512];
    const size_t len = fmt->row_bytes(cols);
    assert_true(len + fmt->tail_bytes <= sizeof got && cols <= 512);
    memset(got, 0x5a, sizeof got);
    fmt->pack_row(x, cols, scale, got);
    if (fmt->write_tail)
        fmt->write_tail(got + len, scale);
    assert_memory_equal(got, bytes, len + fmt->tail_bytes);
    assert_int_equal(got[len + fmt->tail_bytes], 0x5a);
    fmt->unpack_row(bytes, cols, scale, back);
    for (size_t k = 0; k < cols; k++)
        if (back[k] != x[k])
            fail_msg("%s: weight %zu is %a, not %a", name, k, (double)back[k], (double)x[k]);
    if (fmt->file_scale) {
        float read = 0;
        assert_int_equal(fmt->file_scale(bytes, 1, cols, &read), 0);
        assert_true(read == scale);
    }
}

static void test_bytes_f16(void **state)
{
    (void)state;
    static const float x[6] = {1, -2, 65504, 0x1p-24f, -0x1p-14f, 0};
    static const uint8_t bytes[12] = {0x00, 0x3c, 0x00, 0xc0, 0xff, 0x7b, 0x01, 0x00, 0x00, 0x84, 0x00, 0x00};
    check_bytes("f16", x, 6, 0, bytes);
}

/* d = 0.5 = 0x3800, then the codes as they are */
static void test_bytes_q8_0(void **state)
{
    (void)state;
    uint8_t bytes[34] = {0x00, 0x38};
    float x[32];
    for (int k = 0; k < 32; k++) {
        const int code = k == 3 ? 127 : k == 4 ? -127 : 7 * k - 110;
        x[k] = 0.5f * (float)code;
        bytes[2 + k] = (uint8_t)code;
    }
    check_bytes("q8_0", x, 32, 0, bytes);
}

/* The extreme -2 is code 0 (value -8 d): d = 0.25 = 0x3400. Byte j: weight j low, weight j + 16 high. */
static void test_bytes_q4_0(void **state)
{
    (void)state;
    static const uint8_t code[32] = {0, 1,  2, 3, 4,  5,  6, 7,  8, 9, 10, 11, 12, 13, 14, 15,
                                     9, 14, 3, 8, 15, 12, 1, 10, 7, 2, 13, 6,  11, 4,  5,  8};
    static const uint8_t bytes[18] = {0x00, 0x34, 0x90, 0xe1, 0x32, 0x83, 0xf4, 0xc5, 0x16, 0xa7,
                                      0x78, 0x29, 0xda, 0x6b, 0xbc, 0x4d, 0x5e, 0x8f};
    float x[32];
    for (size_t k = 0; k < 32; k++)
        x[k] = 0.25f * (float)(code[k] - 8);
    check_bytes("q4_0", x, 32, 0, bytes);
    /* the extreme is positive: d = -0.25 = 0xb400, the codes stay */
    uint8_t negative[18];
    memcpy(negative, bytes, sizeof bytes);
    negative[1] = 0xb4;
    for (size_t k = 0; k < 32; k++)
        x[k] = -x[k];
    check_bytes("q4_0", x, 32, 0, negative);
}

/* d = 2^-10 = 0x1400, a scale of -128 and 15 others; each run of 16 has one code 0 (value -32), which is its extreme. */
static void test_bytes_q6_k(void **state)
{
    (void)state;
    static const int8_t scales[16] = {-128, 127, 1, -1, 64, -64, 100, -100, 33, -7, 12, 90, -55, 3, 77, 126};
    uint8_t bytes[210] = {0}, code[256];
    float x[256];
    for (size_t k = 0; k < 256; k++) {
        code[k] = (uint8_t)(k % 16 == k / 16 ? 0 : 1 + (k * 37 + k / 16) % 63);
        x[k] = 0x1p-10f * (float)(scales[k / 16] * (code[k] - 32));
    }
    for (size_t half = 0; half < 2; half++) {
        const uint8_t *c = code + 128 * half;
        for (size_t l = 0; l < 32; l++) {
            bytes[64 * half + l] = (uint8_t)((c[l] & 15) | (c[l + 64] & 15) << 4);
            bytes[64 * half + 32 + l] = (uint8_t)((c[l + 32] & 15) | (c[l + 96] & 15) << 4);
            bytes[128 + 32 * half + l] = (uint8_t)(c[l] >> 4 | c[l + 32] >> 4 << 2 | c[l + 64] >> 4 << 4 | c[l + 96] >> 4 << 6);
        }
    }
    memcpy(bytes + 192, scales, sizeof scales);
    bytes[209] = 0x14;
    check_bytes("q6_k", x, 256, 0, bytes);
}

/* -1, 0, +1 in no order that a layout could have by chance */
static int trit(size_t k)
{
    return (int)((k * k + k / 7 + k / 50) % 3) - 1;
}

static void fill_trits(float *x, size_t n, float scale)
{
    for (size_t k = 0; k < n; k++)
        x[k] = (float)trit(k) * scale;
}

/* 128 weights are 32 bytes; byte m: weight m in bits 7-6, m + 32 in 5-4, m + 64 in 3-2, m + 96 in 1-0. Then 1.5 = 0x3fc00000. */
static void test_bytes_i2_s(void **state)
{
    (void)state;
    uint8_t bytes[96] = {0};
    float x[256];
    fill_trits(x, 256, 1.5f);
    for (size_t b = 0; b < 2; b++)
        for (size_t m = 0; m < 32; m++)
            for (size_t n = 0; n < 4; n++)
                bytes[32 * b + m] = (uint8_t)(bytes[32 * b + m] * 4 + trit(128 * b + m + 32 * n) + 1);
    bytes[66] = 0xc0;
    bytes[67] = 0x3f;
    check_bytes("i2_s", x, 256, 1.5f, bytes);
}

/* Two halves of 128 are 32 bytes each; byte m: weight m in bits 1-0, m + 32 in 3-2, m + 64 in 5-4, m + 96 in 7-6. Then 1.5 = 0x3e00. */
static void test_bytes_tq2_0(void **state)
{
    (void)state;
    uint8_t bytes[66] = {0};
    float x[256];
    fill_trits(x, 256, 1.5f);
    for (size_t half = 0; half < 2; half++)
        for (size_t m = 0; m < 32; m++)
            for (size_t n = 4; n-- > 0;)
                bytes[32 * half + m] = (uint8_t)(bytes[32 * half + m] * 4 + trit(128 * half + m + 32 * n) + 1);
    bytes[65] = 0x3e;
    check_bytes("tq2_0", x, 256, 1.5f, bytes);
}

/* Trits w, w + step, ... as digits of base 3, the first the most significant of five; the byte is ceil(256 / 243 of it). */
static uint8_t base3(size_t w, size_t step, size_t n)
{
    unsigned q = 0;
    for (size_t i = 0; i < 5; i++)
        q = 3 * q + (i < n ? (unsigned)(trit(w + i * step) + 1) : 0);
    return (uint8_t)((q * 256 + 242) / 243);
}

/* 32 bytes of 5 weights 32 apart, 16 bytes of 5 weights 16 apart, 4 bytes of 4 weights 4 apart. Then 1.5 = 0x3e00. */
static void test_bytes_tq1_0(void **state)
{
    (void)state;
    uint8_t bytes[54] = {0};
    float x[256];
    fill_trits(x, 256, 1.5f);
    for (size_t m = 0; m < 32; m++)
        bytes[m] = base3(m, 32, 5);
    for (size_t m = 0; m < 16; m++)
        bytes[32 + m] = base3(160 + m, 16, 5);
    for (size_t j = 0; j < 4; j++)
        bytes[48 + j] = base3(240 + j, 4, 4);
    bytes[53] = 0x3e;
    check_bytes("tq1_0", x, 256, 1.5f, bytes);
}

/* ---- packing error ---------------------------------------------------------------------------------------------------------- */

enum { COLS = 2560, RUNS = 40 };

/* Weights as models have them: a sum of uniform values is nearly normal; spread differs from row to row. */
static void normal_row(struct rng *r, float *x, size_t n)
{
    const float sigma = rng_uniform(r, 0.005f, 2);
    for (size_t k = 0; k < n; k++) {
        x[k] = 0;
        for (int i = 0; i < 6; i++)
            x[k] += rng_uniform(r, -sigma, sigma) * 0.70711f; /* variance of 6 of them: sigma^2 */
    }
}

static void pack_unpack(const struct format *fmt, const float *x, size_t cols, float *back)
{
    static uint8_t file[COLS * sizeof(float)];
    fmt->pack_row(x, cols, 0, file);
    fmt->unpack_row(file, cols, 0, back);
}

static float absmax(const float *x, size_t n)
{
    float m = 0;
    for (size_t k = 0; k < n; k++)
        m = fmaxf(m, fabsf(x[k]));
    return m;
}

/* The largest error that weight x may have in a block whose largest magnitude is m. 1.001: the f16 rounding of the scale. */
static float error_bound(const char *name, float x, float m)
{
    if (strcmp(name, "f32") == 0)
        return 0;
    if (strcmp(name, "f16") == 0)
        return fmaxf(fabsf(x) * 0x1p-11f, 0x1p-25f);
    if (strcmp(name, "q8_0") == 0)
        return 1.001f * m / 254; /* half a step */
    assert_string_equal(name, "q4_0");
    /* half a step; at the end that has no code 8 a whole one, and seven roundings of the scale: 1 + 7 / 2048 */
    return (fabsf(x) > 7.4f / 8 * m ? 1.004f : 0.501f) * m / 8;
}

static void test_error_bounds(void **state)
{
    (void)state;
    static const char *const names[] = {"f32", "f16", "q8_0", "q4_0"};
    static float x[COLS], back[COLS];
    struct rng r = {seed};
    for (size_t i = 0; i < RUNS; i++) {
        normal_row(&r, x, COLS);
        for (size_t f = 0; f < sizeof names / sizeof names[0]; f++) {
            pack_unpack(format_named(names[f]), x, COLS, back);
            for (size_t k = 0; k < COLS; k++) {
                const float bound = error_bound(names[f], x[k], absmax(x + k / 32 * 32, 32));
                if (!(fabsf(back[k] - x[k]) <= bound))
                    FAIL("%s: weight %zu: %a became %a", names[f], k, (double)x[k], (double)back[k]);
            }
        }
    }
}

/* sqrt(sum(w (back - x)^2) / sum(w x^2)) with w = x^2: what the search of q6_k minimises */
static double weighted_error(const float *x, const float *back, size_t n)
{
    double error = 0, power = 0;
    for (size_t k = 0; k < n; k++) {
        const double v = (double)x[k], e = (double)back[k] - v;
        error += v * v * e * e;
        power += v * v * v * v;
    }
    return sqrt(error / power);
}

/* The plain way: no search, and float scales. The extreme of every 16 is -32. */
static void plain_6_bits(const float *x, size_t n, float *back)
{
    for (size_t run = 0; run < n; run += 16) {
        float d = 0;
        for (size_t k = 0; k < 16; k++)
            d = fabsf(x[run + k]) > fabsf(32 * d) ? x[run + k] / -32 : d;
        for (size_t k = 0; k < 16; k++)
            back[run + k] = d * fminf(rintf(x[run + k] / d), 31);
    }
}

/* Measured over 240 such rows: 0.0086 on average, 0.0090 at most, and 0.80 to 0.90 of the plain way. Without the search it is 0.0098,
 * and 0.94 to 0.99 of the plain way. */
static void test_error_q6_k(void **state)
{
    (void)state;
    static float x[COLS], back[COLS], plain[COLS];
    struct rng r = {seed};
    for (size_t i = 0; i < RUNS; i++) {
        normal_row(&r, x, COLS);
        pack_unpack(&format_q6_k, x, COLS, back);
        plain_6_bits(x, COLS, plain);
        const double error = weighted_error(x, back, COLS), error_plain = weighted_error(x, plain, COLS);
        if (!(error < 0.0095 && error < 0.92 * error_plain))
            FAIL("q6_k: error %.5f, the plain way %.5f", error, error_plain);
    }
}

/* Rows that have no scale, a huge one, a tiny one, or no number at all decode to finite values, the zeros to zeros. */
static void test_odd_rows(void **state)
{
    (void)state;
    static const float values[] = {0, 1e30f, -1e30f, 1e-30f, 1e-42f, 6e-8f};
    float x[256], back[256];
    for (size_t f = 0; baseline_formats[f]; f++) {
        const struct format *fmt = baseline_formats[f];
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            for (size_t k = 0; k < 256; k++)
                x[k] = k % 3 == 0 ? values[v] : 0;
            pack_unpack(fmt, x, 256, back);
            for (size_t k = 0; k < 256; k++)
                if ((!isfinite(back[k]) && fmt->cols_multiple > 1) || (x[k] == 0 && back[k] != 0))
                    fail_msg("%s: %a became %a", fmt->name, (double)x[k], (double)back[k]);
        }
        x[5] = NAN;
        pack_unpack(fmt, x, 256, back);
        assert_true(isnan(back[5]) || (fmt->cols_multiple > 1 && back[5] == 0));
    }
}

/* ---- memory layout ---------------------------------------------------------------------------------------------------------- */

static void check_rows(const struct matrix *m)
{
    static float want[COLS], got[COLS + 1];
    assert_true(m->w.cols <= COLS);
    for (size_t r = 0; r < m->w.rows; r++) {
        matrix_row(m, r, want);
        memset(got, 0xff, sizeof got);
        m->w.fmt->get_row(&m->w, r, got);
        if (memcmp(want, got, m->w.cols * sizeof *want) != 0)
            FAIL("%s, %zu x %zu: row %zu of the memory layout is not that of the file", m->w.fmt->name, m->w.rows, m->w.cols, r);
        assert_int_equal(float_to_bits(got[m->w.cols]), UINT32_MAX); /* and not a float more */
    }
}

/* The groups in any order, as threads load them, give the bytes that one call gives. */
static void check_load_in_parts(const struct matrix *m)
{
    const size_t len = m->mem.len, g = m->w.fmt->row_group;
    void *data = calloc(1, len);
    assert_non_null(data);
    for (size_t r = (m->w.rows - 1) / g * g;; r -= g) {
        weights_load(&m->w, m->file, r, r + g < m->w.rows ? r + g : m->w.rows, data);
        if (r == 0)
            break;
    }
    assert_memory_equal(data, m->mem.ptr, len);
    free(data);
}

static void test_memory_layout(void **state)
{
    (void)state;
    struct rng r = {seed};
    for (size_t f = 0; format_at(f); f++) {
        const struct format *fmt = format_at(f);
        const size_t g = fmt->row_group, rows[] = {1, g, g + 1, 2 * g + 3}, cols[] = {1, 3, 7};
        for (size_t i = 0; i < 12; i++)
            for (int data = WEIGHTS_PACKED; data <= WEIGHTS_PER_BLOCK; data++) {
                struct matrix m;
                if (!matrix_has(fmt, (enum weight_data)data))
                    continue;
                matrix_make(&m, fmt, rows[i % 4], cols[i / 4] * fmt->cols_multiple, (enum weight_data)data, &r);
                check_rows(&m);
                check_load_in_parts(&m);
                matrix_free(&m);
            }
    }
}

/* Bits per weight in memory where lines are full, and where the last one is not: 256 columns are 12.8 lines of 20. */
static void test_memory_sizes(void **state)
{
    (void)state;
    const struct format *i2 = format_named("i2_s"), *tq1 = format_named("tq1_0"), *tq2 = format_named("tq2_0");
    assert_int_equal(tq1->mem_bytes(16, 1280) * 8, 16 * 1280 * 16 / 10);
    assert_int_equal(tq1->mem_bytes(16, 256), 13 * 64);
    assert_int_equal(tq1->mem_bytes(17, 256), 2 * 13 * 64);
    assert_int_equal(tq2->mem_bytes(16, 1280) * 8, 16 * 1280 * 2);
    assert_int_equal(tq2->mem_bytes(33, 512), i2->mem_bytes(33, 512));
    const struct weights blocks = {.fmt = tq1, .rows = 3, .cols = 512, .per_block = true};
    assert_int_equal(weights_bytes(&blocks), 3 * 2 * 54);
}

/* Every byte that a hostile file may hold stands for five digits, in memory as in the file; memory holds base-3 numbers only. */
static void test_any_byte_tq1_0(void **state)
{
    (void)state;
    enum { WIDE = 8 * 256 };
    const struct format *fmt = format_named("tq1_0");
    static uint8_t file[8 * 54];
    static _Alignas(64) uint8_t mem[(WIDE / 20 + 1) * 64];
    static float want[WIDE], got[WIDE];
    struct weights w = {.fmt = fmt, .rows = 1, .cols = WIDE, .data = mem};
    assert_true(fmt->mem_bytes(1, WIDE) <= sizeof mem);
    for (size_t i = 0; i < sizeof file; i++)
        file[i] = (uint8_t)(i / 54 * 52 + i % 54);
    for (size_t b = 0; b < 8; b++)
        memcpy(file + b * 54 + 52, &(uint16_t){0x3800}, 2);
    assert_int_equal(fmt->file_scale(file, 1, WIDE, &w.scale), 0);
    weights_load(&w, file, 0, 1, mem);
    fmt->unpack_row(file, WIDE, w.scale, want);
    fmt->get_row(&w, 0, got);
    assert_memory_equal(want, got, sizeof want);
    for (size_t i = 0; i < sizeof mem; i++)
        assert_true(mem[i] <= 242);
}

/* Row 1 of a group: digit p of byte 4 + c of line l is the code of weight 20 l + 4 p + c. */
static void test_line_tq1_0(void **state)
{
    (void)state;
    const struct format *fmt = format_named("tq1_0");
    float row[512] = {0};
    uint8_t file[2][2 * 54];
    static _Alignas(64) uint8_t mem[26 * 64];
    struct weights w = {.fmt = fmt, .rows = 2, .cols = 512, .data = mem};
    fmt->pack_row(row, 512, 1, file[0]);
    row[20 + 4 * 3 + 2] = 1;  /* line 1, digit 3, byte 2 */
    row[500 + 4 * 2 + 3] = -1; /* the last weight: line 25, digit 2, byte 3; digits 3 and 4 are beyond the matrix */
    fmt->pack_row(row, 512, 1, file[1]);
    weights_load(&w, file, 0, 2, mem);
    const unsigned zeros = 1 + 3 + 9 + 27 + 81;
    assert_int_equal(mem[64 + 4 + 2], zeros + 27);
    assert_int_equal(mem[64 + 4 + 1], zeros);
    assert_int_equal(mem[64 + 2], zeros);
    assert_int_equal(mem[25 * 64 + 4 + 3], 1 + 3);
    assert_int_equal(mem[25 * 64 + 4 + 2], 1 + 3 + 9);
    assert_int_equal(mem[64 + 8], 0); /* a row of padding */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),      cmocka_unit_test(test_sizes_in_file), cmocka_unit_test(test_bytes_f16),
        cmocka_unit_test(test_bytes_q8_0), cmocka_unit_test(test_bytes_q4_0),    cmocka_unit_test(test_bytes_q6_k),
        cmocka_unit_test(test_bytes_i2_s), cmocka_unit_test(test_bytes_tq2_0),   cmocka_unit_test(test_bytes_tq1_0),
        cmocka_unit_test(test_error_bounds), cmocka_unit_test(test_error_q6_k),  cmocka_unit_test(test_odd_rows),
        cmocka_unit_test(test_memory_layout), cmocka_unit_test(test_memory_sizes), cmocka_unit_test(test_any_byte_tq1_0),
        cmocka_unit_test(test_line_tq1_0),
    };
    seed = test_seed();
    return cmocka_run_group_tests_name("formats", tests, NULL, NULL);
}
