/* A request: a prompt of seeded tokens, then the answer, n_gen tokens of it. The prompt's pass chooses the first token of the answer, so
 * n_gen - 1 decode passes follow. With token_s[i] the time from one choice to the next:
 *
 *     TTFT = token_s[0]                   time to first token: prompt, lm_head and argmax
 *     E2E  = sum of token_s               from the request to its last token
 *     TPOT = (E2E - TTFT) / (n_gen - 1)   time per output token after the first; undefined for n_gen = 1
 *
 * These are the definitions of vLLM's serving benchmark, without tokenizer and network. The work counts every token that goes
 * through the model: n_prompt + n_gen - 1. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/live.h"
#include "harness/workload.h"
#include "profiles/time_clock.h"

struct request_run {
    const struct model *m;
    struct session *s;
    struct workload_params p;
    int32_t *ids;  /* [n_prompt] */
    int32_t *out;  /* [n_gen] */
    float *logits; /* [n_vocab] */
};

static void request_teardown(void *state)
{
    struct request_run *w = state;
    if (!w)
        return;
    free(w->ids);
    free(w->out);
    free(w->logits);
    free(w);
}

static int request_setup(const struct model *m, struct session *s, const struct workload_params *p, void **state,
                         char err[MODEL_ERR_LEN])
{
    struct request_run *w = calloc(1, sizeof *w);
    if (w) {
        *w = (struct request_run){.m = m, .s = s, .p = *p};
        w->ids = calloc(p->n_prompt, sizeof *w->ids);
        w->out = calloc(p->n_gen, sizeof *w->out);
        w->logits = malloc(m->hp.n_vocab * sizeof *w->logits);
    }
    if (!w || !w->ids || !w->out || !w->logits) {
        snprintf(err, MODEL_ERR_LEN, "no memory for a request of %u + %u tokens", p->n_prompt, p->n_gen);
        request_teardown(w);
        return -ENOMEM;
    }
    workload_ids(w->ids, p->n_prompt, m->hp.n_vocab, p->seed);
    const int rc = workload_fill(s, m->hp.n_vocab, p->depth, p->seed, err);
    if (rc)
        request_teardown(w);
    else
        *state = w;
    return rc;
}

static int request_run(void *state, double *token_s)
{
    struct request_run *w = state;
    const int32_t *ids = w->ids;
    size_t n = w->p.n_prompt;
    double before = time_now_s();
    for (unsigned i = 0; i < w->p.n_gen; i++) {
        const int rc = session_eval(w->s, ids, n, false, w->logits);
        if (rc)
            return rc;
        live_add(n);
        w->out[i] = workload_argmax(w->logits, w->m->hp.n_vocab);
        ids = &w->out[i];
        n = 1;
        const double now = time_now_s();
        if (token_s)
            token_s[i] = now - before;
        before = now;
    }
    return 0;
}

static void request_reset(void *state)
{
    const struct request_run *w = state;
    session_rewind(w->s, w->p.depth);
}

static struct workload_work request_work(const void *state)
{
    const struct request_run *w = state;
    struct workload_work work = {0};
    workload_add_prompt(&work, w->m, &w->p);
    for (unsigned i = 1; i < w->p.n_gen; i++)
        workload_add_step(&work, w->m, (size_t)w->p.depth + w->p.n_prompt + i - 1, 1, w->p.kv_elem_bytes);
    return work;
}

static const int32_t *request_output(const void *state, size_t *n)
{
    const struct request_run *w = state;
    *n = w->p.n_gen;
    return w->out;
}

const struct workload workload_request = {
    .name = "request",
    .setup = request_setup,
    .run = request_run,
    .reset = request_reset,
    .work = request_work,
    .output = request_output,
    .teardown = request_teardown,
};
