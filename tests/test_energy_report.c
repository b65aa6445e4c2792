/* Energy in a report, of made records: factors, net energy, whose joules they are; never an estimate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/report_fixture.h"

static json_t *cell_with_energy(const char *format, double per_token, const char *status)
{
    json_t *c = new_cell("m", format, 2, "tg8", 10, 9, 11);
    json_object_set_new(c, "metrics",
                        json_pack("[{s:s, s:f, s:s, s:s, s:s, s:s}]", "name", "joules_per_token", "value", per_token, "unit", "J",
                                  "status", status, "source", "powercap", "reason", ""));
    return c;
}

static void report_shows_factors_and_net(void **state)
{
    (void)state;
    json_t *r = new_record(json_pack("[o, o]", cell_with_energy("i2_s", 0.5, "derived"), cell_with_energy("f16", 2, "derived")));
    json_t *energy = json_pack("{s:{s:f, s:f, s:f}, s:{s:f, s:f, s:f}, s:{s:f, s:f, s:f}, s:s}", "energy_ratio", "value", 0.25,
                               "lo", 0.24, "hi", 0.26, "time_ratio", "value", 0.2, "lo", 0.19, "hi", 0.21, "power_ratio", "value",
                               1.25, "lo", 1.2, "hi", 1.3, "caveat", "windows down to 1.9 s");
    json_object_set_new(
        r, "comparisons",
        json_pack("[{s:s, s:s, s:f, s:o}]", "base", "m/f16/t2/tg8", "cell", "m/i2_s/t2/tg8", "ratio", 5.0, "energy", energy));
    json_object_set_new(
        r, "energy",
        json_pack(
            "{s:{s:s, s:s, s:s, s:f}, s:{s:{s:f, s:f, s:f}, s:f, s:s}, s:[{s:s, s:{s:f}, s:{s:f}, s:{s:f, s:f, s:f}, s:{s:f}}]}",
            "source", "name", "powercap", "kind", "counter", "headline", "pkg", "resolution_s", 0.001, "baseline", "idle_w",
            "value", 10.0, "lo", 8.0, "hi", 12.0, "confidence", 0.96875, "reason", "after the cells: a build", "cells", "id",
            "m/i2_s/t2/tg8", "gross_j", "value", 300.0, "baseline_j", "value", 60.0, "net_j", "value", 240.0, "lo", 228.0, "hi",
            252.0, "net_joules_per_token", "value", 20.0));
    assert_int_equal(report_of(r), 0);
    const char *md = fx_file("r/report.md");
    assert_has(md, "Energy source: powercap (counter) of pkg, updated every 0.00100 s.");
    assert_has(md, "| m/i2_s/t2/tg8 (1) | 0.250 [0.240, 0.260] | 0.200 [0.190, 0.210] | 1.25 [1.20, 1.30] |");
    assert_has(md, "(1) windows down to 1.9 s");
    assert_has(md, "which drew 10.0 [8.00, 12.0] W before and after (96.9 % confidence)");
    assert_has(md, "| m/i2_s/t2/tg8 | 300 | 60.0 | 240 [228, 252] | 20.0 |");
    assert_has(md, "A part of the idle windows is missing: after the cells: a build.");
}

/* A machine without package counters: watts and joules are those of its board. */
static void report_shows_the_domain_of_the_source(void **state)
{
    (void)state;
    json_t *c = cell_with_energy("i2_s", 0.5, "derived");
    json_t *more =
        json_pack("[{s:s, s:n, s:s, s:s, s:s, s:s}, {s:s, s:f, s:s, s:s, s:s, s:s}, {s:s, s:f, s:s, s:s, s:s, s:s}]", "name",
                  "energy_pkg_j", "value", "unit", "J", "status", "unavailable", "source", "jetson", "reason", "see energy_board_j",
                  "name", "energy_board_j", "value", 123.0, "unit", "J", "status", "derived", "source", "jetson", "reason", "",
                  "name", "power_board_w", "value", 17.5, "unit", "W", "status", "derived", "source", "jetson", "reason", "");
    json_array_extend(json_object_get(c, "metrics"), more);
    json_decref(more);
    json_t *r = new_record(json_pack("[o]", c));
    json_object_set_new(
        r, "energy", json_pack("{s:{s:s, s:s, s:s}}", "source", "name", "jetson", "kind", "integrated power", "headline", "board"));
    assert_int_equal(report_of(r), 0);
    const char *md = fx_file("r/report.md");
    assert_has(md, "| m | tg8 | i2_s | 2 | 0.500 | 17.5 | 123 |");
    assert_lacks(md, "see energy_board_j");
}

/* What a hostile or foreign record calls joules, but marks as an estimate, is no result anywhere in the report. */
static void report_takes_no_estimate_for_a_result(void **state)
{
    (void)state;
    json_t *r =
        new_record(json_pack("[o, o]", cell_with_energy("i2_s", 0.12345, "estimated"), cell_with_energy("f16", 2, "derived")));
    assert_int_equal(report_of(r), 0);
    const char *md = fx_file("r/report.md");
    assert_lacks(md, "0.123");
    assert_lacks(md, "a token took");
    assert_has(md, "estimated (");
    r = new_record(
        json_pack("[o, o]", cell_with_energy("i2_s", 0.12345, "estimated"), cell_with_energy("f16", 2.71828, "estimated")));
    assert_int_equal(report_of(r), 0);
    md = fx_file("r/report.md");
    assert_lacks(md, "0.123");
    assert_lacks(md, "2.71");
    assert_lacks(md, "energy was read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(report_shows_factors_and_net),
        TEST(report_shows_the_domain_of_the_source),
        TEST(report_takes_no_estimate_for_a_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
