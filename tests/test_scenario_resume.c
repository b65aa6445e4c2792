/* What an attempt finds of an earlier one's scenarios, and two watches of one subject added up. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/scenario_resume.h"
#include "tests/assert_close.h"

static const struct watch_summary seen = {.length_s = 3, .rss_peak_bytes = 5e6, .cpu_host_pct = 50, .cpu_workers_pct = (double)NAN};

static void add(json_t *lines, const char *format, const char *load, double rate, double tokens)
{
    const struct served_load what = {"m", format, load, 2, rate};
    json_t *reply = json_pack("{s:f}", "output_tokens_per_s", tokens), *line = scenario_load_line(&what, reply, &seen);
    json_object_set_new(line, "type", json_string("scenario_load"));
    json_array_append_new(lines, line);
    json_decref(reply);
}

static double next(const json_t *lines, size_t *at, const char *format, const char *load, double rate, struct watch_summary *w)
{
    const struct served_load what = {"m", format, load, 2, rate};
    json_t *reply;
    assert_int_equal(scenario_load_next(lines, at, &what, &reply, w), 0);
    const double tokens = reply ? json_number_value(json_object_get(reply, "output_tokens_per_s")) : -1;
    json_decref(reply);
    return tokens;
}

static void loads_come_in_their_order(void **state)
{
    struct watch_summary w = {.length_s = -1};
    size_t at = 0;
    json_t *lines = json_array();
    (void)state;
    json_array_append_new(lines, json_pack("{s:s}", "type", "header"));
    add(lines, "f16", "offline", 0, 7);
    add(lines, "i2_s", "offline", 0, 11);
    add(lines, "i2_s", "server", 1.0 / 3, 12);
    add(lines, "i2_s", "server", 1.0 / 6, 13);
    assert_close(next(lines, &at, "i2_s", "offline", 0, &w), 11, 0);
    assert_close(w.length_s, 3, 0);
    assert_close(w.rss_peak_bytes, 5e6, 0);
    assert_true(isnan(w.cpu_workers_pct)); /* null in the line */
    assert_close(next(lines, &at, "i2_s", "server", 1.0 / 3 * (1 + 1e-12), &w), 12, 0);
    assert_close(next(lines, &at, "i2_s", "server", 1.0 / 6, &w), 13, 0);
    w.length_s = 99;
    assert_close(next(lines, &at, "i2_s", "server", 0.25, &w), -1, 0); /* it was cut off here */
    assert_close(w.length_s, 99, 0);
    assert_close(next(NULL, &at, "i2_s", "server", 0.25, &w), -1, 0); /* a new run */
    json_decref(lines);
}

static void another_load_is_refused(void **state)
{
    static const struct served_load others[] = {
        {"m", "i2_s", "offline", 2, 0}, {"m", "i2_s", "server", 1, 0.5}, {"m", "i2_s", "server", 2, 0.25}};
    json_t *lines = json_array(), *reply;
    struct watch_summary w;
    (void)state;
    add(lines, "i2_s", "server", 0.5, 1);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        size_t at = 0;
        assert_int_equal(scenario_load_next(lines, &at, &others[i], &reply, &w), -EXDEV);
        assert_null(reply);
    }
    json_decref(lines);
}

static void verdicts_are_found(void **state)
{
    json_t *lines =
        json_pack("[{s:s}, {s:s, s:s, s:s, s:b}]", "type", "header", "type", "scenario", "model", "m", "format", "f16", "fits", 1);
    (void)state;
    assert_ptr_equal(scenario_done(lines, "m", "f16"), json_array_get(lines, 1));
    assert_null(scenario_done(lines, "m", "i2_s"));
    assert_null(scenario_done(lines, "m2", "f16"));
    assert_null(scenario_done(NULL, "m", "f16"));
    json_decref(lines);
}

static void watches_add_up(void **state)
{
    const struct watch_summary b = {.length_s = 1, .rss_peak_bytes = 4e6, .cpu_host_pct = 90, .cpu_workers_pct = 30}, none = {0};
    (void)state;
    struct watch_summary sum = watch_add(&seen, &b);
    assert_close(sum.length_s, 4, 0);
    assert_close(sum.rss_peak_bytes, 5e6, 0);
    assert_close(sum.cpu_host_pct, 60, 1e-12);
    assert_close(sum.cpu_workers_pct, 30, 0);
    sum = watch_add(&none, &b);
    assert_close(sum.cpu_host_pct, 90, 0);
    assert_close(sum.rss_peak_bytes, 4e6, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_come_in_their_order),
        cmocka_unit_test(another_load_is_refused),
        cmocka_unit_test(verdicts_are_found),
        cmocka_unit_test(watches_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
