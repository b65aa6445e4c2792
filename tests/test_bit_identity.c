/* The promise that no other engine makes: for a model and a token sequence the ternary engine gives the same bits with every ternary
 * format, any number of threads, any chunking, C or SIMD, on every machine. No tolerance anywhere in this file.
 *
 * Across machines: test_logits_hash.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/cpu.h"
#include "tests/golden_data.h"
#include "tests/under_qemu.h"

static struct golden_prompt prompts[GOLDEN_PROMPTS];

static int setup(void **state)
{
    (void)state;
    golden_load(prompts);
    return 0;
}

/* Plain C under an emulator takes minutes for what takes a second elsewhere: a short prompt then. */
static const struct golden_prompt *matrix_prompt(void)
{
    return &prompts[under_qemu() ? 2 : 5];
}

/* All positions of a prompt, run in one way, against C with one thread, token by token. */
static void compare_with(const struct model *m, const float *expected, const struct golden_prompt *p, unsigned threads, size_t chunk)
{
    float *got = golden_all_logits(m, p->ids, p->n_ids, threads, chunk, KV_F16);
    assert_memory_equal(got, expected, p->n_ids * GOLDEN_VOCAB * sizeof *got);
    free(got);
}

static void formats_threads_chunks_isas(void **state)
{
    (void)state;
    static const struct {
        const char *file, *format;
    } models[] = {
        {"kjv-tiny-i2_s.gguf", NULL},    {"kjv-tiny-tq1_0.gguf", NULL},    {"kjv-tiny-tq2_0.gguf", NULL},
        {"kjv-tiny-f16.gguf", "i2_s"},   {"kjv-tiny-f16.gguf", "tq1_0"},   {"kjv-tiny-i2_s.gguf", "tq2_0"},
        {"kjv-tiny-i2_s.gguf", "tl2"},   {"kjv-tiny-i2_s.gguf", "tl1"},
    };
    static const size_t chunks[] = {1, 7, 64, 128};
    const struct golden_prompt *p = matrix_prompt();
    cpu_limit(0);
    struct model *c = golden_model("kjv-tiny-i2_s.gguf", NULL);
    assert_string_equal(c->layers[0].q.kern->isa, "c");
    float *expected = golden_all_logits(c, p->ids, p->n_ids, 1, 1, KV_F16);
    compare_with(c, expected, p, 2, 64);
    model_free(c);
    cpu_limit(CPU_AVX2 | CPU_NEON); /* the step between C and the best this CPU has */
    c = golden_model("kjv-tiny-tq1_0.gguf", "i2_s");
    compare_with(c, expected, p, 2, 7);
    model_free(c);
    cpu_limit(UINT32_MAX);
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        struct model *m = golden_model(models[i].file, models[i].format);
        for (unsigned threads = 1; threads <= 3; threads++)
            for (size_t k = 0; k < sizeof chunks / sizeof chunks[0]; k++)
                if (i == 0 || threads == k % 3 + 1) /* every pair for the first, a diagonal for the others */
                    compare_with(m, expected, p, threads, chunks[k]);
        model_free(m);
    }
    free(expected);
}

/* A cut prompt, continued: the same bits as in one go. */
static void continuation(void **state)
{
    (void)state;
    const struct golden_prompt *p = &prompts[4];
    struct model *m = golden_model("kjv-tiny-i2_s.gguf", NULL);
    float *whole = golden_all_logits(m, p->ids, p->n_ids, 2, 128, KV_F32), last[GOLDEN_VOCAB];
    struct session *s = golden_session(m, 2, 32, KV_F32);
    for (size_t cut = 1; cut < p->n_ids; cut += 41) {
        session_rewind(s, 0);
        assert_int_equal(session_eval(s, p->ids, cut, false, NULL), 0);
        assert_int_equal(session_eval(s, p->ids + cut, p->n_ids - cut, false, last), 0);
        assert_memory_equal(last, whole + (p->n_ids - 1) * GOLDEN_VOCAB, sizeof last);
    }
    session_free(s);
    free(whole);
    model_free(m);
}

enum { LONG_PROMPT = 509, LONG_STEPS = 8, TINY_VOCAB = 61 };

/* A prompt of LONG_PROMPT tokens, then one by one; the logits of all those. */
static void long_context(const struct model *m, unsigned threads, size_t chunk, enum kv_type kv,
                         float logits[LONG_STEPS][TINY_VOCAB])
{
    int32_t ids[LONG_PROMPT + LONG_STEPS];
    char err[MODEL_ERR_LEN] = "";
    struct session *s = NULL;
    const struct session_options opt = {.threads = threads, .n_ctx = LONG_PROMPT + LONG_STEPS, .chunk = chunk, .kv = kv};
    for (int32_t i = 0; i < LONG_PROMPT + LONG_STEPS; i++)
        ids[i] = (i * i + 7 * i) % TINY_VOCAB;
    if (session_new(m, &opt, &s, err) != 0)
        fail_msg("%s", err);
    assert_int_equal(session_eval(s, ids, LONG_PROMPT, false, NULL), 0);
    for (size_t i = 0; i < LONG_STEPS; i++)
        assert_int_equal(session_eval(s, ids + LONG_PROMPT + i, 1, false, logits[i]), 0);
    session_free(s);
}

/* From 512 positions on the threads share each head in decode: the steps go across that border, with threads that divide nothing
 * evenly and with more threads than heads. */
static void heads_shared_by_threads(void **state)
{
    (void)state;
    static const unsigned threads[] = {2, 3, 7, 13};
    const enum kv_type last = under_qemu() ? KV_F16 : KV_F32;
    float expected[LONG_STEPS][TINY_VOCAB], got[LONG_STEPS][TINY_VOCAB];
    char err[MODEL_ERR_LEN] = "";
    struct model *m = NULL;
    const struct model_options opt = {.format = "f32", .seed = 5};
    if (model_load("synth:tests/shapes/tiny-heads.ini", &opt, &m, err) != 0)
        fail_msg("%s", err);
    assert_int_equal(m->hp.n_vocab, TINY_VOCAB);
    for (int kv = KV_F16; kv <= (int)last; kv++) {
        long_context(m, 1, 100, (enum kv_type)kv, expected);
        for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
            long_context(m, threads[i], 64 + i, (enum kv_type)kv, got);
            assert_memory_equal(got, expected, sizeof got);
        }
    }
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_threads_chunks_isas),
        cmocka_unit_test(continuation),
        cmocka_unit_test(heads_shared_by_threads),
    };
    return cmocka_run_group_tests_name("bit identity", tests, setup, NULL);
}
