/* Energy after the measurement: the factors of a ratio, the record's cells, comparisons and "energy" object, and a report. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#include "harness/bench_energy.h"
#include "harness/energy_stats.h"
#include "harness/json_util.h"
#include "tests/made_blocks.h"
#include "tests/report_fixture.h"

static void assert_close(double a, double b)
{
    if (!(fabs(a - b) <= 1e-9 * fabs(b)))
        fail_msg("%.12g, expected %.12g", a, b);
}

/* ---- energy ratio = time ratio * power ratio ---- */

/* Base: 10 s at 40 W with noise; cell: 2 s at 50 W. */
static const double base_s[] = {10.0, 10.2, 9.9, 10.1}, cell_s[] = {2.0, 2.1, 1.9};
static const double base_w[] = {40.0, 41.0, 39.5, 40.2}, cell_w[] = {50.0, 49.0, 50.5};

static struct energy_samples samples_of(const double *s, const double *w, double *j, size_t n)
{
    for (size_t i = 0; i < n; i++)
        j[i] = s[i] * w[i];
    return (struct energy_samples){j, s, n, 1.9};
}

static double log_mean(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += log(x[i]);
    return sum / (double)n;
}

static void factors_multiply(void **state)
{
    (void)state;
    double bj[4], cj[3];
    struct energy_factors f;
    assert_int_equal(energy_stats_factors(samples_of(base_s, base_w, bj, 4), samples_of(cell_s, cell_w, cj, 3), &f), 0);
    assert_close(f.energy.value, f.time.value * f.power.value);
    assert_close(f.time.value, exp(log_mean(cell_s, 3) - log_mean(base_s, 4)));
    assert_close(f.power.value, exp(log_mean(cell_w, 3) - log_mean(base_w, 4)));
    assert_true(f.time.lo < f.time.value && f.time.value < f.time.hi && f.time.hi < 0.25);
    assert_true(f.power.lo > 1.15 && f.power.hi < 1.35);
    assert_close(f.shortest_s, 1.9);
    assert_close(f.energy.confidence, 0.95);
    json_t *j = energy_factors_json(&f);
    assert_close(json_number_value(json_object_get(json_object_get(j, "power_ratio"), "value")), f.power.value);
    assert_non_null(strstr(json_string_value(json_object_get(j, "caveat")), "down to 1.9 s"));
    json_decref(j);
}

/* Equal power: the energy ratio is the time ratio, and the interval of the power factor holds 1. */
static void equal_power_shows_nothing(void **state)
{
    (void)state;
    static const double b_w[] = {40, 41, 39, 40.5}, c_w[] = {40.3, 39.6, 40.6};
    double bj[4], cj[3];
    struct energy_factors f;
    assert_int_equal(energy_stats_factors(samples_of(base_s, b_w, bj, 4), samples_of(cell_s, c_w, cj, 3), &f), 0);
    assert_true(f.power.lo < 1 && f.power.hi > 1);
    assert_true(fabs(f.energy.value / f.time.value - 1) < 0.01);
}

static void factors_need_joules(void **state)
{
    (void)state;
    double bj[4], cj[3];
    struct energy_factors f;
    const struct energy_samples b = samples_of(base_s, base_w, bj, 4), none = {NULL, NULL, 0, 1};
    struct energy_samples c = samples_of(cell_s, cell_w, cj, 3);
    assert_int_equal(energy_stats_factors(b, none, &f), -EINVAL);
    assert_int_equal(energy_stats_factors(none, c, &f), -EINVAL);
    cj[1] = 0; /* a counter that did not move in one repetition */
    assert_int_equal(energy_stats_factors(b, c, &f), -EINVAL);
    cj[1] = (double)NAN;
    assert_int_equal(energy_stats_factors(b, c, &f), -EINVAL);
    c.n = 1;
    assert_int_equal(energy_stats_factors(b, c, &f), 0); /* one sample: a ratio without an interval */
    assert_true(isnan(f.power.lo) && f.power.value > 1);
}

/* ---- the record ---- */

struct pair {
    struct group groups[2];
    struct cell cells[2];
    struct cell_result results[2];
    struct plan plan;
};

/* Two cells of 3 repetitions and 4 tokens: f16 takes 10 s at 40 W, i2_s 2 s at 50 W. `energy`: the metric that holds the joules. */
static struct pair *make_pair(const char *energy, const char *power)
{
    struct pair *p = calloc(1, sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < 2; i++) {
        const double s = i ? 2 : 10, w = i ? 50 : 40;
        struct cell_result *r = &p->results[i];
        p->groups[i] =
            (struct group){.spec = (char *)"m", .model = "m", .format = format_find(i ? "i2_s" : "f16"), .embedding = "f16"};
        p->groups[i].hp =
            (struct hparams){.n_layer = 2, .n_embd = 64, .n_ff = 128, .n_head = 4, .n_head_kv = 2, .head_dim = 16, .n_vocab = 100};
        p->cells[i] =
            (struct cell){.group = i, .workload = "decode", .test = "tg4", .threads = 2, .n_gen = 4, .batch = 1, .depth = 10};
        r->status = CELL_OK;
        for (unsigned k = 0; k < 3; k++) {
            const double noise = 1 + 0.01 * ((int)k - 1);
            made_block(r, k + 1, 1, s * noise, s * noise * w);
        }
        r->energy_repetitions = 3;
        r->setup = json_pack("{s:s, s:{s:f, s:f, s:f, s:f}}", "cpus", "0,1", "work", "tokens", 4.0, "int8_macs", 3e9, "fma_macs",
                             1e9, "bytes", 2e9);
        r->metrics = json_pack("[{s:s, s:f, s:s, s:s, s:s}, {s:s, s:f, s:s}, {s:s, s:f, s:s}, {s:s, s:f, s:s}]", "name", energy,
                               "value", 3 * s * w, "unit", "J", "status", "measured", "source", "powercap", "name", power, "value",
                               w, "unit", "W", "name", "energy_quantisation", "value", 0.001, "unit", "1", "name", "machine_busy_s",
                               "value", 6.0, "unit", "s");
        assert_non_null(r->metrics);
    }
    p->plan = (struct plan){.groups = p->groups, .n_groups = 2, .cells = p->cells, .n_cells = 2};
    return p;
}

static void free_pair(struct pair *p)
{
    for (size_t i = 0; i < 2; i++)
        cell_result_free(&p->results[i]);
    free(p);
}

static double at(const json_t *o, const char *key, const char *sub)
{
    const json_t *v = json_object_get(o, key);
    v = sub ? json_object_get(v, sub) : v;
    if (!json_is_number(v))
        fail_msg("no number %s.%s", key, sub ? sub : "");
    return json_number_value(v);
}

static double metric_of(const json_t *cell, const char *name)
{
    return at(metric_json_find(json_object_get(cell, "metrics"), name), "value", NULL);
}

static void cells_have_joules_per_token(void **state)
{
    (void)state;
    struct pair *p = make_pair("energy_pkg_j", "power_pkg_w");
    json_t *c = cell_json(&p->plan, &p->cells[1], &p->results[1], "f16");
    assert_close(metric_of(c, "joules_per_token"), 300.0 / 12); /* sum of joules / sum of tokens */
    assert_close(metric_of(c, "energy_delay_js"), 100.0 * 2);
    assert_int_equal(json_array_size(json_object_get(c, "energy_samples_j")), 3);
    assert_close(json_number_value(json_array_get(json_object_get(c, "energy_samples_s"), 0)), 1.98);
    json_decref(c);
    free_pair(p);
    p = make_pair("energy_board_j", "power_board_w"); /* a board without a package counter */
    c = cell_json(&p->plan, &p->cells[1], &p->results[1], "f16");
    const json_t *m = metric_json_find(json_object_get(c, "metrics"), "joules_per_token");
    assert_close(at(m, "value", NULL), 25);
    assert_string_equal(json_string_value(json_object_get(m, "reason")), "from energy_board_j");
    json_decref(c);
    free_pair(p);
}

static void put_metric(struct cell_result *r, const char *name, const char *key, json_t *value)
{
    json_object_set_new((json_t *)(uintptr_t)metric_json_find(r->metrics, name), key, value);
}

/* What is said of the joules holds of what is made of them; and a domain that fails in a cell is not replaced by another. */
static void caveats_and_failures_go_on(void **state)
{
    (void)state;
    struct pair *p = make_pair("energy_board_j", "power_board_w");
    struct cell_result *r = &p->results[1];
    put_metric(r, "energy_board_j", "reason", json_string("short window"));
    json_t *c = cell_json(&p->plan, &p->cells[1], r, "f16");
    const json_t *m = metric_json_find(json_object_get(c, "metrics"), "joules_per_token");
    assert_string_equal(json_string_value(json_object_get(m, "reason")), "from energy_board_j; short window");
    json_decref(c);
    put_metric(r, "energy_board_j", "value", json_null());
    put_metric(r, "energy_board_j", "reason", json_string("void: foreign load"));
    put_metric(r, "power_board_w", "value", json_null());
    json_array_append_new(r->metrics, json_pack("{s:s, s:f, s:s}", "name", "energy_psys_j", "value", 77.0, "unit", "J"));
    c = cell_json(&p->plan, &p->cells[1], r, "f16");
    m = metric_json_find(json_object_get(c, "metrics"), "joules_per_token");
    assert_true(json_is_null(json_object_get(m, "value")));
    assert_string_equal(json_string_value(json_object_get(m, "reason")), "void: foreign load");
    assert_null(cell_energy_metric(r));
    json_decref(c);
    free_pair(p);
}

static void comparisons_split_energy(void **state)
{
    (void)state;
    struct pair *p = make_pair("energy_pkg_j", "power_pkg_w");
    json_t *list = comparisons_json(&p->plan, p->results);
    assert_int_equal(json_array_size(list), 1);
    const json_t *e = json_object_get(json_array_get(list, 0), "energy");
    assert_close(at(e, "energy_ratio", "value"), 0.25);
    assert_close(at(e, "time_ratio", "value"), 0.2);
    assert_close(at(e, "power_ratio", "value"), 1.25);
    json_decref(list);
    /* a void window: the repetitions' joules are there, but they do not count */
    json_object_set_new(json_array_get(p->results[1].metrics, 0), "value", json_null());
    list = comparisons_json(&p->plan, p->results);
    assert_true(json_is_null(json_object_get(json_array_get(list, 0), "energy")));
    assert_close(at(json_array_get(list, 0), "ratio", NULL), 5);
    json_decref(list);
    free_pair(p);
}

static json_t *idle_reply(double w0, double w1)
{
    return json_pack("{s:{s:s, s:s, s:s, s:f}, s:[{s:f, s:f}, {s:f, s:f}, {s:f, s:f}], s:n}", "source", "name", "powercap", "kind",
                     "counter", "headline", "pkg", "resolution_s", 0.001, "windows", "joules", 2 * w0, "seconds", 2.0, "joules",
                     2 * w1, "seconds", 2.0, "joules", w0 + w1, "seconds", 2.0, "reason");
}

static void baseline_gives_net_energy(void **state)
{
    (void)state;
    struct pair *p = make_pair("energy_pkg_j", "power_pkg_w");
    struct experiment e = {.plan = &p->plan, .results = p->results, .baseline_s = 6};
    e.energy[0] = idle_reply(9, 11);
    e.energy[1] = idle_reply(8, 12);
    json_t *o = bench_energy_json(&e);
    const json_t *b = json_object_get(o, "baseline"), *cell = json_array_get(json_object_get(o, "cells"), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(o, "source"), "name")), "powercap");
    assert_close(at(b, "idle_w", "value"), 10);
    assert_close(at(b, "idle_w", "lo"), 8);
    assert_close(at(b, "idle_w", "hi"), 12);
    assert_close(at(b, "confidence", NULL), 1 - 1.0 / 32);
    assert_int_equal(json_array_size(json_object_get(b, "before")), 3);
    assert_true(json_is_null(json_object_get(b, "reason")));
    assert_close(at(cell, "window_s", NULL), 6);
    assert_close(at(cell, "gross_j", "lo"), 300 * 0.999);
    assert_close(at(cell, "baseline_j", "value"), 60);
    assert_close(at(cell, "baseline_j", "lo"), 48);
    assert_close(at(cell, "net_j", "value"), 240);
    assert_close(at(cell, "net_j", "lo"), 300 * 0.999 - 72);
    assert_close(at(cell, "net_j", "hi"), 300 * 1.001 - 48);
    assert_close(at(cell, "net_joules_per_token", "value"), 20);
    json_decref(o);
    free_pair(p);
}

static void no_baseline_is_null_with_a_reason(void **state)
{
    (void)state;
    static const char *const reasons[] = {"not asked for (--baseline SECONDS)", "no powercap tree"};
    for (int k = 0; k < 2; k++) {
        struct pair *p = make_pair("energy_pkg_j", "power_pkg_w");
        struct experiment e = {.plan = &p->plan, .results = p->results, .baseline_s = 6 * k};
        e.energy[0] = json_pack("{s:{s:n}, s:[], s:s}", "source", "name", "windows", "reason", "no powercap tree");
        json_t *o = bench_energy_json(&e);
        const json_t *b = json_object_get(o, "baseline"), *cell = json_array_get(json_object_get(o, "cells"), 0);
        assert_string_equal(json_string_value(json_object_get(b, "reason")), reasons[k]);
        assert_true(json_is_null(json_object_get(json_object_get(b, "idle_w"), "value")));
        assert_true(json_is_null(json_object_get(json_object_get(cell, "net_j"), "value")));
        assert_close(at(cell, "gross_j", "value"), 1200);
        json_decref(o);
        free_pair(p);
    }
}

/* A half that failed is told, although the other gives an idle power. */
static void lost_half_of_the_baseline_is_told(void **state)
{
    (void)state;
    static const char *const reasons[] = {"before the cells: void", "after the cells: void", "after the cells: interrupted"};
    for (int k = 0; k < 3; k++) {
        struct pair *p = make_pair("energy_pkg_j", "power_pkg_w");
        struct experiment e = {.plan = &p->plan, .results = p->results, .baseline_s = 6};
        e.energy[0] = k == 0 ? json_pack("{s:[], s:s}", "windows", "reason", "void") : idle_reply(9, 11);
        if (k < 2)
            e.energy[1] = k == 1 ? json_pack("{s:[], s:s}", "windows", "reason", "void") : idle_reply(9, 11);
        json_t *o = bench_energy_json(&e);
        const json_t *b = json_object_get(o, "baseline");
        assert_string_equal(json_string_value(json_object_get(b, "reason")), reasons[k]);
        assert_close(at(b, "idle_w", "value"), 10);
        json_decref(o);
        free_pair(p);
    }
}

/* ---- estimates ---- */

static void estimates_are_marked_and_named_apart(void **state)
{
    (void)state;
    struct pair *p = make_pair("energy_pkg_j", "power_pkg_w");
    json_t *f16 = json_array(), *i2_s = json_array(), *m;
    size_t i;
    bench_energy_estimates(f16, &p->plan, &p->cells[0], &p->results[0]);
    bench_energy_estimates(i2_s, &p->plan, &p->cells[1], &p->results[1]);
    assert_int_equal(json_array_size(i2_s), 3);
    json_array_foreach(i2_s, i, m)
    {
        assert_string_equal(json_string_value(json_object_get(m, "status")), "estimated");
        assert_int_equal(strncmp(json_string_value(json_object_get(m, "name")), "estimated_", 10), 0);
        assert_non_null(strstr(json_string_value(json_object_get(m, "reason")), "not measured"));
    }
    /* linear: 2 * (64 * (2 * 64 + 2 * 32) + 3 * 64 * 128) = 73,728; attention: 2 * 12.5 positions * 64 * 2 layers = 3,200 */
    const char *name = "estimated_arith_7nm_j_per_token";
    assert_close(at(metric_json_find(f16, name), "value", NULL), 1e-12 * (73728 + 3200) * 0.5);
    assert_close(at(metric_json_find(i2_s, name), "value", NULL), 1e-12 * (73728 * 0.007 + 3200 * 0.5));
    json_decref(f16);
    json_decref(i2_s);
    free_pair(p);
}

/* ---- the report ---- */

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
    r = new_record(json_pack("[o, o]", cell_with_energy("i2_s", 0.12345, "estimated"), cell_with_energy("f16", 2.71828, "estimated")));
    assert_int_equal(report_of(r), 0);
    md = fx_file("r/report.md");
    assert_lacks(md, "0.123");
    assert_lacks(md, "2.71");
    assert_lacks(md, "energy was read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors_multiply),
        cmocka_unit_test(equal_power_shows_nothing),
        cmocka_unit_test(factors_need_joules),
        cmocka_unit_test(cells_have_joules_per_token),
        cmocka_unit_test(caveats_and_failures_go_on),
        cmocka_unit_test(comparisons_split_energy),
        cmocka_unit_test(baseline_gives_net_energy),
        cmocka_unit_test(no_baseline_is_null_with_a_reason),
        cmocka_unit_test(lost_half_of_the_baseline_is_told),
        cmocka_unit_test(estimates_are_marked_and_named_apart),
        TEST(report_shows_factors_and_net),
        TEST(report_shows_the_domain_of_the_source),
        TEST(report_takes_no_estimate_for_a_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
