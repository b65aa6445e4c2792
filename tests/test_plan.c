/* The plan that is made of a suite: which cells come out, what they are called, why some are skipped, and how long is left. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/plan.h"
#include "harness/progress.h"
#include "harness/suite.h"

static const char tiny_model[] = "tests/golden/kjv-tiny-f16.gguf";

/* Of the running test: a small suite, and the plan that it makes of it, which it leaves made. */
static struct suite s;
static struct plan p;
static char err[SUITE_ERR_LEN];

static void set(const char *section, const char *key, const char *value)
{
    if (suite_set(&s, section, key, value, err))
        fail_msg("%s: %s", key, err);
}

static int set_up(void **state)
{
    (void)state;
    suite_init(&s);
    set("matrix", "models", tiny_model);
    set("matrix", "formats", "i2_s,f16");
    set("matrix", "threads", "2,1");
    set("matrix", "prompt", "16,0");
    set("matrix", "gen", "4");
    set("matrix", "depth", "0,8");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    plan_free(&p);
    suite_free(&s);
    return 0;
}

static void assert_id(size_t i, const char *want)
{
    char id[PLAN_ID_LEN];
    assert_true(i < p.n_cells);
    plan_cell_id(&p, &p.cells[i], id);
    assert_string_equal(id, want);
}

static void test_plan_matrix(void **state)
{
    (void)state;
    set("quality", "models", tiny_model);
    set("quality", "formats", "q8_0");
    set("quality", "text", "tests/golden/test.txt");
    if (plan_make(&s, (size_t)4 << 30, &p, err))
        fail_msg("%s", err);
    assert_int_equal(p.n_groups, 3);
    assert_int_equal(p.n_cells, 2 * 2 * 2 * 2 + 1);
    assert_id(0, "kjv-tiny-f16/i2_s/f16/t2/pp16/d0/b16");
    assert_id(1, "kjv-tiny-f16/i2_s/f16/t2/tg4/d0/b1");
    assert_id(2, "kjv-tiny-f16/i2_s/f16/t2/pp16/d8/b16");
    assert_id(4, "kjv-tiny-f16/i2_s/f16/t1/pp16/d0/b16");
    assert_id(8, "kjv-tiny-f16/f16/f16/t2/pp16/d0/b16");
    assert_id(16, "kjv-tiny-f16/q8_0/f16/t2/ppl/d0/b64");
    assert_int_equal(p.cells[2].n_ctx, 24);
    assert_int_equal(p.cells[3].n_ctx, 12);
    for (size_t i = 0; i < p.n_cells; i++) {
        assert_string_equal(p.cells[i].reason, "");
        assert_true(p.cells[i].need_bytes > (double)p.groups[p.cells[i].group].weight_bytes);
        assert_true(p.cells[i].estimate_s > 0);
    }
    assert_true(plan_total_params(&p.groups[0].hp) == 5252352); /* tests/golden/README.md */
    assert_true(plan_linear_params(&p.groups[0].hp) == 4718592);
}

static void test_plan_batches_above_the_prompt_are_one_cell(void **state)
{
    (void)state;
    suite_begin_overrides(&s);
    set("matrix", "threads", "1");
    set("matrix", "depth", "0");
    set("matrix", "gen", "0");
    set("matrix", "batch", "4,16,32,64");
    assert_int_equal(plan_make(&s, (size_t)4 << 30, &p, err), 0);
    assert_int_equal(p.n_cells, 2 * 2);
    assert_id(0, "kjv-tiny-f16/i2_s/f16/t1/pp16/d0/b4");
    assert_id(1, "kjv-tiny-f16/i2_s/f16/t1/pp16/d0/b16");
}

static void test_plan_skips_what_does_not_fit(void **state)
{
    (void)state;
    assert_int_equal(plan_make(&s, 70u << 20, &p, err), 0);
    for (size_t i = 0; i < p.n_cells;
         i++) { /* i2_s with its 2 MB fits beside the 64 MiB that loading takes, f16 with 10 MB does not */
        const bool f16 = !strcmp(p.groups[p.cells[i].group].format->name, "f16");
        if (f16)
            assert_non_null(strstr(p.cells[i].reason, " MB, 73.4 MB available"));
        else
            assert_string_equal(p.cells[i].reason, "");
    }
    plan_free(&p);
    suite_begin_overrides(&s);
    set("matrix", "models", "synth:100b");
    assert_int_equal(plan_make(&s, (size_t)21400000000, &p, err), 0);
    for (size_t i = 0; i < p.n_cells; i++) {
        double needs = 0, available = 0, weights = 0, rest = 0;
        assert_int_equal(sscanf(p.cells[i].reason, "needs %lf GB, %lf GB available (weights %lf, cache and buffers %lf)", &needs,
                                &available, &weights, &rest),
                         4);
        assert_true(rest > 0 && fabs(needs - weights - rest) < 0.11);
        assert_true(available == 21.4);
        const double gb = p.cells[i].need_bytes / 1e9, params = plan_total_params(&p.groups[p.cells[i].group].hp) / 1e9;
        assert_true(needs > gb - 0.06 && needs < gb + 0.06);
        const bool f16 = !strcmp(p.groups[p.cells[i].group].format->name, "f16");
        assert_true(f16 ? gb > 2 * params && gb < 2.1 * params : gb > 0.25 * params && gb < 0.3 * params);
    }
}

static void test_plan_unreadable_models(void **state)
{
    (void)state;
    suite_begin_overrides(&s);
    set("matrix", "models", "nowhere.gguf");
    assert_true(plan_make(&s, SIZE_MAX, &p, err) < 0); /* asked for by name: an error */
    assert_non_null(strstr(err, "nowhere.gguf"));
    suite_begin_overrides(&s);
    set("matrix", "models", tiny_model);
    set("quality", "models", "nowhere.gguf");
    set("quality", "formats", "f16");
    set("quality", "text", "tests/golden/test.txt");
    assert_int_equal(plan_make(&s, SIZE_MAX, &p, err), 0); /* part of a suite: its cell is skipped */
    assert_non_null(strstr(p.cells[p.n_cells - 1].reason, "nowhere.gguf"));
    plan_free(&p);
    suite_begin_overrides(&s);
    set("quality", "models", tiny_model);
    set("quality", "text", "nowhere.txt");
    assert_int_equal(plan_make(&s, SIZE_MAX, &p, err), 0);
    assert_string_equal(p.cells[p.n_cells - 1].reason, "nowhere.txt: No such file or directory");
}

/* Two files of one name in different folders must not share cell ids. */
static void test_plan_names_are_unique(void **state)
{
    (void)state;
    set("matrix", "models", "./tests/golden/kjv-tiny-f16.gguf");
    assert_int_equal(plan_make(&s, SIZE_MAX, &p, err), 0);
    assert_string_equal(p.groups[0].model, "kjv-tiny-f16");
    assert_string_equal(p.groups[1].model, "kjv-tiny-f16");
    assert_string_equal(p.groups[2].model, "kjv-tiny-f16~2");
    assert_string_equal(p.groups[3].model, "kjv-tiny-f16~2");
}

static void test_time_left(void **state)
{
    struct progress g;
    char text[32];
    FILE *null = fopen("/dev/null", "w");
    (void)state;
    assert_non_null(null);
    assert_int_equal(plan_make(&s, SIZE_MAX, &p, err), 0);
    for (size_t i = 0; i < p.n_cells; i++)
        p.cells[i].estimate_s = 10;
    progress_begin(&g, null, &p);
    assert_true(progress_left_s(&g, g.began_s + 5) == 10.0 * (double)p.n_cells); /* nothing known yet */
    progress_advance(&g, 20);
    progress_cell_done(&g, &p.cells[0], "x", false);
    progress_cell_done(&g, &p.cells[1], "x", false);
    const double left = progress_left_s(&g, g.began_s + 5); /* 20 s of estimate took 5 s */
    assert_true(left > 0.25 * 10 * (double)(p.n_cells - 2) - 1e-6 && left < 0.25 * 10 * (double)(p.n_cells - 2) + 1e-6);
    progress_duration(59.4, text, sizeof text);
    assert_string_equal(text, "59 s");
    progress_duration(125, text, sizeof text);
    assert_string_equal(text, "2 min 05 s");
    progress_duration(3725, text, sizeof text);
    assert_string_equal(text, "1 h 02 min");
    fclose(null);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_plan_matrix),
        TEST(test_plan_batches_above_the_prompt_are_one_cell),
        TEST(test_plan_skips_what_does_not_fit),
        TEST(test_plan_unreadable_models),
        TEST(test_plan_names_are_unique),
        TEST(test_time_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
