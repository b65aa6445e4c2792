/* The profile of the engine: nothing is lost between operations, the work is that of the model, and looking changes no bit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/op_profile.h"
#include "tests/golden_data.h"

enum { PROMPT = 12, STEPS = 5, MAX_THREADS = 3 };

static const int32_t ids[PROMPT] = {1, 5, 9, 200, 17, 1999, 3, 3, 42, 77, 1024, 8};

/* A prompt in chunks of 8 and 4, then STEPS single tokens; the last logits. */
static void eval(struct session *s, float logits[GOLDEN_VOCAB])
{
    assert_int_equal(session_eval(s, ids, PROMPT, false, NULL), 0);
    for (int i = 0; i < STEPS; i++)
        assert_int_equal(session_eval(s, ids + i, 1, false, logits), 0);
}

static struct op_profile *profiled(const struct model *m, unsigned threads, float logits[GOLDEN_VOCAB])
{
    struct op_profile *p = NULL;
    struct session *s = golden_session(m, threads, 8, KV_F16);
    assert_int_equal(op_profile_new(threads, &p), 0);
    session_profile(s, p);
    eval(s, logits);
    session_free(s);
    return p;
}

/* Relative; sums of a few thousand doubles. */
static void assert_close(double a, double b)
{
    if (!(fabs(a - b) <= 1e-9 * fabs(b)))
        fail_msg("%.17g is not %.17g", a, b);
}

static void same_bits(void **state)
{
    (void)state;
    struct model *m = golden_model("kjv-tiny-i2_s.gguf", NULL);
    float plain[GOLDEN_VOCAB], watched[GOLDEN_VOCAB];
    struct session *s = golden_session(m, 2, 8, KV_F16);
    eval(s, plain);
    session_free(s);
    op_profile_free(profiled(m, 2, watched));
    assert_memory_equal(plain, watched, sizeof plain);
    model_free(m);
}

/* On every thread the laps fit into the time of the passes, and the means over the threads add up to it. */
static void times_add_up(void **state)
{
    (void)state;
    struct model *m = golden_model("kjv-tiny-i2_s.gguf", NULL);
    for (unsigned threads = 1; threads <= MAX_THREADS; threads++) {
        float logits[GOLDEN_VOCAB];
        struct op_row rows[OP_KINDS];
        struct op_profile *p = profiled(m, threads, logits);
        double sum = 0;
        assert_true(p->pass_ns > 0);
        for (unsigned t = 0; t < threads; t++) {
            uint64_t laps = 0;
            for (size_t i = 0; i < OP_KINDS; i++)
                laps += p->lane[t].sum[i].ns;
            assert_true(laps > 0 && laps <= p->pass_ns);
            assert_true(threads > 1 || laps > p->pass_ns / 2); /* a lap that is lost would be called waiting */
        }
        op_profile_rows(p, rows);
        for (size_t i = 0; i < OP_KINDS; i++) {
            assert_true(rows[i].mean_s >= 0 && rows[i].slowest_s >= rows[i].mean_s * (1 - 1e-12));
            sum += rows[i].mean_s;
        }
        assert_close(sum, 1e-9 * (double)p->pass_ns);
        op_profile_free(p);
    }
    model_free(m);
}

/* Attention: by every thread in each pass. Inputs of matrices: once per token of a prompt, by every thread in decode. Matrices: by
 * every thread in each pass, and where several threads decode the pieces that they take from each other come on top. */
static void check_calls(const struct op_row r[OP_KINDS], size_t n_layer, unsigned threads)
{
    const double passes = (double)(n_layer * (2 + STEPS) * threads), inputs = (double)(n_layer * (PROMPT + STEPS * threads));
    const double heads = (double)(STEPS * threads);
    const double expected[OP_KINDS] = {
        [OP_EMBED] = PROMPT + STEPS, [OP_NORM] = 2 * inputs,     [OP_QUANTIZE] = 4 * inputs + heads,
        [OP_QKV] = 3 * passes,       [OP_ATTENTION] = passes,    [OP_SUB_NORM] = 2 * inputs,
        [OP_ATTN_OUT] = passes,      [OP_GATE_UP] = 2 * passes,  [OP_ROPE] = passes + PROMPT + STEPS,
        [OP_ACT] = inputs,           [OP_DOWN] = passes,         [OP_OUTPUT_NORM] = heads,
        [OP_LM_HEAD] = heads,
    };
    for (size_t i = 0; i < OP_WAIT; i++) {
        const bool pieces = threads > 1 && (i == OP_QKV || i == OP_ATTN_OUT || i == OP_GATE_UP || i == OP_DOWN || i == OP_LM_HEAD);
        if (pieces ? !(r[i].calls >= expected[i]) : r[i].calls != expected[i])
            fail_msg("%s: %g calls, not %g", r[i].op, r[i].calls, expected[i]);
    }
}

/* What model_work() counts for the same passes: two chunks without logits, five tokens with. */
static void work_is_that_of_the_model(void **state)
{
    (void)state;
    struct model *m = golden_model("kjv-tiny-i2_s.gguf", NULL);
    const struct hparams *hp = &m->hp;
    const struct model_work first = model_work(m, 0, 8, 0, 2), second = model_work(m, 8, 4, 0, 2);
    double linear = first.linear_macs + second.linear_macs, head = 0, attention = first.attn_macs + second.attn_macs;
    double seen = 8 + 12;
    for (size_t i = 0; i < STEPS; i++) {
        const struct model_work w = model_work(m, PROMPT + i, 1, 1, 2);
        linear += w.linear_macs;
        head += w.head_macs;
        attention += w.attn_macs;
        seen += (double)(PROMPT + i + 1);
    }
    for (unsigned threads = 1; threads <= MAX_THREADS; threads++) {
        float logits[GOLDEN_VOCAB];
        struct op_row r[OP_KINDS];
        struct op_profile *p = profiled(m, threads, logits);
        op_profile_rows(p, r);
        assert_close(r[OP_QKV].macs + r[OP_ATTN_OUT].macs + r[OP_GATE_UP].macs + r[OP_DOWN].macs, linear);
        assert_close(r[OP_QKV].bytes + r[OP_ATTN_OUT].bytes + r[OP_GATE_UP].bytes + r[OP_DOWN].bytes,
                     (2 + STEPS) * (double)m->linear_bytes);
        assert_close(r[OP_LM_HEAD].macs, head);
        assert_close(r[OP_LM_HEAD].bytes, STEPS * (double)m->head.fmt->mem_bytes(m->head.rows, m->head.cols));
        assert_close(r[OP_ATTENTION].macs, attention);
        assert_close(r[OP_ATTENTION].bytes, seen * 2.0 * 2.0 * (double)(hp->n_layer * hp->n_head_kv * hp->head_dim));
        check_calls(r, hp->n_layer, threads);
        op_profile_free(p);
    }
    model_free(m);
}

/* The lines of a table: shares of the window add up to 1, and what was in no pass is its own line. */
static void lines_of_a_table(void **state)
{
    (void)state;
    struct op_profile *p = NULL;
    struct op_line l[OP_KINDS + 1];
    assert_int_equal(op_profile_new(2, &p), 0);
    p->pass_ns = 8000000000u;
    for (unsigned t = 0; t < 2; t++) {
        p->lane[t].sum[OP_LM_HEAD] = (struct op_sum){.ns = (t ? 6000000000u : 2000000000u), .calls = 4, .macs = 2e9, .bytes = 1e9};
        p->lane[t].sum[OP_NORM] = (struct op_sum){.ns = 1000000000u, .calls = 8};
    }
    const size_t n = op_profile_lines(p, 10, 2, l);
    assert_int_equal(n, 4); /* the two, wait, other: what never ran is left out */
    assert_string_equal(l[0].op, "norm");
    assert_string_equal(l[1].op, "lm_head");
    assert_string_equal(l[2].op, "wait");
    assert_string_equal(l[3].op, "other");
    assert_close(l[0].s_per_token, 0.5);
    assert_true(isnan(l[0].gmac_s) && isnan(l[0].gb_s));
    assert_close(l[1].s_per_token, 2);
    assert_close(l[1].slowest_s_per_token, 3);
    assert_close(l[1].share, 0.4);
    assert_close(l[1].calls, 8);
    assert_close(l[1].gmac_s, 1); /* 4e9 in 4 s */
    assert_close(l[1].gb_s, 0.5);
    assert_close(l[2].s_per_token, 1.5); /* 8 s less 1 + 2 and less 1 + 6, halved twice */
    assert_close(l[3].s_per_token, 1);
    assert_close(l[0].share + l[1].share + l[2].share + l[3].share, 1);
    op_profile_free(p);
}

/* After NULL nothing is added any more. */
static void can_be_turned_off(void **state)
{
    (void)state;
    struct model *m = golden_model("kjv-tiny-i2_s.gguf", NULL);
    struct session *s = golden_session(m, 1, 8, KV_F16);
    struct op_profile *p = NULL;
    float logits[GOLDEN_VOCAB];
    assert_int_equal(op_profile_new(1, &p), 0);
    session_profile(s, p);
    session_profile(s, NULL);
    eval(s, logits);
    assert_true(p->pass_ns == 0 && p->lane[0].sum[OP_QKV].calls == 0);
    session_free(s);
    op_profile_free(p);
    model_free(m);
}

/* Counters that count how often they were read: each lap must have what came since the lap before, on its own thread. */
struct readings {
    unsigned attached[MAX_THREADS];
    uint64_t read[MAX_THREADS];
};

static void attach(void *of, unsigned thread)
{
    ((struct readings *)of)->attached[thread]++;
}

static void read_counts(void *of, unsigned thread, uint64_t value[OP_COUNTS])
{
    struct readings *r = of;
    r->read[thread]++;
    for (uint64_t i = 0; i < OP_COUNTS; i++)
        value[i] = (i + 1) * r->read[thread];
}

static void counters_are_read_with_the_clock(void **state)
{
    (void)state;
    struct model *m = golden_model("kjv-tiny-i2_s.gguf", NULL);
    float plain[GOLDEN_VOCAB], counted[GOLDEN_VOCAB];
    struct session *s = golden_session(m, MAX_THREADS, 8, KV_F16);
    struct op_row rows[OP_KINDS];
    struct readings r = {.attached = {0}};
    const struct op_counters calls = {attach, read_counts, &r};
    struct op_profile *p = NULL;
    eval(s, plain);
    session_rewind(s, 0);
    assert_int_equal(op_profile_new(MAX_THREADS, &p), 0);
    op_profile_count(p, &calls);
    session_profile(s, p);
    eval(s, counted);
    session_profile(s, NULL);
    assert_memory_equal(plain, counted, sizeof plain);
    op_profile_rows(p, rows);
    double laps = 0, reads = 0;
    for (size_t i = 0; i < OP_KINDS; i++) {
        assert_close(rows[i].count[0], rows[i].calls);
        assert_close(rows[i].count[OP_COUNTS - 1], OP_COUNTS * rows[i].calls);
        laps += rows[i].calls;
    }
    for (unsigned t = 0; t < MAX_THREADS; t++) {
        assert_int_equal(r.attached[t], 1);
        reads += (double)r.read[t];
    }
    assert_close(reads, laps + MAX_THREADS * (2 + STEPS)); /* and one at the beginning of each pass */
    session_free(s);
    op_profile_free(p);
    model_free(m);
}

static void clock_cost(void **state)
{
    (void)state;
    const double s = op_clock_cost_s();
    if (!(s > 1e-10 && s < 1e-4))
        fail_msg("a clock reading costs %g s", s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits),        cmocka_unit_test(times_add_up),      cmocka_unit_test(work_is_that_of_the_model),
        cmocka_unit_test(lines_of_a_table), cmocka_unit_test(can_be_turned_off), cmocka_unit_test(counters_are_read_with_the_clock),
        cmocka_unit_test(clock_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
