/* Reports: records as a stream, interrupted ones, bad files and arguments, and size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/report_fixture.h"

/* ---- records as a stream, bad input ------------------------------------------------------------------------------------------- */

static void put_line(FILE *f, const char *type, json_t *object)
{
    json_t *line = json_pack("{s:s}", "type", type);
    json_object_update(line, object);
    json_dumpf(line, f, JSON_COMPACT | JSON_REAL_PRECISION(17));
    fputc('\n', f);
    json_decref(line);
}

/* The fixture as the stream that a run writes; `cells` of them, and a footer or not. */
static void write_stream(const char *path, size_t cells, bool footer)
{
    json_t *root = json_load_file(QUICK, 0, NULL), *head = json_copy(root), *tail = json_object(), *x;
    size_t i;
    FILE *f = fopen(path, "w");
    assert_true(f && root);
    json_object_set(tail, "comparisons", json_object_get(root, "comparisons"));
    json_object_del(head, "cells");
    json_object_del(head, "peaks");
    json_object_del(head, "comparisons");
    put_line(f, "header", head);
    json_array_foreach(json_object_get(root, "peaks"), i, x)
    {
        put_line(f, "peak", x);
    }
    for (i = 0; i < cells && i < json_array_size(json_object_get(root, "cells")); i++)
        put_line(f, "cell", json_array_get(json_object_get(root, "cells"), i));
    if (footer)
        put_line(f, "footer", tail);
    fclose(f);
    json_decref(head);
    json_decref(tail);
    json_decref(root);
}

static void test_stream_equals_final(void **state)
{
    (void)state;
    write_stream(fx_at("results.jsonl"), 1000, true);
    assert_int_equal(run_report(fx_dir, "-o", fx_at("a")), 0);
    assert_int_equal(run_report(QUICK, "-o", fx_at("b")), 0);
    assert_same_file("a/results.csv", "b/results.csv");
    const size_t len = strlen(fx_file("a/report.md")) - strlen(strstr(fx_text, "## Raw data")); /* there the file name differs */
    char *a = strndup(fx_text, len);
    assert_int_equal(strncmp(a, fx_file("b/report.md"), len), 0);
    free(a);
}

static void test_interrupted_stream(void **state)
{
    (void)state;
    write_stream(fx_at("results.jsonl"), 20, false);
    FILE *f = fopen(fx_at("results.jsonl"), "a");
    fputs("{\"type\": \"cell\", \"id\": \"half", f);
    fclose(f);
    assert_int_equal(run_report(fx_dir, "-o", fx_at("r")), 0);
    assert_has(fx_err, "results.jsonl: line 24 is torn");
    const char *md = fx_file("r/report.md");
    assert_has(md, "Note: results.jsonl: line 24 is torn");
    assert_has(md, "there is no footer");
    assert_has(md, "20 cells");
    assert_has(md, "(1) Ratio of the medians");
}

static void assert_bad(const char *path, const char *message)
{
    assert_int_equal(run_report(path, "-o", fx_at("r")), 2);
    assert_one_line(fx_err);
    assert_has(fx_err, message);
    assert_int_not_equal(access(fx_at("r/report.md"), F_OK), 0);
}

static void test_bad_files(void **state)
{
    (void)state;
    static const char head[] = "{\"schema\": 1, \"run\": {}, \"host\": {}, \"cells\": [";
    static const struct {
        const char *content, *message;
    } cases[] = {
        {"{\n\n oops}", "results.json:3: not valid JSON"},
        {"[]", "the top level is not an object"},
        {"{}", "no integer \"schema\""},
        {"{\"schema\": 7}", "schema 7 is unknown, this program reads schema 1"},
        {"{\"schema\": 1}", "\"run\" is missing"},
        {"{\"schema\": 1, \"run\": {}, \"host\": {}}", "\"cells\" is missing"},
        {"{\"schema\": 1, \"run\": {}, \"host\": {}, \"cells\": [], \"peaks\": {}}", "\"peaks\" is not an array"},
        {"{\"schema\": 1, \"schema\": 1}", "duplicate"},
        {"[3]}", "cells[0].: expected an object"},
        {"[{\"id\": \"x\"}]}", "cells[0].model: expected a string (this field is required)"},
        {"[{\"id\":\"x\",\"model\":\"m\",\"format\":\"f\",\"test\":\"t\",\"status\":\"ok\"}]}",
         "cells[0].threads: expected an integer"},
        {"[{\"id\":\"x\",\"model\":\"m\",\"format\":\"f\",\"test\":\"t\",\"status\":\"fine\",\"threads\":1}]}",
         "cells[0].status: expected ok,"},
        {"[{\"id\":\"x\",\"model\":\"m\",\"format\":\"f\",\"test\":\"t\",\"status\":\"ok\",\"threads\":1,\"samples_s\":[\"a\"]}]}",
         "cells[0].samples_s: expected an array of numbers"},
        {"[{\"id\":\"x\",\"model\":\"m\",\"format\":\"f\",\"test\":\"t\",\"status\":\"ok\",\"threads\":1,\"tokens_per_s\":{\"lo\":"
         "\"x\"}}]}",
         "cells[0].tokens_per_s.lo: expected a number"},
        {"[{\"id\":\"x\",\"model\":\"m\",\"format\":\"f\",\"test\":\"t\",\"status\":\"ok\",\"threads\":1,\"metrics\":[{}]}]}",
         "cells[0].metrics: expected objects with a name"},
        {"[{\"id\":\"x\",\"model\":\"m\",\"format\":\"f\",\"test\":\"t\",\"status\":\"ok\",\"threads\":1,\"ops\":[{\"op\":"
         "\"qkv\"}]}]}",
         "cells[0].ops: expected objects with op, s_per_token and share"},
        {"], \"comparisons\": [{\"base\": \"a\", \"cell\": \"b\"}]}", "comparisons[0]: \"base\" and \"cell\" must be ids"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char content[1024];
        const char *c = cases[i].content;
        const bool cell = (c[0] == '[' && c[1] != ']') || c[0] == ']';
        snprintf(content, sizeof(content), "%s%s", cell ? head : "", cell && c[0] == '[' ? c + 1 : c);
        fx_spill(fx_at("results.json"), content);
        assert_bad(fx_at("results.json"), cases[i].message);
    }
    unlink(fx_at("results.json"));
    assert_bad(fx_at("nowhere.json"), "nowhere.json: No such file");
    assert_bad(fx_dir, "holds neither results.json nor results.jsonl");
    fx_spill(fx_at("results.jsonl"),
             "{\"type\": \"header\", \"schema\": 1, \"run\": {}, \"host\": {}}\n{\"type\": \"cell\", \n{}\n");
    assert_bad(fx_dir, "results.jsonl:2: ");
    fx_spill(fx_at("results.jsonl"), "{\"schema\": 1}\n");
    assert_bad(fx_dir, "results.jsonl:1: object without \"type\"");
    fx_spill(fx_at("results.jsonl"), "");
    assert_bad(fx_dir, "no integer \"schema\"");
}

static void test_bad_arguments(void **state)
{
    (void)state;
    assert_int_equal(run_report(QUICK), 2);
    assert_one_line(fx_err);
    assert_has(fx_err, "no -o DIR");
    assert_int_equal(run_report("-o", fx_at("r")), 2);
    assert_has(fx_err, "no RESULTS");
    assert_int_equal(run_report(QUICK, "-o"), 2);
    assert_has(fx_err, "-o needs a directory");
    assert_int_equal(run_report(QUICK, "--colour", "-o", fx_at("r")), 2);
    assert_has(fx_err, "unknown option '--colour'");
    assert_int_equal(run_report("--help"), 0);
    assert_has(fx_out, "usage: bitjoule report");
    assert_int_equal(run_report(QUICK, "-o", fx_at("no/such/parent")), 1);
    assert_has(fx_err, "no/such/parent: cannot make the directory");
    assert_int_equal(run_report("-o", fx_at("r"), "--", QUICK), 0);
}

static void test_thousands_of_cells(void **state)
{
    (void)state;
    static const char *const formats[] = {"i2_s", "f16", "q8_0", "q4_0"};
    static const int threads[] = {1, 2, 4, 8, 16, 32, 64};
    json_t *cells = json_array();
    char model[32];
    for (int m = 0; m < 100; m++)
        for (size_t f = 0; f < 4; f++)
            for (size_t t = 0; t < 7; t++) {
                snprintf(model, sizeof(model), "model%d", m);
                json_array_append_new(cells,
                                      new_cell(model, formats[f], threads[t], m % 2 ? "tg32" : "pp64", 10 + m, 9 + m, 11 + m));
            }
    assert_int_equal(report_of(new_record(cells)), 0);
    assert_int_equal(fx_count(fx_file("r/results.csv"), "\r\n"), 2801);
    const char *md = fx_file("r/report.md");
    assert_int_equal(fx_count(md, "\n### model"), 100);
    assert_int_equal(fx_count(md, "| 64 threads: tokens/s |"), 100);
    assert_has(fx_file("r/plots/throughput-pp64-part9.tsv"), "model98\t");
}

/* Numbers at the ends of what a double holds: the report ends, and has them. */
static void test_extreme_numbers(void **state)
{
    (void)state;
    static const double extremes[] = {1e308, -1e308, 1e-320, 0.0};
    json_t *cells = json_array();
    for (int i = 0; i < 4; i++) {
        const double x = extremes[i];
        json_t *cell = new_cell("m", "f16", i + 1, "tg8", x, x, x);
        json_object_set_new(cell, "token_latency_s", json_pack("{s:f, s:f, s:[f, f]}", "n", x, "median", x, "samples", x, 1.0));
        json_object_set_new(json_object_get(cell, "shape"), "params", json_real(x));
        json_array_append_new(cells, cell);
    }
    assert_int_equal(report_of(new_record(cells)), 0);
    assert_has(fx_file("r/report.md"), "1.00e+308 [1.00e+308, 1.00e+308]");
    assert_int_equal(fx_count(fx_file("r/results.csv"), ",-1e+308,-1e+308,-1e+308,"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stream_equals_final), TEST(test_interrupted_stream), TEST(test_bad_files),
        TEST(test_bad_arguments),       TEST(test_thousands_of_cells), TEST(test_extreme_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
