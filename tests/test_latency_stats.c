/* Quantiles of latencies, and MLPerf's penalised percentile: known values of its early stopping, and what it promises on made-up data. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/mix64.h"
#include "harness/latency_stats.h"
#include "harness/stats.h"

static struct latency_bound bound_of(size_t n, double p, double confidence)
{
    struct latency_bound b;
    double *v = malloc((n ? n : 1) * sizeof *v);
    assert_non_null(v);
    for (size_t i = 0; i < n; i++)
        v[i] = (double)(i + 1);
    latency_bound(v, n, p, confidence, &b);
    free(v);
    return b;
}

/* scipy 1.14: [next(n for n in range(1, 999) if binom.cdf(t, n, 1 - p) <= 0.01) for t in (0, 1, 2)]
 * p = 0.9: 44, 64, 81; p = 0.99: 459, 662, 838 */
static void samples_that_are_needed(void **state)
{
    (void)state;
    static const struct {
        double p;
        size_t n[3];
    } rows[] = {{0.9, {44, 64, 81}}, {0.99, {459, 662, 838}}};
    for (size_t i = 0; i < 2; i++)
        for (size_t t = 0; t < 3; t++) {
            const struct latency_bound b = bound_of(rows[i].n[t], rows[i].p, 0.99),
                                       less = bound_of(rows[i].n[t] - 1, rows[i].p, 0.99);
            assert_int_equal(b.left_out, t);
            assert_true(b.value == (double)(rows[i].n[t] - t));
            assert_true(fabs(b.effective - 1 + (double)t / (double)rows[i].n[t]) < 1e-12 && b.effective > rows[i].p);
            assert_int_equal(b.needed, rows[i].n[0]);
            if (t)
                assert_int_equal(less.left_out, t - 1);
            else
                assert_true(isnan(less.value) && isnan(less.effective));
        }
    assert_true(isnan(bound_of(0, 0.9, 0.99).value));
    assert_true(fabs(bound_of(1000000, 0.99, 0.99).effective - 0.99) < 3e-4); /* many samples: no penalty to speak of */
}

/* The true percentile of uniform numbers is known: at most 1 - confidence of the bounds may be below it. */
static void covers_the_true_percentile(void **state)
{
    (void)state;
    enum { N = 100, TRIALS = 4000 };
    double v[N];
    unsigned below = 0;
    for (unsigned k = 0; k < TRIALS; k++) {
        struct latency_bound b;
        for (size_t i = 0; i < N; i++)
            v[i] = (double)(random_at(77, k * N + i) >> 11) * 0x1p-53;
        stats_sort(v, N);
        latency_bound(v, N, 0.9, 0.95, &b);
        below += b.value < 0.9;
    }
    /* P[Binomial(100, 0.1) <= 4] = 0.0237; the next order statistic would have 0.0576, above the 5 % that are allowed */
    assert_in_range(below, TRIALS * 15 / 1000, TRIALS * 33 / 1000);
}

static double field(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

static void as_json(void **state)
{
    (void)state;
    static const double v[] = {3, 1, 2, 5, 4};
    json_t *o = latency_stats_json(v, 5, true), *b = latency_bound_json(v, 5, 0.5, 0.9), *none = latency_stats_json(v, 0, true);
    assert_true(field(o, "n") == 5 && field(o, "mean") == 3 && field(o, "median") == 3 && field(o, "max") == 5);
    assert_true(fabs(field(o, "p90") - 4.6) < 1e-12 && fabs(field(o, "p95") - 4.8) < 1e-12 && fabs(field(o, "p99") - 4.96) < 1e-12);
    assert_true(json_number_value(json_array_get(json_object_get(o, "samples"), 3)) == 5);
    assert_true(json_is_null(none));
    assert_true(field(b, "value") == 5 && field(b, "needed") == 4); /* P[Binomial(5, 1/2) = 0] = 1/32 <= 0.1 */
    json_decref(b);
    b = latency_bound_json(v, 3, 0.5, 0.9);
    assert_true(json_is_null(json_object_get(b, "value")) && json_is_null(json_object_get(b, "effective")));
    assert_true(latency_quantile(v, 5, 0.5) == 3 && isnan(latency_quantile(v, 0, 0.5)));
    json_decref(o);
    json_decref(b);
    json_decref(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_that_are_needed),
        cmocka_unit_test(covers_the_true_percentile),
        cmocka_unit_test(as_json),
    };
    return cmocka_run_group_tests_name("latency statistics", tests, NULL, NULL);
}
