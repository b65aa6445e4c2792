/* Change points: a known step is found where it is, noise alone seldom, several steps, ties, and short series. */
#include "harness/stats_step.h"
#include "tests/assert_close.h"
#include "tests/made_record.h"

enum { N = 40, MOST = 8 };

static void series(double *x, uint64_t seed)
{
    for (size_t i = 0; i < N; i++)
        x[i] = exp(0.01 * made_normal(seed, i));
}

static void test_one_step(void **state)
{
    double x[N];
    struct stats_step s[MOST];
    size_t found;
    (void)state;
    series(x, 1);
    for (size_t i = 25; i < N; i++)
        x[i] *= 0.95;
    assert_int_equal(stats_steps(x, N, 0.01, s, MOST, &found), 0);
    assert_int_equal(found, 1);
    assert_int_equal(s[0].at, 25);
    assert_true(s[0].p <= 0.001 + 1e-12);
    assert_close(s[0].ratio, 0.95, 0.01);
}

static void test_two_steps(void **state)
{
    double x[N];
    struct stats_step s[MOST];
    size_t found;
    (void)state;
    series(x, 2);
    for (size_t i = 0; i < N; i++)
        x[i] *= i < 12 ? 1 : i < 26 ? 1.2 : 0.9;
    assert_int_equal(stats_steps(x, N, 0.01, s, MOST, &found), 0);
    assert_int_equal(found, 2);
    assert_int_equal(s[0].at, 12);
    assert_int_equal(s[1].at, 26);
    assert_close(s[0].ratio, 1.2, 0.02);
    assert_close(s[1].ratio, 0.75, 0.02);
    assert_int_equal(stats_steps(x, N, 0.01, s, 1, &found), 0); /* no room for more */
    assert_int_equal(found, 1);
}

static void test_false_alarms(void **state)
{
    enum { RUNS = 500 };
    double x[N];
    struct stats_step s[MOST];
    size_t found, alarms = 0;
    (void)state;
    for (uint64_t k = 0; k < RUNS; k++) {
        series(x, 100 + k);
        assert_int_equal(stats_steps(x, N, 0.01, s, MOST, &found), 0);
        alarms += found > 0;
    }
    print_message("%zu of %d series without a step have one at alpha 0.01\n", alarms, RUNS);
    assert_true(alarms <= 15); /* 5, within 4 standard deviations */
}

static void test_small_and_equal(void **state)
{
    const double same[] = {3, 3, 3, 3, 3, 3, 3, 3}, few[] = {1, 1, 1, 9, 9}, eight[] = {1, 2, 1, 2, 8, 9, 8, 9};
    struct stats_step s[MOST];
    size_t found;
    (void)state;
    assert_int_equal(stats_steps(same, 8, 0.05, s, MOST, &found), 0);
    assert_int_equal(found, 0);
    assert_int_equal(stats_steps(few, 5, 0.5, s, MOST, &found), 0);
    assert_int_equal(found, 0);
    assert_int_equal(stats_steps(eight, 8, 0.05, s, MOST, &found), 0); /* 2 of 70 splits: p about 0.029 */
    assert_int_equal(found, 1);
    assert_int_equal(s[0].at, 4);
    assert_close(s[0].p, 2.0 / 70, 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_step),
        cmocka_unit_test(test_two_steps),
        cmocka_unit_test(test_false_alarms),
        cmocka_unit_test(test_small_and_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
