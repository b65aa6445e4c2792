/* The registry of workloads and what they share: token ids, argmax, filling the cache, work of a pass. */
#include "harness/workload.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/mix64.h"

const struct workload *const workloads[] = {&workload_prefill,    &workload_decode, &workload_request,
                                            &workload_perplexity, &workload_null,   NULL};

void workload_ids(int32_t *ids, size_t n, size_t n_vocab, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)(random_at(seed, i) % n_vocab);
}

void workload_add_pass(struct workload_work *w, const struct model *m, size_t pos, size_t n, size_t n_logits, size_t kv_elem_bytes)
{
    const struct model_work work = model_work(m, pos, n, n_logits, kv_elem_bytes);
    *(m->format->act == ACT_F32 ? &w->fma_macs : &w->int8_macs) += work.linear_macs;
    *(m->embd_format->act == ACT_F32 ? &w->fma_macs : &w->int8_macs) += work.head_macs;
    w->fma_macs += work.attn_macs;
    w->bytes += work.bytes;
    w->tokens += (double)n;
}

void workload_add_prompt(struct workload_work *w, const struct model *m, const struct workload_params *p)
{
    for (size_t done = 0; done < p->n_prompt;) {
        const size_t left = p->n_prompt - done, n = left < p->batch ? left : p->batch;
        workload_add_pass(w, m, p->depth + done, n, n == left, p->kv_elem_bytes);
        done += n;
    }
}

void workload_add_step(struct workload_work *w, const struct model *m, size_t pos, size_t sequences, size_t kv_elem_bytes)
{
    struct workload_work one = {0};
    workload_add_pass(&one, m, pos, 1, 1, kv_elem_bytes);
    const double n = (double)sequences;
    w->tokens += n;
    w->int8_macs += n * one.int8_macs;
    w->fma_macs += n * one.fma_macs;
    w->bytes += one.bytes + (n - 1) * model_work(m, pos, 1, 1, kv_elem_bytes).kv_bytes; /* the weights once for all */
}

int32_t workload_argmax(const float *logits, size_t n)
{
    size_t best = 0;
    float max = -INFINITY;
    for (size_t i = 0; i < n; i++)
        if (logits[i] > max) {
            max = logits[i];
            best = i;
        }
    return (int32_t)best;
}

int workload_fill(struct session *s, size_t n_vocab, unsigned depth, uint64_t seed, char err[MODEL_ERR_LEN])
{
    if (!depth)
        return 0;
    const size_t n = session_sequences(s);
    int32_t *ids = malloc(n * depth * sizeof *ids);
    int rc = -ENOMEM;
    if (ids) {
        workload_ids(ids, n * depth, n_vocab, ~seed);
        rc = 0;
        for (size_t i = 0; !rc && i < n; i++)
            rc = session_eval_of(s, i, ids + i * depth, depth, false, NULL);
    }
    free(ids);
    if (rc)
        snprintf(err, MODEL_ERR_LEN, "filling the cache with %u tokens: %s", depth, strerror(-rc));
    return rc;
}
