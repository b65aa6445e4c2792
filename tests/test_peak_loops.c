/* The loops behind the peaks, in each instruction set: an iteration does the work that the table says, and all of the memory is read.
 * How fast they are is the business of test_peak.c and test_kernel_peaks.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/cpu.h"
#include "kernels/peak_loops.h"
#include "tests/emulation.h"

enum { BYTES = 3 * 4096 };

/* Calls `check` for every table that this CPU can run; skips when one is left that no twin of this program runs either. */
static void for_each_table(void (*check)(const struct peak_loops *))
{
    for (size_t i = 0; peak_tables[i]; i++) {
        char missing[128];
        const struct peak_loops *p = peak_tables[i];
        const uint32_t lacking = p->need & ~cpu_features();
        if (!lacking)
            check(p);
        else if (!left_to_twin(p->isa, p->need)) {
            print_message("%s: this CPU lacks %s\n", p->isa, cpu_feature_names(lacking, missing, sizeof missing));
            skip();
        }
    }
}

/* Every product is 1 x 2, and what an iteration adds to the sum of all int32 lanes tells their number: 2 each where a lane holds four
 * products, 65537 each where it holds two int16 sums of two. The C loop multiplies by a counter, which grows by one. */
static void check_int8(const struct peak_loops *p)
{
    for (uint64_t i = 1; i < 100; i++) {
        const double added = (double)(p->int8(i) - p->int8(i - 1));
        if (p->need == 0)
            assert_true(added == p->int8_macs * (double)(i - 1) + p->int8_macs * (p->int8_macs - 1) / 2);
        else
            assert_true(added == 2 * p->int8_macs || added == 65537 * p->int8_macs);
    }
}

/* s / 2 + 1 goes to 2 from wherever a chain began. ARM's fmla adds to its register: there each step adds a half. */
static void check_fma(const struct peak_loops *p)
{
    for (uint64_t i = 1; i < 100 && (p->need & CPU_NEON); i++)
        assert_true((double)(p->fma(i) - p->fma(i - 1)) == p->fma_macs / 2);
    if (p->need & CPU_NEON)
        return;
    assert_true((double)p->fma(1) != 2 * p->fma_macs);
    assert_true((double)p->fma(200) == 2 * p->fma_macs);
}

/* Each 8-byte word counts, once. */
static void check_read(const struct peak_loops *p)
{
    uint64_t *buffer = aligned_alloc(4096, BYTES);
    assert_non_null(buffer);
    memset(buffer, 0, BYTES);
    const int64_t nothing = p->read(buffer, BYTES, 0);
    for (size_t i = 0; i < BYTES / sizeof *buffer; i++) {
        buffer[i] = i + 1;
        assert_true(p->read(buffer, BYTES, i % 2 ? 4096 : 0) - nothing == (int64_t)i + 1);
        buffer[i] = 0;
    }
    free(buffer);
}

static void int8_loops_do_their_work(void **state)
{
    (void)state;
    for_each_table(check_int8);
}

static void float_loops_do_their_work(void **state)
{
    (void)state;
    for_each_table(check_fma);
}

static void read_loops_read_everything(void **state)
{
    (void)state;
    for_each_table(check_read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(int8_loops_do_their_work),
        cmocka_unit_test(float_loops_do_their_work),
        cmocka_unit_test(read_loops_read_everything),
    };
    return cmocka_run_group_tests_name("peak loops", tests, NULL, NULL);
}
