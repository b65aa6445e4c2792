/* One pass of n tokens through the transformer, in the order of the paper (BitNet b1.58: LLaMA's blocks with ternary BitLinear,
 * sub-norms before attn_output and ffn_down, ReLU^2 in 2B4T). Every thread runs this function; matrices are shared by rows,
 * attention by heads, and barriers stand where one part needs all of another.
 *
 *   x = embd[id]
 *   per layer:  x += Wo . subnorm(attention(Wq . norm(x), Wk . norm(x), Wv . norm(x)))
 *               x += Wdown . subnorm(act(Wgate . norm(x)) * (Wup . norm(x)))
 *   logits = Whead . norm(x)
 *
 * BitLinear: int8 activations per token, exact integer dot products, one scale at the end (inside the kernels). The input of a
 * matrix is normed and quantised once per token: in decode by every thread for itself (cheaper than a barrier), in prefill by
 * tokens, followed by a barrier. */
#include <string.h>

#include "engine/session_internal.h"

/* How a token's input vector is made; writes [cols] to out and returns it, or returns where it already is. `tmp` is [cols]. */
typedef const float *(*input_fn)(const struct session *s, const struct layer *l, size_t t, float *out, float *tmp);

struct work {
    struct session *s;
    unsigned thread, threads;
    struct acts acts[ACT_KINDS]; /* the current input in each kind that is used */
};

static const float *input_attn(const struct session *s, const struct layer *l, size_t t, float *out, float *tmp)
{
    (void)tmp;
    s->ops->rmsnorm(s->x + t * s->m->hp.n_embd, l->attn_norm, s->m->hp.rms_eps, s->m->hp.n_embd, out);
    return out;
}

static const float *input_attn_output(const struct session *s, const struct layer *l, size_t t, float *out, float *tmp)
{
    const size_t n = s->m->hp.n_head * s->m->hp.head_dim;
    (void)tmp;
    if (!l->attn_sub_norm)
        return s->attn + t * n;
    s->ops->rmsnorm(s->attn + t * n, l->attn_sub_norm, s->m->hp.rms_eps, n, out);
    return out;
}

static const float *input_ffn(const struct session *s, const struct layer *l, size_t t, float *out, float *tmp)
{
    (void)tmp;
    s->ops->rmsnorm(s->x + t * s->m->hp.n_embd, l->ffn_norm, s->m->hp.rms_eps, s->m->hp.n_embd, out);
    return out;
}

static const float *input_down(const struct session *s, const struct layer *l, size_t t, float *out, float *tmp)
{
    const size_t n = s->m->hp.n_ff;
    if (s->m->hp.act == FFN_RELU2)
        s->ops->relu2_mul(s->gate + t * n, s->up + t * n, n, tmp);
    else
        s->ops->silu_mul(s->gate + t * n, s->up + t * n, n, tmp);
    if (!l->ffn_sub_norm)
        return tmp;
    s->ops->rmsnorm(tmp, l->ffn_sub_norm, s->m->hp.rms_eps, n, out);
    return out;
}

/* The output norm of token t; no layer. */
static const float *input_head(const struct session *s, const struct layer *l, size_t t, float *out, float *tmp)
{
    (void)l, (void)tmp;
    s->ops->rmsnorm(s->x + t * s->m->hp.n_embd, s->m->output_norm, s->m->hp.rms_eps, s->m->hp.n_embd, out);
    return out;
}

/* Makes w->acts from tokens [t0, t0 + n) of an input, in the kinds that the matrices `mats` take. */
static void prepare(struct work *w, input_fn input, const struct layer *l, size_t cols, size_t t0, size_t n,
                    const struct weights *const *mats, size_t n_mats)
{
    struct session *s = w->s;
    struct thread_space *space = &s->space[w->thread];
    const bool alone = n == 1;
    bool need[ACT_KINDS] = {false};
    for (size_t i = 0; i < n_mats; i++)
        need[mats[i]->fmt->act] = true;
    for (int k = 0; k < ACT_KINDS; k++)
        if (need[k])
            w->acts[k] = acts_layout((enum act_kind)k, n, cols, alone ? space->acts_buf[k] : s->acts_buf[k]);
    size_t from = 0, to = 1;
    if (!alone)
        pool_share(n, 1, w->thread, w->threads, &from, &to);
    for (size_t t = from; t < to; t++) {
        const float *x = input(s, l, t0 + t, space->row, space->row2);
        for (int k = 0; k < ACT_KINDS; k++)
            if (need[k])
                acts_fill(s->ops, &w->acts[k], t, x);
    }
    if (!alone)
        pool_barrier(s->pool);
}

/* y[n, rows] = acts . m^T (+ bias), this thread's rows */
static void matmul(const struct work *w, const struct weights *m, const float *bias, float *y, size_t ldy)
{
    const struct acts *x = &w->acts[m->fmt->act];
    size_t from, to;
    pool_share(m->rows, m->fmt->row_group, w->thread, w->threads, &from, &to);
    if (from == to)
        return;
    (x->n == 1 ? m->kern->gemv : m->kern->gemm)(m, x, from, to, y, ldy, w->s->space[w->thread].kernel);
    for (size_t t = 0; t < x->n && bias; t++)
        w->s->ops->add(y + t * ldy + from, bias + from, to - from);
}

/* x += y for this thread's rows of m's output */
static void add_residual(const struct work *w, const struct weights *m)
{
    struct session *s = w->s;
    size_t from, to;
    pool_share(m->rows, m->fmt->row_group, w->thread, w->threads, &from, &to);
    for (size_t t = 0; t < s->n; t++)
        s->ops->add(s->x + t * m->rows + from, s->y + t * m->rows + from, to - from);
}

static void embed(struct work *w)
{
    struct session *s = w->s;
    size_t from, to;
    pool_share(s->n, 1, w->thread, w->threads, &from, &to);
    for (size_t t = from; t < to; t++) {
        s->m->embd.fmt->get_row(&s->m->embd, (size_t)s->ids[t], s->x + t * s->m->hp.n_embd);
        rope_angles(s->inv_freq, s->m->hp.rope_dim, s->pos + t, s->rope + t * s->m->hp.rope_dim);
    }
    pool_barrier(s->pool);
}

static void attention_block(struct work *w, size_t i)
{
    struct session *s = w->s;
    const struct layer *l = &s->m->layers[i];
    const struct hparams *hp = &s->m->hp;
    const struct weights *const qkv[] = {&l->q, &l->k, &l->v}, *const out[] = {&l->o};
    prepare(w, input_attn, l, hp->n_embd, 0, s->n, qkv, 3);
    matmul(w, &l->q, l->q_bias, s->q, l->q.rows);
    matmul(w, &l->k, l->k_bias, s->k_new, l->k.rows);
    matmul(w, &l->v, l->v_bias, s->v_new, l->v.rows);
    pool_barrier(s->pool);
    attention_store(s, i, w->thread, w->threads);
    pool_barrier(s->pool);
    attention_run(s, i, w->thread, w->threads);
    pool_barrier(s->pool);
    prepare(w, input_attn_output, l, hp->n_head * hp->head_dim, 0, s->n, out, 1);
    matmul(w, &l->o, l->o_bias, s->y, l->o.rows);
    add_residual(w, &l->o);
    pool_barrier(s->pool);
}

static void ffn_block(struct work *w, size_t i)
{
    struct session *s = w->s;
    const struct layer *l = &s->m->layers[i];
    const struct hparams *hp = &s->m->hp;
    const struct weights *const gate_up[] = {&l->gate, &l->up}, *const down[] = {&l->down};
    prepare(w, input_ffn, l, hp->n_embd, 0, s->n, gate_up, 2);
    matmul(w, &l->gate, NULL, s->gate, hp->n_ff);
    matmul(w, &l->up, NULL, s->up, hp->n_ff);
    pool_barrier(s->pool);
    prepare(w, input_down, l, hp->n_ff, 0, s->n, down, 1);
    matmul(w, &l->down, NULL, s->y, l->down.rows);
    add_residual(w, &l->down);
    pool_barrier(s->pool);
}

void forward_chunk(void *session, unsigned thread, unsigned threads)
{
    struct session *s = session;
    struct work w = {.s = s, .thread = thread, .threads = threads};
    embed(&w);
    for (size_t i = 0; i < s->m->hp.n_layer; i++) {
        attention_block(&w, i);
        ffn_block(&w, i);
    }
    if (!s->logits)
        return;
    const struct weights *const head[] = {&s->m->head};
    const size_t n = s->want_all ? s->n : 1;
    prepare(&w, input_head, NULL, s->m->hp.n_embd, s->n - n, n, head, 1);
    matmul(&w, &s->m->head, NULL, s->logits, s->m->head.rows);
}
