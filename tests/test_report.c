/* Reports: what the tables say about the records of tests/fixtures and about records made here, and that no text of a record acts as
 * markup. Bad input is in test_report_input.c, plots are in test_report_plots.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "reports/report_text.h"
#include "tests/report_fixture.h"

/* ---- numbers and escaping ---------------------------------------------------------------------------------------------------- */

static void test_numbers(void **state)
{
    (void)state;
    struct arena a = {0};
    assert_string_equal(number_sig(&a, 0.0, 3), "0");
    assert_string_equal(number_sig(&a, 9.996, 3), "10.0");
    assert_string_equal(number_sig(&a, 9.994, 3), "9.99");
    assert_string_equal(number_sig(&a, -0.012345, 3), "-0.0123");
    assert_string_equal(number_sig(&a, 123456.0, 3), "123456");
    assert_string_equal(number_sig(&a, 1.5e-7, 3), "1.50e-07");
    assert_string_equal(number_sig(&a, (double)NAN, 3), "n/a");
    assert_string_equal(number_bytes(&a, 26.1e9), "26.1 GB");
    assert_string_equal(number_bytes(&a, 999.6e6), "1.00 GB");
    assert_string_equal(number_bytes(&a, 0), "0 B");
    assert_string_equal(number_exact(&a, 0.1), "0.1");
    assert_string_equal(number_exact(&a, (double)INFINITY), "");
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 2000; i++) {
        double v;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(&v, &x, sizeof(v));
        if (isfinite(v))
            assert_true(strtod(number_exact(&a, v), NULL) == v);
    }
    arena_free(&a);
}

static void assert_escaped(void (*escape)(struct textbuf *, const char *), const char *from, const char *want)
{
    struct textbuf b = {0};
    escape(&b, from);
    assert_string_equal(b.s, want);
    textbuf_free(&b);
}

static void test_escaping(void **state)
{
    (void)state;
    assert_escaped(escape_html, "<a href=\"x\">&'", "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
    assert_escaped(escape_markdown, "i2_s 3.3 [3.2, 3.4]", "i2_s 3.3 [3.2, 3.4]");
    assert_escaped(escape_markdown, "[1](http:x) _a_ a|b `c` *d* <e>\nf",
                   "\\[1\\](http:x) \\_a\\_ a\\|b \\`c\\` \\*d\\* &lt;e&gt; f");
    assert_escaped(escape_markdown, "[1]: x", "\\[1\\]: x");
    assert_escaped(escape_markdown, "# x", "\\# x");
    assert_escaped(escape_csv, "plain", "plain");
    assert_escaped(escape_csv, "a,\"b\"\nc", "\"a,\"\"b\"\"\nc\"");
    assert_escaped(escape_gnuplot, "it's `x`\n@y", "'it''s  x  @y'");
    assert_escaped(escape_shell, "a/b-c=1", "a/b-c=1");
    assert_escaped(escape_shell, "it's", "'it'\\''s'");
    assert_escaped(escape_shell, "", "''");
}

/* ---- content ------------------------------------------------------------------------------------------------------------------ */

static void test_quick_tables(void **state)
{
    (void)state;
    assert_int_equal(run_report(QUICK, "-o", fx_at("r")), 0);
    const char *md = fx_file("r/report.md");
    /* numbers of the fixture, rounded by hand */
    assert_has(md, "| i2_s | 10.1 [10.0, 10.2] | 3.28 [3.19, 3.31] | 38 % bandwidth | 18.6 [18.3, 18.7] | 3.29 [3.20, 3.33] | "
                   "39 % bandwidth | 2.00 | q6_k | avx2 |");
    assert_has(md, "| f16 | 11.0 [11.0, 11.0] n=3 | 1 (base) | 46 % fma |");
    assert_has(md, "| 2b4t | i2_s | q6_k | 521 MB | 270 MB | 19.7 MB | 24.0 MB | 865 MB | 0.164 | 0.177 | tg32, 2 threads |");
    assert_has(md, "| 2b4t | tg32 | i2_s | q6_k | 2 | 48 | 54.3 | 55.0 | 55.7 (1) | 55.7 |");
    assert_has(md, "| 2b4t | tg32 | f16 | f16 | 1 | 14240 [14130, 14400] |");
    assert_has(md, "| kjv-tiny | ppl | q4_0 | q6_k | 2 | 20.117 | +1.60 % |");
    assert_has(md, "| skipped | needs 26.1 GB, 21.4 GB available | 1 | 700m/q4_0/q6_k/t2/tg32/d0/b1 |");
    assert_has(md,
               "Suite quick ran on Synthetic CPU 2-Core (x86_64, 2 cores, 25.0 GB of memory): 52 cells, 49 ok, 1 skipped, 2 "
               "failed.\n\n- In 2b4t, the largest model with both, i2_s decodes (tg32) 3.29 [3.20, 3.33] times as fast as f16 on "
               "2 threads, the best for both (18.6 tokens/s against 5.67); at other equal threads 3.28 [3.19, 3.31] (1 "
               "thread).\n- There it processes the prompt (pp128) 2.71");
    assert_has(md, "took at most 865 MB with i2_s and 4.90 GB with f16 (18 % of it).\n- Energy could not be read: no readable");
    assert_has(md, "\n- Caution: 1 warning (hypervisor) says what may have disturbed these figures; see Machine");
    assert_has(md, "\nOf 215 published figures ");
    assert_has(md, "| 1 | 21.3 | 210 | 58.0 | avx2 |");
    assert_has(md, "jansson 2.14, hwloc 2.9.0, papi (absent)");
    assert_has(md, "Interval of a recorded speed-up: median of the paired ratios");
    assert_has(md, "bitjoule bench -c configs/suites/quick.ini -o out\n");
    assert_int_equal(fx_count(md, "Energy: unavailable (powercap): no readable energy counter"), 1);
}

static void test_missing_cells_say_why(void **state)
{
    (void)state;
    assert_int_equal(run_report(QUICK, "-o", fx_at("r")), 0);
    const char *md = fx_file("r/report.md");
    assert_has(md, "| q4_0 | 27.9 [27.7, 28.1] | 2.58 [2.54, 2.61] | 57 % bandwidth | skipped (1) | skipped (1) | skipped (1) |");
    assert_has(md, "\n(1) needs 26.1 GB, 21.4 GB available\n");
    /* a failed base takes the speed-up of the others with it, and the reason is given */
    assert_has(md, "| i2_s | 609 [605, 612] | f16 failed (1) |");
    assert_has(md, "(1) The f16 cell to compare with: timeout after 60 s\\\n(2) timeout after 60 s\n");
}

static void test_sections_in_order(void **state)
{
    (void)state;
    static const char *const heads[] = {"# bitjoule report",
                                        "\n## Speed\n",
                                        "\n## Memory\n",
                                        "\n## Latency\n",
                                        "\n## Energy\n",
                                        "\n## Quality\n",
                                        "\n## Skipped and failed\n",
                                        "\n## Machine and environment\n",
                                        "\n### Peaks\n",
                                        "\n## How to read this\n",
                                        "\n## How to redo this\n",
                                        "\n## Raw data\n"};
    assert_int_equal(run_report(QUICK, "-o", fx_at("r")), 0);
    const char *p = fx_file("r/report.md");
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        p = strstr(p, heads[i]);
        if (!p) {
            fail_msg("missing or out of order: %s", heads[i]);
            return;
        }
    }
}

static void test_energy_table(void **state)
{
    (void)state;
    assert_int_equal(run_report(ENERGY, "-o", fx_at("r")), 0);
    const char *md = fx_file("r/report.md");
    assert_has(md, "| 700m | tg32 | i2_s | 2 | 0.522 | 31.5 | 100 | 0.270 | derived, powercap |");
    assert_has(md, "| 700m | tg32 | f16 | 2 | 1.93 | 38.2 | 371 | 1.00 | derived, powercap |");
    assert_has(md, "In decode of 700m a token took 0.522 J with i2_s and 1.93 J with f16.");
    assert_has(md, "The harness had no warning about this machine.");
    assert_lacks(md, "Energy: unavailable");
}

/* Different best thread counts: ratio of the medians, interval from the ends. 30/20 = 1.5, 29/21 = 1.38, 31/19 = 1.63. */
static void test_each_at_its_best(void **state)
{
    (void)state;
    json_t *cells =
        json_pack("[o, o, o, o]", new_cell("m", "i2_s", 1, "tg8", 10, 9, 11), new_cell("m", "i2_s", 4, "tg8", 30, 29, 31),
                  new_cell("m", "f16", 1, "tg8", 20, 19, 21), new_cell("m", "f16", 4, "tg8", 15, 14, 16));
    assert_int_equal(report_of(new_record(cells)), 0);
    const char *md = fx_file("r/report.md");
    assert_has(
        md,
        "i2_s decodes (tg8) 1.50 [1.38, 1.63] times as fast as f16 with each at its best thread count (30.0 tokens/s on 4 "
        "threads against 20.0 on 1 thread); at equal threads 0.500 [0.429, 0.579] (1 thread) and 2.00 [1.81, 2.21] (4 threads)");
    assert_has(md, "2.00 [1.81, 2.21] (1) |"); /* the footnote tells it from a recorded comparison */
    assert_has(md, "(1) Ratio of the medians; the interval comes from the ends");
}

static void test_base_lost_or_absent(void **state)
{
    (void)state;
    json_t *lost = new_cell("m", "f16", 2, "tg8", 5, 4, 6);
    json_object_set_new(lost, "status", json_string("failed"));
    json_object_set_new(lost, "reason", json_string("killed by signal 9."));
    json_t *cells =
        json_pack("[o, o, o]", new_cell("m", "i2_s", 2, "tg8", 10, 9, 11), lost, new_cell("m", "i2_s", 3, "tg8", 10, 9, 11));
    assert_int_equal(report_of(new_record(cells)), 0);
    const char *md = fx_file("r/report.md");
    assert_has(md, "f16 failed (1)");
    assert_has(md, "(1) The f16 cell to compare with: killed by signal 9\\");
    assert_has(md, "no base (");
    assert_has(md, "| f16 | failed (4) | failed (4) | failed (4) | not run (5) | not run (5) | not run (5) | - | f16 | - |");
    assert_has(md, "There is no pair of i2_s and f16 results to compare.");
}

/* The memory of a model is told of decode, though its perplexity ran with more threads. */
static void test_memory_of_decode(void **state)
{
    (void)state;
    json_t *cells = json_pack("[o, o]", new_cell("m", "f16", 1, "tg8", 7, 6, 8), new_cell("m", "f16", 4, "ppl", 7, 6, 8));
    for (size_t i = 0; i < 2; i++)
        json_object_set_new(json_array_get(cells, i), "metrics",
                            json_pack("[{s:s, s:i, s:s, s:s}]", "name", "weights_bytes", "value", 1000 + (int)i, "unit", "bytes",
                                      "status", "measured"));
    assert_int_equal(report_of(new_record(cells)), 0);
    assert_has(fx_file("r/report.md"), "| m | f16 | f16 | 1.00 kB | not recorded (1) |");
    assert_has(fx_text, "| tg8, 1 thread |\n");
    assert_lacks(fx_text, "| ppl, 4 threads |");
}

/* A share above 1 is no feat but a sign that the peak is wrong, and the report says so. */
static void test_share_above_the_peak(void **state)
{
    (void)state;
    json_t *cell = new_cell("m", "f16", 1, "tg8", 7, 6, 8);
    json_object_set_new(cell, "roofline", json_pack("{s:s, s:f}", "bound", "bandwidth", "share", 1.35));
    assert_int_equal(report_of(new_record(json_pack("[o]", cell))), 0);
    assert_has(fx_file("r/report.md"), "| 135 % bandwidth (1) |");
    assert_has(fx_text, "(1) Above 100 %: the cell was faster than the peak");
}

/* Methods that differ only in their sample sizes are named once. */
static void test_methods_named_once(void **state)
{
    (void)state;
    json_t *cells = json_pack("[o, o]", new_cell("m", "f16", 1, "tg8", 7, 6, 8), new_cell("m", "f16", 2, "tg8", 7, 6, 8));
    json_object_set_new(json_object_get(json_array_get(cells, 0), "tokens_per_s"), "method",
                        json_string("t interval of log time, n=3"));
    json_object_set_new(json_object_get(json_array_get(cells, 1), "tokens_per_s"), "method",
                        json_string("t interval of log time, n=4"));
    assert_int_equal(report_of(new_record(cells)), 0);
    assert_int_equal(fx_count(fx_file("r/report.md"), "- Interval of tokens/s: t interval of log time.\n"), 1);
}

static void test_repeated_cell(void **state)
{
    (void)state;
    json_t *cells =
        json_pack("[o, o]", new_cell("m", "f16", 1, "tg8", 111, 110, 112), new_cell("m", "f16", 1, "tg8", 222, 221, 223));
    assert_int_equal(report_of(new_record(cells)), 0);
    assert_has(fx_err, "Cell m/f16/t1/tg8 is in the record more than once");
    const char *md = fx_file("r/report.md");
    assert_has(md, "222 [221, 223]");
    assert_lacks(md, "111 [110, 112]");
    assert_int_equal(fx_count(fx_file("r/results.csv"), "\r\n"), 3);
}

static void test_few_repetitions(void **state)
{
    (void)state;
    json_t *one = new_cell("m", "f16", 1, "tg8", 7, 6, 8);
    json_object_set_new(one, "repetitions", json_integer(1));
    assert_int_equal(report_of(new_record(json_pack("[o]", one))), 0);
    assert_has(fx_file("r/report.md"), "| f16 | 7.00 n=1 | 1 (base) |"); /* no interval from one sample */
    assert_int_equal(report_of(new_record(json_array())), 0);
    const char *md = fx_file("r/report.md");
    assert_has(md, "The record has no speed test.");
    assert_has(md, "0 cells, 0 ok");
}

static void test_two_runs(void **state)
{
    (void)state;
    assert_int_equal(run_report(QUICK, ENERGY, QUICK, "-o", fx_at("r")), 0);
    const char *md = fx_file("r/report.md");
    assert_has(md, "# bitjoule report: 2 runs\n");
    assert_has(md, "### run 1: 700m, tg32");
    assert_has(md, "### run 2: 700m, tg32");
    assert_has(md, "Run 5eed0001 was given more than once; it is shown once.");
    assert_has(md, "## Machine and environment of run 2");
    assert_int_equal(fx_count(fx_file("r/results.csv"), "\r\n"), 1 + 52 + 4);
}

/* ---- hostile text ------------------------------------------------------------------------------------------------------------ */

static void check_hostile(void)
{
    const char *html = fx_file("r/report.html");
    assert_lacks(html, "<script");
    assert_lacks(html, "<img");
    assert_lacks(html, "<b>");
    assert_lacks(html, " src=\"");
    assert_lacks(html, "href=\"http");
    assert_lacks(html, "@import");
    assert_lacks(html, "url(http");
    assert_has(html, "&lt;script&gt;alert(&quot;m&quot;)&lt;/script&gt; | a,b `touch pwned`");
    const char *md = fx_file("r/report.md");
    char *fence = strstr(md, "\n````\nbitjoule bench -m "), *end = fence ? strstr(fence + 5, "\n````\n") : NULL;
    assert_non_null(end); /* a fence longer than the back-quotes inside it; what is inside is not read as Markdown */
    if (end)
        memset(fence, ' ', (size_t)(end - fence));
    assert_lacks(md, "<script");
    assert_lacks(md, "<img");
    assert_lacks(md, "[link](");
    assert_int_not_equal(access("pwned", F_OK), 0);
    assert_int_not_equal(access(fx_at("r/plots/pwned"), F_OK), 0);
}

/* Every row of a Markdown table has as many cells as its head. */
static void check_markdown_tables(const char *md)
{
    size_t columns = 0, tables = 0;
    for (const char *line = md; *line; line += strcspn(line, "\n") + 1) {
        size_t bars = 0;
        if (*line != '|') {
            columns = 0;
            continue;
        }
        for (const char *s = line; *s != '\n'; s++)
            bars += *s == '|' && (s == line || s[-1] != '\\');
        if (columns && bars != columns)
            fail_msg("%zu bars instead of %zu: %.*s", bars, columns, (int)strcspn(line, "\n"), line);
        tables += columns == 0;
        columns = bars;
    }
    assert_true(tables >= 8);
}

/* Fields of one RFC 4180 record; field `want` goes to `value`. Returns the start of the next record. */
static const char *csv_record(const char *s, size_t *n, size_t want, char *value, size_t size)
{
    *n = 0;
    for (;;) {
        size_t len = 0;
        const bool quoted = *s == '"';
        for (s += quoted; quoted ? (*s != '"' || s[1] == '"') : (*s != ',' && *s != '\r'); s++) {
            assert_true(*s != '\0' && (quoted || *s != '"'));
            s += quoted && *s == '"';
            if (*n == want && len + 1 < size)
                value[len++] = *s;
        }
        s += quoted;
        if (*n == want)
            value[len] = '\0';
        (*n)++;
        if (*s == '\r') {
            assert_true(s[1] == '\n');
            return s + 2;
        }
        assert_true(*s++ == ',');
    }
}

static void test_hostile_text(void **state)
{
    (void)state;
    char value[256];
    size_t columns, n, rows = 0;
    assert_int_equal(run_report(HOSTILE, "-o", fx_at("r")), 0);
    check_hostile();
    check_markdown_tables(fx_file("r/report.md"));
    const char *s = csv_record(fx_file("r/results.csv"), &columns, 3, value, sizeof(value));
    assert_string_equal(value, "model");
    json_t *root = json_load_file(HOSTILE, 0, NULL);
    for (; *s; rows++) {
        s = csv_record(s, &n, 3, value, sizeof(value));
        assert_int_equal(n, columns);
        assert_string_equal(value,
                            json_string_value(json_object_get(json_array_get(json_object_get(root, "cells"), rows), "model")));
    }
    assert_int_equal(rows, 4);
    json_decref(root);
    assert_int_equal(run_report(QUICK, "-o", fx_at("q")), 0);
    check_markdown_tables(fx_file("q/report.md"));
}

static void test_hostile_plots(void **state)
{
    (void)state;
    need_gnuplot();
    assert_int_equal(run_report(HOSTILE, "-o", fx_at("r")), 0);
    assert_string_equal(fx_err, "");
    assert_has(fx_file("r/report.html"), "<svg");
    check_hostile();
}

static json_t *op_json(const char *name, double s_per_token, double share)
{
    return json_pack("{s:s, s:f, s:f}", "op", name, "s_per_token", s_per_token, "share", share);
}

/* Operations as rows, cells as columns; a cell without a profile has no column, an operation that a cell lacks is "-". */
static void test_profile_table(void **state)
{
    (void)state;
    json_t *cells = json_array(), *a = new_cell("m", "f16", 1, "tg8", 10, 9, 11), *b = new_cell("m", "i2_s", 1, "tg8", 20, 19, 21);
    json_object_set_new(a, "ops", json_pack("[o, o]", op_json("qkv", 0.075, 0.75), op_json("other", 0.025, 0.25)));
    json_object_set_new(a, "profile", json_pack("{s:f}", "overhead", 1.02));
    json_object_set_new(
        b, "ops", json_pack("[o, o, o]", op_json("norm", 0.001, 0.02), op_json("qkv", 0.045, 0.9), op_json("other", 0.004, 0.08)));
    json_object_set_new(b, "profile", json_pack("{s:n}", "overhead"));
    json_array_append_new(cells, a);
    json_array_append_new(cells, b);
    json_array_append_new(cells, new_cell("m", "q8_0", 1, "tg8", 15, 14, 16));
    json_array_append_new(cells, new_cell("m", "f16", 1, "pp8", 15, 14, 16));
    assert_int_equal(report_of(new_record(cells)), 0);
    const char *md = fx_file("r/report.md");
    assert_int_equal(fx_count(md, "| Operation |"), 1);
    const char *table = strstr(md, "| Operation |");
    assert_has(table, "| Operation | i2_s (f16), 1 thread | f16 (f16), 1 thread |\n");
    assert_has(table, "| norm | 2.00 % | - |\n");
    assert_has(table, "| qkv | 90.00 % | 75.00 % |\n");
    assert_has(table, "| other | 8.00 % | 25.00 % |\n");
    assert_has(table, "| microseconds per token | 50000 | 100000 |\n");
    assert_has(table, "| time / median of the samples | - | 1.02 |\n");
    assert_has(fx_file("r/report.html"), "Where the time goes");
    assert_int_equal(run_report(QUICK, "-o", fx_at("q")), 0);
    assert_lacks(fx_file("q/report.md"), "Where the time goes");
}

/* Spreads of 10.5, 2 and 5 %; a comparison of one pass has none. */
static void test_passes_are_summed_up(void **state)
{
    static const char *const formats[] = {"i2_s", "q8_0", "q4_0", "tq1_0"}, *const passes[] = {"[1.9, 2.0, 2.1]",
                                                                                               "[1.53, null, 1.5]",
                                                                                               "[1.0, 1.05, 1.0]", "null"};
    json_t *cells = json_pack("[o]", new_cell("m", "f16", 1, "tg8", 10, 9, 11)), *list = json_array();
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        json_t *cell = new_cell("m", formats[i], 1, "tg8", 20, 19, 21);
        json_array_append_new(list, json_pack("{s:O, s:s, s:f, s:o}", "cell", json_object_get(cell, "id"), "base", "m/f16/t1/tg8",
                                              "ratio", 2.0, "passes", json_loads(passes[i], JSON_DECODE_ANY, NULL)));
        json_array_append_new(cells, cell);
    }
    json_t *record = new_record(cells), *single = json_deep_copy(record);
    json_object_set_new(record, "comparisons", list);
    assert_int_equal(report_of(record), 0);
    assert_has(fx_file("r/report.md"),
               "\n- The rounds are spread over several passes through the suite: between them the 3 ratios to their "
               "base moved by 5.0 % in the middle and by 11 % at most (m/i2_s/t1/tg8).\n");
    assert_int_equal(report_of(single), 0);
    assert_lacks(fx_file("r/report.md"), "several passes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_numbers),
        TEST(test_escaping),
        TEST(test_quick_tables),
        TEST(test_missing_cells_say_why),
        TEST(test_sections_in_order),
        TEST(test_energy_table),
        TEST(test_each_at_its_best),
        TEST(test_base_lost_or_absent),
        TEST(test_memory_of_decode),
        TEST(test_share_above_the_peak),
        TEST(test_methods_named_once),
        TEST(test_repeated_cell),
        TEST(test_few_repetitions),
        TEST(test_two_runs),
        TEST(test_profile_table),
        TEST(test_passes_are_summed_up),
        TEST(test_hostile_text),
        TEST(test_hostile_plots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
