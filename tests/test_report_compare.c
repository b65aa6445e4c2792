/* Reports of several runs: the tables of `compare` and the verdict of `gate` in them, refusals, verdicts from a file; and report.pdf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/pair_judge.h"
#include "tests/made_record.h"
#include "tests/report_fixture.h"

/* What a report needs of a cell and a comparison does not */
static void name_cell(json_t *cell, const char *format)
{
    json_t *more = json_pack("{s:s, s:s, s:s, s:i, s:{s:f, s:f, s:f}}", "model", "700m", "format", format, "embedding", "f16",
                             "threads", 1, "tokens_per_s", "median", 160.0, "lo", 159.0, "hi", 161.0);
    json_object_update(cell, more);
    json_decref(more);
}

static json_t *made_run(const char *id, double seconds, uint64_t seed)
{
    static const char *const formats[] = {"i2_s", "f16"};
    json_t *record = made_record();
    json_object_set_new(json_object_get(record, "run"), "id", json_string(id));
    for (size_t i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof(name), "700m/%s/f16/t1/tg32/d0/b1", formats[i]);
        const struct made_cell c = {.id = name, .seconds = seconds, .noise = 0.002, .n = 12, .seed = seed + i, .bytes = 3200};
        name_cell(made_cell_add(record, &c), formats[i]);
    }
    return record;
}

static void save(json_t *record, const char *name)
{
    assert_int_equal(json_dump_file(record, fx_at(name), 0), 0);
}

/* base.json, and new.json that takes `ratio` times as long */
static void save_two(double ratio)
{
    json_t *base = made_run("one", 0.2, 1), *fresh = made_run("two", 0.2 * ratio, 7);
    save(base, "base.json");
    save(fresh, "new.json");
    json_decref(base);
    json_decref(fresh);
}

static void test_tables_are_those_of_compare(void **state)
{
    (void)state;
    json_t *base = made_run("one", 0.2, 1), *fresh = made_run("two", 0.22, 7), *table = NULL;
    char err[PAIR_ERR_LEN], want[128];
    save(base, "base.json");
    save(fresh, "new.json");
    assert_int_equal(pair_compare(base, fresh, NULL, &table, err), 0);
    assert_int_equal(run_report(fx_at("base.json"), fx_at("new.json"), "-o", fx_at("r")), 0);
    const char *md = fx_file("r/report.md");
    assert_has(md, "\n## Comparison\n");
    assert_has(md, "\n### Run 2 against run 1\n");
    assert_has(md, "| Cell | run 1 | run 2 | run 2 / run 1 | Change | p |");
    size_t i;
    const json_t *row, *rows = json_object_get(table, "rows");
    json_array_foreach(rows, i, row)
    {
        const json_t *ratio = json_object_get(row, "ratio");
        const double x = json_number_value(json_object_get(ratio, "value"));
        if (strcmp(json_string_value(json_object_get(row, "metric")), "tokens_per_s") != 0)
            continue;
        snprintf(want, sizeof(want), "| %.4f [%.4f, %.4f] | %+.2f %% |", x, json_number_value(json_object_get(ratio, "lo")),
                 json_number_value(json_object_get(ratio, "hi")), 100 * (x - 1));
        assert_has(md, want);
    }
    assert_has(md, "rss_peak_bytes: equal in all 2 cells.");
    assert_has(md, "Mann-Whitney");
    assert_has(md, "Run 2 against run 1: 0.9");
    json_decref(table);
    json_decref(base);
    json_decref(fresh);
}

static void test_gate_in_the_report(void **state)
{
    (void)state;
    save_two(1.1);
    assert_int_equal(run_report(fx_at("base.json"), fx_at("new.json"), "-o", fx_at("r"), "--gate", "baseline"), 0);
    assert_has(fx_file("r/report.md"),
               "Gate baseline, run 2 against run 1: regress (2 regress, 4 pass, of which 4 without any change are not listed).");
    assert_has(fx_text, "; gate baseline says regress.");
    assert_has(fx_file("r/report.html"), "<span class=\"v fails\"><span aria-hidden=\"true\">\u25bc</span> regress</span>");
    save_two(1.0);
    assert_int_equal(run_report(fx_at("base.json"), fx_at("new.json"), "-o", fx_at("r"), "--gate", "baseline"), 0);
    assert_has(fx_file("r/report.md"),
               "Gate baseline, run 2 against run 1: pass (6 pass, of which 4 without any change are not listed).");
    assert_has(fx_text, "| \\~ |");
}

static void test_same_records_same_bytes(void **state)
{
    (void)state;
    save_two(1.05);
    assert_int_equal(run_report(fx_at("base.json"), fx_at("new.json"), "-o", fx_at("a"), "--gate", "baseline"), 0);
    assert_int_equal(run_report(fx_at("base.json"), fx_at("new.json"), "-o", fx_at("b"), "--gate", "baseline"), 0);
    assert_same_file("a/report.md", "b/report.md");
    assert_same_file("a/report.html", "b/report.html");
    assert_same_file("a/results.csv", "b/results.csv");
}

static void test_unlike_machines(void **state)
{
    (void)state;
    json_t *other = made_run("three", 0.2, 3);
    save_two(1.1);
    json_object_set_new(json_object_get(other, "host"), "cpu_model", json_string("Other CPU"));
    save(other, "other.json");
    json_decref(other);
    assert_int_equal(run_report(fx_at("base.json"), fx_at("other.json"), fx_at("new.json"), "-o", fx_at("r")), 0);
    assert_has(fx_file("r/report.md"), "Run 2 against run 1: not compared, because the records are not alike: cpu_model is "
                                       "'Synthetic CPU' and 'Other CPU'.");
    assert_has(fx_text, "Run 3 against run 1: 0.9");
    assert_int_equal(run_report(fx_at("base.json"), fx_at("other.json"), "-o", fx_at("r"), "--allow-different", "seed,cpu_model"),
                     0);
    assert_has(fx_file("r/report.md"), "Different, and allowed to be: cpu_model is Synthetic CPU and Other CPU.");
    assert_has(fx_text, "| Cell | run 1 | run 2 |");
    assert_int_equal(run_report(fx_at("base.json"), fx_at("other.json"), "-o", fx_at("r"), "--allow-different", "cpu"), 2);
    assert_one_line(fx_err);
    assert_has(fx_err, "no such key; there are: arch");
}

static void test_two_arms_of_one_run(void **state)
{
    (void)state;
    json_t *record = made_record();
    const struct made_cell c = {
        .id = "700m/i2_s/f16/t1/tg32/d0/b1", .seconds = 0.2, .noise = 0.002, .n = 12, .seed = 5, .bytes = 1};
    made_arms_add(record, &c, 0.1, 1.1);
    for (size_t i = 0; i < 2; i++)
        name_cell(json_array_get(json_object_get(record, "cells"), i), "i2_s");
    save(record, "arms.json");
    json_decref(record);
    assert_int_equal(run_report(fx_at("arms.json"), "-o", fx_at("r"), "--gate", "baseline"), 0);
    assert_has(fx_file("r/report.md"), "\n### New against base\n");
    assert_has(fx_text, "(12 rounds) |");
    assert_has(fx_text, "shared their rounds");
    assert_has(fx_text, "new against base: regress");
}

static void test_verdict_from_a_file(void **state)
{
    (void)state;
    json_t *base = made_run("one", 0.2, 1), *fresh = made_run("two", 0.22, 7), *gate = NULL;
    char err[PAIR_ERR_LEN];
    assert_int_equal(pair_gate(base, fresh, "baseline", &gate, err), 0);
    json_object_set_new(gate, "new", json_string("<b>new</b>"));
    json_t *row = json_array_get(json_object_get(gate, "rows"), 0);
    json_object_set_new(row, "reason", json_string("<script>alert(1)</script>"));
    save(gate, "gate.json");
    save(base, "base.json");
    assert_int_equal(run_report(fx_at("base.json"), "-o", fx_at("r"), "--gate", fx_at("gate.json")), 0);
    assert_has(fx_file("r/report.md"), "Gate gate.json, &lt;b&gt;new&lt;/b&gt; against base: regress (2 regress, 4 pass, of which "
                                       "4 without any change are not listed).");
    assert_lacks(fx_file("r/report.html"), "<script");
    assert_has(fx_text, "&lt;script&gt;alert(1)");
    json_decref(gate);
    json_decref(base);
    json_decref(fresh);
}

/* What a file may hold instead of numbers and texts: the page says that there is nothing, and does not fall over. */
static void test_verdict_with_holes(void **state)
{
    (void)state;
    save_two(1.0);
    fx_spill(fx_at("gate.json"),
             "{\"schema\": 1, \"verdict\": \"pass\", \"alpha\": \"x\", \"rows\": [1, {}, {\"verdict\": 3, \"cell\": "
             "null, \"comparison\": []}, {\"verdict\": \"<i>\", \"inform\": true}]}");
    assert_int_equal(run_report(fx_at("base.json"), "-o", fx_at("r"), "--gate", fx_at("gate.json")), 0);
    assert_has(fx_file("r/report.md"), "Gate gate.json, - against -: pass (1 inform).");
    assert_has(fx_text, "| - | - | - | - | - | - | - |");
}

static void test_refused_gates(void **state)
{
    (void)state;
    static const char *const bad[] = {"[]", "{\"schema\": 1, \"rows\": []}", "{\"schema\": 1, \"verdict\": \"pass\"}",
                                      "{\"schema\": 2, \"verdict\": \"pass\", \"rows\": []}", "nonsense"};
    save_two(1.0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fx_spill(fx_at("bad.json"), bad[i]);
        assert_int_equal(run_report(fx_at("base.json"), "-o", fx_at("r"), "--gate", fx_at("bad.json")), 2);
        assert_one_line(fx_err);
        assert_has(fx_err, "bad.json: ");
    }
    assert_int_equal(run_report(fx_at("base.json"), "-o", fx_at("r"), "--gate", "baseline"), 2);
    assert_has(fx_err, "judges a run against another: give BASE and NEW");
    assert_int_equal(run_report(fx_at("base.json"), fx_at("new.json"), "-o", fx_at("r"), "--gate", "nonsense"), 2);
    assert_has(fx_err, "no such gate; there are: ");
    assert_int_equal(run_report(fx_at("base.json"), "-o", fx_at("r"), "--gate"), 2);
    assert_one_line(fx_err);
    assert_int_not_equal(access(fx_at("r"), F_OK), 0); /* nothing is written before all input is known to be good */
}

/* ---- report.pdf --------------------------------------------------------------------------------------------------------------- */

static void install(const char *name, const char *script)
{
    char path[64];
    mkdir(fx_at("bin"), 0755);
    snprintf(path, sizeof(path), "bin/%s", name);
    fx_spill(fx_at(path), script);
    assert_int_equal(chmod(fx_at(path), 0755), 0);
    setenv("PATH", fx_at("bin"), 1);
}

static bool is_there(const char *name)
{
    return access(fx_at(name), F_OK) == 0;
}

static void test_pdf(void **state)
{
    (void)state;
    install("wkhtmltopdf", "#!/bin/sh\nexit 9\n");
    install("weasyprint", "#!/bin/sh\n[ -s \"$1\" ] && echo \"%PDF of $1\" >\"$2\"\n");
    assert_int_equal(run_report(QUICK, "-o", fx_at("r"), "--pdf"), 0);
    assert_string_equal(fx_file("r/report.pdf"), "%PDF of report.html\n");
    assert_has(fx_out, "/r/report.pdf\n");
    assert_int_equal(run_report(QUICK, "-o", fx_at("s")), 0);
    assert_false(is_there("s/report.pdf")); /* only when asked for */
}

static void test_pdf_by_a_browser(void **state)
{
    (void)state;
    install("weasyprint", "#!/bin/sh\nexit 9\n");
    install("chromium",
            "#!/bin/sh\nfor a; do case $a in --print-to-pdf=*) out=${a#*=};; --user-data-dir=*) dir=${a#*=};; esac; done\n"
            "[ -d \"$dir\" ] && [ -s \"$a\" ] && : >\"$dir/state\" && echo \"$dir\" >\"$out\"\n");
    assert_int_equal(run_report(QUICK, "-o", fx_at("r"), "--pdf"), 0);
    char profile[64];
    snprintf(profile, sizeof(profile), "%s", fx_file("r/report.pdf"));
    profile[strcspn(profile, "\n")] = '\0';
    assert_has(profile, "/tmp/bitjoule-pdf-");
    assert_int_not_equal(access(profile, F_OK), 0); /* it leaves nothing behind */
}

static void test_pdf_is_refused(void **state)
{
    (void)state;
    mkdir(fx_at("r"), 0755);
    fx_spill(fx_at("r/report.pdf"), "of an earlier report");
    assert_int_equal(run_report(QUICK, "-o", fx_at("r"), "--pdf"), 0);
    assert_int_equal(fx_count(fx_err, "no report.pdf: neither chromium nor"), 1);
    assert_false(is_there("r/report.pdf"));
    install("weasyprint", "#!/bin/sh\necho 'no fonts' >&2\nexit 3\n");
    assert_int_equal(run_report(QUICK, "-o", fx_at("r"), "--pdf"), 1);
    assert_has(fx_err, "no report.pdf: weasyprint ended with status 3: no fonts\n");
    install("weasyprint", "#!/bin/sh\nexit 0\n");
    assert_int_equal(run_report(QUICK, "-o", fx_at("r"), "--pdf"), 1);
    assert_has(fx_err, "no report.pdf: weasyprint ended without an error and without a file\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tables_are_those_of_compare),
        TEST(test_gate_in_the_report),
        TEST(test_same_records_same_bytes),
        TEST(test_unlike_machines),
        TEST(test_two_arms_of_one_run),
        TEST(test_verdict_from_a_file),
        TEST(test_verdict_with_holes),
        TEST(test_refused_gates),
        TEST(test_pdf),
        TEST(test_pdf_by_a_browser),
        TEST(test_pdf_is_refused),
    };
    report_judges = (struct report_judges){pair_compare, pair_gate}; /* as main() does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
