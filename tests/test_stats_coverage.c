/* Does a 95 % interval hold the truth 95 times of 100? Simulated experiments with a known ratio, seeded: 93 to 97 % of 10,000
 * intervals must contain it. Rounds have noise of their own that hits both sides (it cancels in the pairs), and each side a noise
 * besides. The noise is normal, skewed (a sum of few exponentials) or has outliers (5 % of ten times the spread), as timings do.
 * Also: tests of equal sides give p < 0.05 in at most 5 % of cases, and the BCa bootstrap against scipy. */
#include <stdio.h>
#include <string.h>

#include "engine/mix64.h"
#include "harness/stats_boot.h"
#include "harness/stats_hl.h"
#include "harness/stats_rank.h"
#include "tests/assert_close.h"

enum { TRIALS = 10000, MOST = 40 };
static const double truth = 1.07;

enum noise { NORMAL, SKEWED, OUTLIERS };
static uint64_t seed, drawn;

static double uniform(void) /* (0, 1) */
{
    return ((double)(random_at(seed, drawn++) >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static double noise(enum noise kind) /* of about unit spread */
{
    if (kind == SKEWED)
        return -log(uniform() * uniform() * uniform()) / sqrt(3);
    return normal() * (kind == OUTLIERS && uniform() < 0.05 ? 10 : 1);
}

/* n rounds of base[i] and fresh[i] with E ln(fresh / base) = ln truth */
static void experiment(enum noise kind, size_t n, double shared, double *base, double *fresh)
{
    for (size_t i = 0; i < n; i++) {
        const double round = shared * normal();
        base[i] = exp(round + 0.02 * noise(kind));
        fresh[i] = truth * exp(round + 0.02 * noise(kind));
    }
}

static void report(const char *what, size_t n, enum noise kind, unsigned hits)
{
    const double share = (double)hits / TRIALS;
    print_message("%s, n=%zu, noise %d: %.4f\n", what, n, (int)kind, share);
    if (share < 0.93 || share > 0.97)
        fail_msg("%s: %.2f %% of the 95 %% intervals hold the truth", what, 100 * share);
}

static unsigned holds(const struct interval *i, double value)
{
    return i->lo <= value && value <= i->hi;
}

static void test_paired_ratio(void **state)
{
    double base[MOST], fresh[MOST];
    struct interval r;
    (void)state;
    seed = 1;
    for (enum noise kind = NORMAL; kind <= OUTLIERS; kind++)
        for (size_t n = 7; n <= 20; n += n < 10 ? 3 : 10) {
            unsigned hits = 0;
            for (int t = 0; t < TRIALS; t++) {
                experiment(kind, n, 0.1, base, fresh);
                assert_int_equal(stats_paired_ratio(base, fresh, n, 0.95, &r), 0);
                hits += holds(&r, truth);
            }
            report("paired ratio", n, kind, hits);
        }
}

static void test_unpaired_ratio(void **state)
{
    double base[MOST], fresh[MOST];
    struct interval r;
    (void)state;
    seed = 2;
    for (enum noise kind = NORMAL; kind <= OUTLIERS; kind++) {
        unsigned hits = 0;
        for (int t = 0; t < TRIALS; t++) {
            experiment(kind, 10, 0, base, fresh);
            assert_int_equal(stats_unpaired_ratio(base, 10, fresh, 9, 0.95, &r), 0);
            hits += holds(&r, truth);
        }
        report("unpaired ratio", 10, kind, hits);
    }
}

static void test_welch_ratio(void **state)
{
    double base[MOST], fresh[MOST];
    struct interval r;
    unsigned hits = 0;
    (void)state;
    seed = 3;
    for (int t = 0; t < TRIALS; t++) {
        experiment(NORMAL, 6, 0, base, fresh);
        stats_speed_ratio(fresh, 6, base, 5, &r);
        hits += holds(&r, truth);
    }
    report("Welch's ratio", 6, NORMAL, hits);
}

/* Log ratios as they come from 40 rounds; fewer resamples than in use, to keep the test short. */
static void test_bca(void **state)
{
    double base[MOST], fresh[MOST];
    struct interval r;
    struct bootstrap b = {stats_boot_mean, NULL, 1000, 0, 0.95};
    unsigned hits = 0;
    (void)state;
    seed = 4;
    for (int t = 0; t < TRIALS; t++) {
        experiment(NORMAL, MOST, 0, base, fresh);
        for (int i = 0; i < MOST; i++)
            base[i] = log(fresh[i] / base[i]);
        b.seed = (uint64_t)t;
        assert_int_equal(stats_bca(base, MOST, &b, &r), 0);
        hits += holds(&r, log(truth));
    }
    report("BCa", MOST, NORMAL, hits);
}

/* With equal sides p < alpha in at most a share alpha: exact tests keep their level, here within 4 standard deviations. */
static void test_level(void **state)
{
    const double limit = 0.05 + 4 * sqrt(0.05 * 0.95 / TRIALS);
    double x[MOST], y[MOST];
    unsigned rank_sum = 0, signed_rank = 0;
    struct rank_test t;
    (void)state;
    seed = 5;
    for (int trial = 0; trial < TRIALS; trial++) {
        for (int i = 0; i < 10; i++) { /* coarse values: many ties */
            x[i] = floor(4 * normal());
            y[i] = floor(4 * normal());
        }
        assert_int_equal(stats_mann_whitney(x, 10, y, 10, &t), 0);
        rank_sum += t.p < 0.05;
        for (int i = 0; i < 10; i++)
            x[i] -= y[i];
        assert_int_equal(stats_signed_rank(x, 10, &t), 0);
        signed_rank += t.p < 0.05;
    }
    print_message("false alarms at 5 %%: rank sum %.4f, signed rank %.4f\n", (double)rank_sum / TRIALS,
                  (double)signed_rank / TRIALS);
    assert_true(rank_sum < limit * TRIALS && rank_sum > 0.03 * TRIALS);
    assert_true(signed_rank < limit * TRIALS && signed_rank > 0.03 * TRIALS);
}

/* scipy 1.10.1: stats.bootstrap((x,), f, n_resamples=400000, method='BCa', random_state=1, batch=20000).confidence_interval with
 * f = np.mean, np.median, np.quantile(v, .9). The tolerance is what 20,000 resamples scatter. */
static void test_bca_against_scipy(void **state)
{
    static const double x[] = {0.52, 0.49, 0.50, 0.55, 0.51, 0.58, 0.47, 0.62, 0.53, 0.50,
                               0.49, 0.75, 0.51, 0.54, 0.48, 0.56, 0.50, 0.52, 0.66, 0.51};
    static const double p90 = 0.9;
    const struct {
        double (*statistic)(double *, size_t, const void *);
        double value, lo, hi, tolerance;
    } rows[] = {{stats_boot_mean, 0.5395, 0.517, 0.5795, 0.002},
                {stats_boot_median, 0.515, 0.5, 0.545, 0.005},
                {stats_boot_quantile, 0.624, 0.557, 0.75, 0.01}};
    struct interval i, again;
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        const struct bootstrap b = {rows[k].statistic, &p90, 20000, 7, 0.95};
        assert_int_equal(stats_bca(x, 20, &b, &i), 0);
        assert_close(i.value, rows[k].value, 1e-12);
        assert_close(i.lo, rows[k].lo, rows[k].tolerance);
        assert_close(i.hi, rows[k].hi, rows[k].tolerance);
        assert_int_equal(stats_bca(x, 20, &b, &again), 0); /* the seed decides */
        assert_true(i.lo <= again.lo && i.lo >= again.lo && i.hi <= again.hi && i.hi >= again.hi);
        assert_close(x[0], 0.52, 0);
    }
}

static void test_bca_edges(void **state)
{
    const double same[] = {2, 2, 2};
    const struct bootstrap b = {stats_boot_mean, NULL, 100, 7, 0.95};
    struct interval i;
    (void)state;
    assert_int_equal(stats_bca(same, 1, &b, &i), 0);
    assert_close(i.value, 2, 0);
    assert_true(isnan(i.lo) && isnan(i.hi));
    assert_int_equal(stats_bca(same, 3, &b, &i), 0);
    assert_close(i.lo, 2, 0);
    assert_close(i.hi, 2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paired_ratio), cmocka_unit_test(test_unpaired_ratio), cmocka_unit_test(test_welch_ratio),
        cmocka_unit_test(test_bca),          cmocka_unit_test(test_level),          cmocka_unit_test(test_bca_against_scipy),
        cmocka_unit_test(test_bca_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
