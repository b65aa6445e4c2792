/* What is special about tl1 (test_formats.c and test_kernels.c treat it as any format): its bytes by hand, and every sum that a table
 * of its look-up can hold, in every kernel that this CPU runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/cpu.h"
#include "kernels/ternary.h"
#include "tests/kernel_fixture.h"

enum { COLS = 128, GROUP = 32, CODES = 9 };

/* sign(row, k): the weight */
static struct weights make(int (*sign)(size_t row, size_t k), size_t rows)
{
    const struct format *f = &format_tl1;
    struct weights w = {.fmt = f, .rows = rows, .cols = COLS, .scale = 1.0f};
    uint8_t *file = calloc(rows, f->row_bytes(COLS)), codes[COLS];
    void *data = aligned_alloc(ACT_ALIGN, f->mem_bytes(rows, COLS));
    assert_true(file && data);
    memset(data, 0, f->mem_bytes(rows, COLS));
    for (size_t r = 0; r < rows; r++) {
        for (size_t k = 0; k < COLS; k++)
            codes[k] = (uint8_t)(sign(r, k) + 1);
        f->pack_codes(codes, COLS, 1.0f, file + r * f->row_bytes(COLS));
    }
    f->load(file, 0, rows, &w, data);
    free(file);
    w.data = data;
    return w;
}

/* Row 0: +1 at column 1, -1 at 2; row 33: +1 at 21. All else 0, code 4. */
static int by_hand(size_t row, size_t k)
{
    return row == 0 ? (k == 1) - (k == 2) : row == 33 && k == 21;
}

static void bytes_by_hand(void **state)
{
    (void)state;
    struct weights w = make(by_hand, 34);
    const uint8_t *b = w.data;
    assert_int_equal(format_tl1.mem_bytes(34, COLS), 2 * COLS / 4 * GROUP);
    assert_int_equal(b[0], 5 | 1 << 4);        /* row 0, columns 0-3: 0 +1, -1 0 */
    assert_int_equal(b[1], 4 | 4 << 4);        /* row 1, the same columns */
    assert_int_equal(b[GROUP], 4 | 4 << 4);    /* row 0, columns 4-7 */
    b += COLS / 4 * GROUP;                     /* the second group: row 33 is its second */
    assert_int_equal(b[4 * GROUP + GROUP + 1], 5 | 4 << 4); /* line 1, columns 20-23: 0 +1, 0 0 */
    assert_int_equal(b[2], 0);                 /* a row of padding */
    free((void *)(uintptr_t)w.data);
}

/* Row r: the pair with code r % 9 in columns 0 and 1 (or 2 and 3, from row 9 on), 0 elsewhere */
static int one_pair(size_t row, size_t k)
{
    const size_t code = row % CODES, at = row / CODES * 2;
    return k == at ? (int)(code / 3) - 1 : k == at + 1 ? (int)(code % 3) - 1 : 0;
}

static void check_sums(const struct weights *w, const struct kernel *kern, int a, int b)
{
    static _Alignas(ACT_ALIGN) int8_t q[COLS];
    static _Alignas(ACT_ALIGN) char scratch[KERNEL_SCRATCH_BYTES];
    float scale = 1.0f, y[2 * CODES];
    int32_t sum = 2 * (a + b);
    struct acts x = {.kind = ACT_I8, .n = 1, .cols = COLS, .ld = COLS, .q = q, .scale = &scale, .sum = &sum};
    q[0] = q[2] = (int8_t)a;
    q[1] = q[3] = (int8_t)b;
    kern->gemv(w, &x, 0, 2 * CODES, y, 2 * CODES, scratch);
    for (int i = 0; i < 2 * CODES; i++) {
        const int code = i % CODES, want = (code / 3 - 1) * a + (code % 3 - 1) * b;
        if ((int)y[i] != want)
            fail_msg("%s: code %d, activations %d and %d: %g, not %d", kern->isa, code, a, b, (double)y[i], want);
    }
}

/* The first activation takes every value, the second those at which a table's two bytes change */
static void every_sum_of_a_table(void **state)
{
    (void)state;
    static const int second[] = {-128, -127, -116, -93, -24, -23, -12, -11, -1, 0, 1, 11, 12, 23, 24, 93, 116, 127};
    struct weights w = make(one_pair, 2 * CODES);
    for (const struct kernel *k = format_tl1.kernels;; k++) {
        for (int a = -128; (k->need & ~cpu_features()) == 0 && a <= 127; a++)
            for (size_t i = 0; i < sizeof second / sizeof second[0]; i++)
                check_sums(&w, k, a, second[i]);
        if (k->need == 0)
            break;
    }
    free((void *)(uintptr_t)w.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bytes_by_hand), cmocka_unit_test(every_sum_of_a_table)};
    return cmocka_run_group_tests_name("tl1", tests, NULL, NULL);
}
