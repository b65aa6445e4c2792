/* `lossless`: ternary arms must give the reference's bits, other formats and roundings must show that they do not; the figures
 * are computed as their definitions say. */
#include <math.h>
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

#include "engine/act_round.h"
#include "harness/harness_cmds.h"
#include "harness/lossless.h"
#include "kernels/cpu.h"

#define MODEL "tests/golden/kjv-tiny-tq2_0.gguf"
#define TEXT  "tests/golden/test.txt"

/* ---- rounding ------------------------------------------------------------------------------------------------------- */

static void test_rounding_in_blocks(void **state)
{
    float x[] = {127, 0.6f, -0.4f, 1e-3f, 0, 0, 2, -1.5f, 1};
    const float want[] = {127, 1, 0, 0, 0, 0, 2, -1.496063f, 1.007874f}; /* blocks of 4, 4 and 1: scales 1, 2/127, 1/127 */
    (void)state;
    act_round(x, 8, 4);
    x[8] = 1.0f;
    for (size_t i = 0; i < 6; i++)
        assert_true(x[i] == want[i]);
    assert_true(fabsf(x[6] - 2) < 1e-6f && fabsf(x[7] + 95 * 2.0f / 127) < 1e-6f);
    float one[] = {3, -1, 0.01f};
    act_round(one, 3, SIZE_MAX); /* a block for all */
    assert_true(fabsf(one[0] - 3) < 1e-6f && fabsf(one[1] + 42 * 3.0f / 127) < 1e-6f && one[2] == 0);
    float parts[] = {1, 1, 1, 1, 100};
    act_round(parts, 5, 2); /* the last block is one value: it has its own scale */
    assert_true(fabsf(parts[4] - 100) < 1e-4f && parts[0] == 1);
    float zeros[3] = {0, 0, 0};
    act_round(zeros, 3, 2);
    assert_true(zeros[0] == 0 && zeros[2] == 0);
}

/* ---- a run ---------------------------------------------------------------------------------------------------------- */

enum { PROMPTS = 3, TOKENS = 6 };

static json_t *run(const struct lossless_options *o)
{
    char err[MODEL_ERR_LEN] = "";
    json_t *r = lossless_run(o, err);
    if (!r)
        fail_msg("%s", err);
    return r;
}

static struct lossless_options small(void)
{
    struct lossless_options o;
    lossless_defaults(&o);
    o.model = MODEL;
    o.name = "kjv-tiny";
    o.text = TEXT;
    o.prompts = PROMPTS;
    o.prompt_tokens = 5;
    o.tokens = TOKENS;
    o.window = 8;
    o.windows = 2;
    o.threads = 2;
    return o;
}

static double real(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static const json_t *find(const json_t *result, const char *format, const char *acts)
{
    size_t i;
    const json_t *arm;
    json_array_foreach(json_object_get(result, "arms"), i, arm)
    {
        if (!strcmp(text(arm, "format"), format) && !strcmp(text(arm, "activations"), acts))
            return arm;
    }
    fail_msg("no arm %s, %s", format, acts);
    return NULL;
}

/* One run serves several tests: it is what takes the time. */
static json_t *result;

static int run_once(void **state)
{
    const struct lossless_options o = small();
    const uint32_t features = cpu_features();
    (void)state;
    result = run(&o);
    assert_true(cpu_features() == features); /* the limit is lifted */
    return 0;
}

static int drop_result(void **state)
{
    (void)state;
    json_decref(result);
    return 0;
}

static void test_every_ternary_kernel_is_identical(void **state)
{
    static const char *const formats[] = {"i2_s", "tl2", "tq1_0", "tq2_0", "tl1"};
    enum { FORMATS = sizeof formats / sizeof formats[0] };
    size_t i, n[FORMATS] = {0}, rows = 0;
    const json_t *arm;
    (void)state;
    json_array_foreach(json_object_get(result, "arms"), i, arm)
    {
        if (!json_is_true(json_object_get(arm, "ternary")))
            continue;
        if (real(arm, "identical") != PROMPTS || !json_is_true(json_object_get(arm, "bit_identical")))
            fail_msg("%s, %s", text(arm, "format"), text(arm, "isa"));
        assert_true(json_is_null(json_object_get(arm, "first_other_token")));
        assert_true(real(arm, "logit_max") == 0 && real(arm, "kl_nat") == 0 && real(arm, "same_token") == 1);
        assert_true(real(json_object_get(arm, "nll_diff"), "value") == 0);
        for (size_t f = 0; f < FORMATS; f++)
            n[f] += !strcmp(text(arm, "format"), formats[f]);
        rows++;
    }
    for (size_t f = 0; f < FORMATS; f++) { /* plain C at least */
        assert_true(n[f] >= 1);
        rows -= n[f];
    }
    assert_int_equal(rows, 0); /* no ternary format that this test does not know */
    assert_true(n[0] >= 1 + (cpu_features() & CPU_AVX2 ? 1 : 0)); /* and of i2_s what this CPU has above it */
}

/* The same weights with activations as they are, or rounded otherwise: near, but not the same. */
static void test_others_differ_and_by_how_much(void **state)
{
    (void)state;
    const json_t *token = find(result, "f32", "float, int8 per token"), *block = find(result, "f32", "float, int8 per 256");
    const json_t *none = find(result, "f32", "float"), *q4 = find(result, "q4_0", "int8 per 32");
    const json_t *const all[] = {token, block, none, q4, find(result, "f16", "float"), find(result, "q8_0", "int8 per 32")};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_true(json_is_false(json_object_get(all[i], "bit_identical")));
        assert_true(real(all[i], "logit_max") >= real(all[i], "logit_rms") && real(all[i], "logit_rms") > 0);
        assert_true(real(all[i], "kl_nat") > 0);
        assert_true(real(all[i], "same_token") > 0.5);
    }
    /* rounding as the model was trained differs from the reference by float sums alone; q4_0 cannot hold +s */
    assert_true(real(token, "logit_rms") < real(block, "logit_rms"));
    assert_true(real(token, "logit_rms") < real(none, "logit_rms"));
    assert_true(real(q4, "logit_rms") > real(none, "logit_rms"));
    assert_true(fabs(real(json_object_get(q4, "nll_diff"), "value")) > fabs(real(json_object_get(token, "nll_diff"), "value")));
}

/* An output that differs has its first other token within the output. */
static void test_first_other_token(void **state)
{
    size_t i, seen = 0;
    const json_t *arm;
    (void)state;
    json_array_foreach(json_object_get(result, "arms"), i, arm)
    {
        const json_t *first = json_object_get(arm, "first_other_token");
        assert_int_equal(json_is_object(first), real(arm, "identical") < PROMPTS);
        assert_int_equal(real(arm, "same_token") < 1, json_is_object(first));
        if (!json_is_object(first))
            continue;
        seen++;
        assert_true(real(first, "first") >= 1 && real(first, "last") <= TOKENS);
        assert_true(real(first, "first") <= real(first, "median") && real(first, "median") <= real(first, "last"));
    }
    assert_true(seen > 0);
}

/* 3 of 3: the share under which that has a chance of 2.5 % is 0.025^(1/3). R: binom.test(3, 3)$conf.int */
static void test_interval_of_the_share(void **state)
{
    const json_t *share = json_object_get(find(result, "i2_s", "int8 per token"), "share");
    (void)state;
    assert_true(fabs(real(share, "lo") - 0.2924018) < 1e-6);
    assert_true(real(share, "hi") == 1 && real(share, "value") == 1);
}

static void test_reference_is_plain_c(void **state)
{
    const json_t *ref = json_object_get(result, "reference"), *ppl = json_object_get(ref, "perplexity");
    (void)state;
    assert_string_equal(text(ref, "isa"), "c");
    assert_string_equal(text(ref, "format"), "i2_s");
    assert_true(real(ref, "threads") == 1);
    assert_true(real(ppl, "windows") == 2 && real(ppl, "tokens") == 16);
    assert_true(real(ppl, "lo") < real(ppl, "value") && real(ppl, "value") < real(ppl, "hi"));
}

static void test_best_isa_without_perplexity(void **state)
{
    struct lossless_options o = small();
    (void)state;
    o.best_isa = true;
    o.windows = 0;
    o.prompts = 1;
    o.tokens = 2;
    json_t *r = run(&o);
    size_t formats = 0;
    while (format_at(formats))
        formats++;
    assert_int_equal(json_array_size(json_object_get(r, "arms")), formats - 1 + 2); /* without q6_k, with two roundings */
    const json_t *arm = find(r, "tl2", "int8 per token");
    assert_true(json_is_null(json_object_get(arm, "perplexity")) && json_is_true(json_object_get(arm, "bit_identical")));
    json_decref(r);
}

static void test_what_cannot_be_done(void **state)
{
    struct lossless_options o = small();
    char err[MODEL_ERR_LEN] = "";
    (void)state;
    o.prompts = 100000;
    assert_null(lossless_run(&o, err));
    assert_non_null(strstr(err, "do not make 100000 prompts of 5"));
    o = small();
    o.text = "nowhere.txt";
    assert_null(lossless_run(&o, err));
    assert_non_null(strstr(err, "nowhere.txt"));
    o = small();
    o.model = "nowhere.gguf";
    assert_null(lossless_run(&o, err));
    assert_non_null(strstr(err, "nowhere.gguf"));
}

static void test_command(void **state)
{
    char path[] = "/tmp/bitjoule-lossless-XXXXXX";
    char *argv[] = {"lossless", "-m", MODEL, "-f", TEXT, "-p", "2", "-n", "3", "--prompt-tokens", "4", "--windows", "2", "--ctx", "8",
                    "--best-isa", "--json", path, NULL};
    char *synth[] = {"lossless", "-m", "synth:125m", "-f", TEXT, NULL}, *zero[] = {"lossless", "-m", MODEL, "-f", TEXT, "-p", "0", NULL};
    (void)state;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(cmd_lossless(18, argv), 0);
    json_t *r = json_load_file(path, 0, NULL);
    assert_string_equal(text(r, "model"), "kjv-tiny-tq2_0");
    assert_true(real(r, "prompts") == 2 && real(r, "tokens") == 3);
    json_decref(r);
    unlink(path);
    assert_int_equal(cmd_lossless(5, synth), 2);
    assert_int_equal(cmd_lossless(7, zero), 2);
    assert_int_equal(cmd_lossless(1, synth), 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding_in_blocks),
        cmocka_unit_test(test_every_ternary_kernel_is_identical),
        cmocka_unit_test(test_others_differ_and_by_how_much),
        cmocka_unit_test(test_first_other_token),
        cmocka_unit_test(test_interval_of_the_share),
        cmocka_unit_test(test_reference_is_plain_c),
        cmocka_unit_test(test_best_isa_without_perplexity),
        cmocka_unit_test(test_what_cannot_be_done),
        cmocka_unit_test(test_command),
    };
    return cmocka_run_group_tests(tests, run_once, drop_result);
}
