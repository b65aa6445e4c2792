/* A running inference: KV cache, scratch memory and worker threads over a model. Not thread-safe; one caller at a time.
 *
 * A session holds one or more sequences: contexts of their own, which know nothing of each other. session_decode() runs a token of
 * several at once, so that the weights are read once for all of them. What a sequence gives does not depend, in any bit, on what
 * else runs. */
#ifndef BITJOULE_SESSION_H
#define BITJOULE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/model.h"

enum kv_type { KV_F16, KV_F32 };
enum { SESSION_MAX_SEQUENCES = 256 };

struct session_options {
    unsigned threads; /* 0: one per physical core this process may use */
    size_t n_ctx;     /* KV cache length in tokens, of each sequence; 0: the model's training context */
    size_t sequences; /* at most SESSION_MAX_SEQUENCES; 0: 1 */
    size_t chunk;     /* tokens per prefill pass; 0: 128 */
    enum kv_type kv;
    unsigned spin_us; /* how long a waiting worker spins before it sleeps; 0: 50 */
    bool no_pin;      /* leave the threads where the scheduler puts them */
    size_t act_block; /* experiment: what the layers' matrices take as floats goes through act_round() in such blocks; 0: as it is */
};

struct session;
struct op_profile;

/* 0, or a negative errno and one line in err. Keeps a pointer to m. */
int session_new(const struct model *m, const struct session_options *opt, struct session **out, char err[MODEL_ERR_LEN]);
void session_free(struct session *s);

/* Appends n tokens to the context of sequence 0 and runs them. logits: NULL, or [n_vocab] for the last token, or with `all` [n, n_vocab].
 * 0; -EINVAL: an id outside the vocabulary; -ENOSPC: the context is full (nothing was run in both cases). */
int session_eval(struct session *s, const int32_t *ids, size_t n, bool all, float *logits);
/* The same for a sequence below session_sequences(s). */
int session_eval_of(struct session *s, size_t seq, const int32_t *ids, size_t n, bool all, float *logits);
/* Appends ids[i] to sequence seqs[i] for i < n, in one pass. seqs: all different; NULL: 0 .. n - 1. logits: NULL or [n, n_vocab].
 * 0; -EINVAL: an id outside the vocabulary, or a sequence that is not there or named twice; -ENOSPC: one of the contexts is full
 * (nothing was run in both cases). */
int session_decode(struct session *s, const size_t *seqs, const int32_t *ids, size_t n, float *logits);

/* From now on the time of every operation is added to p (engine/op_profile.h), made for session_threads(s); NULL: no more. When p
 * counts, the session's threads are attached to its counters. */
void session_profile(struct session *s, struct op_profile *p);

size_t session_sequences(const struct session *s);
size_t session_pos(const struct session *s);            /* tokens in the context of sequence 0 */
size_t session_pos_of(const struct session *s, size_t seq);
void session_rewind(struct session *s, size_t pos);     /* every sequence forgets all from position pos on */
void session_rewind_of(struct session *s, size_t seq, size_t pos);
unsigned session_threads(const struct session *s);      /* worker threads, the caller included */
/* The CPUs the workers are bound to, as a list "0,1"; "" when not pinned. */
const char *session_cpus(const struct session *s);
size_t session_kv_bytes(const struct session *s); /* of all sequences */
size_t session_scratch_bytes(const struct session *s);

#endif
