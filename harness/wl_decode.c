/* Decode: n_gen tokens one by one, each the argmax of the one before, from a seeded token at the given depth; by one sequence, or by
 * several at once, each with its own start and its own past. The time of a token is that of one pass with logits and argmax of all
 * sequences, which is what the user of one of them waits; the time of the repetition holds nothing else. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/live.h"
#include "harness/workload.h"
#include "profiles/time_clock.h"

struct decode {
    const struct model *m;
    struct session *s;
    struct workload_params p;
    float *logits;  /* [sequences, n_vocab] */
    int32_t *out;   /* [sequences, n_gen] */
    int32_t *start; /* [sequences] */
    int32_t *ids;   /* [sequences] of the next pass */
};

static void decode_teardown(void *state)
{
    struct decode *w = state;
    if (!w)
        return;
    free(w->logits);
    free(w->out);
    free(w->start);
    free(w->ids);
    free(w);
}

static int decode_setup(const struct model *m, struct session *s, const struct workload_params *p, void **state,
                        char err[MODEL_ERR_LEN])
{
    struct decode *w = calloc(1, sizeof *w);
    if (w) {
        *w = (struct decode){.m = m, .s = s, .p = *p};
        w->logits = malloc(p->sequences * m->hp.n_vocab * sizeof *w->logits);
        w->out = calloc((size_t)p->sequences * p->n_gen, sizeof *w->out);
        w->start = calloc(p->sequences, sizeof *w->start);
        w->ids = calloc(p->sequences, sizeof *w->ids);
    }
    if (!w || !w->logits || !w->out || !w->start || !w->ids) {
        snprintf(err, MODEL_ERR_LEN, "no memory for %u x %u tokens of decode", p->sequences, p->n_gen);
        decode_teardown(w);
        return -ENOMEM;
    }
    workload_ids(w->start, p->sequences, m->hp.n_vocab, p->seed);
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
    const size_t n = w->p.sequences, vocab = w->m->hp.n_vocab;
    memcpy(w->ids, w->start, n * sizeof *w->ids);
    double before = time_now_s();
    for (unsigned i = 0; i < w->p.n_gen; i++) {
        const int rc = session_decode(w->s, NULL, w->ids, n, w->logits);
        if (rc)
            return rc;
        live_add(n);
        for (size_t k = 0; k < n; k++)
            w->ids[k] = w->out[k * w->p.n_gen + i] = workload_argmax(w->logits + k * vocab, vocab);
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
        workload_add_step(&work, w->m, w->p.depth + i, w->p.sequences, w->p.kv_elem_bytes);
    return work;
}

static const int32_t *decode_output(const void *state, size_t *n)
{
    const struct decode *w = state;
    *n = (size_t)w->p.sequences * w->p.n_gen;
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
