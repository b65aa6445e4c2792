/* Reads golden.json with jansson. */
#include "tests/golden_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static size_t read_ids(const json_t *array, int32_t *ids, size_t cap)
{
    const size_t n = json_array_size(array);
    assert_true(n > 0 && n <= cap);
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(array, i));
    return n;
}

static void read_floats(const json_t *array, float *v, size_t n)
{
    assert_int_equal(json_array_size(array), n);
    for (size_t i = 0; i < n; i++)
        v[i] = (float)json_number_value(json_array_get(array, i));
}

void golden_load(struct golden_prompt prompts[GOLDEN_PROMPTS])
{
    json_error_t error;
    json_t *root = json_load_file(GOLDEN_DIR "golden.json", 0, &error);
    assert_non_null(root);
    const json_t *list = json_object_get(root, "prompts");
    assert_int_equal(json_array_size(list), GOLDEN_PROMPTS);
    for (size_t i = 0; i < GOLDEN_PROMPTS; i++) {
        const json_t *p = json_array_get(list, i);
        struct golden_prompt *g = &prompts[i];
        snprintf(g->name, sizeof g->name, "%s", json_string_value(json_object_get(p, "name")));
        g->n_ids = read_ids(json_object_get(p, "ids"), g->ids, GOLDEN_MAX_IDS);
        assert_int_equal(read_ids(json_object_get(p, "greedy"), g->greedy, GOLDEN_GREEDY), GOLDEN_GREEDY);
        read_floats(json_object_get(p, "greedy_gap"), g->gap, GOLDEN_GREEDY);
        read_floats(json_object_get(p, "logits_last"), g->logits, GOLDEN_VOCAB);
        g->argmax = (int32_t)json_integer_value(json_object_get(p, "argmax"));
    }
    json_decref(root);
}

struct model *golden_model(const char *file, const char *format)
{
    struct model *m = NULL;
    char err[MODEL_ERR_LEN] = "";
    char path[256];
    snprintf(path, sizeof path, strncmp(file, "synth:", 6) == 0 ? "%s" : GOLDEN_DIR "%s", file);
    const struct model_options opt = {.format = format};
    if (model_load(path, &opt, &m, err) != 0)
        fail_msg("%s", err);
    return m;
}

struct session *golden_session(const struct model *m, unsigned threads, size_t chunk, enum kv_type kv)
{
    struct session *s = NULL;
    char err[MODEL_ERR_LEN] = "";
    const struct session_options opt = {.threads = threads, .n_ctx = 256, .chunk = chunk, .kv = kv};
    if (session_new(m, &opt, &s, err) != 0)
        fail_msg("%s", err);
    return s;
}

int32_t golden_argmax(const float *logits, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    return (int32_t)best;
}

float *golden_all_logits(const struct model *m, const int32_t *ids, size_t n, unsigned threads, size_t chunk, enum kv_type kv)
{
    float *logits = malloc(n * m->hp.n_vocab * sizeof *logits);
    struct session *s = golden_session(m, threads, chunk, kv);
    assert_non_null(logits);
    assert_int_equal(session_eval(s, ids, n, true, logits), 0);
    session_free(s);
    return logits;
}
