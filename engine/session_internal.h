/* Inside the engine: the memory of a running inference, shared by session.c (life cycle) and forward.c, attention.c (the pass). */
#ifndef BITJOULE_SESSION_INTERNAL_H
#define BITJOULE_SESSION_INTERNAL_H

#include <stdatomic.h>

#include "engine/op_profile.h"
#include "engine/pool.h"
#include "engine/session.h"
#include "kernels/ops.h"

enum {
    MAX_SCORE_ROWS = 64, /* queries of a key head that go through attention together */
    TAIL_COUNTERS = 2    /* one in use, one being reset */
};

/* What each thread has for itself. */
struct thread_space {
    void *kernel;                 /* KERNEL_SCRATCH_BYTES for the kernels */
    float *row, *row2;            /* [max_cols] a token's vector after norm or activation */
    float *scores;                /* [score_rows, n_ctx_pad] */
    void *acts_buf[ACT_KINDS];    /* one token's activations: decode prepares them in every thread, which saves a barrier */
};

/* How many units of rows have been taken (forward.c); a cache line for itself. */
struct tail_counter {
    _Alignas(64) atomic_size_t taken;
};

/* Where a token of the pass stands: its sequence, and its position there. */
struct token_place {
    size_t seq, pos;
};

/* A context: how many tokens it holds. */
struct sequence {
    size_t pos;
    bool in_pass; /* while the sequences of a pass are checked */
};

struct session {
    const struct model *m;
    const struct ops *ops;
    struct pool *pool;
    struct op_profile *profile; /* the caller's; NULL: off */
    size_t n_ctx, chunk; /* tokens: of a sequence; of a prefill pass */
    size_t n_seq, pass_tokens; /* sequences; tokens of a pass at most: max(chunk, n_seq) */
    struct sequence *seq;      /* [n_seq] */
    enum kv_type kv;
    size_t act_block; /* 0: off */

    size_t dim_pad;   /* head_dim rounded up to 16, with zeros: rows of K, V, q and of the attention's output */
    size_t n_ctx_pad; /* row stride of scores */
    size_t max_cols;  /* widest input of any matrix */
    size_t score_rows;

    /* KV cache: [sequence][layer][kv_head][n_ctx][dim_pad] in f16 or f32 */
    void *k, *v;

    /* one pass of n <= pass_tokens tokens: successive ones of one sequence, or one of each of several */
    const int32_t *ids;
    size_t n;
    struct token_place *at; /* [n] */
    size_t n_seen;          /* sum over the tokens of the positions they see, pos + 1 */
    float *x;           /* [n, n_embd] residual stream */
    float *q, *k_new, *v_new; /* [n, heads * head_dim] projections*/
    float *q_pad;       /* [n, n_head, dim_pad] rotated queries */
    float *attn;        /* [n, n_head * head_dim] attention output */
    float *attn_pad;    /* [n, n_head, dim_pad] the same before the padding is dropped */
    float *scores, *inv; /* [n_head, n_ctx_pad], [n_head]: of one token, when threads share each head; NULL: one thread */
    float *gate, *up;   /* [n, n_ff] */
    float *y;           /* [n, n_embd] output of attn_output or ffn_down */
    float *rope;        /* [n, rope_dim] cos, sin of each pair */
    double *inv_freq;   /* [rope_dim / 2] */
    struct tail_counter *tails; /* [TAIL_COUNTERS] */
    void *acts_buf[ACT_KINDS]; /* the pass's activations: prefill prepares them together */
    bool acts_used[ACT_KINDS]; /* kinds that some matrix of this model takes */
    struct thread_space *space;

    bool want_all;
    float *logits; /* caller's */

    void *arena;
    size_t arena_bytes, kv_bytes;
};

/* One pass: s->ids[0 .. n) at s->at[]; logits where asked. Run by every thread of the pool. */
void forward_pass(void *session, unsigned thread, unsigned threads);

/* Rotates q and k of the pass, stores k and v in the cache of `layer`. This thread's share. */
void attention_store(struct session *s, size_t layer, unsigned thread, unsigned threads);
/* attn = softmax(q K^T / sqrt(head_dim)) V for this thread's share of tokens and heads. */
void attention_run(struct session *s, size_t layer, unsigned thread, unsigned threads);
/* True: these three, with a barrier after each, instead of attention_run(). */
bool attention_together(const struct session *s, unsigned threads);
void attention_scores(struct session *s, size_t layer, unsigned thread, unsigned threads);
void attention_softmax(struct session *s, unsigned thread, unsigned threads);
void attention_mix(struct session *s, size_t layer, unsigned thread, unsigned threads);

/* cos and sin for position pos into rope [rope_dim]: pairs (cos, sin). */
void rope_angles(const double *inv_freq, size_t rope_dim, size_t pos, float *rope);
void rope_frequencies(const struct model *m, double *inv_freq);

#endif
