/* Reports: plots - with gnuplot, without it, with a broken one; the same bytes for the same record. */
#include <setjmp.h>
#include <stdarg.h>
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

static const char *const quick_plots[] = {"throughput-pp128", "throughput-tg32", "speedup-pp128",
                                          "speedup-tg32",     "memory",          "latency-tg32"};
enum { N_QUICK_PLOTS = sizeof(quick_plots) / sizeof(quick_plots[0]) };

static void test_same_record_same_bytes(void **state)
{
    (void)state;
    char a[80], b[80];
    static const char *const ends[] = {"svg", "gp", "tsv"};
    need_gnuplot();
    assert_int_equal(run_report(QUICK, "-o", fx_at("a")), 0);
    assert_string_equal(fx_err, "");
    assert_int_equal(run_report(QUICK, "-o", fx_at("b")), 0);
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
    if (gnuplot_run(gnuplot_find(&a), fx_at("moved"), "speedup-tg32.gp", problem) != 0)
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
    assert_has(fx_file("r/plots/throughput-tg32.tsv"), "2\t18.648\t18.3171\t18.7025\t2b4t\ti2_s\tq6_k\n");
    const char *last = strrchr(fx_file("r/plots/latency-tg32.tsv"), '\n');
    while (last > fx_text && last[-1] != '\n')
        last--;
    assert_has(last, "\t100.000\t2\t2b4t\tq4_0"); /* an ECDF ends at 100 % */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_without_gnuplot),    TEST(test_broken_gnuplot), TEST(test_same_record_same_bytes),
        TEST(test_plots_can_be_moved), TEST(test_plot_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
