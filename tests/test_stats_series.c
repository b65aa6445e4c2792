/* Normal distribution, Holm, means of ratios, sample sizes, trend and first run.
 * Reference values from R 4.2.2 and scipy 1.10.1; the command stands at each. */
#include <string.h>

#include "harness/stats_multi.h"
#include "harness/stats_normal.h"
#include "harness/stats_power.h"
#include "harness/stats_trend.h"
#include "tests/assert_close.h"

/* R: qnorm(c(.975,.2,1e-10,.5)); pnorm(c(-8,1.5)) */
static void test_normal(void **state)
{
    (void)state;
    assert_close(normal_quantile(0.975), 1.959963984540054, 1e-12);
    assert_close(normal_quantile(0.2), -0.841621233572914, 1e-12);
    assert_close(normal_quantile(1e-10), -6.361340902404056, 1e-12);
    assert_true(fabs(normal_quantile(0.5)) < 1e-12);
    assert_close(normal_cdf(-8), 6.22096057427178e-16, 1e-12);
    assert_close(normal_cdf(1.5), 0.933192798731142, 1e-13);
}

/* R: p.adjust(c(0.01,0.04,0.03,0.005,0.5), "holm") */
static void test_holm(void **state)
{
    const double p[] = {0.01, 0.04, 0.03, NAN, 0.005, 0.5}, want[] = {0.04, 0.09, 0.09, NAN, 0.025, 0.5};
    double got[6];
    (void)state;
    assert_int_equal(stats_holm(p, 6, got), 0);
    for (int i = 0; i < 6; i++)
        if (i == 3)
            assert_true(isnan(got[i]));
        else
            assert_close(got[i], want[i], 1e-14);
    const double high[] = {0.6, 0.7};
    assert_int_equal(stats_holm(high, 2, got), 0);
    assert_close(got[0], 1, 0); /* never above 1 */
    assert_int_equal(stats_holm(NULL, 0, got), 0);
}

static void test_geomean_of_ratios(void **state)
{
    struct interval cells[2] = {{.value = 2, .lo = 1, .hi = 4, .confidence = 0.95},
                                {.value = 0.5, .lo = 0.25, .hi = 1, .confidence = 0.97}};
    struct interval g;
    (void)state;
    stats_geomean_of_ratios(cells, 2, &g);
    assert_close(g.value, 1, 1e-15);
    assert_close(g.hi, exp(log(2) / sqrt(2)), 1e-12); /* two half widths of ln 2: sqrt(2) ln 2 / 2 */
    assert_close(g.lo, 1 / g.hi, 1e-12);
    assert_close(g.confidence, 0.95, 0);
    cells[1].lo = cells[1].hi = cells[1].confidence = NAN;
    stats_geomean_of_ratios(cells, 2, &g);
    assert_close(g.value, 1, 1e-15);
    assert_true(isnan(g.lo) && isnan(g.hi) && isnan(g.confidence));
}

/* R: power.t.test(n=20, sd=.02, power=.8, type="one.sample")$delta = 0.0132210; n=10, sd=.03, power=.9: 0.0346328;
 * delta=.02, sd=.03, power=.8: n = 19.67. Divided by sqrt(3/pi), or n by 3/pi, for the ranks. R has the non-central t: 1 %. */
static void test_power(void **state)
{
    const double rank = sqrt(3 / 3.14159265358979);
    (void)state;
    assert_close(stats_mde(0.02, 20, 0.05, 0.8), 0.0132210208106152 / rank, 0.01);
    assert_close(stats_mde(0.03, 10, 0.05, 0.9), 0.0346327791551021 / rank, 0.01);
    assert_true(isnan(stats_mde(0.02, 1, 0.05, 0.8)));
    const size_t n = stats_rounds_for_effect(0.03, 0.02, 0.05, 0.8, 1000);
    assert_true(n >= 20 && n <= 22);
    assert_true(stats_mde(0.03, n, 0.05, 0.8) <= 0.02 && stats_mde(0.03, n - 1, 0.05, 0.8) > 0.02);
    assert_int_equal(stats_rounds_for_effect(0.03, 0.02, 0.05, 0.8, n - 1), 0);
    assert_int_equal(stats_rounds_for_effect(0.03, 0.02, 0.05, 0.8, n), n);
    assert_int_equal(stats_rounds_for_effect(0.0001, 0.02, 0.05, 0.8, 1000), 6);
    assert_int_equal(stats_rounds_for_effect(NAN, 0.02, 0.05, 0.8, 1000), 0);
}

/* The sd that is read from an interval predicts that very interval. */
static void test_rounds_for_half_width(void **state)
{
    struct interval i = {.value = 1, .lo = exp(-0.02), .hi = exp(0.02), .confidence = 0.95};
    (void)state;
    const double sd = stats_sd_of_interval(&i, 20);
    assert_close(sd, 0.02 / 2.09302405440831 * sqrt(20 * 3 / 3.14159265358979), 1e-9); /* R: qt(.975, 19) */
    assert_int_equal(stats_rounds_for_half_width(sd, 0.0200001, 0.95, 1000), 20);
    const size_t n = stats_rounds_for_half_width(sd, 0.01, 0.95, 1000); /* half as wide: about four times the rounds */
    assert_true(n >= 70 && n <= 80);
    i.lo = i.hi = i.confidence = NAN;
    assert_true(isnan(stats_sd_of_interval(&i, 20)));
}

/* R: cor.test(1:10, c(3,1,4,1.5,5,9,2,6,5.5,3.5), method="kendall", exact=TRUE); scipy: kendalltau(range(5), [1,3,2,5,4]) */
static void test_trend_exact(void **state)
{
    const double x[] = {3, 1, 4, 1.5, 5, 9, 2, 6, 5.5, 3.5}, y[] = {1, 3, 2, 5, 4};
    struct trend t;
    (void)state;
    assert_int_equal(stats_trend(x, 10, &t), 0);
    assert_true(t.exact);
    assert_close(t.tau, 0.333333333333333, 1e-12);
    assert_close(t.p, 0.216373456790123, 1e-12);
    assert_int_equal(stats_trend(y, 5, &t), 0);
    assert_close(t.tau, 0.6, 1e-12);
    assert_close(t.p, 0.233333333333333, 1e-12);
}

/* scipy: n (n-1) (2n+5) / 18 - sum t (t-1) (2t+5) / 18, 2 * norm.sf((|S| - 1) / sqrt(v)); theilslopes(x)[0] */
static void test_trend_ties(void **state)
{
    const double x[] = {1, 2, 2, 3, 1, 4, 4, 5, 3, 6}, flat[] = {2, 2, 2};
    struct trend t;
    (void)state;
    assert_int_equal(stats_trend(x, 10, &t), 0);
    assert_false(t.exact);
    assert_close(t.s, 29, 0);
    assert_close(t.p, 0.01091355714811546, 1e-12);
    assert_close(t.slope, 0.5, 1e-12);
    assert_int_equal(stats_trend(flat, 3, &t), 0);
    assert_close(t.p, 1, 0);
    assert_true(fabs(t.slope) <= 0);
}

/* x <- c(1.2,1.0,1.01,0.99,1.02,1.0); l <- log(x); m <- mean(l[-1]); s <- sd(l[-1]); t <- (l[1]-m)/(s*sqrt(1+1/5))
 * c(exp(l[1]-m), 2*pt(-abs(t), 4)) */
static void test_first_run(void **state)
{
    const double x[] = {1.2, 1.0, 1.01, 0.99, 1.02, 1.0}, flat[] = {2, 1, 1, 1};
    struct first_run f;
    (void)state;
    stats_first_run(x, 6, &f);
    assert_close(f.ratio, 1.195280675063368, 1e-12);
    assert_close(f.p, 0.000136739440456594, 1e-9);
    stats_first_run(flat, 4, &f);
    assert_close(f.ratio, 2, 1e-12);
    assert_close(f.p, 0, 0);
    stats_first_run(flat + 1, 3, &f);
    assert_close(f.p, 1, 0);
    stats_first_run(x, 2, &f);
    assert_true(isnan(f.p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_holm),
        cmocka_unit_test(test_geomean_of_ratios),
        cmocka_unit_test(test_power),
        cmocka_unit_test(test_rounds_for_half_width),
        cmocka_unit_test(test_trend_exact),
        cmocka_unit_test(test_trend_ties),
        cmocka_unit_test(test_first_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
