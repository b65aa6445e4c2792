/* Sessions: input and sizes that must be refused. And the sums of work and bytes that the roofline of a report stands on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/golden_data.h"

static void sessions_check_their_input(void **state)
{
    (void)state;
    struct model *m = golden_model("synth:tests/shapes/tiny-llama.ini", NULL);
    struct session *s = golden_session(m, 2, 16, KV_F16);
    const int32_t beyond = (int32_t)m->hp.n_vocab, negative = -1;
    static int32_t many[300];
    assert_int_equal(session_eval(s, &beyond, 1, false, NULL), -EINVAL);
    assert_int_equal(session_eval(s, &negative, 1, false, NULL), -EINVAL);
    assert_int_equal(session_eval(s, many, 257, false, NULL), -ENOSPC);
    assert_int_equal(session_pos(s), 0);
    assert_int_equal(session_eval(s, many, 256, false, NULL), 0);
    assert_int_equal(session_eval(s, many, 1, false, NULL), -ENOSPC);
    session_rewind(s, 3);
    assert_int_equal(session_pos(s), 3);
    session_free(s);
    model_free(m);
}

/* A cache larger than the machine is refused before a page of it is touched. */
static void too_much_context_is_refused(void **state)
{
    (void)state;
    struct model *m = golden_model("synth:tests/shapes/tiny-relu2.ini", NULL);
    struct session *s = NULL;
    char err[MODEL_ERR_LEN] = "";
    const struct session_options opt = {.threads = 1, .n_ctx = (size_t)1 << 40};
    assert_int_equal(session_new(m, &opt, &s, err), -ENOMEM);
    assert_non_null(strstr(err, "1099511627776 tokens of context"));
    model_free(m);
}

/* The sums that the report's roofline stands on, by hand: 3 layers of q, o 256 x 256, k, v 64 x 256, gate, up, down 768 x 256. */
static void work_by_hand(void **state)
{
    (void)state;
    struct model *m = NULL;
    char err[MODEL_ERR_LEN] = "";
    const struct model_options opt = {.format = "i2_s", .embedding = "f16"};
    if (model_load("synth:tests/shapes/tiny-relu2.ini", &opt, &m, err))
        fail_msg("%s", err);
    const double linear = 3 * (2 * 65536 + 2 * 16384 + 3 * 196608), kv_of_a_position = 3 * 2 * 64 * 2;
    const struct model_work w = model_work(m, 10, 4, 1, 2);
    assert_true(w.linear_macs == 4 * linear);
    assert_true(w.head_macs == 509 * 256);
    assert_true(w.attn_macs == 2.0 * (11 + 12 + 13 + 14) * 3 * 4 * 64); /* q.k and p.v for each position seen */
    assert_true((double)m->linear_bytes == linear / 4 && m->embd_bytes == 512 * 256 * 2); /* 509 rows in groups of 32 */
    assert_true(w.bytes == (double)(m->linear_bytes + m->embd_bytes + m->norm_bytes) + 14 * kv_of_a_position);
    model_free(m);
}

/* Planned bytes of 2B4T (published-claims: 2,084,044,800 linear weights). */
static void work_of_2b4t(void **state)
{
    (void)state;
    struct hparams hp;
    size_t bytes = 0;
    char err[MODEL_ERR_LEN] = "";
    const struct model_options i2_s = {.format = "i2_s"}, f16 = {.format = "f16"};
    assert_int_equal(model_plan("synth:2b4t", &i2_s, &hp, &bytes, err), 0);
    assert_int_equal(hp.n_layer, 30);
    /* 2 bits per linear weight and 6.5625 per embedding weight, norms, and the alignment of 211 tensors */
    const double expected = 2084044800.0 / 4 + 328335360.0 * 6.5625 / 8 + 1.9e6;
    assert_true((double)bytes > expected - 1e6 && (double)bytes < expected + 2e6);
    assert_int_equal(model_plan("synth:2b4t", &f16, &hp, &bytes, err), 0);
    assert_true((double)bytes > 2.0 * 2412380160.0 && (double)bytes < 2.0 * 2412380160.0 + 4e6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_check_their_input),
        cmocka_unit_test(too_much_context_is_refused),
        cmocka_unit_test(work_by_hand),
        cmocka_unit_test(work_of_2b4t),
    };
    return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
