/* The registry of workloads and what they share: token ids, argmax, filling the cache, work of a pass. */
#include "harness/workload.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/mix64.h"

const struct workload *const workloads[] = {&workload_prefill, &workload_decode, &workload_perplexity, NULL};

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
    int32_t *ids = malloc(depth * sizeof *ids);
    int rc = -ENOMEM;
    if (ids) {
        workload_ids(ids, depth, n_vocab, ~seed);
        rc = session_eval(s, ids, depth, false, NULL);
    }
    free(ids);
    if (rc)
        snprintf(err, MODEL_ERR_LEN, "filling the cache with %u tokens: %s", depth, strerror(-rc));
    return rc;
}
