/* Reports: plots - with gnuplot, without it, with a broken one; the same bytes for the same record. */
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

#include "reports/report_plots.h"
#include "tests/report_fixture.h"

static void test_without_gnuplot(void **state)
{
    (void)state;
    assert_int_equal(run_report(QUICK, "-o", fx_at("r")), 0);
    assert_one_line(fx_err);
    assert_has(fx_err, "gnuplot is not installed");
    assert_lacks(fx_file("r/report.md"), "![");
    assert_has(fx_text, "Note: gnuplot is not installed");
    assert_lacks(fx_file("r/report.html"), "<svg");
    assert_has(fx_file("r/plots/memory.gp"), "plot 'memory.tsv'");
    assert_int_not_equal(access(fx_at("r/plots/memory.svg"), F_OK), 0);
}

static void test_broken_gnuplot(void **state)
{
    (void)state;
    mkdir(fx_at("bin"), 0755);
    mkdir(fx_at("r"), 0755);
    mkdir(fx_at("r/plots"), 0755);
    fx_spill(fx_at("r/plots/memory.svg"), "<svg>of an earlier report</svg>");
    fx_spill(fx_at("bin/gnuplot"), "#!/bin/sh\necho 'line 3: no terminal' >&2\nexit 5\n");
    chmod(fx_at("bin/gnuplot"), 0755);
    setenv("PATH", fx_at("bin"), 1);
    assert_int_equal(run_report(QUICK, "-o", fx_at("r")), 1);
    assert_one_line(fx_err);
    assert_has(fx_err, "gnuplot ended with status 5: line 3: no terminal");
    assert_has(fx_file("r/report.md"), "Plots are missing:");
    assert_lacks(fx_text, "![");
    assert_int_not_equal(access(fx_at("r/plots/memory.svg"), F_OK), 0);
}

static const char *const quick_plots[] = {"throughput-pp128", "throughput-tg32", "speedup-pp128",       "speedup-tg32",
                                          "heat-pp128",       "heat-tg32",       "pareto-memory-pp128", "pareto-memory-tg32",
                                          "memory",           "latency-tg32"};
enum { N_QUICK_PLOTS = sizeof(quick_plots) / sizeof(quick_plots[0]) };

static void test_same_record_same_bytes(void **state)
{
    (void)state;
    char a[80], b[80];
    static const char *const ends[] = {"svg", "gp", "tsv"};
    need_gnuplot();
    assert_int_equal(run_report(QUICK, "-o", fx_at("a"), "--no-png"), 0);
    assert_string_equal(fx_err, "");
    assert_int_equal(run_report(QUICK, "-o", fx_at("b"), "--no-png"), 0);
    assert_same_file("a/report.md", "b/report.md");
    assert_same_file("a/report.html", "b/report.html");
    assert_same_file("a/results.csv", "b/results.csv");
    for (size_t i = 0; i < N_QUICK_PLOTS; i++)
        for (size_t k = 0; k < 3; k++) {
            snprintf(a, sizeof(a), "a/plots/%s.%s", quick_plots[i], ends[k]);
            snprintf(b, sizeof(b), "b/plots/%s.%s", quick_plots[i], ends[k]);
            assert_same_file(a, b);
        }
    const char *html = fx_file("a/report.html");
    assert_int_equal(fx_count(html, "<svg"), N_QUICK_PLOTS);
    assert_int_equal(fx_count(html, "id=\"p3-gnuplot_canvas\""), 1);
    assert_int_equal(fx_count(html, "id='gpDot'"), 0);
    assert_int_equal(fx_count(fx_file("a/report.md"), "!["), N_QUICK_PLOTS);
}

/* The folder can be moved: scripts draw the same picture from there. PNG: signature and size say that it is one. */
static void test_plots_can_be_moved(void **state)
{
    (void)state;
    struct arena a = {0};
    char problem[REPORT_ERR_LEN] = "", *before = NULL;
    unsigned char png[24];
    need_gnuplot();
    assert_int_equal(run_report(QUICK, "-o", fx_at("r")), 0);
    fx_slurp(fx_at("r/plots/speedup-tg32.svg"), &before);
    assert_int_equal(rename(fx_at("r/plots"), fx_at("moved")), 0);
    unlink(fx_at("moved/speedup-tg32.svg"));
    if (gnuplot_run(gnuplot_find(&a), fx_at("moved"), "speedup-tg32.gp", false, problem) != 0)
        fail_msg("%s", problem);
    assert_string_equal(before, fx_file("moved/speedup-tg32.svg"));
    FILE *f = fopen(fx_at("moved/speedup-tg32.png"), "r");
    assert_non_null(f);
    assert_int_equal(fread(png, 1, sizeof(png), f), sizeof(png));
    fclose(f);
    assert_memory_equal(png, "\x89PNG\r\n\x1a\n", 8);
    assert_true(png[18] * 256 + png[19] >= 800);
    free(before);
    arena_free(&a);
}

/* A sweep with a hole has no best, and its line is broken at the hole. */
static void test_plot_data(void **state)
{
    (void)state;
    assert_int_equal(run_report(QUICK, "-o", fx_at("r")), 0);
    const char *tsv = fx_file("r/plots/speedup-tg32.tsv");
    assert_lacks(tsv, "\t0\t700m\tq4_0\n");
    assert_has(tsv, "\t2\t125m\tq4_0\n\n2412820480\t");
    assert_has(tsv, "729000000\t3.056\t2.9998\t3.1004\t2\t700m\ti2_s\n");
    assert_has(fx_file("r/plots/throughput-tg32.tsv"), "2\t18.648\t18.3171\t18.7025\t2b4t\ti2_s\tq6_k\tmeasured\n");
    /* beside it the published points, and what bytes alone allow */
    assert_has(fx_file("r/plots/speedup-tg32.tsv"), "\t5.88\t5.88\t5.88\t2\t3.8b\tt5-i7-3.8b\n");
    assert_has(fx_text, "\t-1\t100b\tbytes of f16 / bytes of i2_s\n");
    assert_lacks(fx_file("r/plots/speedup-pp128.tsv"), "t5-i7");
    const char *last = strrchr(fx_file("r/plots/latency-tg32.tsv"), '\n');
    while (last > fx_text && last[-1] != '\n')
        last--;
    assert_has(last, "\t100.000\t2\t2b4t\tq4_0"); /* an ECDF ends at 100 % */
}

/* ---- figures that the fixtures have no data for ------------------------------------------------------------------------------------ */

static json_t *three(double x)
{
    return json_pack("{s:f, s:f, s:f}", "value", x, "lo", 0.95 * x, "hi", 1.05 * x);
}

/* Two formats, two depths, energy in blocks, a profile. `speed` scales all. */
static json_t *rich_record(const char *commit, double speed)
{
    json_t *cells = json_array();
    for (int depth = 0; depth <= 1024; depth += 1024)
        for (int f = 0; f < 2; f++) {
            const double tps = speed * (f ? 10.0 : 50.0) / (1.0 + depth / 4096.0);
            json_t *c = new_cell("7b", f ? "f16" : "i2_s", 2, "tg32", tps, 0.9 * tps, 1.1 * tps);
            char id[64];
            snprintf(id, sizeof(id), "c%d/%d", f, depth);
            json_object_set_new(c, "id", json_string(id));
            json_object_set_new(c, "depth", json_integer(depth));
            json_object_set_new(c, "ops",
                                json_pack("[{s:s,s:f,s:f},{s:s,s:f,s:f}]", "op", "qkv", "s_per_token", 0.1, "share", 0.25, "op",
                                          "what else", "s_per_token", 0.3, "share", 0.75));
            json_object_set_new(c, "blocks",
                                json_pack("[{s:f,s:f,s:f,s:n},{s:f,s:f,s:f,s:s}]", "start_s", 1.0, "energy_j", 30.0, "energy_s",
                                          2.0, "void", "start_s", 2.0, "energy_j", 99.0, "energy_s", 2.0, "void",
                                          "time was taken"));
            json_object_set_new(c, "metrics",
                                json_pack("[{s:s,s:f,s:s},{s:s,s:f,s:s}]", "name", "joules_per_token", "value", f ? 2.0 : 0.5,
                                          "status", "derived", "name", "rss_peak_bytes", "value", f ? 4e9 : 1e9, "status",
                                          "measured"));
            json_array_append_new(cells, c);
        }
    json_t *record = new_record(cells);
    json_object_set_new(record, "comparisons",
                        json_pack("[{s:s,s:s,s:f,s:f,s:f,s:{s:o,s:o,s:o}}]", "base", "c1/0", "cell", "c0/0", "ratio", 5.0, "lo",
                                  4.9, "hi", 5.1, "energy", "energy_ratio", three(0.25), "time_ratio", three(0.2), "power_ratio",
                                  three(1.25)));
    json_object_set_new(record, "tool", json_pack("{s:s}", "commit", commit));
    json_object_set_new(json_object_get(record, "run"), "id", json_string(commit));
    json_object_set_new(json_object_get(record, "run"), "started_utc", json_string(commit));
    return record;
}

static void test_every_kind_of_figure(void **state)
{
    (void)state;
    static const struct {
        const char *name, *line;
    } wanted[] = {
        {"depth", "1024\t40\t36\t44\t7b\ti2_s\n"},
        {"pareto-memory-tg32", "50\t1\t2\ti2_s"},
        {"pareto-energy-tg32", "50\t0.5\t2\ti2_s"},
        {"energy-factors-tg32", "0\t0.2\t1.25\t0.25\t0.2375\t0.2625\ti2_s\t7b\n"},
        {"power", "1\t15\tc0/0\n"},
        {"ops-tg32", "i2_s\t25.00\t0\t0\t0\t0\t0\t0\t75.00\t7b\n"},
    };
    need_gnuplot();
    json_t *record = rich_record("a", 1.0);
    json_object_set_new(record, "watch", json_pack("{s:{s:[f,f],s:[f,n]}}", "series", "at_s", 0.5, 1.5, "power_w", 17.5));
    assert_int_equal(json_dump_file(record, fx_at("results.json"), 0), 0);
    json_decref(record);
    assert_int_equal(run_report(fx_at("results.json"), "-o", fx_at("r"), "--no-png"), 0);
    assert_string_equal(fx_err, "");
    char name[80];
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        snprintf(name, sizeof(name), "r/plots/%s.tsv", wanted[i].name);
        assert_has(fx_file(name), wanted[i].line);
        snprintf(name, sizeof(name), "r/plots/%s.svg", wanted[i].name);
        assert_has(fx_file(name), "</svg>");
    }
    assert_has(fx_file("r/plots/power.tsv"), "\n0.5\t17.5\tsampled\n\n\n");
    assert_lacks(fx_file("r/plots/power.tsv"), "49.5"); /* a void block is no measurement */
    assert_int_not_equal(access(fx_at("r/plots/history.svg"), F_OK), 0);
}

/* One thread count, and all values within a factor of two: the roofline is still there to see, and so are tics. */
static void test_narrow_axes(void **state)
{
    (void)state;
    need_gnuplot();
    json_t *record = rich_record("a", 1.0), *cell;
    size_t i;
    json_array_foreach(json_object_get(record, "cells"), i, cell)
    {
        json_object_set_new(cell, "roofline", json_pack("{s:f,s:f}", "share", 0.9, "limit_tokens_per_s", 55.5));
    }
    assert_int_equal(json_dump_file(record, fx_at("results.json"), 0), 0);
    json_decref(record);
    assert_int_equal(run_report(fx_at("results.json"), "-o", fx_at("r"), "--no-png"), 0);
    assert_has(fx_file("r/plots/throughput-tg32.tsv"), "\n2\t55.5\t55.5\t55.5\t7b\ti2_s\t");
    assert_has(fx_file("r/plots/throughput-tg32.gp"), "using ($1-0.35):2:(0.7):(0) with vectors nohead");
    static const struct {
        double lo, hi;
        const char *tics;
    } ranges[] = {{13, 18, "(15,20)"},
                  {0.8, 0.9, "(0.7,1,1.5)"},
                  {9, 55, "(10,20,30,50)"},
                  {1, 60, "(1,2,5,10,20,50)"},
                  {0.02, 9, "(0.1,1,10)"}};
    for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        struct arena a = {0};
        struct figure f = {.arena = &a};
        figure_log_axis(&f, 'x', ranges[i].lo, ranges[i].hi);
        assert_has(f.gp.s, ranges[i].tics);
        textbuf_free(&f.gp);
        arena_free(&a);
    }
}

static void test_history_of_commits(void **state)
{
    (void)state;
    static const char *const names[] = {"b.json", "a.json"};
    need_gnuplot();
    for (int i = 0; i < 2; i++) {
        json_t *record = rich_record(i ? "aaa" : "bbb", i ? 1.0 : 1.2);
        assert_int_equal(json_dump_file(record, fx_at(names[i]), 0), 0);
        json_decref(record);
    }
    assert_int_equal(run_report(fx_at("b.json"), fx_at("a.json"), "-o", fx_at("r"), "--no-png"), 0);
    const char *old = strstr(fx_file("r/plots/history.tsv"), "\n0\t50\t45\t"),
               *new = strstr(fx_text, "\n1\t60\t54\t66\tbbb\tbbb\tc0/0\n");
    assert_true(old && new &&old < new);
    assert_has(fx_file("r/report.md"), "\n## History\n");
}

static void test_without_png(void **state)
{
    (void)state;
    need_gnuplot();
    assert_int_equal(run_report(QUICK, "-o", fx_at("r"), "--no-png"), 0);
    assert_int_equal(access(fx_at("r/plots/memory.svg"), F_OK), 0);
    assert_int_not_equal(access(fx_at("r/plots/memory.png"), F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_without_gnuplot),    TEST(test_broken_gnuplot),     TEST(test_same_record_same_bytes),
        TEST(test_plots_can_be_moved), TEST(test_plot_data),          TEST(test_every_kind_of_figure),
        TEST(test_narrow_axes),        TEST(test_history_of_commits), TEST(test_without_png),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
