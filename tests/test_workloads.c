/* The workloads by themselves: what they put out, how they count work and time, and the suite's keys and the plan's cells for them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/plan.h"
#include "harness/suite.h"
#include "harness/workload.h"
#include "profiles/time_clock.h"
#include "tests/golden_data.h"

struct bed {
    struct model *m;
    struct session *s;
    const struct workload *wl;
    void *state;
};

static struct bed set_up(struct model *m, const struct workload *wl, const struct workload_params *p)
{
    struct bed b = {.m = m, .wl = wl};
    char err[MODEL_ERR_LEN] = "";
    const struct session_options opt = {.threads = 2, .n_ctx = 64, .chunk = p->batch, .sequences = p->sequences};
    if (session_new(m, &opt, &b.s, err) || wl->setup(m, b.s, p, &b.state, err))
        fail_msg("%s", err);
    return b;
}

static void clear(struct bed *b)
{
    b->wl->teardown(b->state);
    session_free(b->s);
}

static const int32_t *run(struct bed *b, double *token_s, size_t *n)
{
    b->wl->reset(b->state);
    assert_int_equal(b->wl->run(b->state, token_s), 0);
    return b->wl->output(b->state, n);
}

static const struct workload_params decode_params = {
    .n_gen = 6, .depth = 5, .batch = 1, .sequences = 1, .kv_elem_bytes = 2, .seed = 4};

/* A batch of one is what decode always was, and the first sequence of a batch does what it does alone. The others do otherwise. */
static void sequences_of_decode(void **state)
{
    (void)state;
    struct model *m = golden_model("kjv-tiny-i2_s.gguf", NULL);
    struct workload_params p = decode_params;
    int32_t alone[6];
    size_t n = 0;
    struct bed b = set_up(m, &workload_decode, &p);
    memcpy(alone, run(&b, NULL, &n), sizeof alone);
    assert_int_equal(n, 6);
    const struct workload_work one = workload_decode.work(b.state);
    clear(&b);
    p.sequences = p.batch = 4;
    b = set_up(m, &workload_decode, &p);
    for (int rep = 0; rep < 2; rep++) {
        const int32_t *out = run(&b, NULL, &n);
        assert_int_equal(n, 4 * 6);
        assert_memory_equal(out, alone, sizeof alone);
        assert_memory_not_equal(out + 6, alone, sizeof alone);
    }
    const struct workload_work four = workload_decode.work(b.state);
    assert_true(four.tokens == 24 && four.int8_macs == 4 * one.int8_macs && four.fma_macs == 4 * one.fma_macs);
    double kv = 0; /* each sequence reads its own cache, and all of them the weights together */
    for (size_t i = 0; i < 6; i++)
        kv += model_work(m, 5 + i, 1, 1, 2).kv_bytes;
    assert_true(four.bytes == one.bytes + 3 * kv && kv > 0 && one.bytes > 6 * kv);
    clear(&b);
    model_free(m);
}

/* The answer to a prompt: as prefill and then the model's own choices, token by token. */
static void request_is_prefill_and_decode(void **state)
{
    (void)state;
    struct model *m = golden_model("kjv-tiny-i2_s.gguf", NULL);
    const struct workload_params p = {
        .n_prompt = 9, .n_gen = 5, .depth = 3, .batch = 4, .sequences = 1, .kv_elem_bytes = 2, .seed = 8};
    int32_t ids[9 + 5], answer[5];
    float logits[GOLDEN_VOCAB];
    double token_s[5];
    size_t n = 0;
    struct bed b = set_up(m, &workload_request, &p);
    const double before = time_now_s();
    memcpy(answer, run(&b, token_s, &n), sizeof answer);
    const double time_s = time_now_s() - before;
    assert_int_equal(n, 5);
    double sum = 0;
    for (size_t i = 0; i < 5; i++) {
        assert_true(token_s[i] > 0);
        sum += token_s[i];
    }
    assert_true(sum <= time_s);
    const struct workload_work w = workload_request.work(b.state);
    assert_true(w.tokens == 9 + 4);
    clear(&b);

    b = set_up(m, &workload_prefill, &p); /* the same prompt: seed and depth are those of the request */
    assert_int_equal(*run(&b, NULL, &n), answer[0]);
    const struct workload_work prompt = workload_prefill.work(b.state);
    struct workload_work steps = {0};
    for (size_t i = 0; i < 4; i++)
        workload_add_pass(&steps, m, 3 + 9 + i, 1, 1, 2);
    assert_true(w.int8_macs == prompt.int8_macs + steps.int8_macs && w.bytes == prompt.bytes + steps.bytes);
    workload_ids(ids, 9, m->hp.n_vocab, p.seed);
    session_rewind(b.s, 3);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(session_eval(b.s, i ? &answer[i - 1] : ids, i ? 1 : 9, false, logits), 0);
        assert_int_equal(workload_argmax(logits, GOLDEN_VOCAB), answer[i]);
    }
    clear(&b);
    model_free(m);
}

/* ---- suites and plans ----------------------------------------------------------------------------------------------- */

static int set(struct suite *s, const char *key, const char *value, char err[SUITE_ERR_LEN])
{
    return suite_set(s, "matrix", key, value, err);
}

static void keys_of_a_suite(void **state)
{
    (void)state;
    static const char *const bad[] = {"pp128",   "tg4+pp4",  "pp0+tg4", "pp4+tg0",      "128,32,8",
                                      "pp4+tgx", "pp-1+tg4", "4+4",     "pp4+tg9999999"};
    struct suite s;
    char err[SUITE_ERR_LEN] = "";
    suite_init(&s);
    assert_int_equal(s.sequences.n, 1);
    assert_int_equal(set(&s, "request", "pp128+tg32, pp4+tg2", err), 0);
    assert_int_equal(set(&s, "request", "512,64", err), 0);
    assert_int_equal(set(&s, "request", "pp4+tg2", err), 0); /* there already */
    assert_int_equal(s.requests.n, 3);
    assert_int_equal(s.requests.v[2].n_prompt, 512);
    assert_int_equal(s.requests.v[2].n_gen, 64);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(set(&s, "request", bad[i], err), -EINVAL);
        assert_non_null(strstr(err, "is no request such as pp128+tg32"));
    }
    assert_int_equal(set(&s, "sequences", "1,8,32", err), 0);
    assert_int_equal(set(&s, "sequences", "0", err), -EINVAL);
    assert_int_equal(set(&s, "sequences", "257", err), -EINVAL);
    suite_free(&s);
}

static void cells_of_a_plan(void **state)
{
    (void)state;
    struct suite s;
    struct plan p;
    char err[SUITE_ERR_LEN] = "", id[PLAN_ID_LEN];
    suite_init(&s);
    assert_int_equal(set(&s, "models", "tests/golden/kjv-tiny-f16.gguf", err) | set(&s, "formats", "i2_s", err) |
                         set(&s, "threads", "1", err) | set(&s, "gen", "4", err) | set(&s, "sequences", "1,8", err) |
                         set(&s, "request", "pp200+tg3", err) | set(&s, "depth", "16", err),
                     0);
    assert_int_equal(suite_check(&s, err), 0);
    if (plan_make(&s, SIZE_MAX, &p, err))
        fail_msg("%s", err);
    assert_int_equal(p.n_cells, 3);
    plan_cell_id(&p, &p.cells[1], id);
    assert_non_null(strstr(id, "/t1/tg4/d16/b8"));
    plan_cell_id(&p, &p.cells[2], id);
    assert_non_null(strstr(id, "/t1/pp200+tg3/d16/b128"));
    assert_int_equal(p.cells[2].n_ctx, 16 + 200 + 3);
    plan_free(&p);
    s.depth.v[0] = 100000; /* seven more contexts, of a length that shows beside the fixed share of the process */
    if (plan_make(&s, SIZE_MAX, &p, err))
        fail_msg("%s", err);
    const struct hparams *hp = &p.groups[0].hp;
    const double kv = 2.0 * (double)(hp->n_layer * hp->n_head_kv * hp->head_dim) * 100004 * 2;
    const double more = p.cells[1].need_bytes - p.cells[0].need_bytes;
    assert_true(more >= 7 * kv * 0.9 && more <= 7 * kv * 1.1);
    plan_free(&p);
    suite_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_of_decode),
        cmocka_unit_test(request_is_prefill_and_decode),
        cmocka_unit_test(keys_of_a_suite),
        cmocka_unit_test(cells_of_a_plan),
    };
    return cmocka_run_group_tests_name("workloads", tests, NULL, NULL);
}
