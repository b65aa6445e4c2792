/* Attention over the KV cache. Work is cut into (token, query head) pieces, an equal contiguous share for each thread; heads of
 * one token that share a key head go through the kernel together. Scores take one row of n_ctx per query: no quadratic buffer.
 *
 * Every piece sees exactly the positions up to its own token, so neither chunking nor threads change a bit. Heads are padded to
 * a multiple of 16 elements with zeros, which leave sums as they are. */
#include <math.h>
#include <string.h>

#include "engine/session_internal.h"

/* Rows of `layer` and `kv_head` in a cache. */
static void *cache_at(const struct session *s, void *cache, size_t layer, size_t kv_head, size_t pos)
{
    const size_t elem = s->kv == KV_F16 ? sizeof(uint16_t) : sizeof(float);
    return (char *)cache + ((layer * s->m->hp.n_head_kv + kv_head) * s->n_ctx + pos) * s->dim_pad * elem;
}

/* y = x rotated, both [head_dim] */
static void rotate(const struct hparams *hp, const float *rope, const float *x, float *y)
{
    const size_t half = hp->rope_dim / 2;
    const size_t step = hp->rope_interleaved ? 2 : 1, other = hp->rope_interleaved ? 1 : half;
    for (size_t i = 0; i < half; i++) {
        const float c = rope[2 * i], s = rope[2 * i + 1], a = x[i * step], b = x[i * step + other];
        y[i * step] = a * c - b * s;
        y[i * step + other] = a * s + b * c;
    }
    memcpy(y + hp->rope_dim, x + hp->rope_dim, (hp->head_dim - hp->rope_dim) * sizeof *y);
}

static void store_row(const struct session *s, void *row, const float *x)
{
    if (s->kv == KV_F16)
        s->ops->to_half(x, s->m->hp.head_dim, row);
    else
        memcpy(row, x, s->m->hp.head_dim * sizeof *x);
}

void attention_store(struct session *s, size_t layer, unsigned thread, unsigned threads)
{
    const struct hparams *hp = &s->m->hp;
    const size_t d = hp->head_dim, heads = hp->n_head + hp->n_head_kv;
    float *rotated = s->space[thread].row;
    size_t from, to;
    pool_share(s->n * heads, 1, thread, threads, &from, &to);
    for (size_t i = from; i < to; i++) {
        const size_t t = i / heads, h = i % heads;
        const float *rope = s->rope + t * hp->rope_dim;
        if (h < hp->n_head) {
            rotate(hp, rope, s->q + (t * hp->n_head + h) * d, s->q_pad + (t * hp->n_head + h) * s->dim_pad);
        } else {
            const size_t g = h - hp->n_head;
            rotate(hp, rope, s->k_new + (t * hp->n_head_kv + g) * d, rotated);
            store_row(s, cache_at(s, s->k, layer, g, s->pos + t), rotated);
            store_row(s, cache_at(s, s->v, layer, g, s->pos + t), s->v_new + (t * hp->n_head_kv + g) * d);
        }
    }
}

/* n_q heads, from head h on, of token t: all share one key head */
static void attend(const struct session *s, size_t layer, size_t t, size_t h, size_t n_q, float *scores)
{
    const struct hparams *hp = &s->m->hp;
    const size_t kv_head = h / (hp->n_head / hp->n_head_kv), n_pos = s->pos + t + 1, dim = s->dim_pad, ld = s->n_ctx_pad;
    const float *q = s->q_pad + (t * hp->n_head + h) * dim;
    float *out = s->attn_pad + (t * hp->n_head + h) * dim;
    const void *k = cache_at(s, s->k, layer, kv_head, 0), *v = cache_at(s, s->v, layer, kv_head, 0);
    const float scale = 1.0f / sqrtf((float)hp->head_dim);
    float inv[64];
    if (s->kv == KV_F16)
        s->ops->attn_scores_f16(q, dim, n_q, k, n_pos, dim, scale, scores, ld);
    else
        s->ops->attn_scores_f32(q, dim, n_q, k, n_pos, dim, scale, scores, ld);
    for (size_t i = 0; i < n_q; i++)
        inv[i] = 1.0f / s->ops->softmax_exp(scores + i * ld, n_pos);
    if (s->kv == KV_F16)
        s->ops->attn_mix_f16(scores, ld, n_q, v, dim, n_pos, dim, inv, out, dim);
    else
        s->ops->attn_mix_f32(scores, ld, n_q, v, dim, n_pos, dim, inv, out, dim);
    for (size_t i = 0; i < n_q; i++)
        memcpy(s->attn + (t * hp->n_head + h + i) * hp->head_dim, out + i * dim, hp->head_dim * sizeof *out);
}

void attention_run(struct session *s, size_t layer, unsigned thread, unsigned threads)
{
    const struct hparams *hp = &s->m->hp;
    const size_t group = hp->n_head / hp->n_head_kv;
    size_t from, to;
    pool_share(s->n * hp->n_head, 1, thread, threads, &from, &to);
    while (from < to) {
        const size_t h = from % hp->n_head;
        size_t n_q = group - h % group; /* to the end of the heads that share this key head */
        if (n_q > to - from)
            n_q = to - from;
        if (n_q > s->score_rows)
            n_q = s->score_rows;
        attend(s, layer, from / hp->n_head, h, n_q, s->space[thread].scores);
        from += n_q;
    }
}
