/* A running inference: KV cache, scratch memory and worker threads over a model. Not thread-safe; one caller at a time. */
#ifndef BITJOULE_SESSION_H
#define BITJOULE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/model.h"

enum kv_type { KV_F16, KV_F32 };

struct session_options {
    unsigned threads; /* 0: one per physical core this process may use */
    size_t n_ctx;     /* KV cache length in tokens; 0: the model's training context */
    size_t chunk;     /* tokens per prefill pass; 0: 128 */
    enum kv_type kv;
    unsigned spin_us; /* how long a waiting worker spins before it sleeps; 0: 50 */
    bool no_pin;      /* leave the threads where the scheduler puts them */
};

struct session;
struct op_profile;

/* 0, or a negative errno and one line in err. Keeps a pointer to m. */
int session_new(const struct model *m, const struct session_options *opt, struct session **out, char err[MODEL_ERR_LEN]);
void session_free(struct session *s);

/* Appends n tokens to the context and runs them. logits: NULL, or [n_vocab] for the last token, or with `all` [n, n_vocab].
 * 0; -EINVAL: an id outside the vocabulary; -ENOSPC: the context is full (nothing was run in both cases). */
int session_eval(struct session *s, const int32_t *ids, size_t n, bool all, float *logits);

/* From now on the time of every operation is added to p (engine/op_profile.h), made for session_threads(s); NULL: no more. */
void session_profile(struct session *s, struct op_profile *p);

size_t session_pos(const struct session *s);            /* tokens in the context */
void session_rewind(struct session *s, size_t pos);     /* forgets all from position pos on */
unsigned session_threads(const struct session *s);      /* worker threads, the caller included */
/* The CPUs the workers are bound to, as a list "0,1"; "" when not pinned. */
const char *session_cpus(const struct session *s);
size_t session_kv_bytes(const struct session *s);
size_t session_scratch_bytes(const struct session *s);

#endif
