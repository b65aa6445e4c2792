/* The HTML page: verdicts on claims in it, nothing fetched, hostile text inert, valid as far as xmllint can tell, thousands of cells. */
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/report_fixture.h"

extern char **environ;

static void test_verdicts_in_the_page(void **state)
{
    (void)state;
    assert_int_equal(run_report(QUICK, "-o", fx_at("r"), "--no-png"), 0);
    const char *html = fx_file("r/report.html");
    assert_has(html, "<table class=\"cards\">");
    assert_has(html, "<span class=\"v part\"><span aria-hidden=\"true\">\u25d0</span> holds in part</span> (2 of 9 sizes ran");
    assert_has(html, "<span class=\"v fails\"><span aria-hidden=\"true\">\u2718</span> does not hold</span> (measured 3.06 [3.00, "
                     "3.10], needed 3.88)");
    assert_has(html, "<span class=\"v open\"><span aria-hidden=\"true\">\u2260</span> not a measurement</span>");
    const char *md = fx_file("r/report.md");
    assert_has(md, "\n## Published claims\n");
    assert_has(md, "Verdicts on 215 published figures, on this machine: holds: ");
    assert_has(md, "\n## Every published figure\n");
    assert_has(md, "- Table 4: decode, Apple M2 Ultra, unlimited threads, 12 figures: not testable here (needs aarch64, this "
                   "machine is x86_64)");
    assert_has(md, "| 700M | 3.88 x | 3.06 [3.00, 3.10] x | does not hold (measured 3.06 [3.00, 3.10], needed 3.88) | 700m, tg32: "
                   "i2_s on 2 threads");
}

static void test_links_and_heads(void **state)
{
    (void)state;
    assert_int_equal(run_report(QUICK, "-o", fx_at("r"), "--no-png"), 0);
    const char *html = fx_file("r/report.html");
    assert_int_equal(fx_count(html, "<th>"), 0); /* each head says what it heads */
    assert_int_equal(fx_count(html, "<th "), fx_count(html, "<th scope=\"col\""));
    assert_has(html, "<html lang=\"en\">");
    assert_has(html, "<nav aria-label=\"Sections\">");
    size_t n = 0;
    for (const char *p = html; (p = strstr(p, "<a href=\"#s")) != NULL; p++) {
        char id[32], want[48];
        snprintf(id, sizeof(id), "%.*s", (int)strcspn(p + 10, "\""), p + 10);
        snprintf(want, sizeof(want), "<h2 id=\"%s\">", id);
        assert_has(html, want);
        n++;
    }
    assert_true(n >= 10);
    assert_has(html, "prefers-color-scheme:dark");
    assert_has(html, "@media print");
}

/* Anything that a browser would load by itself, or run */
static void test_nothing_is_fetched(void **state)
{
    (void)state;
    static const char *const records[] = {QUICK, ENERGY, HOSTILE};
    static const char *const banned[] = {
        "<script", "<link",   "<img",   "<iframe",  "<object", "<embed",        "<base",    "<meta http", "@import",  "url(h",
        "url('h",  " src=\"", " src='", " onload=", "<form",   "xlink:href='h", "href=\"h", "href='h",    "href=\"/", "//fonts"};
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        assert_int_equal(run_report(records[i], "-o", fx_at("r")), 0);
        fx_file("r/report.html");
        for (size_t k = 0; k < sizeof(banned) / sizeof(banned[0]); k++)
            assert_lacks(fx_text, banned[k]);
    }
    need_gnuplot();
    assert_int_equal(run_report(QUICK, "-o", fx_at("r"), "--no-png"), 0);
    fx_file("r/report.html");
    for (size_t k = 0; k < sizeof(banned) / sizeof(banned[0]); k++)
        assert_lacks(fx_text, banned[k]);
    assert_int_equal(fx_count(fx_text, "<figure role=\"img\" aria-label=\""), fx_count(fx_text, "<svg"));
}

/* Host, CPU, model and suite names that want to be markup; a claim's reason carries a model's name and a cell's reason. */
static void test_hostile_names(void **state)
{
    (void)state;
    static const char bad[] = "7b</td><script>alert(1)</script>\"'|`[x](javascript:y)";
    json_t *c = new_cell("7b", "f16", 2, "tg32", 1.0, 1.0, 1.0);
    json_object_set_new(c, "status", json_string("failed"));
    json_object_set_new(c, "reason", json_string(bad));
    json_t *record = new_record(json_pack("[o,o]", c, new_cell(bad, "i2_s", 2, "tg32", 1.0, 1.0, 1.0)));
    json_object_set_new(json_object_get(record, "host"), "cpu_model", json_string(bad));
    json_object_set_new(json_object_get(record, "host"), "arch", json_string("x86_64"));
    json_object_set_new(json_object_get(record, "run"), "suite", json_string(bad));
    assert_int_equal(report_of(record), 0);
    assert_lacks(fx_file("r/report.html"), "<script");
    assert_has(fx_text, "7b with f16: failed: 7b&lt;/td&gt;&lt;script&gt;");
    assert_lacks(fx_file("r/report.md"), "<script");
    assert_lacks(fx_text, "[x](javascript");
}

/* xmllint knows HTML 4 only, so elements of HTML 5 are all that it may complain about. */
static void test_html_is_valid(void **state)
{
    (void)state;
    need_gnuplot();
    assert_int_equal(run_report(QUICK, "-o", fx_at("r"), "--no-png"), 0);
    char out[300], html[300], name[] = "xmllint", a1[] = "--html", a2[] = "--noout";
    snprintf(out, sizeof(out), "%s", fx_at("lint"));
    snprintf(html, sizeof(html), "%s", fx_at("r/report.html"));
    char *argv[] = {name, a1, a2, html, NULL};
    posix_spawn_file_actions_t act;
    assert_int_equal(posix_spawn_file_actions_init(&act), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&act, 2, out, 0101 /* write, create */, 0600), 0);
    pid_t pid = 0;
    int status = 0;
    const int rc = posix_spawnp(&pid, "xmllint", &act, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&act);
    if (rc != 0) {
        print_message("xmllint is not installed\n");
        skip();
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    fx_file("lint");
    for (const char *p = fx_text; (p = strstr(p, " error : ")) != NULL; p++)
        if (strncmp(p, " error : Tag ", 13) != 0 || !strstr(p, " invalid"))
            fail_msg("%.200s", p);
}

/* Sections that only some records have: a check of outputs, scenarios, requests. */
static void test_sections_of_other_tests(void **state)
{
    (void)state;
    json_t *c = new_cell("7b", "i2_s", 2, "pp64+tg32", 50.0, 49.0, 51.0);
    json_object_set_new(c, "request",
                        json_pack("{s:{s:f,s:f},s:{s:f,s:f},s:{s:f,s:f}}", "ttft_s", "median", 0.5, "p95", 0.6, "tpot_s", "median",
                                  0.02, "p95", 0.03, "e2e_s", "median", 1.12, "p95", 1.3));
    json_t *record = new_record(json_pack("[o]", c));
    json_object_set_new(
        record, "lossless",
        json_pack(
            "[{s:s,s:i,s:i,s:i,s:{s:s,s:s,s:s,s:{s:f,s:f,s:f}},s:[{s:s,s:s,s:s,s:i,s:i,s:{s:f,s:f,s:f},s:f,s:f,s:{s:f,s:f,s:f},"
            "s:{s:f,s:f,s:f}},{s:s,s:s,s:s,s:s}]}]",
            "model", "kjv-tiny", "prompts", 64, "prompt_tokens", 32, "tokens", 100, "reference", "format", "i2_s", "isa", "c",
            "activations", "int8 per token", "perplexity", "value", 12.34, "lo", 11.0, "hi", 13.75, "arms", "format", "tl2", "isa",
            "avx2", "activations", "int8 per token", "prompts", 64, "identical", 63, "share", "value", 0.984375, "lo", 0.916, "hi",
            0.9996, "same_token", 0.999, "kl_nat", 0.25, "perplexity", "value", 12.35, "lo", 11.0, "hi", 13.75, "nll_diff", "value",
            0.001, "lo", 0.0005, "hi", 0.0015, "format", "tl1", "isa", "neon", "activations", "int8 per token", "reason",
            "this CPU lacks neon"));
    json_object_set_new(record, "scenarios",
                        json_pack("[{s:s,s:s,s:s,s:s,s:b,s:s,s:{s:f,s:f,s:n},s:[{s:s}]},{s:s,s:s,s:s,s:s,s:s,s:b,s:s}]", "scenario",
                                  "edge", "model", "7b", "format", "i2_s", "status", "ok", "fits", 1, "verdict", "It fits.",
                                  "delivers", "output_tokens_per_s", 33.0, "p95_latency_s", 1.25, "joules_per_token", "alerts",
                                  "message", "p95 above 1 s", "scenario", "mobile", "model", "7b", "format", "f16", "status",
                                  "skipped", "reason", "needs 14 GB", "fits", 0, "verdict", "It does not fit."));
    assert_int_equal(report_of(record), 0);
    const char *md = fx_file("r/report.md");
    assert_has(md, "| 7b | pp64+tg32 | i2_s | 2 | 500 | 600 | 20.0 | 30.0 | 1120 | 1300 |");
    assert_has(md, "**kjv-tiny: 64 prompts of 32 tokens, 100 tokens each; reference i2_s, c, int8 per token**");
    assert_has(md, "| tl2 | avx2 | int8 per token | 63 of 64 | 98.4 [91.6, 100] | 99.90 | 0.250 | 12.35 [11.00, 13.75] | 0.00100 "
                   "[0.000500, 0.00150] |");
    assert_has(md, "| i2_s | c | int8 per token | the reference | - | - | - | 12.34 [11.00, 13.75] | - |");
    assert_has(md, "| tl1 | neon | int8 per token | not run (1) |");
    assert_has(md, "(1) this CPU lacks neon");
    assert_has(md, "| edge | 7b | i2_s | yes | 33.0 | 1.25 | - | - | p95 above 1 s | It fits. |");
    assert_has(md, "| mobile | 7b | f16 | no | skipped (1) | skipped (1) | skipped (1) | skipped (1) | none | It does not fit. |");
}

static void test_hosts_side_by_side(void **state)
{
    (void)state;
    static const char *const names[] = {"x.json", "y.json"};
    for (int i = 0; i < 2; i++) {
        json_t *record = new_record(json_pack("[o,o,o]", new_cell("7b", "i2_s", 1, "tg32", 30.0 + i, 29.0, 32.0),
                                              new_cell("7b", "i2_s", 2, "tg32", 50.0 + i, 49.0, 52.0),
                                              new_cell("7b", i ? "q8_0" : "f16", 2, "tg32", 10.0, 9.0, 11.0)));
        json_object_set_new(json_object_get(record, "run"), "id", json_string(names[i]));
        json_object_set_new(json_object_get(record, "host"), "arch", json_string(i ? "aarch64" : "x86_64"));
        assert_int_equal(json_dump_file(record, fx_at(names[i]), 0), 0);
        json_decref(record);
    }
    assert_int_equal(run_report(fx_at("x.json"), fx_at("y.json"), "-o", fx_at("r")), 0);
    assert_has(fx_file("r/report.md"),
               "| Model | Test | Format | run 1, Made x86_64: tokens/s | over f16 | run 2, Made aarch64: tokens/s | over f16 |");
    assert_has(fx_text, "| 7b | tg32 | i2_s | 50.0 [49.0, 52.0] (2) | 5.00 [4.45, 5.78] | 51.0 [49.0, 52.0] (2) | no base |");
    assert_has(fx_text, "| 7b | tg32 | q8_0 | - | - | 10.0 [9.00, 11.0] (2) | no base |");
    assert_int_equal(fx_count(fx_text, "| 7b | tg32 | i2_s | 50.0"), 1);
}

static void test_many_cells_make_a_page(void **state)
{
    (void)state;
    static const char *const formats[] = {"i2_s", "tl2", "tq1_0", "f16", "q8_0"};
    json_t *cells = json_array();
    char model[20];
    for (int m = 0; m < 40; m++)
        for (int t = 1; t <= 10; t++)
            for (size_t f = 0; f < 5; f++)
                for (int n = 0; n < 2; n++) {
                    snprintf(model, sizeof(model), "m%d", m);
                    json_array_append_new(cells, new_cell(model, formats[f], t, n ? "tg32" : "pp64", 10.0, 9.0, 11.0));
                }
    assert_int_equal(json_array_size(cells), 4000);
    assert_int_equal(report_of(cells ? new_record(cells) : NULL), 0);
    assert_has(fx_file("r/report.md"), "4000 cells, 4000 ok");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_verdicts_in_the_page),    TEST(test_links_and_heads),    TEST(test_nothing_is_fetched),
        TEST(test_hostile_names),           TEST(test_html_is_valid),      TEST(test_many_cells_make_a_page),
        TEST(test_sections_of_other_tests), TEST(test_hosts_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
