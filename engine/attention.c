/* Attention over the KV cache, in two ways that give the same bits.
 *
 * attention_run(): every thread for itself. The order is key head, token, query head; each thread takes a contiguous part of it
 * with an equal number of scores, so that a causal prompt is shared fairly and a thread stays on one key head as long as it can.
 * Heads of one token that share a key head go through the kernels together. Scores take one row of n_ctx per query: no quadratic
 * buffer.
 *
 * attention_scores(), attention_softmax(), attention_mix(): one token with a long context, by all threads together, a barrier
 * after each. Scores are shared by blocks of positions, the softmax by heads, the weighted sum by elements: equal parts for any
 * number of threads, more than heads too, and a row of the cache is read by one thread. Short contexts do not repay two barriers.
 *
 * Every score is a sum over elements and every element of the output a sum over positions in their order; nobody shares such a
 * sum. So neither chunking nor threads change a bit. Heads are padded to a multiple of 16 elements with zeros, which leave sums
 * as they are. */
#include <math.h>
#include <string.h>

#include "engine/session_internal.h"

enum {
    TOGETHER_MIN = 512, /* positions from which on the threads share each head */
    SCORE_BLOCK = 64,   /* positions */
    MIX_SLICE = 16      /* elements */
};

/* Rows of `layer` and `kv_head` in a sequence's part of a cache, from position pos on. */
static void *cache_at(const struct session *s, void *cache, size_t layer, size_t kv_head, struct token_place from)
{
    const size_t elem = s->kv == KV_F16 ? sizeof(uint16_t) : sizeof(float);
    const size_t part = (from.seq * s->m->hp.n_layer + layer) * s->m->hp.n_head_kv + kv_head;
    return (char *)cache + (part * s->n_ctx + from.pos) * s->dim_pad * elem;
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
            store_row(s, cache_at(s, s->k, layer, g, s->at[t]), rotated);
            store_row(s, cache_at(s, s->v, layer, g, s->at[t]), s->v_new + (t * hp->n_head_kv + g) * d);
        }
    }
}

static void scores_of(const struct session *s, const float *q, size_t n_q, const void *k, size_t n_pos, float *scores)
{
    const size_t dim = s->dim_pad, ld = s->n_ctx_pad;
    const float scale = 1.0f / sqrtf((float)s->m->hp.head_dim);
    if (s->kv == KV_F16)
        s->ops->attn_scores_f16(q, dim, n_q, k, n_pos, dim, scale, scores, ld);
    else
        s->ops->attn_scores_f32(q, dim, n_q, k, n_pos, dim, scale, scores, ld);
}

/* Elements [d0, d1) of n_q heads of token t, from head h on; v: row 0 of their cache. The padding is dropped on the way to
 * s->attn. */
static void mix_of(const struct session *s, const float *p, const float *inv, size_t t, size_t h, size_t n_q, const void *v,
                   size_t n_pos, size_t d0, size_t d1)
{
    const struct hparams *hp = &s->m->hp;
    const size_t dim = s->dim_pad, ld = s->n_ctx_pad, end = d1 < hp->head_dim ? d1 : hp->head_dim;
    float *out = s->attn_pad + (t * hp->n_head + h) * dim + d0;
    if (s->kv == KV_F16)
        s->ops->attn_mix_f16(p, ld, n_q, (const uint16_t *)v + d0, dim, n_pos, d1 - d0, inv, out, dim);
    else
        s->ops->attn_mix_f32(p, ld, n_q, (const float *)v + d0, dim, n_pos, d1 - d0, inv, out, dim);
    for (size_t i = 0; i < n_q && d0 < end; i++)
        memcpy(s->attn + (t * hp->n_head + h + i) * hp->head_dim + d0, out + i * dim, (end - d0) * sizeof *out);
}

/* ---- every thread for itself ---------------------------------------------------------------------------------------- */

/* A place in the order key head, token, query head of the group that shares the key head. */
struct place {
    size_t kv, t, h;
};

/* Where thread i of `threads` begins. Cost of a query is the number of positions it sees; the cost before a place grows along the
 * order, and each thread gets an equal part of it. */
static struct place share_from(const struct session *s, size_t group, unsigned i, unsigned threads)
{
    const uint64_t per_kv = group * s->n_seen;
    const uint64_t target = per_kv * s->m->hp.n_head_kv * i / threads;
    struct place p = {.kv = target / per_kv};
    uint64_t rest = target % per_kv;
    for (; rest >= group * (s->at[p.t].pos + 1); p.t++)
        rest -= group * (s->at[p.t].pos + 1);
    p.h = rest / (s->at[p.t].pos + 1);
    return p;
}

/* n_q query heads of a group for one token: scores, softmax, mix */
static void attend(const struct session *s, size_t layer, struct place p, size_t group, size_t n_q, float *scores)
{
    const size_t n_pos = s->at[p.t].pos + 1, h = p.kv * group + p.h;
    const struct token_place first = {s->at[p.t].seq, 0};
    float inv[MAX_SCORE_ROWS];
    scores_of(s, s->q_pad + (p.t * s->m->hp.n_head + h) * s->dim_pad, n_q, cache_at(s, s->k, layer, p.kv, first), n_pos, scores);
    for (size_t i = 0; i < n_q; i++)
        inv[i] = 1.0f / s->ops->softmax_exp(scores + i * s->n_ctx_pad, n_pos);
    mix_of(s, scores, inv, p.t, h, n_q, cache_at(s, s->v, layer, p.kv, first), n_pos, 0, s->dim_pad);
}

void attention_run(struct session *s, size_t layer, unsigned thread, unsigned threads)
{
    const size_t group = s->m->hp.n_head / s->m->hp.n_head_kv;
    const struct place end = share_from(s, group, thread + 1, threads);
    struct place p = share_from(s, group, thread, threads);
    while (p.kv != end.kv || p.t != end.t || p.h != end.h) {
        const size_t stop = p.kv == end.kv && p.t == end.t ? end.h : group; /* of the heads of this token */
        const size_t n_q = stop - p.h < s->score_rows ? stop - p.h : s->score_rows;
        attend(s, layer, p, group, n_q, s->space[thread].scores);
        p.h += n_q;
        if (p.h == group) {
            p.h = 0;
            p.t++;
        }
        if (p.t == s->n) {
            p.t = 0;
            p.kv++;
        }
    }
}

/* ---- one token, all threads together -------------------------------------------------------------------------------- */

bool attention_together(const struct session *s, unsigned threads)
{
    return threads > 1 && s->n == 1 && s->at[0].pos + 1 >= TOGETHER_MIN;
}

void attention_scores(struct session *s, size_t layer, unsigned thread, unsigned threads)
{
    const struct hparams *hp = &s->m->hp;
    const size_t group = hp->n_head / hp->n_head_kv, n_pos = s->at[0].pos + 1;
    const size_t blocks = (n_pos + SCORE_BLOCK - 1) / SCORE_BLOCK;
    size_t from, to;
    pool_share(hp->n_head_kv * blocks, 1, thread, threads, &from, &to);
    while (from < to) {
        const size_t kv = from / blocks, b = from % blocks;
        const size_t b_end = blocks < b + to - from ? blocks : b + to - from;
        const size_t j = b * SCORE_BLOCK, j_end = b_end * SCORE_BLOCK < n_pos ? b_end * SCORE_BLOCK : n_pos;
        const struct token_place from_j = {s->at[0].seq, j};
        scores_of(s, s->q_pad + kv * group * s->dim_pad, group, cache_at(s, s->k, layer, kv, from_j), j_end - j,
                  s->scores + kv * group * s->n_ctx_pad + j);
        from += b_end - b;
    }
}

void attention_softmax(struct session *s, unsigned thread, unsigned threads)
{
    size_t from, to;
    pool_share(s->m->hp.n_head, 1, thread, threads, &from, &to);
    for (size_t h = from; h < to; h++)
        s->inv[h] = 1.0f / s->ops->softmax_exp(s->scores + h * s->n_ctx_pad, s->at[0].pos + 1);
}

void attention_mix(struct session *s, size_t layer, unsigned thread, unsigned threads)
{
    const struct hparams *hp = &s->m->hp;
    const size_t group = hp->n_head / hp->n_head_kv, slices = s->dim_pad / MIX_SLICE;
    const struct token_place first = {s->at[0].seq, 0};
    size_t from, to;
    pool_share(hp->n_head_kv * slices, 1, thread, threads, &from, &to);
    while (from < to) {
        const size_t kv = from / slices, d = from % slices;
        const size_t d_end = slices < d + to - from ? slices : d + to - from;
        mix_of(s, s->scores + kv * group * s->n_ctx_pad, s->inv + kv * group, 0, kv * group, group, cache_at(s, s->v, layer, kv, first),
               s->at[0].pos + 1, d * MIX_SLICE, d_end * MIX_SLICE);
        from += d_end - d;
    }
}
