/* Counters over the blocks of a cell: counts are added, also those that were extrapolated; ratios and shares are means. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/block_metrics.h"
#include "harness/json_util.h"
#include "harness/suite.h"

static json_t *metric(const char *name, double value, const char *status)
{
    return json_pack("{s:s, s:f, s:s, s:s}", "name", name, "value", value, "unit", "1", "status", status);
}

static double value_of(const json_t *list, const char *name)
{
    const json_t *m = metric_json_find(list, name);
    assert_non_null(m);
    return json_number_value(json_object_get(m, "value"));
}

static void counts_add_up_and_shares_do_not(void **state)
{
    (void)state;
    struct metric_totals totals = {0};
    for (int i = 0; i < 2; i++) {
        struct block b = {.window_s = i ? 3 : 1, .repetitions = i ? 4 : 2}; /* the second block weighs three times as much */
        b.metrics =
            json_pack("[o, o, o, o]", metric("events_cycles", 100, "measured"), metric("events_llc_misses", i ? 30 : 10, "derived"),
                      metric("ipc", i ? 2 : 1, "derived"), metric("counters_share.cache", i ? 0.5 : 1, "derived"));
        if (i)
            json_array_append_new(b.metrics, metric("late", 7, "measured"));
        assert_int_equal(metric_totals_add(&totals, &b), 0);
        json_decref(b.metrics);
    }
    json_t *all = metric_totals_json(&totals);
    assert_true(value_of(all, "events_cycles") == 200);
    assert_true(value_of(all, "events_llc_misses") == 40);
    assert_true(fabs(value_of(all, "ipc") - 1.75) < 1e-12);
    assert_true(fabs(value_of(all, "counters_share.cache") - 0.625) < 1e-12);
    assert_true(metric_totals_repetitions(&totals, "ipc") == 6 && metric_totals_repetitions(&totals, "late") == 4);
    assert_true(metric_totals_repetitions(&totals, "none") == 0);
    json_decref(all);
    metric_totals_free(&totals);
}

static void suites_name_counters(void **state)
{
    (void)state;
    static const struct {
        const char *counters, *group, *wrong; /* wrong: part of the message; NULL: fine */
    } rows[] = {{"perf", "basic,cache", NULL}, {"none", NULL, NULL},          {NULL, "software", NULL},
                {"perv", NULL, "papi"},        {NULL, "basics", "there are"}, {"none", "basic", "none"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char err[SUITE_ERR_LEN] = "";
        struct suite s;
        suite_init(&s);
        assert_int_equal(suite_set(&s, "matrix", "models", "synth:125m", err), 0);
        assert_int_equal(suite_set(&s, "matrix", "formats", "i2_s", err), 0);
        assert_int_equal(suite_set(&s, "matrix", "threads", "1", err), 0);
        assert_int_equal(suite_set(&s, "matrix", "gen", "8", err), 0);
        if (rows[i].counters)
            assert_int_equal(suite_set(&s, "measure", "counters", rows[i].counters, err), 0);
        if (rows[i].group)
            assert_int_equal(suite_set(&s, "measure", "counter_group", rows[i].group, err), 0);
        const int rc = suite_check(&s, err);
        assert_int_equal(rc != 0, rows[i].wrong != NULL);
        if (rows[i].wrong && !strstr(err, rows[i].wrong))
            fail_msg("'%s' lacks '%s'", err, rows[i].wrong);
        suite_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_add_up_and_shares_do_not),
        cmocka_unit_test(suites_name_counters),
    };
    return cmocka_run_group_tests_name("counters of blocks", tests, NULL, NULL);
}
