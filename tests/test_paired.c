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

/* `n` rounds in each of `passes` passes: the base takes 1 s, the cell of round i 1 / ratio[i] */
static void made_pair(struct cell_result *base, struct cell_result *cell, unsigned passes, unsigned n, const double *ratio)
{
    *base = (struct cell_result){0};
    *cell = (struct cell_result){0};
    for (unsigned i = 0; i < passes * n; i++) {
        made_block(base, i + 1, 1, 1, (double)NAN);
        made_block(cell, i + 1, 1, 1 / ratio[i], (double)NAN);
        base->blocks[i].pass = cell->blocks[i].pass = i / n + 1;
    }
}

static struct interval ratio_of(unsigned passes, unsigned n, const double *ratio)
{
    struct cell_result base, cell;
    struct interval x;
    size_t rounds = 0;
    made_pair(&base, &cell, passes, n, ratio);
    assert_int_equal(paired_ratio(&base, &cell, &x, &rounds), 0);
    assert_int_equal(rounds, passes * n);
    cell_result_free(&base);
    cell_result_free(&cell);
    return x;
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
    struct interval x = ratio_of(4, 3, apart);
    assert_close(x.hi / x.value, half, 1e-9);
    assert_close(x.value / x.lo, half, 1e-9);
    assert_close(x.confidence, 0.95, 0);
    assert_non_null(strstr(x.method, "t interval of the logs of 4 passes"));
    assert_true(x.value > 2.09 && x.value < 2.3); /* the centre is that of the rounds */

    x = ratio_of(3, 4, apart); /* three passes do not say */
    assert_non_null(strstr(x.method, "signed-rank"));
    x = ratio_of(4, 3, alike); /* rounds that are further apart than passes */
    assert_non_null(strstr(x.method, "signed-rank"));
    assert_true(x.hi / x.lo > 1.2);
    x = ratio_of(4, 1, apart); /* as good as the rounds themselves */
    assert_null(strstr(x.method, "passes"));
}

/* 10,000 experiments of six passes of five rounds with a known ratio. Where passes differ, the interval of the rounds alone would hold it
 * 6 times of 10; where they do not, the wider of two is on the safe side. */
static void test_coverage(void **state)
{
    enum { TRIALS = 10000, PASSES = 6, ROUNDS = 5 };
    static const double truth = 1.07, sd_of_pass[] = {0.03, 0};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        uint64_t drawn = 0;
        unsigned hits = 0;
        for (int t = 0; t < TRIALS; t++) {
            double ratio[PASSES * ROUNDS], level = 0;
            for (unsigned i = 0; i < PASSES * ROUNDS; i++) {
                if (i % ROUNDS == 0)
                    level = sd_of_pass[k] * made_normal(11 + k, drawn++);
                ratio[i] = truth * exp(level + 0.02 * made_normal(11 + k, drawn++));
            }
            const struct interval x = ratio_of(PASSES, ROUNDS, ratio);
            hits += x.lo <= truth && truth <= x.hi;
        }
        const double share = (double)hits / TRIALS;
        print_message("spread of passes %g: %.4f\n", sd_of_pass[k], share);
        assert_true(share >= 0.93 && share <= (sd_of_pass[k] > 0 ? 0.97 : 0.995));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ratios_of_passes),
        cmocka_unit_test(test_passes_widen),
        cmocka_unit_test(test_coverage),
    };
    return cmocka_run_group_tests_name("paired", tests, NULL, NULL);
}
