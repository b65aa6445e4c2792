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
#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "engine/act_round.h"
#include "engine/session_internal.h"

/* A thread leaves the last 1/TAIL_PART of its rows to whoever is free, in at most TAIL_UNITS pieces. With many tokens, where a share takes
 * milliseconds and comes from the caches, more of them, in pieces of whole panels. */
enum { TAIL_PART = 8, TAIL_UNITS = 8, TAIL_PART_MANY = 2, TAIL_UNITS_MANY = 16, PANEL_ROWS = 64 };

struct work {
    struct session *s;
    struct op_lane *lane; /* NULL: not profiled */
    unsigned thread, threads;
    unsigned step; /* multiply()s so far; the same on all threads */
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
        if (s->act_block && l && need[ACT_F32])
            act_round(w->acts[ACT_F32].f32 + t * w->acts[ACT_F32].ld, cols, s->act_block);
        op_lap(w->lane, OP_QUANTIZE);
    }
    if (!alone)
        barrier(w);
}

/* ---- matrices ------------------------------------------------------------------------------------------------------- */

/* y[n, rows] = acts . m^T (+ bias); then, where `into` is given, into += y */
struct product {
    const struct weights *m;
    const float *bias; /* NULL: none */
    float *y, *into;   /* [n, m->rows] */
};

/* Each thread has an equal share of a matrix, in groups of rows. It leaves the end of it, the tail, to who is free. */
struct tail {
    size_t groups, unit, n_units; /* length of a share's tail, groups taken at a time, units in a tail; 0: no tail */
};

static size_t row_groups(const struct weights *m)
{
    return (m->rows + m->fmt->row_group - 1) / m->fmt->row_group;
}

static struct tail tail_of(const struct work *w, const struct weights *m)
{
    const bool many = w->acts[m->fmt->act].n > 1;
    const size_t groups = row_groups(m) / w->threads / (many ? TAIL_PART_MANY : TAIL_PART);
    if (w->threads == 1 || groups == 0)
        return (struct tail){.groups = 0};
    const size_t most = many ? TAIL_UNITS_MANY : TAIL_UNITS;
    size_t unit = (groups + most - 1) / most;
    if (many && m->fmt->row_group < PANEL_ROWS) {
        const size_t panel = PANEL_ROWS / m->fmt->row_group;
        unit = (unit + panel - 1) / panel * panel;
    }
    return (struct tail){.groups = groups, .unit = unit, .n_units = (groups + unit - 1) / unit};
}

/* Row groups [from, to) of a product */
static void run_rows(const struct work *w, const struct product *p, size_t from, size_t to, enum op op)
{
    const struct weights *m = p->m;
    const struct acts *x = &w->acts[m->fmt->act];
    const size_t group = m->fmt->row_group, r0 = from * group, r1 = to * group < m->rows ? to * group : m->rows;
    if (r0 >= r1)
        return;
    (x->n == 1 ? m->kern->gemv : m->kern->gemm)(m, x, r0, r1, p->y, m->rows, w->s->space[w->thread].kernel);
    for (size_t t = 0; t < x->n; t++) {
        float *y = p->y + t * m->rows + r0;
        if (p->bias)
            w->s->ops->add(y, p->bias + r0, r1 - r0);
        if (p->into)
            w->s->ops->add(p->into + t * m->rows + r0, y, r1 - r0);
    }
    if (w->lane)
        op_lap_work(w->lane, op, (double)(x->n * (r1 - r0) * m->cols),
                    (double)(r1 - r0) / (double)m->rows * (double)weights_bytes(m));
}

/* Unit k of all the threads' tails of a product */
static void run_unit(const struct work *w, const struct product *p, size_t k, enum op op)
{
    const struct tail tail = tail_of(w, p->m);
    size_t from, to;
    assert(tail.n_units > 0);
    pool_share(row_groups(p->m), 1, (unsigned)(k / tail.n_units), w->threads, &from, &to);
    from = to - tail.groups + k % tail.n_units * tail.unit;
    run_rows(w, p, from, from + tail.unit < to ? from + tail.unit : to, op);
}

/* Products of the same input; the barrier that must follow makes all their rows known to all. First each thread's own rows, then
 * the units of the tails by a counter, so that nobody waits long for a thread that was held up: in decode a share takes some 10 to 100
 * microseconds, and one that the memory or the scheduler slows by a few per cent would cost as much at each barrier; in prefill a core
 * whose other thread is a neighbour's is a third slower. Which thread computes a row changes no bit of it. */
static void multiply(struct work *w, const struct product *p, size_t n_products, enum op op)
{
    struct tail_counter *tails = w->s->tails;
    atomic_size_t *taken = &tails[w->step % TAIL_COUNTERS].taken;
    size_t units = 0, from, to;
    w->step++;
    if (w->thread == 0) /* the last multiply()'s, which all have left, since a barrier followed it, for the next one */
        atomic_store_explicit(&tails[w->step % TAIL_COUNTERS].taken, 0, memory_order_relaxed);
    for (size_t i = 0; i < n_products; i++) {
        const struct tail tail = tail_of(w, p[i].m);
        pool_share(row_groups(p[i].m), 1, w->thread, w->threads, &from, &to);
        run_rows(w, &p[i], from, to - tail.groups, op);
        units += tail.n_units * w->threads;
    }
    while (units) {
        size_t k = atomic_fetch_add_explicit(taken, 1, memory_order_relaxed), i = 0;
        if (k >= units)
            return;
        for (; i < n_products; i++) {
            const struct tail tail = tail_of(w, p[i].m);
            if (k < tail.n_units * w->threads)
                break;
            k -= tail.n_units * w->threads;
        }
        assert(i < n_products);
        run_unit(w, &p[i], k, op);
    }
}

static void embed(const struct work *w)
{
    struct session *s = w->s;
    size_t from, to;
    if (w->thread == 0) /* the pass before may have ended on any counter */
        atomic_store_explicit(&s->tails[0].taken, 0, memory_order_relaxed);
    pool_share(s->n, 1, w->thread, w->threads, &from, &to);
    for (size_t t = from; t < to; t++) {
        s->m->embd.fmt->get_row(&s->m->embd, (size_t)s->ids[t], s->x + t * s->m->hp.n_embd);
        op_lap(w->lane, OP_EMBED);
        rope_angles(s->inv_freq, s->m->hp.rope_dim, s->at[t].pos, s->rope + t * s->m->hp.rope_dim);
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
    const struct product in[] = {
        {&l->q, l->q_bias, s->q, NULL}, {&l->k, l->k_bias, s->k_new, NULL}, {&l->v, l->v_bias, s->v_new, NULL}};
    prepare(w, input_attn, l, hp->n_embd, 0, s->n, qkv, 3);
    multiply(w, in, 3, OP_QKV);
    barrier(w);
    attention_store(s, i, w->thread, w->threads);
    op_lap(w->lane, OP_ROPE);
    barrier(w);
    attend(w, i);
    prepare(w, input_attn_output, l, hp->n_head * hp->head_dim, 0, s->n, out, 1);
    multiply(w, &(struct product){&l->o, l->o_bias, s->y, s->x}, 1, OP_ATTN_OUT);
    barrier(w);
}

static void ffn_block(struct work *w, size_t i)
{
    struct session *s = w->s;
    const struct layer *l = &s->m->layers[i];
    const struct hparams *hp = &s->m->hp;
    const struct weights *const gate_up[] = {&l->gate, &l->up}, *const down[] = {&l->down};
    const struct product in[] = {{&l->gate, NULL, s->gate, NULL}, {&l->up, NULL, s->up, NULL}};
    prepare(w, input_ffn, l, hp->n_embd, 0, s->n, gate_up, 2);
    multiply(w, in, 2, OP_GATE_UP);
    barrier(w);
    prepare(w, input_down, l, hp->n_ff, 0, s->n, down, 1);
    multiply(w, &(struct product){&l->down, NULL, s->y, s->x}, 1, OP_DOWN);
    barrier(w);
}

void forward_pass(void *session, unsigned thread, unsigned threads)
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
    multiply(&w, &(struct product){&s->m->head, NULL, s->logits, NULL}, 1, OP_LM_HEAD);
}
