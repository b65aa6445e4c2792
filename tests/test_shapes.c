/* The shapes of configs/models: every one is read, and its parameters are as many as its publication says. What a publication
 * does not give to three digits is held to the size in the model's name. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/config_path.h"
#include "engine/shape.h"
#include "harness/plan.h"

enum counts { ALL, LINEAR }; /* what the published number counts: with embedding and lm_head, or the layers' matrices alone */

static const struct published {
    const char *shape;
    enum counts counts;
    double params, off; /* and how far the shape may be from it, as a share */
} published[] = {
    /* sizes in the tables of arXiv 2410.16144: names, not counts; the 125M row is one layer short of the usual 12 */
    {"125m", ALL, 125e6, 0.04},
    {"350m", ALL, 350e6, 0.04},
    {"700m", ALL, 728.84e6, 1e-4}, /* the shape of bitnet_b1_58-large, below */
    {"1b", ALL, 1e9, 0.04},
    {"1.5b", ALL, 1.5e9, 0.02},
    {"2.5b", ALL, 2.5e9, 0.02},
    {"3.8b", ALL, 3.8e9, 0.02},
    {"7b", ALL, 7e9, 0.02},
    {"13b", ALL, 13e9, 0.02},
    {"30b", ALL, 30e9, 0.02},
    {"70b", ALL, 70e9, 0.02},
    {"100b", ALL, 100e9, 0.02},
    /* the layers of 2B4T hold 2,084,044,800 weights; with embedding and norms 2,412,820,480 */
    {"2b4t", ALL, 2412820480.0, 0},
    {"2b4t", LINEAR, 2084044800.0, 0},
    /* llama.cpp PR #8151 */
    {"bitnet_b1_58-large", ALL, 728.84e6, 1e-4},
    {"bitnet_b1_58-3b", ALL, 3.3e9, 0.01}, /* this and the next: README of microsoft/BitNet */
    {"llama3-8b-1.58", ALL, 8.0e9, 0.01},
    /* sizes in the names of the Falcon3 family, which leave embedding and lm_head out for the smallest */
    {"falcon3-1b", LINEAR, 1e9, 0.14},
    {"falcon3-3b", ALL, 3e9, 0.09},
    {"falcon3-7b", ALL, 7e9, 0.07},
    {"falcon3-10b", ALL, 10e9, 0.04},
};
enum { N_PUBLISHED = sizeof published / sizeof published[0] };

static struct hparams load(const char *name)
{
    struct hparams hp;
    char err[MODEL_ERR_LEN] = "";
    if (shape_load(name, &hp, err))
        fail_msg("%s: %s", name, err);
    return hp;
}

static void test_parameters_are_as_published(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PUBLISHED; i++) {
        const struct published *p = &published[i];
        const struct hparams hp = load(p->shape);
        const double have = p->counts == ALL ? plan_total_params(&hp) : plan_linear_params(&hp);
        if (fabs(have - p->params) > p->off * p->params)
            fail_msg("%s has %.0f parameters, published are %.0f", p->shape, have, p->params);
    }
}

/* Llama3-8B-1.58-100B-tokens as it is published: four linear weights in a byte, embedding and lm_head in two bytes each, 3.85 GB. */
static void test_packed_file_of_llama3(void **state)
{
    const struct hparams hp = load("llama3-8b-1.58");
    (void)state;
    const double linear = plan_linear_params(&hp), bytes = linear / 4 + (plan_total_params(&hp) - linear) * 2;
    assert_true(fabs(bytes - 3.85e9) < 0.005e9);
}

/* Hidden size = heads * head_dim in every published shape, and heads share KV heads evenly. */
static void test_heads_make_up_the_hidden_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PUBLISHED; i++) {
        const struct hparams hp = load(published[i].shape);
        assert_int_equal(hp.n_head * hp.head_dim, hp.n_embd);
        assert_int_equal(hp.n_head % hp.n_head_kv, 0);
    }
}

/* No shape comes without a published number to hold it to. */
static void test_every_shape_is_held_to_something(void **state)
{
    char names[1024];
    size_t seen = 0;
    (void)state;
    config_names("models", names, sizeof names);
    for (char *save = NULL, *name = strtok_r(names, ", ", &save); name; name = strtok_r(NULL, ", ", &save)) {
        size_t i = 0;
        while (i < N_PUBLISHED && strcmp(published[i].shape, name))
            i++;
        if (i == N_PUBLISHED)
            fail_msg("configs/models/%s.ini has no row in this test", name);
        seen++;
    }
    assert_int_equal(seen, 20);
}

/* 8640 columns fit no ternary format: those cells are skipped with the engine's reason, the others stay. */
static void test_shape_that_no_ternary_format_takes(void **state)
{
    static const char *const keys[][2] = {
        {"models", "synth:bitnet_b1_58-3b"}, {"formats", "i2_s,tq1_0,f16"}, {"threads", "1"}, {"gen", "4"}};
    struct suite s;
    struct plan p;
    char err[SUITE_ERR_LEN] = "";
    (void)state;
    suite_init(&s);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_int_equal(suite_set(&s, "matrix", keys[i][0], keys[i][1], err), 0);
    if (plan_make(&s, (size_t)64 << 30, &p, err))
        fail_msg("%s", err);
    assert_int_equal(p.n_cells, 3);
    assert_non_null(strstr(p.cells[0].reason, "i2_s needs rows of a multiple of 128 weights"));
    assert_non_null(strstr(p.cells[1].reason, "tq1_0 needs rows of a multiple of 256 weights"));
    assert_string_equal(p.cells[2].reason, "");
    plan_free(&p);
    suite_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_are_as_published),
        cmocka_unit_test(test_packed_file_of_llama3),
        cmocka_unit_test(test_heads_make_up_the_hidden_size),
        cmocka_unit_test(test_every_shape_is_held_to_something),
        cmocka_unit_test(test_shape_that_no_ternary_format_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
