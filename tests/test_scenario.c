/* What makes a scenario: arrivals, the loads' common loop, control groups on a simulated tree, targets and
 * alerts. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/load_gen.h"
#include "harness/mem_group.h"
#include "harness/scenario_verdict.h"
#include "profiles/sysfile.h"
#include "tests/golden_data.h"
#include "tests/sim_sysfs.h"

/* ---- loads ---------------------------------------------------------------------------------------------------------- */

/* Of a Poisson process the gaps have mean and standard deviation 1 / rate, and a share of 1 - 1/e is below the mean. */
static void arrivals_are_poisson(void **state)
{
    (void)state;
    enum { N = 20000 };
    static double at[N], again[N];
    double sum = 0, squares = 0;
    size_t below = 0;
    load_arrivals(at, N, 4, 9);
    load_arrivals(again, N, 4, 9);
    assert_memory_equal(at, again, sizeof at);
    for (size_t i = 0; i < N; i++) {
        const double gap = at[i] - (i ? at[i - 1] : 0);
        assert_true(gap >= 0);
        sum += gap;
        squares += gap * gap;
        below += gap < 0.25;
    }
    const double mean = sum / N, sd = sqrt(squares / N - mean * mean);
    assert_true(fabs(mean - 0.25) < 0.01 && fabs(sd - 0.25) < 0.01);
    assert_true(fabs((double)below / N - (1 - exp(-1))) < 0.015);
    load_arrivals(again, N, 4, 10);
    assert_memory_not_equal(at, again, sizeof at);
}

static struct load_result load_of(const struct model *m, const struct load_options *o)
{
    char err[MODEL_ERR_LEN] = "";
    struct session *s = NULL;
    struct load_result r;
    const struct session_options so = {
        .threads = 2, .n_ctx = (size_t)o->n_prompt + o->n_gen, .chunk = 4, .sequences = o->sequences};
    if (session_new(m, &so, &s, err))
        fail_msg("%s", err);
    assert_int_equal(load_run(m, s, o, &r), 0);
    session_free(s);
    return r;
}

/* The same requests get the same answers, however they come and however many are served at once. */
static void every_load_gives_the_same_answers(void **state)
{
    (void)state;
    static const struct {
        enum load_kind kind;
        unsigned sequences;
        double rate;
    } rows[] = {{LOAD_SINGLE_STREAM, 1, 0}, {LOAD_OFFLINE, 1, 0},  {LOAD_OFFLINE, 3, 0},
                {LOAD_OFFLINE, 16, 0},      {LOAD_SERVER, 3, 400}, {LOAD_SERVER, 2, 1e6}};
    struct model *m = golden_model("kjv-tiny-i2_s.gguf", NULL);
    char first[SHA256_HEX_LEN] = "";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct load_options o = {.kind = rows[i].kind,
                                       .n_prompt = 5,
                                       .n_gen = 4,
                                       .requests = 10,
                                       .sequences = rows[i].sequences,
                                       .rate = rows[i].rate,
                                       .timeout_s = 100,
                                       .seed = 3};
        struct load_result r = load_of(m, &o);
        assert_int_equal(r.n, 10);
        assert_int_equal(r.failed, 0);
        assert_int_equal(r.out_tokens, 40);
        for (size_t k = 0; k < r.n; k++) {
            assert_true(r.ttft_s[k] > 0 && r.tpot_s[k] > 0 && r.e2e_s[k] <= r.duration_s + 1e-9);
            assert_true(fabs(r.ttft_s[k] + 3 * r.tpot_s[k] - r.e2e_s[k]) < 1e-9);
        }
        assert_true(r.decode_tokens == 30); /* all but the first token of each, which the prompt gave */
        const double batch = r.decode_tokens / r.decode_passes;
        assert_true(batch >= 1 && batch <= rows[i].sequences &&
                    (rows[i].kind != LOAD_OFFLINE || batch > 0.7 * fmin(rows[i].sequences, 10)));
        if (!i)
            memcpy(first, r.output_sha256, sizeof first);
        assert_string_equal(r.output_sha256, first);
        load_result_free(&r);
    }
    model_free(m);
}

/* Requests that have not ended in time have failed, those that never came too; the others count. */
static void late_requests_fail(void **state)
{
    (void)state;
    struct model *m = golden_model("kjv-tiny-i2_s.gguf", NULL);
    const struct load_options o = {
        .kind = LOAD_SERVER, .n_prompt = 2, .n_gen = 1, .requests = 50, .sequences = 2, .rate = 10, .timeout_s = 0.5, .seed = 3};
    struct load_result r = load_of(m, &o);
    assert_int_equal(r.n + r.failed, 50);
    assert_in_range(r.failed, 30, 50); /* about 5 come within half a second */
    assert_string_equal(r.output_sha256, "");
    assert_true(r.duration_s <= 0.6 || r.n == 0);
    load_result_free(&r);
    model_free(m);
}

/* ---- control groups ------------------------------------------------------------------------------------------------- */

static void groups_of_memory(void **state)
{
    (void)state;
    struct mem_group g;
    char reason[MEM_GROUP_REASON_LEN] = "", path[MEM_GROUP_PATH_LEN + 32], text[64];
    struct sim *sim = sim_new();
    const struct probe_env env = {.sysfs = sim_root(sim), .procfs = sim_root(sim)};
    sim_write(sim, "self/cgroup", "5:memory:/old\n0::/a/b\n");
    assert_int_equal(mem_group_make(&env, 1e6, &g, reason), -ENOENT);
    assert_non_null(strstr(reason, "no control groups of version 2"));
    sim_write(sim, "fs/cgroup/cgroup.controllers", "cpu memory io\n");
    sim_write(sim, "fs/cgroup/a/b/cgroup.subtree_control", "cpu memoryless\n");
    assert_int_equal(mem_group_make(&env, 1e6, &g, reason), -EPERM);
    assert_string_equal(g.path, "");
    sim_write(sim, "fs/cgroup/a/b/cgroup.subtree_control", "cpu memory\n");
    assert_int_equal(mem_group_make(&env, 536870912, &g, reason), 0);
    assert_int_equal(sysfile_text(text, sizeof text, g.path, "memory.max"), 9);
    assert_string_equal(text, "536870912");
    const char *below = strstr(g.path, "fs/cgroup/a/b/bitjoule-");
    assert_non_null(below);
    assert_false(mem_group_ended_one(&g));
    snprintf(path, sizeof path, "%s/memory.events", below);
    sim_write(sim, path, "low 0\noom 1\noom_kill 0\n");
    assert_false(mem_group_ended_one(&g));
    sim_write(sim, path, "low 0\noom 1\noom_kill 1\n");
    assert_true(mem_group_ended_one(&g));
    sim_free(sim);
}

/* ---- verdicts ------------------------------------------------------------------------------------------------------- */

static const struct scenario limits = {.target_ttft_ms = 500,
                                       .target_tpot_ms = 50,
                                       .percentile = 90,
                                       .confidence = 99,
                                       .max_memory_mb = 100,
                                       .max_cpu_percent = 80,
                                       .min_tokens_per_s = 5,
                                       .max_error_percent = 5,
                                       .max_latency_ms = 5000};

/* A load of n requests with equal times; bounds as the worker sends them. */
static json_t *load_json(const char *name, unsigned n, unsigned failed, double ttft_s, double tpot_s, double tokens_per_s,
                         double p95)
{
    json_t *ttft = json_array(), *tpot = json_array();
    for (unsigned i = 0; i < n; i++) {
        json_array_append_new(ttft, json_real(ttft_s));
        json_array_append_new(tpot, json_real(tpot_s));
    }
    const bool enough = n >= 44;
    return json_pack("{s:s, s:i, s:i, s:f, s:f, s:{s:o}, s:{s:o}, s:{s:f}, s:{s:{s:o}, s:{s:o}}}", "load", name, "requests", (int)n,
                     "failed", (int)failed, "output_tokens_per_s", tokens_per_s, "requests_per_min", 60.0, "ttft_s", "samples",
                     ttft, "tpot_s", "samples", tpot, "e2e_s", "p95", p95, "bounds", "ttft_s", "value",
                     enough ? json_real(ttft_s) : json_null(), "tpot_s", "value", enough ? json_real(tpot_s) : json_null());
}

static void targets(void **state)
{
    (void)state;
    static const struct {
        unsigned n, failed;
        double ttft_s, tpot_s;
        bool meets, proven;
    } rows[] = {{50, 0, 0.4, 0.04, true, true},   {20, 0, 0.4, 0.04, true, false},  {50, 0, 0.6, 0.04, false, false},
                {50, 0, 0.4, 0.06, false, false}, {50, 1, 0.4, 0.04, false, false}, {50, 0, 0.5, 0.05, true, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *l = load_json("server", rows[i].n, rows[i].failed, rows[i].ttft_s, rows[i].tpot_s, 10, 1);
        json_t *v = scenario_meets(&limits, l);
        assert_int_equal(json_is_true(json_object_get(v, "meets")), rows[i].meets);
        assert_int_equal(json_is_true(json_object_get(v, "proven")), rows[i].proven);
        json_decref(v);
        json_decref(l);
    }
}

static void assert_alerts(const json_t *loads, double rss_mb, double cpu, const char *names)
{
    const struct watch_summary w = {.rss_peak_bytes = rss_mb * (1 << 20), .cpu_host_pct = cpu};
    json_t *list = scenario_alerts(&limits, loads, &w), *a;
    char got[256] = "";
    size_t i;
    json_array_foreach(list, i, a)
    {
        const size_t len = strlen(got);
        snprintf(got + len, sizeof got - len, "%s%s", i ? "," : "", json_string_value(json_object_get(a, "limit")));
        assert_non_null(strstr(json_string_value(json_object_get(a, "message")), " allowed"));
    }
    assert_string_equal(got, names);
    json_decref(list);
}

static void alerts_of_a_service(void **state)
{
    (void)state;
    json_t *good =
        json_pack("[o, o]", load_json("single-stream", 20, 1, 0.1, 0.01, 5, 5), load_json("offline", 20, 1, 9, 9, 50, 99));
    json_t *bad = json_pack("[o]", load_json("single-stream", 20, 2, 0.1, 0.01, 4.9, 5.1)), *nothing = json_array();
    assert_alerts(good, 100, 80, ""); /* limits are allowed values; offline's queue is no latency of a user */
    assert_alerts(good, 101, 81, "memory,cpu");
    assert_alerts(bad, 1, 1, "tokens_per_s,error_rate,latency");
    assert_alerts(nothing, (double)NAN, (double)NAN, ""); /* what was not had crosses nothing */
    json_t *d = scenario_delivers(good, NULL);
    assert_true(json_number_value(json_object_get(d, "output_tokens_per_s")) == 50);
    assert_true(json_number_value(json_object_get(d, "p95_latency_s")) == 5);
    assert_true(json_is_null(json_object_get(d, "joules_per_token")) && json_is_null(json_object_get(d, "server_rate")));
    json_decref(d);
    json_decref(good);
    json_decref(bad);
    json_decref(nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrivals_are_poisson),
        cmocka_unit_test(every_load_gives_the_same_answers),
        cmocka_unit_test(late_requests_fail),
        cmocka_unit_test(groups_of_memory),
        cmocka_unit_test(targets),
        cmocka_unit_test(alerts_of_a_service),
    };
    return cmocka_run_group_tests_name("scenarios", tests, NULL, NULL);
}
