/* Verdicts by the claims of configs/ on records made here: exactness, memory, figures from constants, records of thousands of cells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/report_fixture.h"

/* The line after the one with the claim's id */
static const char *verdict_of(const char *id)
{
    static char line[1000];
    char mark[100];
    snprintf(mark, sizeof(mark), ": %s, ", id);
    const char *p = strstr(fx_out, mark);
    const char *next = p ? strchr(p, '\n') : NULL;
    snprintf(line, sizeof(line), "%.*s", next ? (int)strcspn(next + 1, "\n") : 0, next ? next + 1 : "");
    return line;
}

static void judge_real(json_t *record, int status)
{
    assert_int_equal(json_dump_file(record, fx_at("results.json"), 0), 0);
    json_decref(record);
    assert_int_equal(run_claims(fx_at("results.json")), status);
}

static json_t *hashed(const char *format, const char *hash)
{
    json_t *c = new_cell("700m", format, 1, "tg32", 1.0, 1.0, 1.0);
    json_object_set_new(c, "output_sha256", json_string(hash));
    return c;
}

static void test_lossless(void **state)
{
    (void)state;
    judge_real(new_record(json_pack("[o,o]", hashed("i2_s", "aa"), hashed("tl2", "aa"))), 0);
    assert_has(verdict_of("t7-ternary"),
               "holds in part (the generated tokens of all 2 cells of 1 test are equal; the prompts (1,000");
    judge_real(new_record(json_pack("[o,o]", hashed("i2_s", "aa"), hashed("tl2", "bb"))), 1);
    assert_has(verdict_of("t7-ternary"), "does not hold (measured: outputs of 700m/i2_s/t1/tg32 and 700m/tl2/t1/tg32 differ");
    judge_real(new_record(json_pack("[o,o]", hashed("i2_s", "aa"), hashed("f16", "bb"))),
               1); /* f16 may differ; but 1 token/s is slow */
    assert_has(verdict_of("t7-ternary"), "not testable here (no decode of two ternary formats");
}

static json_t *arm_of(const char *format, bool ternary, const char *activations, int identical, double lo, double hi)
{
    return json_pack("{s:s,s:s,s:b,s:s,s:n,s:i,s:i,s:{s:f,s:f,s:f}}", "format", format, "isa", "avx2", "ternary", ternary,
                     "activations", activations, "reason", "prompts", 64, "identical", identical, "share", "value",
                     identical / 64.0, "lo", lo, "hi", hi);
}

/* blocks: outputs that are identical with activations scaled per block */
static json_t *prompts_record(const char *model, int identical, int blocks)
{
    json_t *record = new_record(json_array());
    json_t *arms =
        json_pack("[o,o,o,o]", arm_of("i2_s", true, "int8 per token", 64, 0.944, 1.0),
                  arm_of("f32", false, "float, int8 per token", 48, 0.6, 0.85),
                  arm_of("tl2", true, "int8 per token", identical, identical == 64 ? 0.944 : 0.9, identical == 64 ? 1.0 : 0.99),
                  arm_of("f32", false, "float, int8 per 256", blocks, blocks == 64 ? 0.944 : 0.03, blocks == 64 ? 1.0 : 0.17));
    json_object_set_new(record, "lossless",
                        json_pack("[{s:s,s:s,s:i,s:i,s:i,s:o}]", "model", model, "status", "ok", "prompts", 64, "prompt_tokens", 32,
                                  "tokens", 100, "arms", arms));
    return record;
}

static void test_lossless_over_prompts(void **state)
{
    (void)state;
    judge_real(prompts_record("bitnet_b1_58-large", 64, 5), 1); /* 7.81 % of per-block outputs on that model are not 1.4 % */
    assert_string_equal(verdict_of("t7-ternary"), "    holds");
    assert_has(verdict_of("t7-tq2_0"), "does not hold (measured 7.81 [3.00, 17.0] %, needed 1.4)");
    judge_real(prompts_record("kjv-tiny", 64, 5), 0);
    assert_has(verdict_of("t7-ternary"),
               "holds in part (all 64 outputs of 2 ternary kernels, on kjv-tiny; published on bitnet_b1_58-large)");
    assert_has(
        verdict_of("t7-tq1_0"),
        "not testable here (published on bitnet_b1_58-large; on kjv-tiny 7.81 [3.00, 17.0] % of the outputs are identical with "
        "activations scaled per block, so it is not lossless there either)");
    assert_has(fx_out, "The same float arithmetic with one scale per token gives 75.0 [60.0, 85.0] % on kjv-tiny");
    judge_real(prompts_record("kjv-tiny", 60, 5), 1);
    assert_has(verdict_of("t7-ternary"), "does not hold (measured 93.8 [90.0, 99.0] % of the outputs of tl2, needed 100)");
    judge_real(prompts_record("kjv-tiny", 64, 64), 0);
    assert_has(verdict_of("t7-tq1_0"), "activations scaled per block, so it is not shown to lose anything there)");
}

static void test_definitions_are_no_measurements(void **state)
{
    (void)state;
    json_t *c = new_cell("2b4t", "i2_s", 1, "tg32", 1.0, 1.0, 1.0);
    json_object_set_new(c, "metrics",
                        json_pack("[{s:s,s:f,s:s}, {s:s,s:f,s:s}]", "name", "weights_bytes", "value", 523e6, "status", "measured",
                                  "name", "rss_peak_bytes", "value", 825e6, "status", "measured"));
    judge_real(new_record(json_pack("[o]", c)), 1); /* 1 token/s is slower than published */
    assert_string_equal(
        verdict_of("b2-memory"),
        "    not a measurement (2084044800 linear weights x 1.58 bit = 0.412 GB, without embedding, cache and scratch)");
    assert_has(
        fx_out,
        "Linear weights as the engine holds them here: i2_s 523 MB; peak resident memory with embedding and cache at least 825 MB");
    assert_has(verdict_of("b2-energy"),
               "not a measurement (an estimate from operation counts: 0.00747 J in linear layers + 0.0201 J in "
               "attention = 0.0276 J for one pass over 512 tokens, 0.0539 mJ per token)");
    assert_has(verdict_of("era-operations"), "not a measurement (a quotient of table constants: 0.500 pJ / 0.00700 pJ = 71.4)");
    assert_has(verdict_of("b2-scenario-memory"), "not a measurement (the quotient (2 to 4.8) / 0.4");
    assert_has(verdict_of("b2-scenario-latency"), "not testable here (the other models of the quotient");
    assert_has(verdict_of("repo-kernels"), "not testable here (no result of 2b4t with bitnet.cpp-original)");
}

/* Thousands of cells: seconds would mean that something is quadratic. */
static void test_many_cells(void **state)
{
    (void)state;
    static const char *const formats[] = {"i2_s", "tl2", "tq1_0", "f16", "q8_0"};
    json_t *cells = json_array();
    char model[20], test[20];
    for (int m = 0; m < 20; m++)
        for (int t = 1; t <= 8; t++)
            for (size_t f = 0; f < 5; f++)
                for (int n = 1; n <= 4; n++) {
                    snprintf(model, sizeof(model), m == 0 ? "7b" : "m%d", m);
                    snprintf(test, sizeof(test), "tg%d", 32 * n);
                    json_array_append_new(
                        cells, new_cell(model, formats[f], t, test, f < 3 ? 60.0 : 10.0, f < 3 ? 59.0 : 9.9, f < 3 ? 61.0 : 10.1));
                }
    assert_int_equal(json_array_size(cells), 3200);
    judge_real(new_record(cells), 1);
    assert_string_equal(verdict_of("t4-i7-7b"), "    holds");
    assert_has(verdict_of("t5-i7-7b"), "does not hold (measured 6.00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lossless),
        TEST(test_lossless_over_prompts),
        TEST(test_definitions_are_no_measurements),
        TEST(test_many_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
