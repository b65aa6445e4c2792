/* Life cycle of an inference: one allocation for cache and scratch, sized from the model; the token loop in chunks,
 * and the pass over several sequences. */
#include "engine/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/memory.h"
#include "engine/session_internal.h"

enum { DEFAULT_CHUNK = 128, DEFAULT_SPIN_US = 50, ALIGN = 64 };

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* First pass: base is NULL and only the sum grows. Second pass: pointers are handed out in the same order. */
struct layout {
    char *base;
    size_t used;
};

static void *take(struct layout *l, size_t bytes)
{
    void *p = l->base ? l->base + l->used : NULL;
    l->used += round_up(bytes, ALIGN);
    return p;
}

static float *take_floats(struct layout *l, size_t n)
{
    return take(l, n * sizeof(float));
}

static void mark_kinds(struct session *s)
{
    s->acts_used[s->m->head.fmt->act] = true;
    for (size_t i = 0; i < s->m->hp.n_layer; i++) {
        const struct layer *l = &s->m->layers[i];
        const struct weights *const mats[] = {&l->q, &l->k, &l->v, &l->o, &l->gate, &l->up, &l->down};
        for (size_t j = 0; j < sizeof mats / sizeof mats[0]; j++)
            s->acts_used[mats[j]->fmt->act] = true;
    }
}

static void lay_out_thread(struct session *s, struct layout *l, struct thread_space *t)
{
    t->kernel = take(l, KERNEL_SCRATCH_BYTES);
    t->row = take_floats(l, s->max_cols);
    t->row2 = take_floats(l, s->max_cols);
    t->scores = take_floats(l, s->score_rows * s->n_ctx_pad);
    for (int k = 0; k < ACT_KINDS; k++)
        t->acts_buf[k] = s->acts_used[k] ? take(l, acts_bytes((enum act_kind)k, 1, s->max_cols)) : NULL;
}

static void lay_out(struct session *s, struct layout *l)
{
    const struct hparams *hp = &s->m->hp;
    const size_t n = s->pass_tokens, elem = s->kv == KV_F16 ? sizeof(uint16_t) : sizeof(float);
    const size_t cache = s->n_seq * hp->n_layer * hp->n_head_kv * s->n_ctx * s->dim_pad * elem;
    s->k = take(l, cache);
    s->v = take(l, cache);
    s->kv_bytes = 2 * cache;
    s->seq = take(l, s->n_seq * sizeof *s->seq);
    s->at = take(l, n * sizeof *s->at);
    s->x = take_floats(l, n * hp->n_embd);
    s->y = take_floats(l, n * hp->n_embd);
    s->q = take_floats(l, n * hp->n_head * hp->head_dim);
    s->k_new = take_floats(l, n * hp->n_head_kv * hp->head_dim);
    s->v_new = take_floats(l, n * hp->n_head_kv * hp->head_dim);
    s->q_pad = take_floats(l, n * hp->n_head * s->dim_pad);
    s->attn = take_floats(l, n * hp->n_head * hp->head_dim);
    s->attn_pad = take_floats(l, n * hp->n_head * s->dim_pad);
    if (pool_threads(s->pool) > 1) {
        s->scores = take_floats(l, hp->n_head * s->n_ctx_pad);
        s->inv = take_floats(l, hp->n_head);
    }
    s->gate = take_floats(l, n * hp->n_ff);
    s->up = take_floats(l, n * hp->n_ff);
    s->rope = take_floats(l, n * hp->rope_dim);
    s->inv_freq = take(l, hp->rope_dim / 2 * sizeof *s->inv_freq);
    s->tails = take(l, TAIL_COUNTERS * sizeof *s->tails);
    for (int k = 0; k < ACT_KINDS; k++)
        s->acts_buf[k] = s->acts_used[k] && n > 1 ? take(l, acts_bytes((enum act_kind)k, n, s->max_cols)) : NULL;
    for (unsigned t = 0; t < pool_threads(s->pool); t++)
        lay_out_thread(s, l, &s->space[t]);
}

static size_t max4(size_t a, size_t b, size_t c, size_t d)
{
    const size_t x = a > b ? a : b, y = c > d ? c : d;
    return x > y ? x : y;
}

static void set_sizes(struct session *s, const struct session_options *opt)
{
    const struct hparams *hp = &s->m->hp;
    const size_t group = hp->n_head / hp->n_head_kv;
    s->n_ctx = opt->n_ctx ? opt->n_ctx : hp->n_ctx_train;
    s->chunk = opt->chunk ? opt->chunk : DEFAULT_CHUNK;
    if (s->chunk > s->n_ctx)
        s->chunk = s->n_ctx;
    s->n_seq = opt->sequences ? opt->sequences : 1;
    s->pass_tokens = s->chunk > s->n_seq ? s->chunk : s->n_seq;
    s->kv = opt->kv;
    s->act_block = opt->act_block;
    s->dim_pad = round_up(hp->head_dim, 16);
    s->n_ctx_pad = round_up(s->n_ctx, 16);
    s->score_rows = group < MAX_SCORE_ROWS ? group : MAX_SCORE_ROWS;
    s->max_cols = max4(hp->n_embd, hp->n_ff, hp->n_head * hp->head_dim, hp->head_dim);
}

int session_new(const struct model *m, const struct session_options *opt, struct session **out, char err[MODEL_ERR_LEN])
{
    struct session *s = calloc(1, sizeof *s);
    struct layout l = {NULL, 0};
    int rc = -ENOMEM;
    if (!s)
        goto fail;
    s->m = m;
    s->ops = ops_select();
    set_sizes(s, opt);
    if (s->n_seq > SESSION_MAX_SEQUENCES) {
        rc = -EINVAL;
        goto fail;
    }
    mark_kinds(s);
    rc = pool_new(opt->threads, !opt->no_pin, opt->spin_us ? opt->spin_us : DEFAULT_SPIN_US, &s->pool);
    if (rc != 0)
        goto fail;
    rc = -ENOMEM;
    s->space = calloc(pool_threads(s->pool), sizeof *s->space);
    if (!s->space)
        goto fail;
    lay_out(s, &l);
    s->arena_bytes = l.used;
    if (s->arena_bytes > memory_available()) /* pages come when they are touched: without this the kernel would kill us later */
        goto fail;
    s->arena = mmap(NULL, s->arena_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s->arena == MAP_FAILED) {
        s->arena = NULL;
        goto fail;
    }
    madvise(s->arena, s->arena_bytes, MADV_HUGEPAGE);
    l = (struct layout){s->arena, 0};
    lay_out(s, &l);
    rope_frequencies(m, s->inv_freq);
    *out = s;
    return 0;
fail:
    snprintf(err, MODEL_ERR_LEN, "%s: cannot start inference with %u threads, %zu x %zu tokens of context (%.1f GB): %s", m->name,
             opt->threads, s ? s->n_seq : 0, s ? s->n_ctx : 0, 1e-9 * (double)l.used, strerror(-rc));
    session_free(s);
    return rc;
}

void session_free(struct session *s)
{
    if (!s)
        return;
    pool_free(s->pool);
    if (s->arena)
        munmap(s->arena, s->arena_bytes);
    free(s->space);
    free(s);
}

static void attach_thread(void *profile, unsigned thread, unsigned threads)
{
    (void)threads;
    op_profile_attach(profile, thread);
}

void session_profile(struct session *s, struct op_profile *p)
{
    s->profile = p;
    if (p)
        pool_run(s->pool, attach_thread, p);
}

/* One pass, and for the profile: its time, and the work of attention, which has no matrix to tell it. */
static void run_pass(struct session *s)
{
    struct op_profile *p = s->profile;
    const uint64_t before = p ? now_ns() : 0;
    s->n_seen = 0;
    for (size_t t = 0; t < s->n; t++)
        s->n_seen += s->at[t].pos + 1;
    pool_run(s->pool, forward_pass, s);
    if (!p)
        return;
    const size_t elem = s->kv == KV_F16 ? sizeof(uint16_t) : sizeof(float), row = s->m->hp.n_head_kv * s->dim_pad;
    p->pass_ns += now_ns() - before;
    for (size_t t = 0; t < s->n; t++) {
        p->attn_macs += model_work(s->m, s->at[t].pos, 1, 0, elem).attn_macs;
        if (t + 1 == s->n || s->at[t + 1].seq != s->at[t].seq) /* the cache of a sequence is read once per pass */
            p->attn_bytes += 2.0 * (double)(s->m->hp.n_layer * row * elem) * (double)(s->at[t].pos + 1);
    }
}

static bool ids_valid(const struct session *s, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= s->m->hp.n_vocab)
            return false;
    return true;
}

int session_eval_of(struct session *s, size_t seq, const int32_t *ids, size_t n, bool all, float *logits)
{
    if (seq >= s->n_seq || !ids_valid(s, ids, n))
        return -EINVAL;
    struct sequence *q = &s->seq[seq];
    if (n > s->n_ctx - q->pos)
        return -ENOSPC;
    s->want_all = all;
    for (size_t done = 0; done < n; done += s->n) {
        s->ids = ids + done;
        s->n = n - done < s->chunk ? n - done : s->chunk;
        for (size_t t = 0; t < s->n; t++)
            s->at[t] = (struct token_place){seq, q->pos + t};
        const bool last = done + s->n == n;
        s->logits = logits && all ? logits + done * s->m->hp.n_vocab : last ? logits : NULL;
        run_pass(s);
        q->pos += s->n;
    }
    return 0;
}

int session_eval(struct session *s, const int32_t *ids, size_t n, bool all, float *logits)
{
    return session_eval_of(s, 0, ids, n, all, logits);
}

/* Notes the places of a pass of one token per sequence. A sequence is marked while the others are looked at, to find it twice. */
static int place_each(struct session *s, const size_t *seqs, size_t n)
{
    int rc = n <= s->n_seq ? 0 : -EINVAL;
    size_t marked = 0;
    for (; !rc && marked < n; marked++) {
        const size_t seq = seqs ? seqs[marked] : marked;
        if (seq >= s->n_seq || s->seq[seq].in_pass) {
            rc = -EINVAL;
            break;
        }
        if (s->seq[seq].pos >= s->n_ctx)
            rc = -ENOSPC;
        s->at[marked] = (struct token_place){seq, s->seq[seq].pos};
        s->seq[seq].in_pass = true;
    }
    for (size_t i = 0; i < marked; i++)
        s->seq[s->at[i].seq].in_pass = false;
    return rc;
}

int session_decode(struct session *s, const size_t *seqs, const int32_t *ids, size_t n, float *logits)
{
    const int rc = ids_valid(s, ids, n) ? place_each(s, seqs, n) : -EINVAL;
    if (rc || n == 0)
        return rc;
    s->want_all = true;
    s->ids = ids;
    s->n = n;
    s->logits = logits;
    run_pass(s);
    for (size_t i = 0; i < n; i++)
        s->seq[s->at[i].seq].pos++;
    return 0;
}

size_t session_sequences(const struct session *s)
{
    return s->n_seq;
}

size_t session_pos_of(const struct session *s, size_t seq)
{
    return s->seq[seq].pos;
}

size_t session_pos(const struct session *s)
{
    return session_pos_of(s, 0);
}

void session_rewind_of(struct session *s, size_t seq, size_t pos)
{
    if (pos < s->seq[seq].pos)
        s->seq[seq].pos = pos;
}

void session_rewind(struct session *s, size_t pos)
{
    for (size_t i = 0; i < s->n_seq; i++)
        session_rewind_of(s, i, pos);
}

unsigned session_threads(const struct session *s)
{
    return pool_threads(s->pool);
}

const char *session_cpus(const struct session *s)
{
    return pool_cpus(s->pool);
}

size_t session_kv_bytes(const struct session *s)
{
    return s->kv_bytes;
}

size_t session_scratch_bytes(const struct session *s)
{
    return s->arena_bytes - s->kv_bytes;
}
