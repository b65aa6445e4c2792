/* What is special about tl2 (test_formats.c and test_kernels.c treat it as any format): its words by hand, every triple in every
 * place, every sum that a table can hold, rows wider than the scratch holds tables for, and that its bits are i2_s's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/cpu.h"
#include "kernels/ternary.h"
#include "tests/kernel_fixture.h"

enum { COLS = 128, GROUP = 128, LINE = 256, WIDE = 24704, WIDE_ROWS = 130 };

/* One matrix in the memory layout, from signs -1, 0, 1 [rows, cols], scale 1 */
static struct weights make(const struct format *fmt, const int8_t *sign, size_t rows, size_t cols)
{
    uint8_t *file = calloc(rows, fmt->row_bytes(cols)), *codes = malloc(cols);
    struct weights w = {.fmt = fmt, .rows = rows, .cols = cols, .scale = 1.0f};
    const size_t bytes = fmt->mem_bytes(rows, cols);
    void *data = aligned_alloc(ACT_ALIGN, (bytes + ACT_ALIGN - 1) / ACT_ALIGN * ACT_ALIGN);
    assert_non_null(file);
    assert_non_null(codes);
    assert_non_null(data);
    memset(data, 0, bytes);
    for (size_t r = 0; r < rows; r++) {
        for (size_t k = 0; k < cols; k++)
            codes[k] = (uint8_t)(sign[r * cols + k] + 1);
        fmt->pack_codes(codes, cols, 1.0f, file + r * fmt->row_bytes(cols));
    }
    fmt->load(file, 0, rows, &w, data);
    w.data = data;
    free(file);
    free(codes);
    return w;
}

static void drop(struct weights *w)
{
    free((void *)(uintptr_t)w->data);
}

/* y[rows] of one token by the kernel k */
static void multiply(const struct kernel *k, const struct weights *w, int8_t *q, float *y)
{
    static _Alignas(64) char scratch[KERNEL_SCRATCH_BYTES];
    int32_t sum = 0;
    float scale = 1.0f;
    for (size_t i = 0; i < w->cols; i++)
        sum += q[i];
    const struct acts x = {.kind = ACT_I8, .n = 1, .cols = w->cols, .ld = w->cols, .q = q, .scale = &scale, .sum = &sum};
    k->gemv(w, &x, 0, w->rows, y, w->rows, scratch);
}

/* The next kernel of the table that this CPU can run, from *k on; false after the last */
static bool next_kernel(const struct kernel **k)
{
    const struct kernel *from = *k ? *k + 1 : format_tl2.kernels;
    if (*k && (*k)->need == 0)
        return false;
    while ((from->need & cpu_features()) != from->need)
        from++;
    *k = from;
    return true;
}

/* 128 columns: two blocks of 48 in five words, then 32 columns in four words. */
static void words_by_hand(void **state)
{
    (void)state;
    static int8_t sign[3 * COLS];
    int8_t *row = sign + 2 * COLS;
    row[0] = row[1] = row[2] = 1;     /* 9 + 3 + 1 = 13, word 0 at bit 0 */
    row[3] = -1;                      /* -9: 16 + 9 = 25, at bit 5 */
    row[7] = 1, row[8] = -1;          /* 3 - 1 = 2, at bit 11 */
    row[45] = -1, row[46] = 1;        /* the sixteenth: -9 + 3 = -6: 16 + 6 = 10110 in binary, at bit 10 of words 0, 2, 3 */
    row[48 + 44] = 1;                 /* block 1, triple 14: word 4 at bit 11 */
    row[96 + 30] = row[96 + 31] = -1; /* the last triple: -9 - 3 = -12: 28, word 3 at bit 5 */
    static const uint16_t want[14] = {13 | 25 << 5 | 2 << 11 | 1 << 10, 0, 1 << 10, 1 << 10, 0, 0, 0, 0, 0, 1 << 11, 0, 0, 0, 28 << 5};
    struct weights w = make(&format_tl2, sign, 3, COLS);
    const uint8_t *data = w.data;
    assert_int_equal(format_tl2.mem_bytes(3, COLS), 14 * LINE);
    for (size_t i = 0; i < 14 * LINE; i++) {
        const size_t line = i / LINE, at = i % LINE;
        const unsigned byte = at == 4 ? want[line] & 0xffu : at == 5 ? want[line] >> 8 : 0;
        if (data[i] != byte)
            fail_msg("line %zu, byte %zu is 0x%02x, not 0x%02x", line, at, data[i], byte);
    }
    drop(&w);
}

/* 5 words for 48 columns, 2 or 4 for the 16 or 32 that may be left; whole groups of rows. */
static void sizes(void **state)
{
    (void)state;
    static const struct {
        size_t cols, words;
    } want[] = {{384, 40}, {2560, 267}, {6912, 720}, {3200, 334}, {4096, 427}, {14336, 1494}, {1536, 160}, {45568, 4747}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_int_equal(format_tl2.mem_bytes(2 * GROUP, want[i].cols), 2 * 2 * GROUP * want[i].words);
    assert_int_equal(format_tl2.mem_bytes(GROUP + 1, 384), format_tl2.mem_bytes(2 * GROUP, 384));
}

/* Row 27 p + t has triple t at place p of the row and nothing else. */
static void every_triple_in_every_place(void **state)
{
    (void)state;
    enum { PLACES = (COLS + 2) / 3, ROWS = 27 * PLACES };
    int8_t *sign = calloc(ROWS, COLS), q[COLS];
    float *y = malloc(ROWS * sizeof *y), got[COLS];
    assert_non_null(sign);
    assert_non_null(y);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t i = 0, t = r % 27, k = r / 27 * 3; i < 3; i++, t /= 3)
            if (k + i < COLS)
                sign[r * COLS + k + i] = (int8_t)((int)(t % 3) - 1);
    struct weights w = make(&format_tl2, sign, ROWS, COLS);
    for (size_t k = 0; k < COLS; k++)
        q[k] = (int8_t)(k * 89 % 255 - 127);
    for (size_t r = 0; r < ROWS; r++) {
        format_tl2.get_row(&w, r, got);
        for (size_t k = 0; k < COLS; k++)
            if (got[k] != (float)sign[r * COLS + k])
                fail_msg("row %zu, weight %zu is %g", r, k, (double)got[k]);
    }
    for (const struct kernel *kern = NULL; next_kernel(&kern);) {
        multiply(kern, &w, q, y);
        for (size_t r = 0; r < ROWS; r++) {
            int sum = 0;
            for (size_t k = 0; k < COLS; k++)
                sum += sign[r * COLS + k] * q[k];
            if (y[r] != (float)sum)
                fail_msg("%s: place %zu, triple %zu gives %g, not %d", kern->isa, r / 27, r % 27, (double)y[r], sum);
        }
    }
    drop(&w);
    free(sign);
    free(y);
}

/* A table entry is a sum of three activations: each value from -384 to 381 and its opposite, in 42 triples of a row. */
static void every_sum_of_a_triple(void **state)
{
    (void)state;
    enum { TRIPLES = COLS / 3 };
    static int8_t sign[2 * COLS];
    memset(sign, 1, 3 * TRIPLES);
    memset(sign + COLS, -1, 3 * TRIPLES);
    struct weights w = make(&format_tl2, sign, 2, COLS);
    for (const struct kernel *kern = NULL; next_kernel(&kern);)
        for (int v = -384; v <= 381; v++) {
            int8_t q[COLS] = {0};
            float y[2];
            for (int k = 0, left = v; k < 3 * TRIPLES; k++) {
                left = k % 3 ? left - q[k - 1] : v;
                q[k] = (int8_t)(left < -128 ? -128 : left > 127 ? 127 : left);
            }
            assert_int_equal(q[0] + q[1] + q[2], v);
            multiply(kern, &w, q, y);
            if (y[0] != (float)(TRIPLES * v) || y[1] != (float)(-TRIPLES * v))
                fail_msg("%s: %d gives %g and %g", kern->isa, v, (double)y[0], (double)y[1]);
        }
    drop(&w);
}

/* More columns than the scratch holds tables for, more rows than a group; extreme and random. */
static void wide_rows(void **state)
{
    (void)state;
    struct rng r = {test_seed()};
    const uint64_t seed = r.state;
    int8_t *sign = malloc((size_t)WIDE_ROWS * WIDE), *q = malloc(WIDE);
    float y[WIDE_ROWS];
    assert_non_null(sign);
    assert_non_null(q);
    for (size_t i = 0; i < (size_t)WIDE_ROWS * WIDE; i++)
        sign[i] = (int8_t)(i / WIDE == 0 ? 1 : i / WIDE == 1 ? -1 : (int)(rng_next(&r) % 3) - 1);
    struct weights w = make(&format_tl2, sign, WIDE_ROWS, WIDE);
    for (int extreme = 0; extreme < 2; extreme++) {
        for (size_t k = 0; k < WIDE; k++)
            q[k] = (int8_t)(extreme ? -128 : (int)(rng_next(&r) % 255) - 127);
        for (const struct kernel *kern = NULL; next_kernel(&kern);) {
            multiply(kern, &w, q, y);
            for (size_t row = 0; row < WIDE_ROWS; row++) {
                int32_t sum = 0;
                for (size_t k = 0; k < WIDE; k++)
                    sum += sign[row * WIDE + k] * q[k];
                if (y[row] != (float)sum)
                    fail_msg("BITJOULE_TEST_SEED=%llu %s: row %zu is %g, not %d", (unsigned long long)seed, kern->isa, row, (double)y[row],
                             sum);
            }
        }
    }
    drop(&w);
    free(sign);
    free(q);
}

/* A file of type 36 in either memory layout: the same bits from the best kernels. */
static void bits_of_i2_s(void **state)
{
    (void)state;
    struct rng r = {test_seed()};
    struct matrix tl2;
    struct tokens x;
    float a[5 * 200], b[5 * 200];
    matrix_make(&tl2, &format_tl2, 200, 1152, WEIGHTS_PACKED, &r);
    tokens_make(&x, ACT_I8, 5, 1152, ACTS_RANDOM, &r);
    struct weights i2_s = tl2.w;
    struct guarded mem = guard_alloc(format_i2_s.mem_bytes(200, 1152), ACT_ALIGN), scratch = guard_alloc(KERNEL_SCRATCH_BYTES, ACT_ALIGN);
    i2_s.fmt = &format_i2_s;
    i2_s.data = mem.ptr;
    format_i2_s.load(tl2.file, 0, 200, &i2_s, mem.ptr);
    format_kernel(&format_tl2)->gemm(&tl2.w, &x.a, 0, 200, a, 200, scratch.ptr);
    format_kernel(&format_i2_s)->gemm(&i2_s, &x.a, 0, 200, b, 200, scratch.ptr);
    assert_memory_equal(a, b, sizeof a);
    guard_free(&mem);
    guard_free(&scratch);
    tokens_free(&x);
    matrix_free(&tl2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_by_hand),         cmocka_unit_test(sizes),     cmocka_unit_test(every_triple_in_every_place),
        cmocka_unit_test(every_sum_of_a_triple), cmocka_unit_test(wide_rows), cmocka_unit_test(bits_of_i2_s),
    };
    return cmocka_run_group_tests_name("tl2", tests, NULL, NULL);
}
