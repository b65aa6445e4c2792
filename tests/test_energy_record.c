/* Energy after the measurement: the factors of a ratio, the record's cells, comparisons and "energy" object. */
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
#include "harness/bench_table.h"
#include "harness/energy_stats.h"
#include "harness/json_util.h"
#include "tests/made_blocks.h"

static void assert_close(double a, double b)
{
    if (!(fabs(a - b) <= 1e-9 * fabs(b)))
        fail_msg("%.12g, expected %.12g", a, b);
}

/* ---- energy ratio = time ratio * power ratio ---- */

/* Base: 10 s at 40 W with noise; cell: 2 s at 50 W. */
static const double base_s[] = {10.0, 10.2, 9.9, 10.1}, cell_s[] = {2.0, 2.1, 1.9, 2.05};
static const double base_w[] = {40.0, 41.0, 39.5, 40.2}, cell_w[] = {50.0, 49.0, 50.5, 50.1};

/* Four rounds; in round i everything is drift[i] times as slow and draws 1 / drift[i] of the power to the third. */
static void rounds_of(struct energy_of_round v[4], const double *b_w, const double *c_w, const double *drift)
{
    for (size_t i = 0; i < 4; i++) {
        const double slow = drift ? drift[i] : 1, power = 1 / (slow * slow * slow);
        v[i] = (struct energy_of_round){.base_s = base_s[i] * slow, .cell_s = cell_s[i] * slow};
        v[i].base_j = b_w[i] * power * v[i].base_s;
        v[i].cell_j = c_w[i] * power * v[i].cell_s;
    }
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
    struct energy_of_round v[4];
    struct energy_factors f;
    rounds_of(v, base_w, cell_w, NULL);
    assert_int_equal(energy_stats_factors(v, 4, &f), 0);
    f.shortest_s = 1.9;
    assert_close(f.energy.value, f.time.value * f.power.value);
    assert_close(f.time.value, exp(log_mean(cell_s, 4) - log_mean(base_s, 4)));
    assert_close(f.power.value, exp(log_mean(cell_w, 4) - log_mean(base_w, 4)));
    assert_true(f.time.lo < f.time.value && f.time.value < f.time.hi && f.time.hi < 0.25);
    assert_true(f.power.lo > 1.15 && f.power.hi < 1.35);
    assert_close(f.energy.confidence, 0.95);
    json_t *j = energy_factors_json(&f, "another one");
    assert_close(json_number_value(json_object_get(json_object_get(j, "power_ratio"), "value")), f.power.value);
    assert_int_equal(json_integer_value(json_object_get(j, "rounds")), 4);
    assert_string_equal(json_string_value(json_object_get(j, "caveat")),
                        "windows down to 1.9 s (at least 2 s is wanted); another one");
    json_decref(j);
}

/* A clock that halves and doubles from round to round meets both sides: values and intervals are those of the quiet machine. */
static void drift_cancels(void **state)
{
    (void)state;
    static const double drift[] = {1.0, 2.0, 0.5, 1.4};
    struct energy_of_round v[4];
    struct energy_factors quiet, drifting;
    rounds_of(v, base_w, cell_w, NULL);
    assert_int_equal(energy_stats_factors(v, 4, &quiet), 0);
    rounds_of(v, base_w, cell_w, drift);
    assert_int_equal(energy_stats_factors(v, 4, &drifting), 0);
    assert_close(drifting.energy.value, quiet.energy.value);
    assert_close(drifting.energy.lo, quiet.energy.lo);
    assert_close(drifting.energy.hi, quiet.energy.hi);
    assert_close(drifting.power.hi, quiet.power.hi);
    assert_close(drifting.time.lo, quiet.time.lo);
}

/* Equal power: the energy ratio is the time ratio, and the interval of the power factor holds 1. */
static void equal_power_shows_nothing(void **state)
{
    (void)state;
    static const double b_w[] = {40, 41, 39, 40.5}, c_w[] = {40.3, 39.6, 40.6, 40.4};
    struct energy_of_round v[4];
    struct energy_factors f;
    rounds_of(v, b_w, c_w, NULL);
    assert_int_equal(energy_stats_factors(v, 4, &f), 0);
    assert_true(f.power.lo < 1 && f.power.hi > 1);
    assert_true(fabs(f.energy.value / f.time.value - 1) < 0.01);
}

static void factors_need_joules(void **state)
{
    (void)state;
    struct energy_of_round v[4];
    struct energy_factors f;
    rounds_of(v, base_w, cell_w, NULL);
    assert_int_equal(energy_stats_factors(v, 0, &f), -ENODATA);
    assert_int_equal(energy_stats_factors(v, 1, &f), 0); /* one round: a ratio without an interval */
    assert_true(isnan(f.power.lo) && f.power.value > 1);
    v[1].cell_j = 0; /* a counter that did not move */
    assert_int_equal(energy_stats_factors(v, 4, &f), -EINVAL);
    v[1].cell_j = (double)NAN;
    assert_int_equal(energy_stats_factors(v, 4, &f), -EINVAL);
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

static json_t *compare(const struct pair *p)
{
    json_t *list = comparisons_json(&p->plan, p->results);
    assert_int_equal(json_array_size(list), 1);
    json_t *one = json_incref(json_array_get(list, 0));
    json_decref(list);
    return one;
}

static void assert_no_energy(const struct pair *p, const char *reason)
{
    json_t *c = compare(p);
    assert_true(json_is_null(json_object_get(c, "energy")));
    assert_string_equal(json_string_value(json_object_get(c, "energy_reason")), reason);
    assert_close(at(c, "ratio", NULL), 5);
    json_decref(c);
}

static void comparisons_split_energy(void **state)
{
    (void)state;
    struct pair *p = make_pair("energy_pkg_j", "power_pkg_w");
    json_t *c = compare(p);
    const json_t *e = json_object_get(c, "energy");
    assert_close(at(e, "energy_ratio", "value"), 0.25);
    assert_close(at(e, "time_ratio", "value"), 0.2);
    assert_close(at(e, "power_ratio", "value"), 1.25);
    assert_close(at(e, "power_ratio", "hi"), 1.25); /* the noise of a round is that of both sides */
    assert_close(at(e, "rounds", NULL), 3);
    assert_true(json_is_null(json_object_get(c, "energy_reason")));
    json_decref(c);
    /* a void window: the repetitions' joules are there, but they do not count */
    put_metric(&p->results[1], "energy_pkg_j", "value", json_null());
    put_metric(&p->results[1], "energy_pkg_j", "reason", json_string("void: foreign load"));
    assert_no_energy(p, "i2_s: void: foreign load");
    free_pair(p);
}

/* Only rounds in which both sides have joules that count. */
static void energy_is_of_common_rounds(void **state)
{
    (void)state;
    struct pair *p = make_pair("energy_pkg_j", "power_pkg_w");
    struct block *base = p->results[0].blocks, *cell = p->results[1].blocks;
    cell[0].energy_j = (double)NAN;
    snprintf(base[1].void_reason, sizeof base[1].void_reason, "migrated");
    base[1].energy_j *= 100;
    json_t *c = compare(p);
    const json_t *e = json_object_get(c, "energy");
    assert_close(at(e, "rounds", NULL), 1);
    assert_close(at(e, "energy_ratio", "value"), 0.25);
    assert_true(json_is_null(json_object_get(json_object_get(e, "energy_ratio"), "lo")));
    assert_close(at(c, "rounds", NULL), 2); /* of the times */
    json_decref(c);
    base[2].energy_j = (double)NAN;
    assert_no_energy(p, "no round has joules of both");
    free_pair(p);
}

static void estimates_and_other_domains_are_not_compared(void **state)
{
    (void)state;
    struct pair *p = make_pair("energy_pkg_j", "power_pkg_w");
    put_metric(&p->results[0], "energy_pkg_j", "status", json_string("estimated"));
    put_metric(&p->results[0], "energy_pkg_j", "reason", json_string("from load"));
    assert_no_energy(p, "f16: from load");
    put_metric(&p->results[0], "energy_pkg_j", "status", json_string("measured"));
    put_metric(&p->results[1], "energy_pkg_j", "name", json_string("energy_board_j"));
    put_metric(&p->results[1], "power_pkg_w", "name", json_string("power_board_w"));
    assert_no_energy(p, "joules of different domains: energy_pkg_j and energy_board_j");
    free_pair(p);
}

/* The table on a terminal, of measured cells and of one without joules. */
static void table_shows_the_factors(void **state)
{
    (void)state;
    struct pair *p = make_pair("energy_pkg_j", "power_pkg_w");
    char *text = NULL;
    size_t len;
    for (int k = 0; k < 2; k++) {
        json_t *root = json_object(), *cells = json_array();
        for (size_t i = 0; i < 2; i++)
            json_array_append_new(cells, cell_json(&p->plan, &p->cells[i], &p->results[i], "f16"));
        json_object_set_new(root, "cells", cells);
        json_object_set_new(root, "comparisons", comparisons_json(&p->plan, p->results));
        FILE *f = open_memstream(&text, &len);
        bench_print_results(f, root);
        fclose(f);
        if (k == 0 && !strstr(text, " 25         0.25x [0.25, 0.25]     = 0.2x [0.2, 0.2]        x 1.25x [1.25, 1.25]\n"))
            fail_msg("no factors in:\n%s", text);
        if (k == 1 && (strstr(text, "0.25x") || !strstr(text, "\nenergy: unavailable of the other cells (void: foreign load)\n")))
            fail_msg("factors, or no reason, in:\n%s", text);
        free(text);
        json_decref(root);
        put_metric(&p->results[1], "energy_pkg_j", "value", json_null());
        put_metric(&p->results[1], "energy_pkg_j", "reason", json_string("void: foreign load"));
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors_multiply),
        cmocka_unit_test(drift_cancels),
        cmocka_unit_test(equal_power_shows_nothing),
        cmocka_unit_test(factors_need_joules),
        cmocka_unit_test(cells_have_joules_per_token),
        cmocka_unit_test(caveats_and_failures_go_on),
        cmocka_unit_test(comparisons_split_energy),
        cmocka_unit_test(energy_is_of_common_rounds),
        cmocka_unit_test(estimates_and_other_domains_are_not_compared),
        cmocka_unit_test(table_shows_the_factors),
        cmocka_unit_test(baseline_gives_net_energy),
        cmocka_unit_test(no_baseline_is_null_with_a_reason),
        cmocka_unit_test(lost_half_of_the_baseline_is_told),
        cmocka_unit_test(estimates_are_marked_and_named_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
