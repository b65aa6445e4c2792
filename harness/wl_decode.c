/* Decode: n_gen tokens one by one, each the argmax of the one before, from a seeded token at the given depth. The time of a token
 * is that of one pass with logits and argmax; the time of the repetition holds nothing else. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/workload.h"
#include "profiles/time_clock.h"

struct decode {
    const struct model *m;
    struct session *s;
    struct workload_params p;
    float *logits; /* [n_vocab] */
    int32_t *out;  /* [n_gen] */
    int32_t start;
};

static void decode_teardown(void *state)
{
    struct decode *w = state;
    if (!w)
        return;
    free(w->logits);
    free(w->out);
    free(w);
}

static int decode_setup(const struct model *m, struct session *s, const struct workload_params *p, void **state,
                        char err[MODEL_ERR_LEN])
{
    struct decode *w = calloc(1, sizeof *w);
    if (w) {
        *w = (struct decode){.m = m, .s = s, .p = *p};
        w->logits = malloc(m->hp.n_vocab * sizeof *w->logits);
        w->out = calloc(p->n_gen, sizeof *w->out);
    }
    if (!w || !w->logits || !w->out) {
        snprintf(err, MODEL_ERR_LEN, "no memory for %u tokens of decode", p->n_gen);
        decode_teardown(w);
        return -ENOMEM;
    }
    workload_ids(&w->start, 1, m->hp.n_vocab, p->seed);
    const int rc = workload_fill(s, m->hp.n_vocab, p->depth, p->seed, err);
    if (rc)
        decode_teardown(w);
    else
        *state = w;
    return rc;
}

static int decode_run(void *state, double *token_s)
{
    struct decode *w = state;
    int32_t id = w->start;
    double before = time_now_s();
    for (unsigned i = 0; i < w->p.n_gen; i++) {
        const int rc = session_eval(w->s, &id, 1, false, w->logits);
        if (rc)
            return rc;
        id = w->out[i] = workload_argmax(w->logits, w->m->hp.n_vocab);
        const double now = time_now_s();
        if (token_s)
            token_s[i] = now - before;
        before = now;
    }
    return 0;
}

static void decode_reset(void *state)
{
    const struct decode *w = state;
    session_rewind(w->s, w->p.depth);
}

static struct workload_work decode_work(const void *state)
{
    const struct decode *w = state;
    struct workload_work work = {0};
    for (unsigned i = 0; i < w->p.n_gen; i++)
        workload_add_pass(&work, w->m, w->p.depth + i, 1, 1, w->p.kv_elem_bytes);
    return work;
}

static const int32_t *decode_output(const void *state, size_t *n)
{
    const struct decode *w = state;
    *n = w->p.n_gen;
    return w->out;
}

const struct workload workload_decode = {
    .name = "decode",
    .setup = decode_setup,
    .run = decode_run,
    .reset = decode_reset,
    .work = decode_work,
    .output = decode_output,
    .teardown = decode_teardown,
};
