/* Statistics of the harness against reference values from Python with mpmath (40 digits), which shares no code with ours:
 *
 *     from mpmath import *; mp.dps = 40
 *     cdf  = lambda t, v: 0.5 + quad(lambda x: gamma((v+1)/2) / (sqrt(v*pi)*gamma(v/2)) * (1+x*x/v)**(-(v+1)/2), [0, t])
 *     qt   = lambda p, v, guess: findroot(lambda t: cdf(t, mpf(v)) - mpf(p), guess)       # e.g. qt('0.975', 4, 2.7)
 *     beta = lambda a, b, x: betainc(a, b, 0, x, regularized=True)                        # numbers as mpf('0.3')
 *     mom  = lambda x: (l := [log(mpf(s)) for s in x], m := sum(l)/len(l), sum((a-m)**2 for a in l)/(len(l)-1))[1:]
 * Intervals: t: exp(m +- qt('0.975', n-1) * sqrt(v/n)); Welch: df = (a+b)^2 / (a^2/(n-1) + b^2/(k-1)) with a = v/n, b = w/k.
 * Confidences of order statistics: 1 - 2 * sum(comb(n, i) for i < k) / 2**n with Python's integers and fractions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/student_t.h"
#include "harness/stats.h"
#include "tests/assert_close.h"

static void test_incomplete_beta(void **state)
{
    (void)state;
    assert_close(beta_inc(0.5, 0.5, 0.3), 0.369010119565545, 1e-12);
    assert_close(beta_inc(2, 3, 0.6), 0.8208, 1e-12);
    assert_close(beta_inc(50, 0.5, 0.99), 0.317304397874198, 1e-12);
    assert_close(beta_inc(0.35, 0.5, 0.01), 0.140712366411735, 1e-12);
    assert_true(beta_inc(2, 3, 0) == 0.0);
    assert_true(beta_inc(2, 3, 1) == 1.0);
}

static void test_student_cdf(void **state)
{
    (void)state;
    assert_close(student_t_cdf(-1.5, 3), 0.115291932622412, 1e-12);
    assert_close(student_t_cdf(0.25, 0.5), 0.565440115157575, 1e-12);
    assert_close(student_t_cdf(2.228, 10), 0.974994114091444, 1e-12);
    assert_close(student_t_cdf(6, 2), 0.986664263392288, 1e-12);
    assert_close(student_t_cdf(0, 5), 0.5, 1e-15);
}

static void test_student_quantile(void **state)
{
    static const struct {
        double p, df, t;
    } rows[] = {
        {0.975, 1, 12.7062047361747},    {0.975, 2, 4.30265272974946},  {0.975, 2.5, 3.57465484200368},
        {0.975, 4, 2.77644510519779},    {0.975, 7, 2.36462425159279},  {0.975, 31, 2.03951344639641},
        {0.975, 1000, 1.96233908082641}, {0.9995, 3, 12.9239786366875}, {0.6, 0.7, 0.35603136523468},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_close(student_t_quantile(rows[i].p, rows[i].df), rows[i].t, 1e-10);
        assert_close(student_t_quantile(1 - rows[i].p, rows[i].df), -rows[i].t, 1e-9); /* 1 - p is rounded */
    }
    assert_true(fabs(student_t_quantile(0.5, 3)) < 1e-9);
}

/* Type 7 by hand: h = (n - 1) p. */
static void test_quantiles(void **state)
{
    double x[] = {4, 1, 3, 2};
    (void)state;
    stats_sort(x, 4);
    assert_true(x[0] == 1 && x[1] == 2 && x[2] == 3 && x[3] == 4);
    assert_close(stats_quantile(x, 4, 0.5), 2.5, 1e-15);
    assert_close(stats_quantile(x, 4, 0.25), 1.75, 1e-15);
    assert_close(stats_quantile(x, 4, 0.95), 3.85, 1e-15);
    assert_close(stats_quantile(x, 4, 0), 1, 0);
    assert_close(stats_quantile(x, 4, 1), 4, 0);
    assert_close(stats_quantile(x, 1, 0.99), 1, 0);
    assert_close(stats_quantile(x, 3, 0.5), 2, 0);
}

static void test_mean_sd_mad(void **state)
{
    const double x[] = {2, 4, 4, 4, 5, 5, 7, 9};
    double mad = -1;
    (void)state;
    assert_close(stats_mean(x, 8), 5, 1e-15);
    assert_close(stats_sd(x, 8), sqrt(32.0 / 7), 1e-15);
    assert_int_equal(stats_mad(x, 8, &mad), 0); /* median 4.5; deviations .5 .5 .5 .5 .5 2.5 2.5 4.5 */
    assert_close(mad, 0.5, 1e-15);
}

static void test_single_sample_has_no_interval(void **state)
{
    const double x[] = {0.25};
    struct interval i;
    (void)state;
    assert_int_equal(stats_median_interval(x, 1, &i), 0);
    assert_close(i.value, 0.25, 0);
    assert_true(isnan(i.lo) && isnan(i.hi) && isnan(i.confidence));
    assert_string_equal(i.method, "single sample");
}

static void test_t_interval_of_log(void **state)
{
    const double x[] = {0.52, 0.49, 0.50, 0.55, 0.51};
    double speed[5];
    struct interval t, s;
    (void)state;
    assert_int_equal(stats_median_interval(x, 5, &t), 0);
    assert_close(t.value, 0.51, 1e-15);
    assert_close(t.lo, 0.486150508530766, 1e-11);
    assert_close(t.hi, 0.542587985613703, 1e-11);
    assert_close(t.confidence, 0.95, 0);
    assert_string_equal(t.method, "t interval of log time, n=5");
    assert_close(x[0], 0.52, 0); /* the input keeps its order */
    for (int i = 0; i < 5; i++)
        speed[i] = 128 / x[i];
    assert_int_equal(stats_median_interval(speed, 5, &s), 0); /* the same interval, seen as speed */
    assert_close(s.lo, 128 / t.hi, 1e-12);
    assert_close(s.hi, 128 / t.lo, 1e-12);
}

static void test_order_interval(void **state)
{
    static const struct {
        size_t n, k;
        double confidence;
    } rows[] = {{6, 1, 0.96875},
                {7, 1, 0.984375},
                {8, 1, 0.9921875},
                {9, 2, 0.9609375},
                {10, 2, 0.978515625},
                {20, 6, 0.9586105346679688},
                {30, 10, 0.9572260547429323},
                {100, 40, 0.9647997997822951}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double x[100];
        struct interval out;
        const size_t n = rows[i].n;
        for (size_t j = 0; j < n; j++)
            x[j] = (double)((j * 37) % n + 1); /* 1..n; 37 shares no factor with any n here */
        assert_int_equal(stats_median_interval(x, n, &out), 0);
        assert_close(out.value, ((double)n + 1) / 2, 1e-15);
        assert_close(out.lo, (double)rows[i].k, 0);
        assert_close(out.hi, (double)(n + 1 - rows[i].k), 0);
        assert_close(out.confidence, rows[i].confidence, 1e-12);
    }
}

/* R 4.2: l <- log(c(1.1,0.9,1.3,1.05)); exp(mean(l) + c(0,-1,1) * qt(.975,3) * sd(l)/2) */
static void test_geomean(void **state)
{
    const double x[] = {1.1, 0.9, 1.3, 1.05};
    struct interval g;
    (void)state;
    stats_geomean(x, 4, &g);
    assert_close(g.value, 1.078181712977851, 1e-13);
    assert_close(g.lo, 0.847402001841404, 1e-10);
    assert_close(g.hi, 1.371811494041547, 1e-10);
    stats_geomean(x, 1, &g);
    assert_close(g.value, 1.1, 1e-15);
    assert_true(isnan(g.lo) && isnan(g.hi));
}

/* 2^-n underflows a double from n = 1075 on. */
static void test_order_interval_of_many(void **state)
{
    enum { N = 5000 };
    static double x[N];
    struct interval out;
    (void)state;
    for (size_t i = 0; i < N; i++)
        x[i] = (double)(i + 1);
    assert_int_equal(stats_median_interval(x, N, &out), 0);
    assert_true(out.confidence >= 0.95 && out.confidence < 0.96);
    assert_close(out.hi - out.lo, 2 * 1.96 * sqrt(N / 4.0), 0.05); /* normal approximation of the binomial */
}

static void test_speed_ratio(void **state)
{
    const double base[] = {1.02, 1.00, 1.05, 0.99, 1.01}, cell[] = {0.50, 0.53, 0.49};
    struct interval r, back;
    (void)state;
    stats_speed_ratio(base, 5, cell, 3, &r);
    assert_close(r.value, 2.00202066746903, 1e-12);
    assert_close(r.lo, 1.83761834133972, 1e-10);
    assert_close(r.hi, 2.18113122992179, 1e-10);
    assert_close(r.confidence, 0.95, 0);
    assert_string_equal(r.method, "Welch t interval of log time, n=5 and 3, df=2.76");
    stats_speed_ratio(cell, 3, base, 5, &back);
    assert_close(back.value, 1 / r.value, 1e-12);
    assert_close(back.lo, 1 / r.hi, 1e-12);
}

static void test_speed_ratio_edges(void **state)
{
    const double same[] = {0.5, 0.5, 0.5}, half[] = {0.25, 0.25};
    struct interval r;
    (void)state;
    stats_speed_ratio(same, 3, half, 1, &r);
    assert_close(r.value, 2, 1e-15);
    assert_true(isnan(r.lo) && isnan(r.hi));
    assert_string_equal(r.method, "single sample");
    stats_speed_ratio(same, 3, half, 2, &r); /* no spread at all: an interval of no width, not NAN */
    assert_close(r.lo, 2, 1e-15);
    assert_close(r.hi, 2, 1e-15);
}

/* The stated confidence must be the one that is reached: 95 % intervals of known noise miss the truth in about 5 of 100 cases. */
static void test_coverage(void **state)
{
    enum { RUNS = 4000 };
    uint64_t seed = 12345;
    (void)state;
    for (size_t n = 3; n <= 9; n += 3) {
        unsigned hit = 0;
        for (int run = 0; run < RUNS; run++) {
            double x[9];
            struct interval out;
            for (size_t i = 0; i < n; i++) {
                double sum = -6; /* 12 uniform numbers: nearly normal, sd 1 */
                for (int k = 0; k < 12; k++) {
                    seed = seed * 6364136223846793005u + 1442695040888963407u;
                    sum += (double)(seed >> 11) * 0x1p-53;
                }
                x[i] = exp(0.1 * sum); /* median 1 */
            }
            assert_int_equal(stats_median_interval(x, n, &out), 0);
            hit += out.lo <= 1 && 1 <= out.hi;
        }
        const double expected = n == 9 ? 0.9609375 : n == 6 ? 0.96875 : 0.95;
        const double share = (double)hit / RUNS, sd = sqrt(expected * (1 - expected) / RUNS);
        if (fabs(share - expected) > 4 * sd)
            fail_msg("n=%zu: %.4f of the intervals hold the truth, expected %.4f +- %.4f", n, share, expected, 4 * sd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_incomplete_beta),
        cmocka_unit_test(test_student_cdf),
        cmocka_unit_test(test_student_quantile),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_mean_sd_mad),
        cmocka_unit_test(test_single_sample_has_no_interval),
        cmocka_unit_test(test_t_interval_of_log),
        cmocka_unit_test(test_order_interval),
        cmocka_unit_test(test_order_interval_of_many),
        cmocka_unit_test(test_geomean),
        cmocka_unit_test(test_speed_ratio),
        cmocka_unit_test(test_speed_ratio_edges),
        cmocka_unit_test(test_coverage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
