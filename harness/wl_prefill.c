/* Prefill: a prompt of seeded tokens in passes of `batch` tokens, the logits of the last one, and its argmax, which is the first
 * token of the answer. So the time of a repetition is the time to first token: t(prompt) + t(lm_head, argmax). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/live.h"
#include "harness/workload.h"

struct prefill {
    const struct model *m;
    struct session *s;
    struct workload_params p;
    int32_t *ids;  /* [n_prompt] */
    float *logits; /* [n_vocab] */
    int32_t first; /* what the last run produced */
};

static void prefill_teardown(void *state)
{
    struct prefill *w = state;
    if (!w)
        return;
    free(w->ids);
    free(w->logits);
    free(w);
}

static int prefill_setup(const struct model *m, struct session *s, const struct workload_params *p, void **state,
                         char err[MODEL_ERR_LEN])
{
    struct prefill *w = calloc(1, sizeof *w);
    if (w) {
        *w = (struct prefill){.m = m, .s = s, .p = *p};
        w->ids = malloc(p->n_prompt * sizeof *w->ids);
        w->logits = malloc(m->hp.n_vocab * sizeof *w->logits);
    }
    if (!w || !w->ids || !w->logits) {
        snprintf(err, MODEL_ERR_LEN, "no memory for a prompt of %u tokens", p->n_prompt);
        prefill_teardown(w);
        return -ENOMEM;
    }
    workload_ids(w->ids, p->n_prompt, m->hp.n_vocab, p->seed);
    const int rc = workload_fill(s, m->hp.n_vocab, p->depth, p->seed, err);
    if (rc)
        prefill_teardown(w);
    else
        *state = w;
    return rc;
}

static int prefill_run(void *state, double *token_s)
{
    struct prefill *w = state;
    (void)token_s;
    const int rc = session_eval(w->s, w->ids, w->p.n_prompt, false, w->logits);
    live_add(w->p.n_prompt);
    if (!rc)
        w->first = workload_argmax(w->logits, w->m->hp.n_vocab);
    return rc;
}

static void prefill_reset(void *state)
{
    const struct prefill *w = state;
    session_rewind(w->s, w->p.depth);
}

static struct workload_work prefill_work(const void *state)
{
    const struct prefill *w = state;
    struct workload_work work = {0};
    workload_add_prompt(&work, w->m, &w->p);
    return work;
}

static const int32_t *prefill_output(const void *state, size_t *n)
{
    *n = 1;
    return &((const struct prefill *)state)->first;
}

const struct workload workload_prefill = {
    .name = "prefill",
    .setup = prefill_setup,
    .run = prefill_run,
    .reset = prefill_reset,
    .work = prefill_work,
    .output = prefill_output,
    .teardown = prefill_teardown,
};
