/* Several sequences in one session: each gives the same bits as alone, whatever runs beside it. No tolerance anywhere in this file.
 *
 * Alone means a session of its own with one thread. Beside it: other sequences of other lengths, in any order and number, with
 * any number of threads, with a KV cache of either type, across the border from which on threads share a head. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/golden_data.h"

enum { MOST = 32, STEPS = 3 };

static struct session *open_session(const struct model *m, unsigned threads, size_t sequences, size_t n_ctx, enum kv_type kv)
{
    char err[MODEL_ERR_LEN] = "";
    struct session *s = NULL;
    const struct session_options opt = {.threads = threads, .n_ctx = n_ctx, .chunk = 16, .kv = kv, .sequences = sequences};
    if (session_new(m, &opt, &s, err))
        fail_msg("%s", err);
    return s;
}

static struct model *open_model(const char *spec, const char *format)
{
    char err[MODEL_ERR_LEN] = "";
    struct model *m = NULL;
    const struct model_options opt = {.format = format, .seed = 11};
    if (model_load(spec, &opt, &m, err))
        fail_msg("%s", err);
    return m;
}

/* Token `i` of sequence `seq`: all sequences differ. */
static int32_t token(const struct model *m, size_t seq, size_t i)
{
    return (int32_t)((seq * 31 + i * i + 7 * i + 3) % m->hp.n_vocab);
}

static void fill(struct session *s, const struct model *m, size_t in, size_t seq, size_t n)
{
    int32_t *ids = malloc((n + 1) * sizeof *ids);
    assert_non_null(ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = token(m, seq, i);
    assert_int_equal(session_eval_of(s, in, ids, n, false, NULL), 0);
    free(ids);
}

/* Logits of STEPS tokens of sequence `seq` after its first n, alone: [STEPS, n_vocab], free it. */
static float *alone(const struct model *m, size_t seq, size_t n, enum kv_type kv)
{
    struct session *s = open_session(m, 1, 0, n + STEPS, kv);
    float *logits = malloc(STEPS * m->hp.n_vocab * sizeof *logits);
    assert_non_null(logits);
    fill(s, m, 0, seq, n);
    for (size_t i = 0; i < STEPS; i++) {
        const int32_t id = token(m, seq, n + i);
        assert_int_equal(session_eval(s, &id, 1, false, logits + i * m->hp.n_vocab), 0);
    }
    session_free(s);
    return logits;
}

/* `n` sequences of lengths depth + k, decoded together in an order that changes from step to step, against each one alone. */
static void compare(const struct model *m, size_t n, size_t depth, unsigned threads, enum kv_type kv)
{
    const size_t vocab = m->hp.n_vocab;
    float *expected[MOST], *got = malloc(n * vocab * sizeof *got);
    struct session *s = open_session(m, threads, n, depth + n + STEPS, kv);
    assert_non_null(got);
    for (size_t k = 0; k < n; k++) {
        expected[k] = alone(m, k, depth + k, kv);
        fill(s, m, k, k, depth + k);
    }
    for (size_t i = 0; i < STEPS; i++) {
        size_t seqs[MOST];
        int32_t ids[MOST];
        for (size_t k = 0; k < n; k++) {
            seqs[k] = (k + i) % n;
            ids[k] = token(m, seqs[k], depth + seqs[k] + i);
        }
        memset(got, 0x55, n * vocab * sizeof *got);
        assert_int_equal(session_decode(s, i ? seqs : NULL, ids, n, got), 0);
        for (size_t k = 0; k < n; k++)
            if (memcmp(got + k * vocab, expected[seqs[k]] + i * vocab, vocab * sizeof *got) != 0)
                fail_msg("sequence %zu of %zu, step %zu, %u threads: not the bits it gives alone", seqs[k], n, i, threads);
    }
    for (size_t k = 0; k < n; k++) {
        assert_int_equal(session_pos_of(s, k), depth + k + STEPS);
        free(expected[k]);
    }
    session_free(s);
    free(got);
}

static void same_bits_in_every_format(void **state)
{
    (void)state;
    char name[FORMAT_NAMES_LEN];
    for (size_t i = 0; format_at(i); i++) {
        snprintf(name, sizeof name, "%s", format_at(i)->name);
        if (!strcmp(name, "q6_k")) /* of embeddings alone */
            continue;
        struct model *m = open_model("synth:tests/shapes/tiny-relu2.ini", name);
        compare(m, 5, 2, 2, KV_F16);
        model_free(m);
    }
}

static void same_bits_in_every_company(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 8, MOST};
    struct model *m = open_model("synth:tests/shapes/tiny-llama.ini", "i2_s");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        compare(m, sizes[i], 1, (unsigned)(i % 3 + 1), i % 2 ? KV_F32 : KV_F16);
    model_free(m);
}

/* Sequences on both sides of 512 positions, where a token alone is shared among threads in another way. */
static void same_bits_in_long_contexts(void **state)
{
    (void)state;
    struct model *m = open_model("synth:tests/shapes/tiny-heads.ini", "f32");
    compare(m, 4, 507, 3, KV_F16);
    compare(m, 1, 511, 2, KV_F16);
    model_free(m);
}

/* Some of them, while others rest; and one begun anew beside the others. */
static void sequences_come_and_go(void **state)
{
    (void)state;
    struct model *m = open_model("synth:tests/shapes/tiny-relu2.ini", "i2_s");
    const size_t vocab = m->hp.n_vocab, some[] = {4, 1, 2};
    struct session *s = open_session(m, 2, 5, 20, KV_F16);
    float *expected[5], *got = malloc(3 * vocab * sizeof *got);
    assert_non_null(got);
    for (size_t k = 0; k < 5; k++) {
        expected[k] = alone(m, k, 4, KV_F16);
        fill(s, m, k, k, 4);
    }
    fill(s, m, 0, 2, 9); /* sequence 0 goes on with other tokens; then 2's place is given to what 3 is */
    session_rewind_of(s, 2, 0);
    fill(s, m, 2, 3, 4);
    const int32_t ids[] = {token(m, 4, 4), token(m, 1, 4), token(m, 3, 4)};
    assert_int_equal(session_decode(s, some, ids, 3, got), 0);
    assert_memory_equal(got, expected[4], vocab * sizeof *got);
    assert_memory_equal(got + vocab, expected[1], vocab * sizeof *got);
    assert_memory_equal(got + 2 * vocab, expected[3], vocab * sizeof *got);
    assert_int_equal(session_pos_of(s, 0), 13);
    assert_int_equal(session_pos_of(s, 3), 4);
    session_rewind(s, 2);
    for (size_t k = 0; k < 5; k++)
        assert_int_equal(session_pos_of(s, k), 2);
    for (size_t k = 0; k < 5; k++)
        free(expected[k]);
    free(got);
    session_free(s);
    model_free(m);
}

static void bad_calls_run_nothing(void **state)
{
    (void)state;
    struct model *m = open_model("synth:tests/shapes/tiny-relu2.ini", "i2_s");
    struct session *s = open_session(m, 1, 3, 2, KV_F16);
    static const size_t twice[] = {1, 1}, beyond[] = {0, 3}, two[] = {2, 1};
    static const int32_t ids[] = {1, 2, 3, 4};
    const int32_t no_ids[] = {1, (int32_t)m->hp.n_vocab};
    assert_int_equal(session_sequences(s), 3);
    assert_int_equal(session_decode(s, twice, ids, 2, NULL), -EINVAL);
    assert_int_equal(session_decode(s, beyond, ids, 2, NULL), -EINVAL);
    assert_int_equal(session_decode(s, NULL, ids, 4, NULL), -EINVAL);
    assert_int_equal(session_decode(s, two, no_ids, 2, NULL), -EINVAL);
    assert_int_equal(session_eval_of(s, 3, ids, 1, false, NULL), -EINVAL);
    assert_int_equal(session_eval_of(s, 1, ids, 2, false, NULL), 0);
    assert_int_equal(session_decode(s, two, ids, 2, NULL), -ENOSPC); /* 1 is full */
    assert_int_equal(session_pos_of(s, 0) + session_pos_of(s, 2), 0);
    session_rewind_of(s, 1, 1);
    assert_int_equal(session_decode(s, two, ids, 2, NULL), 0); /* the refusals left no mark */
    assert_int_equal(session_pos_of(s, 2), 1);
    session_free(s);
    model_free(m);
}

static void memory_is_counted_for_each(void **state)
{
    (void)state;
    struct model *m = open_model("synth:tests/shapes/tiny-relu2.ini", "i2_s");
    struct session *one = open_session(m, 1, 1, 64, KV_F16), *many = open_session(m, 1, 7, 64, KV_F16), *none = NULL;
    char err[MODEL_ERR_LEN] = "";
    const struct session_options too_many = {.threads = 1, .n_ctx = 4, .sequences = SESSION_MAX_SEQUENCES + 1};
    assert_int_equal(session_kv_bytes(many), 7 * session_kv_bytes(one));
    assert_int_equal(session_new(m, &too_many, &none, err), -EINVAL);
    assert_non_null(strstr(err, "257 x 4 tokens"));
    session_free(one);
    session_free(many);
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_in_every_format),  cmocka_unit_test(same_bits_in_every_company),
        cmocka_unit_test(same_bits_in_long_contexts), cmocka_unit_test(sequences_come_and_go),
        cmocka_unit_test(bad_calls_run_nothing),      cmocka_unit_test(memory_is_counted_for_each),
    };
    return cmocka_run_group_tests_name("sequences", tests, NULL, NULL);
}
