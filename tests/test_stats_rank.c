/* The rank tests and the estimates that belong to them.
 *
 * Without ties against R 4.2.2: wilcox.test(a, b), wilcox.test(d), with conf.int=TRUE the estimate and interval; psignrank,
 * pwilcox. The normal approximation: wilcox.test(..., exact=FALSE, correct=TRUE). With ties, where R has no exact test, against an
 * enumeration of all arrangements in Python with fractions:
 *     mid = lambda x: [F(int(2*r), 2) for r in scipy.stats.rankdata(x)]
 *     def mw(a, b): r = mid(a+b); n = len(a); e = F(n*(len(r)+1), 2); o = abs(sum(r[:n])-e)
 *                   c = [abs(sum(s)-e) >= o for s in combinations(r, n)]; return F(sum(c), len(c))
 *     def sr(d):    r = mid([abs(v) for v in d if v]); ... over product((0,1), repeat=len(r)), o = abs(w - sum(r)/2) */
#include <stdlib.h>
#include <string.h>

#include "harness/stats_hl.h"
#include "harness/stats_rank.h"
#include "tests/assert_close.h"

static const double a[] = {1.02, 0.99, 1.05, 1.01, 0.98, 1.03, 1.00}, b[] = {1.06, 1.04, 1.09, 1.07, 0.995, 1.08};
static const double d[] = {0.021, -0.004, 0.033, 0.012, 0.007, 0.018, -0.001, 0.026, 0.015, 0.009};

static void test_mann_whitney(void **state)
{
    struct rank_test t, back;
    (void)state;
    assert_int_equal(stats_mann_whitney(a, 7, b, 6, &t), 0);
    assert_close(t.statistic, 6, 0);
    assert_close(t.p, 0.034965034965035, 1e-12);
    assert_true(t.exact);
    assert_int_equal(t.n, 13);
    assert_string_equal(t.method, "exact Mann-Whitney U, n=7 and 6");
    assert_int_equal(stats_mann_whitney(b, 6, a, 7, &back), 0);
    assert_close(back.statistic, 42 - 6, 0);
    assert_close(back.p, t.p, 1e-12);
}

static void test_mann_whitney_ties(void **state)
{
    const double x[] = {1, 2, 2, 3, 5}, y[] = {2, 3, 3, 4, 6, 6}, u[] = {1, 1, 2}, v[] = {2, 3, 3, 3}, same[] = {7, 7, 7};
    struct rank_test t;
    (void)state;
    assert_int_equal(stats_mann_whitney(x, 5, y, 6, &t), 0);
    assert_close(t.statistic, 7, 0);
    assert_close(t.p, 13.0 / 77, 1e-12);
    assert_string_equal(t.method, "exact Mann-Whitney U, n=5 and 6, ties");
    assert_int_equal(stats_mann_whitney(u, 3, v, 4, &t), 0);
    assert_close(t.statistic, 0.5, 0);
    assert_close(t.p, 3.0 / 35, 1e-12);
    assert_int_equal(stats_mann_whitney(same, 3, same, 2, &t), 0); /* nothing differs: no evidence at all */
    assert_close(t.p, 1, 0);
}

static void test_signed_rank(void **state)
{
    struct rank_test t;
    (void)state;
    assert_int_equal(stats_signed_rank(d, 10, &t), 0);
    assert_close(t.statistic, 52, 0);
    assert_close(t.p, 0.009765625, 1e-12);
    assert_string_equal(t.method, "exact Wilcoxon signed-rank, n=10");
}

static void test_signed_rank_ties_and_zeros(void **state)
{
    const double x[] = {1, -1, 2, 2, -3, 4, 0, 5}, ones[] = {1, 1, 1, 1, 1, 1}, none[] = {0, 0};
    struct rank_test t;
    (void)state;
    assert_int_equal(stats_signed_rank(x, 8, &t), 0);
    assert_close(t.statistic, 21.5, 0);
    assert_close(t.p, 0.25, 1e-12);
    assert_int_equal(t.n, 7);
    assert_string_equal(t.method, "exact Wilcoxon signed-rank, n=7, ties, zeros left out");
    assert_int_equal(stats_signed_rank(ones, 6, &t), 0);
    assert_close(t.p, 1.0 / 32, 1e-12);
    assert_int_equal(stats_signed_rank(none, 2, &t), 0);
    assert_close(t.p, 1, 0);
    assert_int_equal(t.n, 0);
}

/* R: i <- 0:149; wilcox.test((i*37)%%50, ((i*41)%%53)+2, exact=FALSE, correct=TRUE); wilcox.test(((i*61)%%83)-38, ...) */
static void test_normal_approximation(void **state)
{
    double x[150], y[150], z[150];
    struct rank_test t;
    (void)state;
    for (int i = 0; i < 150; i++) {
        x[i] = i * 37 % 50;
        y[i] = i * 41 % 53 + 2;
        z[i] = i * 61 % 83 - 38;
    }
    assert_int_equal(stats_mann_whitney(x, 150, y, 150, &t), 0);
    assert_false(t.exact);
    assert_close(t.statistic, 9750, 0);
    assert_close(t.p, 0.0458946388974945, 1e-11);
    assert_int_equal(stats_signed_rank(z, 150, &t), 0);
    assert_false(t.exact);
    assert_int_equal(t.n, 148);
    assert_close(t.statistic, 6267.5, 0);
    assert_close(t.p, 0.148890153251766, 1e-11);
}

/* The approximation takes over where it agrees with the exact distribution: both around the limit, on the same shifted data. */
static void test_exact_meets_normal(void **state)
{
    double x[51], y[51];
    struct rank_test exact, normal;
    (void)state;
    for (int i = 0; i < 51; i++) {
        x[i] = (i * 37 + 11) % 51; /* the last one, which only the approximation sees, is 25: in the middle */
        y[i] = i * 23 % 51 + 6.5;
    }
    assert_int_equal(stats_mann_whitney(x, 50, y, 50, &exact), 0);
    assert_int_equal(stats_mann_whitney(x, 51, y, 50, &normal), 0);
    assert_true(exact.exact && !normal.exact);
    assert_close(normal.p, exact.p, 0.15);
}

static void test_smallest_p(void **state)
{
    (void)state;
    assert_close(stats_mann_whitney_min_p(4, 4), 2.0 / 70, 1e-12); /* 0.0286 */
    assert_close(stats_mann_whitney_min_p(5, 5), 2.0 / 252, 1e-12);
    assert_close(stats_mann_whitney_min_p(1, 1), 1, 0);
    assert_close(stats_signed_rank_min_p(5), 0.0625, 0);
    assert_close(stats_signed_rank_min_p(6), 0.03125, 0);
    assert_close(stats_signed_rank_min_p(0), 1, 0);
}

/* R: psignrank(c(0,2,8), c(6,7,10)), pwilcox(c(0,3,23), c(4,5,10), c(4,6,10)) */
static void test_tails(void **state)
{
    static const struct {
        size_t n, s;
        double p;
    } w[] = {{6, 0, 0.031250000 / 2}, {7, 2, 0.046875 / 2}, {10, 8, 0.048828125 / 2}};
    static const struct {
        size_t na, nb, u;
        double p;
    } m[] = {{4, 4, 0, 0.0142857142857143}, {5, 6, 3, 0.0151515151515152}, {10, 10, 23, 0.0216285262724891}};
    size_t len;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        double *p = stats_signed_rank_tail(w[i].n, &len);
        assert_int_equal(len, w[i].n * (w[i].n + 1) / 2 + 1);
        assert_close(p[w[i].s], w[i].p, 1e-12);
        assert_close(p[len - 1], 1, 1e-12);
        free(p);
        p = stats_mann_whitney_tail(m[i].na, m[i].nb, &len);
        assert_int_equal(len, m[i].na * m[i].nb + 1);
        assert_close(p[m[i].u], m[i].p, 1e-12);
        assert_close(p[len - 1], 1, 1e-12);
        free(p);
    }
}

static void test_hodges_lehmann(void **state)
{
    struct interval i;
    (void)state;
    assert_int_equal(stats_hl_center(d, 10, 0.95, &i), 0);
    assert_close(i.value, 0.0135, 1e-12);
    assert_close(i.lo, 0.0055, 1e-12);
    assert_close(i.hi, 0.0220, 1e-12);
    assert_close(i.confidence, 1 - 0.048828125, 1e-12);
    assert_string_equal(i.method, "Hodges-Lehmann, signed-rank interval, n=10");
    assert_int_equal(stats_hl_shift(a, 7, b, 6, 0.95, &i), 0);
    assert_close(i.value, 0.05, 1e-12);
    assert_close(i.lo, 0.005, 1e-12);
    assert_close(i.hi, 0.08, 1e-12);
    assert_true(i.confidence >= 0.95 && i.confidence < 0.98);
}

static void test_too_few_for_an_interval(void **state)
{
    struct interval i;
    (void)state;
    assert_int_equal(stats_hl_center(d, 5, 0.95, &i), 0);
    assert_true(isnan(i.lo) && isnan(i.hi) && isnan(i.confidence));
    assert_string_equal(i.method, "Hodges-Lehmann, n=5: too few");
    assert_int_equal(stats_hl_center(d, 6, 0.95, &i), 0);
    assert_close(i.confidence, 0.96875, 1e-12);
    assert_int_equal(stats_hl_shift(a, 3, b, 3, 0.95, &i), 0);
    assert_true(isnan(i.lo));
    assert_int_equal(stats_hl_shift(a, 4, b, 4, 0.95, &i), 0);
    assert_close(i.confidence, 1 - 2.0 / 70, 1e-12);
}

/* A value outside of the interval is one that the test rejects, inside one that it does not. */
static void test_interval_is_the_test_turned_round(void **state)
{
    struct interval i;
    struct rank_test t;
    double x[10];
    (void)state;
    assert_int_equal(stats_hl_center(d, 10, 0.95, &i), 0);
    for (int k = 0; k < 4; k++) {
        const double shift = k == 0 ? i.lo - 1e-6 : k == 1 ? i.lo + 1e-6 : k == 2 ? i.hi - 1e-6 : i.hi + 1e-6;
        for (int j = 0; j < 10; j++)
            x[j] = d[j] - shift;
        assert_int_equal(stats_signed_rank(x, 10, &t), 0);
        assert_int_equal(t.p < 0.05, k == 0 || k == 3);
    }
}

/* Above the exact limit the normal cut takes over: nearly the same interval. */
static void test_large_samples(void **state)
{
    double x[101];
    struct interval exact, normal;
    (void)state;
    for (int i = 0; i < 101; i++)
        x[i] = i * 37 % 101;
    assert_int_equal(stats_hl_center(x, 100, 0.95, &exact), 0);
    assert_int_equal(stats_hl_center(x, 101, 0.95, &normal), 0);
    assert_true(fabs(exact.lo - normal.lo) < 1.5 && fabs(exact.hi - normal.hi) < 1.5);
    assert_int_equal(stats_hl_shift(x, 50, x + 50, 50, 0.95, &exact), 0);
    assert_int_equal(stats_hl_shift(x, 50, x + 50, 51, 0.95, &normal), 0);
    assert_true(fabs(exact.lo - normal.lo) < 1.5 && fabs(exact.hi - normal.hi) < 1.5);
}

static void test_ratios(void **state)
{
    double base[10], fresh[10];
    struct interval r, centre;
    (void)state;
    for (int i = 0; i < 10; i++) {
        base[i] = 2 + i; /* rounds differ a lot, which the pairs cancel */
        fresh[i] = base[i] * exp(d[i]);
    }
    assert_int_equal(stats_paired_ratio(base, fresh, 10, 0.95, &r), 0);
    assert_int_equal(stats_hl_center(d, 10, 0.95, &centre), 0);
    assert_close(r.value, exp(centre.value), 1e-12);
    assert_close(r.lo, exp(centre.lo), 1e-12);
    assert_close(r.hi, exp(centre.hi), 1e-12);
    assert_int_equal(stats_unpaired_ratio(base, 10, fresh, 10, 0.95, &r), 0);
    assert_true(r.lo < 0.8 && r.hi > 1.25);
    for (int i = 0; i < 10; i++)
        fresh[i] = 3 * base[i];
    assert_int_equal(stats_unpaired_ratio(base, 10, fresh, 10, 0.95, &r), 0);
    assert_close(r.value, 3, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mann_whitney),
        cmocka_unit_test(test_mann_whitney_ties),
        cmocka_unit_test(test_signed_rank),
        cmocka_unit_test(test_signed_rank_ties_and_zeros),
        cmocka_unit_test(test_normal_approximation),
        cmocka_unit_test(test_exact_meets_normal),
        cmocka_unit_test(test_smallest_p),
        cmocka_unit_test(test_tails),
        cmocka_unit_test(test_hodges_lehmann),
        cmocka_unit_test(test_too_few_for_an_interval),
        cmocka_unit_test(test_interval_is_the_test_turned_round),
        cmocka_unit_test(test_large_samples),
        cmocka_unit_test(test_ratios),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
