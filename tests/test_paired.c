/* Ratios of two cells that shared rounds, with their passes. */
#include <stdio.h>
#include <string.h>

#include "harness/paired.h"
#include "tests/assert_close.h"
#include "tests/made_blocks.h"
#include "tests/made_record.h"

/* Two rounds in each of the first two passes, of which one is void, and none of the base in the third. */
static void test_ratios_of_passes(void **state)
{
    static const double base_s[] = {4, 6, 8, 10}, cell_s[] = {2, 2, 2, 2, 2};
    struct cell_result base = {0}, cell = {0};
    double ratio[3];
    (void)state;
    for (unsigned k = 0; k < 5; k++) {
        if (k < 4)
            made_block(&base, k + 1, 1, base_s[k], (double)NAN);
        made_block(&cell, k + 1, 1, cell_s[k], (double)NAN);
        cell.blocks[k].pass = k / 2 + 1;
    }
    snprintf(cell.blocks[2].void_reason, BLOCK_REASON_LEN, "steal");
    assert_int_equal(paired_pass_ratios(&base, &cell, 3, ratio), 0);
    assert_close(ratio[0], 2.5, 1e-12);
    assert_close(ratio[1], 5, 1e-12);
    assert_true(isnan(ratio[2]));
    cell_result_free(&base);
    cell_result_free(&cell);
}

/* rounds[i] rounds in pass i + 1: the base takes 1 s, the cell of round i 1 / ratio[i] */
static struct interval ratio_of(unsigned passes, const unsigned *rounds, const double *ratio)
{
    struct cell_result base = {0}, cell = {0};
    struct interval x;
    size_t n = 0, shared = 0;
    for (unsigned pass = 0; pass < passes; pass++)
        for (unsigned i = 0; i < rounds[pass]; i++, n++) {
            made_block(&base, (unsigned)n + 1, 1, 1, (double)NAN);
            made_block(&cell, (unsigned)n + 1, 1, 1 / ratio[n], (double)NAN);
            base.blocks[n].pass = cell.blocks[n].pass = pass + 1;
        }
    assert_int_equal(paired_ratio(&base, &cell, &x, &shared), 0);
    assert_int_equal(shared, n);
    cell_result_free(&base);
    cell_result_free(&cell);
    return x;
}

static struct interval ratio_of_equal(unsigned passes, unsigned n, const double *ratio)
{
    const unsigned rounds[] = {n, n, n, n};
    return ratio_of(passes, rounds, ratio);
}

/* Four passes whose ratios are far apart, each of three rounds that agree. Half width by scipy 1.10:
 *     exp(scipy.stats.t.ppf(.975, 3) * scipy.stats.sem(numpy.log([2, 2.2, 2.5, 2.1])))
 */
static void test_passes_widen(void **state)
{
    static const double half = 1.1646961739852302;
    static const double apart[] = {1.99, 2, 2.01, 2.19, 2.2, 2.21, 2.49, 2.5, 2.51, 2.09, 2.1, 2.11},
                        alike[] = {1.5, 2, 2.5, 1.6, 2, 2.6, 1.4, 2, 2.4, 1.5, 2, 2.5};
    (void)state;
    struct interval x = ratio_of_equal(4, 3, apart);
    assert_close(x.hi / x.value, half, 1e-9);
    assert_close(x.value / x.lo, half, 1e-9);
    assert_close(x.confidence, 0.95, 0);
    assert_non_null(strstr(x.method, "t interval of the logs of 4 passes"));
    assert_true(x.value > 2.09 && x.value < 2.3); /* the centre is that of the rounds */

    x = ratio_of_equal(3, 4, apart); /* three passes do not say */
    assert_non_null(strstr(x.method, "signed-rank"));
    x = ratio_of_equal(4, 3, alike); /* rounds that are further apart than passes */
    assert_non_null(strstr(x.method, "signed-rank"));
    assert_true(x.hi / x.lo > 1.2);
    x = ratio_of_equal(4, 1, apart); /* as good as the rounds themselves */
    assert_null(strstr(x.method, "passes"));
}

/* Passes move bounds outwards only, whatever the rounds: skewed ones have intervals that reach further to one side. */
static void test_never_narrower(void **state)
{
    uint64_t drawn = 0;
    unsigned wider = 0;
    (void)state;
    for (int t = 0; t < 1000; t++) {
        double ratio[12];
        for (int i = 0; i < 12; i++)
            ratio[i] = 2 * exp(0.1 * pow(made_normal(17, drawn++), 2) + 0.05 * (i / 3 - 1.5) * (t % 2));
        const unsigned all = 12;
        const struct interval one = ratio_of(1, &all, ratio), four = ratio_of_equal(4, 3, ratio);
        assert_true(four.lo <= one.lo && four.hi >= one.hi);
        assert_close(four.value, one.value, 0);
        wider += four.hi / four.lo > one.hi / one.lo;
    }
    /* both kinds occur */
    assert_true(wider > 500 && wider < 1000);
}

/* 10,000 experiments of six passes with a known ratio, of as many rounds each or not. Where passes differ, the interval of the rounds
 * alone would hold it 6 times of 10; where they do not, the wider of two is on the safe side. */
static void test_coverage(void **state)
{
    enum { TRIALS = 10000, PASSES = 6, ROUNDS = 30 };
    static const double truth = 1.07;
    static const struct {
        double sd_of_pass, most;
        unsigned rounds[PASSES];
    } rows[] = {
        {0.03, 0.97, {5, 5, 5, 5, 5, 5}},
        {0.03, 0.97, {12, 3, 3, 2, 5, 5}},
        {0.03, 0.99, {20, 2, 2, 2, 2, 2}}, /* 84 % if sizes did not count */
        {0, 0.995, {5, 5, 5, 5, 5, 5}},
    };
    (void)state;
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        uint64_t drawn = 0;
        unsigned hits = 0;
        for (int t = 0; t < TRIALS; t++) {
            double ratio[ROUNDS];
            size_t n = 0;
            for (unsigned pass = 0; pass < PASSES; pass++) {
                const double level = rows[k].sd_of_pass * made_normal(11 + k, drawn++);
                for (unsigned i = 0; i < rows[k].rounds[pass]; i++)
                    ratio[n++] = truth * exp(level + 0.02 * made_normal(11 + k, drawn++));
            }
            const struct interval x = ratio_of(PASSES, rows[k].rounds, ratio);
            hits += x.lo <= truth && truth <= x.hi;
        }
        const double share = (double)hits / TRIALS;
        print_message("spread of passes %g, first of %u rounds: %.4f\n", rows[k].sd_of_pass, rows[k].rounds[0], share);
        assert_true(share >= 0.93 && share <= rows[k].most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ratios_of_passes),
        cmocka_unit_test(test_passes_widen),
        cmocka_unit_test(test_never_narrower),
        cmocka_unit_test(test_coverage),
    };
    return cmocka_run_group_tests_name("paired", tests, NULL, NULL);
}
