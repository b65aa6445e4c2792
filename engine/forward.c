/* One pass of n tokens through the transformer, in the order of the paper (BitNet b1.58: LLaMA's blocks with ternary BitLinear,
 * sub-norms before attn_output and ffn_down, ReLU^2 in 2B4T). Every thread runs this function; matrices are shared by rows,
 * attention by heads, positions or elements, and barriers stand where one part needs all of another.
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

struct work {
    struct session *s;
    struct op_lane *lane; /* NULL: not profiled */
    unsigned thread, threads;
    struct acts acts[ACT_KINDS]; /* the current input in each kind that is used */
};

/* How token t's input vector is made; writes [cols] to out and returns it, or returns where it already is. `tmp` is [cols]. */
typedef const float *(*input_fn)(const struct work *w, const struct layer *l, size_t t, float *out, float *tmp);

static void barrier(const struct work *w)
{
    pool_barrier(w->s->pool);
    op_lap(w->lane, OP_WAIT);
}

/* RMSNorm of row t of x, [cols] */
static const float *norm(const struct work *w, const float *x, const float *weight, size_t t, size_t cols, float *out, enum op op)
{
    w->s->ops->rmsnorm(x + t * cols, weight, w->s->m->hp.rms_eps, cols, out);
    op_lap(w->lane, op);
    return out;
}

static const float *input_attn(const struct work *w, const struct layer *l, size_t t, float *out, float *tmp)
{
    (void)tmp;
    return norm(w, w->s->x, l->attn_norm, t, w->s->m->hp.n_embd, out, OP_NORM);
}

static const float *input_attn_output(const struct work *w, const struct layer *l, size_t t, float *out, float *tmp)
{
    const size_t n = w->s->m->hp.n_head * w->s->m->hp.head_dim;
    (void)tmp;
    return l->attn_sub_norm ? norm(w, w->s->attn, l->attn_sub_norm, t, n, out, OP_SUB_NORM) : w->s->attn + t * n;
}

static const float *input_ffn(const struct work *w, const struct layer *l, size_t t, float *out, float *tmp)
{
    (void)tmp;
    return norm(w, w->s->x, l->ffn_norm, t, w->s->m->hp.n_embd, out, OP_NORM);
}

static const float *input_down(const struct work *w, const struct layer *l, size_t t, float *out, float *tmp)
{
    const struct session *s = w->s;
    const size_t n = s->m->hp.n_ff;
    if (s->m->hp.act == FFN_RELU2)
        s->ops->relu2_mul(s->gate + t * n, s->up + t * n, n, tmp);
    else
        s->ops->silu_mul(s->gate + t * n, s->up + t * n, n, tmp);
    op_lap(w->lane, OP_ACT);
    return l->ffn_sub_norm ? norm(w, tmp, l->ffn_sub_norm, 0, n, out, OP_SUB_NORM) : tmp;
}

/* The output norm of token t; no layer. */
static const float *input_head(const struct work *w, const struct layer *l, size_t t, float *out, float *tmp)
{
    (void)l, (void)tmp;
    return norm(w, w->s->x, w->s->m->output_norm, t, w->s->m->hp.n_embd, out, OP_OUTPUT_NORM);
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
        const float *x = input(w, l, t0 + t, space->row, space->row2);
        for (int k = 0; k < ACT_KINDS; k++)
            if (need[k])
                acts_fill(s->ops, &w->acts[k], t, x);
        op_lap(w->lane, OP_QUANTIZE);
    }
    if (!alone)
        barrier(w);
}

/* The profile's note of a matrix multiplication that has just ended: rows of n tokens. */
static void lap_matmul(struct op_lane *lane, enum op op, const struct weights *m, size_t rows, size_t n)
{
    const double part = (double)rows / (double)m->rows;
    op_lap_work(lane, op, (double)(n * rows * m->cols), part * (double)m->fmt->mem_bytes(m->rows, m->cols));
}

/* y[n, rows] = acts . m^T (+ bias), this thread's rows */
static void matmul(const struct work *w, const struct weights *m, const float *bias, float *y, size_t ldy, enum op op)
{
    const struct acts *x = &w->acts[m->fmt->act];
    size_t from, to;
    pool_share(m->rows, m->fmt->row_group, w->thread, w->threads, &from, &to);
    if (from == to)
        return;
    (x->n == 1 ? m->kern->gemv : m->kern->gemm)(m, x, from, to, y, ldy, w->s->space[w->thread].kernel);
    for (size_t t = 0; t < x->n && bias; t++)
        w->s->ops->add(y + t * ldy + from, bias + from, to - from);
    if (w->lane)
        lap_matmul(w->lane, op, m, to - from, x->n);
}

/* x += y for this thread's rows of m's output */
static void add_residual(const struct work *w, const struct weights *m)
{
    struct session *s = w->s;
    size_t from, to;
    pool_share(m->rows, m->fmt->row_group, w->thread, w->threads, &from, &to);
    for (size_t t = 0; t < s->n; t++)
        s->ops->add(s->x + t * m->rows + from, s->y + t * m->rows + from, to - from);
    op_lap(w->lane, OP_RESIDUAL);
}

static void embed(const struct work *w)
{
    struct session *s = w->s;
    size_t from, to;
    pool_share(s->n, 1, w->thread, w->threads, &from, &to);
    for (size_t t = from; t < to; t++) {
        s->m->embd.fmt->get_row(&s->m->embd, (size_t)s->ids[t], s->x + t * s->m->hp.n_embd);
        op_lap(w->lane, OP_EMBED);
        rope_angles(s->inv_freq, s->m->hp.rope_dim, s->pos + t, s->rope + t * s->m->hp.rope_dim);
        op_lap(w->lane, OP_ROPE);
    }
    barrier(w);
}

/* attn = softmax(q K^T / sqrt(head_dim)) V, and everyone has it */
static void attend(const struct work *w, size_t i)
{
    if (attention_together(w->s, w->threads)) {
        attention_scores(w->s, i, w->thread, w->threads);
        op_lap(w->lane, OP_ATTENTION);
        barrier(w);
        attention_softmax(w->s, w->thread, w->threads);
        op_lap(w->lane, OP_ATTENTION);
        barrier(w);
        attention_mix(w->s, i, w->thread, w->threads);
    } else {
        attention_run(w->s, i, w->thread, w->threads);
    }
    op_lap(w->lane, OP_ATTENTION);
    barrier(w);
}

static void attention_block(struct work *w, size_t i)
{
    struct session *s = w->s;
    const struct layer *l = &s->m->layers[i];
    const struct hparams *hp = &s->m->hp;
    const struct weights *const qkv[] = {&l->q, &l->k, &l->v}, *const out[] = {&l->o};
    prepare(w, input_attn, l, hp->n_embd, 0, s->n, qkv, 3);
    matmul(w, &l->q, l->q_bias, s->q, l->q.rows, OP_QKV);
    matmul(w, &l->k, l->k_bias, s->k_new, l->k.rows, OP_QKV);
    matmul(w, &l->v, l->v_bias, s->v_new, l->v.rows, OP_QKV);
    barrier(w);
    attention_store(s, i, w->thread, w->threads);
    op_lap(w->lane, OP_ROPE);
    barrier(w);
    attend(w, i);
    prepare(w, input_attn_output, l, hp->n_head * hp->head_dim, 0, s->n, out, 1);
    matmul(w, &l->o, l->o_bias, s->y, l->o.rows, OP_ATTN_OUT);
    add_residual(w, &l->o);
    barrier(w);
}

static void ffn_block(struct work *w, size_t i)
{
    struct session *s = w->s;
    const struct layer *l = &s->m->layers[i];
    const struct hparams *hp = &s->m->hp;
    const struct weights *const gate_up[] = {&l->gate, &l->up}, *const down[] = {&l->down};
    prepare(w, input_ffn, l, hp->n_embd, 0, s->n, gate_up, 2);
    matmul(w, &l->gate, NULL, s->gate, hp->n_ff, OP_GATE_UP);
    matmul(w, &l->up, NULL, s->up, hp->n_ff, OP_GATE_UP);
    barrier(w);
    prepare(w, input_down, l, hp->n_ff, 0, s->n, down, 1);
    matmul(w, &l->down, NULL, s->y, l->down.rows, OP_DOWN);
    add_residual(w, &l->down);
    barrier(w);
}

void forward_chunk(void *session, unsigned thread, unsigned threads)
{
    struct session *s = session;
    struct work w = {.s = s, .lane = s->profile ? &s->profile->lane[thread] : NULL, .thread = thread, .threads = threads};
    op_begin(w.lane);
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
    matmul(&w, &s->m->head, NULL, s->logits, s->m->head.rows, OP_LM_HEAD);
}
