/* Verdicts on claims: each kind of verdict from records and claims made here, the computed reasons, several hosts, exit statuses.
 * test_claims_shipped.c judges by the registry of configs/, which itself is in test_claims_registry.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/report_fixture.h"

/* A registry of one claim, so that a test says all it depends on. `more`: further lines. */
static void claim_file(const char *more)
{
    char text[1500];
    snprintf(
        text, sizeof(text),
        "[source]\ntitle = made\nref = made\n[model 7b]\nparams = 2000000000\nlinear_params = 1800000000\n[claim c]\nsays = it\n"
        "where = here\nmetric = speedup\nkind = measured\narch = any\nthreads = best\nmodels = 7b\narms = i2_s, tl2\nbase = f16\n"
        "%s\n",
        more);
    char path[300];
    snprintf(path, sizeof(path), "%s/claims.ini", fx_dir);
    fx_spill(path, text);
}

static json_t *arch(json_t *record, const char *name)
{
    json_object_set_new(json_object_get(record, "host"), "arch", json_string(name));
    return record;
}

/* Judges; *out gets the only claim. Frees the record. */
static const json_t *judged(json_t *record, int status)
{
    static json_t *last;
    assert_int_equal(json_dump_file(record, fx_at("results.json"), 0), 0);
    json_decref(record);
    assert_int_equal(run_claims(fx_at("results.json"), "--claims", fx_dir, "--json"), status);
    json_decref(last);
    last = json_loads(fx_out, 0, NULL);
    const json_t *list = json_object_get(last, "claims");
    assert_int_equal(json_array_size(list), 1);
    return json_array_get(list, 0);
}

static const char *text(const json_t *claim, const char *key)
{
    const char *s = json_string_value(json_object_get(claim, key));
    return s ? s : "(null)";
}

#define ASSERT_VERDICT(claim, want) assert_string_equal(text(claim, "verdict"), want)

/* Bytes a token and a roofline, as every cell of decode has */
static json_t *with_work(json_t *cell, double bytes, double share)
{
    json_object_set_new(cell, "work", json_pack("{s:i, s:f}", "tokens", 32, "bytes", 32.0 * bytes));
    json_object_set_new(cell, "roofline", json_pack("{s:s, s:f}", "bound", "bandwidth", "share", share));
    return cell;
}

static json_t *pair_record(double lo, double mid, double hi)
{
    return new_record(json_pack("[o,o]", with_work(new_cell("7b", "tl2", 2, "tg32", mid, lo, hi), 4e8, 0.5),
                                with_work(new_cell("7b", "f16", 2, "tg32", 10.0, 10.0, 10.0), 4e9, 0.9)));
}

static void test_holds_fails_undecided(void **state)
{
    (void)state;
    claim_file("value = 5.68\n");
    const json_t *c = judged(pair_record(57.0, 58.0, 59.0), 0);
    ASSERT_VERDICT(c, "holds");
    assert_has(text(c, "reason"), "tl2 on 2 threads against f16 on 2 threads");
    assert_has(text(c, "reason"), "400 MB against 4.00 GB per token allow a ratio of 10.0");
    assert_has(text(c, "reason"), "50 % and 90 % of their rooflines");
    assert_true(json_number_value(json_object_get(c, "ceiling")) == 10.0);
    /* the figure counts with its rounding */
    ASSERT_VERDICT(judged(pair_record(56.75, 57.0, 58.0), 0), "holds");
    c = judged(pair_record(50.0, 51.0, 52.0), 1);
    ASSERT_VERDICT(c, "does not hold");
    assert_string_equal(text(c, "detail"), "measured 5.10 [5.00, 5.20], needed 5.68");
    c = judged(pair_record(50.0, 57.0, 60.0), 0);
    ASSERT_VERDICT(c, "holds in part");
    assert_has(text(c, "detail"), "undecided: the interval of 5.70 [5.00, 6.00] contains the needed 5.68");
}

static void test_one_repetition_decides_nothing(void **state)
{
    (void)state;
    claim_file("value = 2\n");
    json_t *cell = new_cell("7b", "i2_s", 1, "tg32", 50.0, 50.0, 50.0), *base = new_cell("7b", "f16", 1, "tg32", 10.0, 10.0, 10.0);
    json_object_set_new(cell, "repetitions", json_integer(1));
    const json_t *c = judged(new_record(json_pack("[o,o]", cell, base)), 0);
    ASSERT_VERDICT(c, "not testable here");
    assert_has(text(c, "detail"), "measured 5.00, but without an interval");
}

static void test_missing_says_what(void **state)
{
    (void)state;
    claim_file("value = 2\n");
    const json_t *c = judged(new_record(json_array()), 0);
    ASSERT_VERDICT(c, "not testable here");
    assert_string_equal(text(c, "detail"), "no cell of model 7b");
    /* 1.8e9 weights at 5/3 bit and 0.2e9 at 6.5625, against 2e9 at 16 */
    assert_has(text(c, "reason"), "Extrapolated, not measured: 539 MB in tl2 against 4.00 GB in f16 per token would allow 7.42");
    json_t *lost = new_cell("7b", "f16", 1, "tg32", 1.0, 1.0, 1.0);
    json_object_set_new(lost, "status", json_string("skipped"));
    json_object_set_new(lost, "reason", json_string("needs 26.1 GB, 21.4 GB available"));
    c = judged(new_record(json_pack("[o,o]", lost, new_cell("7b", "i2_s", 1, "tg32", 5.0, 5.0, 5.0))), 0);
    ASSERT_VERDICT(c, "not testable here");
    assert_string_equal(text(c, "detail"), "7b with f16: skipped: needs 26.1 GB, 21.4 GB available");
}

static void test_a_hole_in_the_sweep_of_the_base(void **state)
{
    (void)state;
    claim_file("value = 2\n");
    json_t *lost = new_cell("7b", "f16", 2, "tg32", 1.0, 1.0, 1.0);
    json_object_set_new(lost, "status", json_string("failed"));
    const json_t *c = judged(new_record(json_pack("[o,o,o]", new_cell("7b", "i2_s", 1, "tg32", 50.0, 49.0, 51.0),
                                                  new_cell("7b", "f16", 1, "tg32", 10.0, 9.9, 10.1), lost)),
                             0);
    ASSERT_VERDICT(c, "holds in part");
    assert_has(text(c, "detail"), "f16 has no result on some thread counts, so its best is not known");
}

static void test_best_of_each_and_equal_threads(void **state)
{
    (void)state;
    claim_file("value = 3\n");
    json_t *cells = json_pack("[o,o,o,o]", new_cell("7b", "i2_s", 1, "tg32", 30.0, 29.9, 30.1),
                              new_cell("7b", "i2_s", 2, "tg32", 20.0, 19.9, 20.1), new_cell("7b", "f16", 1, "tg32", 6.0, 5.9, 6.1),
                              new_cell("7b", "f16", 2, "tg32", 9.0, 8.9, 9.1));
    json_t *same = json_deep_copy(cells);
    const json_t *c = judged(new_record(cells), 0);
    ASSERT_VERDICT(c, "holds"); /* 30 on one thread over 9 on two */
    assert_has(text(c, "reason"), "i2_s on 1 thread against f16 on 2 threads");
    assert_has(text(c, "reason"), "At equal threads: 5.00 [4.90, 5.10] (1), 2.22 [2.19, 2.26] (2)");
    claim_file("value = 3\nthreads = 2\n"); /* given twice */
    assert_int_equal(run_claims(fx_at("results.json"), "--claims", fx_dir), 2);
    claim_file("value = 3..3.1\n");
    ASSERT_VERDICT(judged(new_record(same), 0), "holds");
}

static json_t *sizes_record(double at_125m, double at_7b)
{
    return new_record(json_pack("[o,o,o,o]", new_cell("125m", "i2_s", 2, "tg32", at_125m, at_125m, at_125m),
                                new_cell("125m", "f16", 2, "tg32", 1.0, 1.0, 1.0),
                                new_cell("7b", "i2_s", 2, "tg32", at_7b, at_7b, at_7b),
                                new_cell("7b", "f16", 2, "tg32", 1.0, 1.0, 1.0)));
}

static void range_file(const char *models)
{
    char all[600];
    snprintf(all, sizeof(all),
             "[source]\ntitle = made\nref = made\n[claim c]\nsays = it\nwhere = here\nmetric = speedup\nkind = measured\n"
             "threads = best\nmodels = %s\narms = i2_s\nbase = f16\nvalue = 2.37..6.17\n",
             models);
    fx_spill(fx_at("claims.ini"), all);
}

static void test_range_over_sizes(void **state)
{
    (void)state;
    range_file("125m, 7b");
    ASSERT_VERDICT(judged(sizes_record(2.4, 6.2), 0), "holds");
    const json_t *c = judged(sizes_record(2.4, 5.0), 0);
    ASSERT_VERDICT(c, "holds in part");
    assert_has(text(c, "detail"), "2 of 2 sizes ran, all above the lower end; no size is shown to reach the upper end");
    c = judged(sizes_record(2.0, 6.2), 0);
    ASSERT_VERDICT(c, "holds in part");
    assert_has(text(c, "detail"), "not shown to reach the lower end: 125m each at its best 2.00 [2.00, 2.00]");
    c = judged(sizes_record(1.5, 2.0), 1);
    ASSERT_VERDICT(c, "does not hold");
    assert_has(text(c, "detail"), "measured 2.00 [2.00, 2.00], needed 2.37 to 6.17");
    range_file("125m, 7b, 13b"); /* what did not run is never taken for met */
    c = judged(sizes_record(2.4, 6.2), 0);
    ASSERT_VERDICT(c, "holds in part");
    assert_has(text(c, "detail"), "2 of 3 sizes ran, all above the lower end; the upper end is reached; not run: 13b");
}

/* ---- tokens per second, latency ----------------------------------------------------------------------------------------------- */

static void rate_file(const char *metric, const char *more)
{
    char all[700];
    snprintf(all, sizeof(all),
             "[source]\ntitle = made\nref = made\n[model 100b]\nparams = 101000000000\nlinear_params = 100000000000\n[claim "
             "c]\nsays = it\n"
             "where = here\nmetric = %s\nkind = measured\narms = i2_s, tl2\n%s\n",
             metric, more);
    fx_spill(fx_at("claims.ini"), all);
}

static json_t *peaked(json_t *record, double gb_s)
{
    json_object_set_new(
        record, "peaks",
        json_pack("[{s:i, s:f}, {s:i, s:f}]", "threads", 1, "read_gb_s", gb_s / 2, "threads", 2, "read_gb_s", gb_s));
    return record;
}

static void test_speed_beyond_the_bandwidth(void **state)
{
    (void)state;
    rate_file("tokens_per_s", "models = 100b\nvalue = 5..7\n");
    const json_t *c = judged(peaked(new_record(json_array()), 26.4), 0);
    ASSERT_VERDICT(c, "not testable here");
    assert_has(text(c, "reason"), "Extrapolated, not measured: 100b in tl2 reads 21.7 GB per token: 5.00 tokens/s need 108 GB/s. "
                                  "The fastest reading that was measured here is 26.4 GB/s, so at most 1.22 tokens/s.");
    c = judged(
        peaked(new_record(json_pack("[o]", with_work(new_cell("synth:100b", "tl2", 2, "tg32", 1.1, 1.0, 1.2), 21.7e9, 0.9))), 26.4),
        1);
    ASSERT_VERDICT(c, "does not hold");
    assert_string_equal(text(c, "detail"), "measured 1.10 [1.00, 1.20], needed 5 to 7");
    assert_has(text(c, "reason"), "so at most 1.22 tokens/s");
}

/* A median over the rounds is not what the machine can do at most. */
static void test_bandwidth_is_the_best_round(void **state)
{
    (void)state;
    rate_file("tokens_per_s", "models = 100b\nvalue = 5..7\n");
    json_t *cell = new_cell("7b", "i2_s", 2, "tg32", 1.0, 1.0, 1.0);
    json_object_set_new(cell, "blocks",
                        json_pack("[{s:{s:f}},{s:n},{s:{s:f}}]", "peaks", "read_gb_s", 40.0, "peaks", "peaks", "read_gb_s", 12.0));
    const json_t *c = judged(peaked(new_record(json_pack("[o]", cell)), 26.4), 0);
    assert_has(text(c, "reason"), "The fastest reading that was measured here is 40.0 GB/s, so at most 1.85 tokens/s.");
}

static void test_latency_with_fewer_threads(void **state)
{
    (void)state;
    rate_file("latency_ms", "models = 2b4t\nthreads = 8\nvalue = 29\n");
    const json_t *c = judged(new_record(json_pack("[o]", new_cell("2b4t", "i2_s", 2, "tg32", 36.0, 35.0, 37.0))), 0);
    ASSERT_VERDICT(c, "holds"); /* with two threads as well */
    assert_true(fabs(json_number_value(json_object_get(json_object_get(c, "measured"), "hi")) - 1e3 / 35.0) < 1e-9);
    c = judged(new_record(json_pack("[o]", new_cell("2b4t", "i2_s", 2, "tg32", 20.0, 19.0, 21.0))), 0);
    ASSERT_VERDICT(c, "not testable here");
    assert_string_equal(text(c, "detail"), "needs 8 threads; 2 threads here, the most that ran: 50.0 [47.6, 52.6] ms");
    c = judged(new_record(json_pack("[o]", new_cell("2b4t", "i2_s", 8, "tg32", 20.0, 19.0, 21.0))), 1);
    ASSERT_VERDICT(c, "does not hold");
}

/* ---- energy ------------------------------------------------------------------------------------------------------------------- */

static json_t *with_joules(json_t *cell, double j, const char *status)
{
    json_t *value = isnan(j) ? json_null() : json_real(j);
    json_object_set_new(cell, "metrics",
                        json_pack("[{s:s, s:o, s:s, s:s, s:s, s:s}]", "name", "joules_per_token", "value", value, "unit", "J",
                                  "status", status, "source", "made", "reason", "no counter"));
    return cell;
}

/* Energy of the two arms; intervals of 1 % when `interval`. */
static json_t *energy_record(double arm, double base, const char *status, bool interval)
{
    json_t *a = with_joules(new_cell("7b", "i2_s", 2, "tg32", 50.0, 49.0, 51.0), arm, status);
    json_t *b = with_joules(new_cell("7b", "f16", 2, "tg32", 10.0, 9.9, 10.1), base, status);
    json_t *cells = json_array();
    json_t *two[] = {a, b};
    const double j[] = {arm, base};
    for (size_t i = 0; interval && i < 2; i++)
        json_array_append_new(cells, json_pack("{s:O, s:{s:f, s:f, s:f}}", "id", json_object_get(two[i], "id"), "joules_per_token",
                                               "value", j[i], "lo", 0.99 * j[i], "hi", 1.01 * j[i]));
    json_t *record = new_record(json_pack("[o,o]", a, b));
    json_object_set_new(record, "energy", json_pack("{s:o}", "cells", cells));
    return record;
}

static void saving_file(void)
{
    claim_file("value = 71.9\narm_speed = 119.08\nbase_speed = 30.73\narm_value = 0.384\nbase_value = 1.367\n");
    char all[2000];
    snprintf(all, sizeof(all), "%s", fx_file("claims.ini"));
    char *metric = strstr(all, "metric = speedup");
    assert_non_null(metric);
    char rest[1500];
    snprintf(rest, sizeof(rest), "%s", metric + strlen("metric = speedup"));
    snprintf(metric, sizeof(all) - (size_t)(metric - all), "metric = energy_saving%s", rest);
    fx_spill(fx_at("claims.ini"), all);
}

static void test_energy_saving(void **state)
{
    (void)state;
    saving_file();
    const json_t *c = judged(energy_record(0.5, 2.5, "derived", true), 0);
    ASSERT_VERDICT(c, "holds"); /* 80 % */
    assert_has(text(c, "reason"), "energy 0.200 = time 0.200 x power 1.00");
    assert_has(text(c, "reason"), "At equal power the speed-up of 5.00 measured here (7b) would save 80.0 %.");
    assert_has(text(c, "reason"), "Published: energy 0.281 = time 0.258 x power 1.09.");
    c = judged(energy_record(1.0, 2.0, "derived", true), 1);
    ASSERT_VERDICT(c, "does not hold");
    assert_has(text(c, "detail"), "measured 50.0 [49.0, 51.0], needed 71.9");
    ASSERT_VERDICT(judged(energy_record(0.5, 2.5, "derived", false), 0), "not testable here");
}

static void test_energy_that_does_not_count(void **state)
{
    (void)state;
    saving_file();
    const json_t *c = judged(energy_record(0.5, 0.0, "derived", true), 0);
    ASSERT_VERDICT(c, "not testable here");
    assert_has(text(c, "detail"), "the counter read 0 J for f16");
    c = judged(energy_record(0.5, 2.5, "estimated", true), 0);
    ASSERT_VERDICT(c, "not testable here");
    assert_has(text(c, "detail"), "an estimate, which does not count");
    c = judged(energy_record((double)NAN, (double)NAN, "unavailable", false), 0);
    ASSERT_VERDICT(c, "not testable here");
    assert_string_equal(text(c, "detail"), "no energy: no counter");
    assert_has(text(c, "reason"), "would save 80.0 %");
}

/* ---- several hosts, the command ----------------------------------------------------------------------------------------------- */

static void spill_record(const char *name, const char *id, json_t *record)
{
    json_object_set_new(json_object_get(record, "run"), "id", json_string(id));
    assert_int_equal(json_dump_file(record, fx_at(name), 0), 0);
    json_decref(record);
}

static void test_two_hosts(void **state)
{
    (void)state;
    claim_file("value = 5\n");
    spill_record("x.json", "x", arch(pair_record(57.0, 58.0, 59.0), "x86_64"));
    spill_record("y.json", "y", arch(pair_record(30.0, 31.0, 32.0), "aarch64"));
    assert_int_equal(run_claims(fx_at("x.json"), fx_at("y.json"), "--claims", fx_dir), 0);
    assert_has(fx_out, "holds in part (run 1: holds; run 2: does not hold (measured 3.10 [3.00, 3.20], needed 5))");
    claim_file("value = 5\n[claim d]\nsays = it\nwhere = here\nmetric = speedup\nkind = measured\narch = aarch64\nmodels = 7b\n"
               "arms = tl2\nbase = f16\nvalue = 3\n");
    assert_int_equal(run_claims(fx_at("x.json"), "--claims", fx_dir, "--only", "d"), 0);
    assert_has(fx_out, "not testable here (needs aarch64, this machine is x86_64)");
    assert_int_equal(run_claims(fx_at("x.json"), "--claims", fx_dir, "--only", "d", "--strict"), 1);
    assert_int_equal(run_claims(fx_at("x.json"), fx_at("y.json"), "--claims", fx_dir, "--only", "d", "--strict"), 0);
    assert_has(fx_out, "    holds\n    Run 2: ");
    assert_int_equal(run_claims(fx_at("x.json"), "--claims", fx_dir, "--only", "none"), 2);
    assert_one_line(fx_err);
    assert_int_equal(run_claims("--json"), 2);
    assert_int_equal(run_claims(fx_at("x.json"), "--what"), 2);
    assert_int_equal(run_claims(fx_at("none.json"), "--claims", fx_dir), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_holds_fails_undecided),
        TEST(test_one_repetition_decides_nothing),
        TEST(test_missing_says_what),
        TEST(test_a_hole_in_the_sweep_of_the_base),
        TEST(test_best_of_each_and_equal_threads),
        TEST(test_range_over_sizes),
        TEST(test_speed_beyond_the_bandwidth),
        TEST(test_bandwidth_is_the_best_round),
        TEST(test_latency_with_fewer_threads),
        TEST(test_energy_saving),
        TEST(test_energy_that_does_not_count),
        TEST(test_two_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
