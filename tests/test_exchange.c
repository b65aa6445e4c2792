/* Results of other tools in, results for other tools out: what is taken over, what is refused, and that what goes out comes back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/harness_cmds.h"
#include "harness/llama_bench.h"
#include "harness/stats.h"
#include "reports/record_export.h"
#include "reports/report_cmds.h"
#include "tests/report_fixture.h"
#include "tests/schema_check.h"

#define THEIRS "tests/fixtures/llama_bench.json"

static json_t *read_json(const char *path)
{
    json_error_t je;
    json_t *v = json_load_file(path, 0, &je);
    if (!v)
        fail_msg("%s: %s", path, je.text);
    return v;
}

#define import_args(...) run_cmd(cmd_import, (const char *[]){"import", __VA_ARGS__, NULL})
#define export_args(...) run_cmd(cmd_export, (const char *[]){"export", __VA_ARGS__, NULL})

static int run_cmd(int (*cmd)(int, char **), const char **args)
{
    char *argv[16];
    int n = 0;
    for (; args[n]; n++)
        argv[n] = (char *)args[n];
    argv[n] = NULL;
    return cmd(n, argv);
}

static json_t *record_in(const char *folder)
{
    char path[128], err[256] = "";
    snprintf(path, sizeof path, "%s/results.json", fx_at(folder));
    json_t *root = read_json(path), *schema = read_json("harness/record.schema.json");
    if (schema_check(schema, schema, root, err, sizeof err))
        fail_msg("%s: %s", path, err);
    json_decref(schema);
    return root;
}

static json_t *cell_at(const json_t *root, size_t i)
{
    return json_array_get(json_object_get(root, "cells"), i);
}

static const char *string_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "(none)";
}

static double real_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

/* ---- import --------------------------------------------------------------------------------------------------------- */

static void test_import_alone(void **state)
{
    (void)state;
    assert_int_equal(import_args(THEIRS, "-o", fx_at("r")), 0);
    json_t *root = record_in("r");
    assert_int_equal(json_array_size(json_object_get(root, "cells")), 2);
    const json_t *pp = cell_at(root, 0), *tg = cell_at(root, 1), *speed = json_object_get(pp, "tokens_per_s");
    assert_string_equal(string_of(pp, "id"), "125m/llama-bench:iq2_bn/-/t1/pp128/d0/b128");
    assert_string_equal(string_of(tg, "id"), "125m/llama-bench:iq2_bn/-/t1/tg32/d0/b1");
    assert_string_equal(string_of(json_object_get(pp, "external"), "program"), "llama-bench");
    assert_string_equal(string_of(json_object_get(json_object_get(pp, "external"), "settings"), "build_commit"), "0123abcd");
    /* 128 tokens in 0.2 s; the file's own mean is one of speeds, its deviation an overflow: neither is used nor kept */
    assert_true(fabs(real_of(speed, "median") - 640) < 1e-9);
    assert_true(real_of(speed, "lo") > 630 && real_of(speed, "hi") < 650);
    assert_null(json_object_get(json_object_get(json_object_get(pp, "external"), "settings"), "stddev_ns"));
    assert_true(isnan(real_of(json_object_get(tg, "tokens_per_s"), "lo"))); /* one sample has no interval */
    assert_string_equal(string_of(pp, "kv"), "f16");
    assert_string_equal(string_of(tg, "kv"), "q8_0/f16");
    assert_true(json_is_null(json_object_get(pp, "output_sha256")) && json_is_null(json_object_get(pp, "kernel")));
    json_decref(root);
    assert_int_equal(run_report(fx_at("r"), "-o", fx_at("report")), 0);
    assert_has(fx_file("report/report.md"), "llama-bench:iq2_bn");
}

/* Beside our own cells: in the same record, with a speed-up over our f16 from both sides' samples. */
static void test_import_into_a_record(void **state)
{
    (void)state;
    assert_int_equal(import_args(THEIRS, "--into", QUICK, "--label", "ik", "-o", fx_at("r")), 0);
    json_t *root = record_in("r"), *ours = read_json(QUICK);
    const size_t n = json_array_size(json_object_get(ours, "cells"));
    assert_int_equal(json_array_size(json_object_get(root, "cells")), n + 2);
    assert_true(json_equal(cell_at(root, 0), cell_at(ours, 0)));
    assert_string_equal(string_of(cell_at(root, n + 1), "format"), "ik:iq2_bn");
    const json_t *list = json_object_get(root, "comparisons"), *last = json_array_get(list, json_array_size(list) - 1);
    assert_string_equal(string_of(last, "cell"), "125m/ik:iq2_bn/-/t1/tg32/d0/b1");
    assert_string_equal(string_of(last, "base"), "125m/f16/f16/t1/tg32/d0/b1");
    /* the record's f16 against 0.8 s: ratio of geometric means */
    double log_sum = 0;
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(string_of(cell_at(ours, i), "id"), string_of(last, "base")))
            for (const json_t *s = json_object_get(cell_at(ours, i), "samples_s"); k < json_array_size(s); k++)
                log_sum += log(json_number_value(json_array_get(s, k)));
    assert_true(k > 0);
    assert_true(fabs(real_of(last, "ratio") - exp(log_sum / (double)k) / 0.8) < 1e-9);
    assert_int_equal(json_array_size(json_object_get(root, "inputs")), json_array_size(json_object_get(ours, "inputs")) + 1);
    json_decref(root);
    json_decref(ours);
    /* a second time under the same name: two results for one cell */
    assert_int_equal(import_args(THEIRS, "--into", fx_at("r"), "--label", "ik", "-o", fx_at("r")), 2);
    assert_int_equal(import_args(THEIRS, "--into", fx_at("r"), "--label", "other", "-o", fx_at("r")), 0);
}

static void test_import_names(void **state)
{
    (void)state;
    assert_int_equal(import_args(THEIRS, "--model", "2b4t", "-o", fx_at("r")), 0);
    json_t *root = record_in("r");
    assert_string_equal(string_of(cell_at(root, 0), "model"), "2b4t");
    json_decref(root);
    assert_int_equal(import_args(THEIRS, "--label", "a/b", "-o", fx_at("r")), 2);
    assert_int_equal(import_args(THEIRS), 2);
    assert_int_equal(import_args("-o", fx_at("r")), 2);
    assert_int_equal(import_args("nowhere.json", "-o", fx_at("r")), 2);
    assert_int_equal(import_args(THEIRS, "--into", "nowhere", "-o", fx_at("r")), 2);
}

/* What a program may print: messages first, one object a line, types of weights in the model's description. */
static void test_what_llama_bench_prints(void **state)
{
    static const char lines[] =
        "warning: asserts enabled\n"
        "{\"model_filename\": \"Qwen.gguf\", \"model_type\": \"qwen2 1B Q4_0\", \"n_prompt\": 8, \"n_gen\": 0, \"n_ubatch\": 4, "
        "\"n_threads\": 2, \"samples_ns\": [5]}\n"
        "{\"model_type\": \"Qwen TQ1_0 - 1.69 bpw ternary\", \"n_prompt\": 8, \"n_gen\": 2, \"n_depth\": 16, \"n_threads\": 2, "
        "\"samples_ns\": [5, 7]}\n";
    static const char *const ids[] = {"Qwen/p:q4_0/-/t2/pp8/d0/b4", "unknown/p:tq1_0/-/t2/pp8+tg2/d16/b8"};
    const struct external_label label = {.program = "p"};
    char err[LLAMA_BENCH_ERR_LEN] = "";
    (void)state;
    json_t *list = llama_bench_parse(lines, strlen(lines), "x", err);
    if (!list)
        fail_msg("%s", err);
    assert_int_equal(json_array_size(list), 2);
    for (size_t i = 0; i < 2; i++) {
        json_t *cell = llama_bench_cell(json_array_get(list, i), &label);
        assert_string_equal(string_of(cell, "id"), ids[i]);
        json_decref(cell);
    }
    json_decref(list);
}

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "x: no results of llama-bench"},
        {"[]", "no results"},
        {"build, model\n1, 2\n", "no results"},
        {"[1]", "entry 1 is no object"},
        {"[{\"n_prompt\": 1", "not the JSON of llama-bench"},
        {"[{\"n_gen\": 0, \"n_threads\": 1, \"samples_ns\": [1]}]", "entry 1 \"n_prompt\" is missing"},
        {"[{\"n_prompt\": 0, \"n_gen\": 0, \"n_threads\": 1, \"samples_ns\": [1]}]", "neither prompt nor generated"},
        {"[{\"n_prompt\": 1, \"n_gen\": 0, \"n_threads\": 0, \"samples_ns\": [1]}]", "\"n_threads\""},
        {"[{\"n_prompt\": -1, \"n_gen\": 0, \"n_threads\": 1, \"samples_ns\": [1]}]", "\"n_prompt\""},
        {"[{\"n_prompt\": 1, \"n_gen\": 0, \"n_threads\": 1, \"avg_ns\": 3}]", "-o json"},
        {"[{\"n_prompt\": 1, \"n_gen\": 0, \"n_threads\": 1, \"samples_ns\": [1, 0]}]", "not all times above 0"},
        {"[{\"n_prompt\": 1, \"n_gen\": 0, \"n_threads\": 1, \"samples_ns\": []}]", "not all times above 0"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char err[LLAMA_BENCH_ERR_LEN] = "";
        json_t *list = llama_bench_parse(rows[i].text, strlen(rows[i].text), "x", err);
        if (list)
            fail_msg("accepted: %s", rows[i].text);
        assert_has(err, rows[i].says);
        assert_null(strchr(err, '\n'));
    }
}

/* ---- export --------------------------------------------------------------------------------------------------------- */

/* Cells of the record that ran, with a name of a speed test; *ok: all that ran. */
static size_t speed_cells(const json_t *root, size_t *ok)
{
    size_t n = 0, i;
    const json_t *c;
    *ok = 0;
    json_array_foreach(json_object_get(root, "cells"), i, c)
    {
        if (strcmp(string_of(c, "status"), "ok"))
            continue;
        ++*ok;
        n += strcmp(string_of(c, "test"), "ppl") != 0;
    }
    return n;
}

static const json_t *find_cell(const json_t *root, const json_t *like)
{
    size_t i;
    const json_t *c;
    json_array_foreach(json_object_get(root, "cells"), i, c)
    {
        char format[64];
        snprintf(format, sizeof format, "llama-bench:%s", string_of(c, "format"));
        if (!strcmp(format, string_of(like, "format")) && json_equal(json_object_get(c, "model"), json_object_get(like, "model")) &&
            json_equal(json_object_get(c, "threads"), json_object_get(like, "threads")) &&
            json_equal(json_object_get(c, "test"), json_object_get(like, "test")))
            return c;
    }
    return NULL;
}

static double median_speed(const json_t *cell)
{
    const json_t *list = json_object_get(cell, "samples_s");
    double v[64];
    const size_t n = json_array_size(list);
    assert_true(n > 0 && n <= 64);
    for (size_t i = 0; i < n; i++)
        v[i] = real_of(json_object_get(cell, "work"), "tokens") / json_number_value(json_array_get(list, i));
    stats_sort(v, n);
    return stats_quantile(v, n, 0.5);
}

static void test_llama_bench_round_trip(void **state)
{
    size_t ok;
    (void)state;
    assert_int_equal(export_args(QUICK, "--format", "llama-bench", "-o", fx_at("l.json")), 0);
    assert_int_equal(import_args(fx_at("l.json"), "-o", fx_at("r")), 0);
    json_t *ours = read_json(QUICK), *back = record_in("r");
    const size_t n = speed_cells(ours, &ok);
    assert_true(n > 10 && ok > n);
    assert_int_equal(json_array_size(json_object_get(back, "cells")), n);
    for (size_t i = 0; i < n; i++) {
        const json_t *b = cell_at(back, i), *o = find_cell(ours, b);
        assert_non_null(o);
        const json_t *bs = json_object_get(b, "samples_s"), *os = json_object_get(o, "samples_s");
        assert_int_equal(json_array_size(bs), json_array_size(os));
        for (size_t k = 0; k < json_array_size(bs); k++)
            assert_true(fabs(json_number_value(json_array_get(bs, k)) - json_number_value(json_array_get(os, k))) < 0.6e-9);
        /* not the record's median, which is made up: that of its samples */
        const double m = real_of(json_object_get(b, "tokens_per_s"), "median"), want = median_speed(o);
        if (fabs(m / want - 1) > 1e-7)
            fail_msg("%s: %.6f instead of %.6f", string_of(b, "id"), m, want);
    }
    json_decref(ours);
    json_decref(back);
}

/* Mean and deviation as llama-bench defines them, of known samples. */
static void test_llama_bench_statistics(void **state)
{
    json_t *cell = new_cell("m", "f16", 1, "tg8", 8, 7, 9);
    (void)state;
    json_object_set_new(cell, "samples_s", json_pack("[f, f]", 1.0, 3.0));
    json_object_set_new(cell, "work", json_pack("{s:i}", "tokens", 8));
    json_t *root = new_record(json_pack("[o]", cell));
    assert_int_equal(json_dump_file(root, fx_at("results.json"), 0), 0);
    json_decref(root);
    assert_int_equal(export_args(fx_at("results.json"), "--format", "llama-bench", "-o", fx_at("l.json")), 0);
    json_t *list = read_json(fx_at("l.json"));
    const json_t *e = json_array_get(list, 0);
    assert_int_equal(json_integer_value(json_object_get(e, "avg_ns")), 2000000000);
    assert_int_equal(json_integer_value(json_object_get(e, "stddev_ns")), 1414213562); /* sqrt(2) s */
    assert_true(fabs(real_of(e, "avg_ts") - (8.0 + 8.0 / 3) / 2) < 1e-9); /* the mean of speeds, not tokens over mean time */
    assert_int_equal(json_integer_value(json_object_get(e, "n_gen")), 8);
    assert_int_equal(json_integer_value(json_object_get(e, "n_prompt")), 0);
    json_decref(list);
}

static void test_test_names(void **state)
{
    static const struct {
        const char *name;
        unsigned n_prompt, n_gen; /* both 0: no such test */
    } rows[] = {{"pp128", 128, 0}, {"tg32", 0, 32}, {"pp5+tg7", 5, 7}, {"ppl", 0, 0}, {"pp", 0, 0}, {"tg3x", 0, 0},
                {"pp5+", 0, 0},    {"pp5tg7", 0, 0}, {"tg0", 0, 0},    {"", 0, 0},    {"pp-1", 0, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned p, g;
        if (export_test_tokens(rows[i].name, &p, &g) != (rows[i].n_prompt || rows[i].n_gen))
            fail_msg("%s", rows[i].name);
        if (rows[i].n_prompt || rows[i].n_gen) {
            assert_int_equal(p, rows[i].n_prompt);
            assert_int_equal(g, rows[i].n_gen);
        }
    }
}

/* One line per sample, "NAME 1 VALUE ns/token VALUE tokens/s": read back as benchstat does, the values are the samples. */
static void test_gobench_round_trip(void **state)
{
    size_t ok, lines = 0, samples = 0, i;
    const json_t *c;
    (void)state;
    assert_int_equal(export_args(QUICK, "--format", "gobench", "-o", fx_at("go.txt")), 0);
    json_t *ours = read_json(QUICK);
    char *text = strdup(fx_file("go.txt")), *save = NULL;
    char *line = strtok_r(text, "\n", &save);
    speed_cells(ours, &ok);
    while (line && strncmp(line, "Benchmark", 9))
        line = strtok_r(NULL, "\n", &save);
    json_array_foreach(json_object_get(ours, "cells"), i, c)
    {
        if (strcmp(string_of(c, "status"), "ok") || !strcmp(string_of(c, "test"), "ppl"))
            continue;
        for (size_t k = 0; k < json_array_size(json_object_get(c, "samples_s")); k++, samples++) {
            char name[256];
            long n;
            double ns, speed;
            assert_non_null(line);
            assert_int_equal(sscanf(line, "%255s %ld %lf ns/token %lf tokens/s", name, &n, &ns, &speed), 4);
            const double t = json_number_value(json_array_get(json_object_get(c, "samples_s"), k));
            const double tokens = real_of(json_object_get(c, "work"), "tokens");
            assert_int_equal(n, 1); /* iterations, not tokens */
            assert_true(fabs(ns * tokens / 1e9 - t) < 1e-12 && fabs(speed * t / tokens - 1) < 1e-12);
            assert_has(name, string_of(c, "format"));
            assert_true(strchr(name, '-') == NULL || !strcmp(string_of(c, "model"), "kjv-tiny-f16"));
            line = strtok_r(NULL, "\n", &save);
            lines++;
        }
    }
    assert_null(line);
    assert_true(lines > 50 && lines == samples);
    free(text);
    json_decref(ours);
}

/* Text of the record cannot make lines or words of its own. */
static void test_gobench_of_hostile_names(void **state)
{
    (void)state;
    json_t *cell = new_cell("a b\nBenchmarkEvil/x", "i2_s", 1, "tg8", 8, 7, 9);
    json_object_set_new(cell, "work", json_pack("{s:i}", "tokens", 8));
    json_t *root = new_record(json_pack("[o]", cell));
    json_object_set_new(json_object_get(root, "host"), "cpu_model", json_string("x\nBenchmarkCPU 1 1 ns/op"));
    assert_int_equal(json_dump_file(root, fx_at("results.json"), 0), 0);
    json_decref(root);
    assert_int_equal(export_args(fx_at("results.json"), "--format", "gobench", "-o", fx_at("go.txt")), 0);
    const char *text = fx_file("go.txt");
    assert_has(text, "model=a_b_BenchmarkEvil_x/");
    assert_lacks(text, "\nBenchmarkEvil");
    assert_lacks(text, "\nBenchmarkCPU");
}

static void test_benchmark_action(void **state)
{
    size_t ok;
    (void)state;
    assert_int_equal(export_args(QUICK, "--format", "benchmark-action", "-o", fx_at("b.json")), 0);
    json_t *list = read_json(fx_at("b.json")), *ours = read_json(QUICK);
    const json_t *first = json_array_get(list, 0), *c = cell_at(ours, 0);
    char name[128];
    snprintf(name, sizeof name, "%s time", string_of(c, "id"));
    assert_string_equal(string_of(first, "name"), name);
    assert_string_equal(string_of(first, "unit"), "ms/token");
    assert_true(fabs(real_of(first, "value") * real_of(json_object_get(c, "tokens_per_s"), "median") - 1000) < 1e-6);
    assert_true(json_array_size(list) >= speed_cells(ours, &ok));
    json_decref(list);
    json_decref(ours);
}

/* The CSV is the report's: as many rows as cells. */
static void test_csv(void **state)
{
    (void)state;
    assert_int_equal(run_report(QUICK, "-o", fx_at("r")), 0);
    assert_int_equal(export_args(QUICK, "--format", "csv", "-o", fx_at("x.csv")), 0);
    assert_same_file("r/results.csv", "x.csv");
}

static void test_bad_use_of_export(void **state)
{
    (void)state;
    assert_int_equal(export_args(QUICK), 2);
    assert_int_equal(export_args("--format", "csv"), 2);
    assert_int_equal(export_args(QUICK, "--format", "xml"), 2);
    assert_int_equal(export_args("nowhere", "--format", "csv"), 2);
    assert_int_equal(export_args(QUICK, "--format", "csv", "-o", "/dev/null/x"), 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_import_alone),         TEST(test_import_into_a_record),
        TEST(test_import_names),         cmocka_unit_test(test_what_llama_bench_prints),
        cmocka_unit_test(test_what_is_refused), TEST(test_llama_bench_round_trip),
        TEST(test_llama_bench_statistics), cmocka_unit_test(test_test_names),
        TEST(test_gobench_round_trip),   TEST(test_gobench_of_hostile_names),
        TEST(test_benchmark_action),     TEST(test_csv),
        TEST(test_bad_use_of_export),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
