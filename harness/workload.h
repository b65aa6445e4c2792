/* A workload: what is done in one timed repetition. The contract between the harness and the engine.
 *
 * setup once, then run / reset as often as wanted, then teardown. Only run() is timed. Every workload is one file wl_NAME.c and one
 * line in workload.c; it runs inside a worker process and may die there without taking the experiment along. */
#ifndef BITJOULE_WORKLOAD_H
#define BITJOULE_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/model.h"
#include "engine/session.h"
#include "profiles/probe.h"

/* One cell of the matrix, without its model and format. */
struct workload_params {
    unsigned n_prompt;  /* prefill, request: tokens */
    unsigned n_gen;     /* decode, request: tokens that are chosen, of each sequence */
    unsigned depth;     /* tokens already in the KV cache, of each sequence */
    unsigned batch;     /* tokens of one prefill pass */
    unsigned sequences; /* decode: how many at once */
    size_t kv_elem_bytes;
    uint64_t seed; /* of the token ids */
    /* perplexity: */
    const char *text; /* path */
    unsigned window, windows;
    /* external: `text` is its command */
    const char *model; /* path */
    unsigned threads;
    bool wall_time; /* of the whole process, not what it says itself */
};

/* Work of one repetition. Multiply-adds by the kind of arithmetic that does them: int8 (linear layers and lm_head whose
 * activations are int8) and float (the others, and attention). bytes: weights and KV read from memory once per pass. */
struct workload_work {
    double tokens, int8_macs, fma_macs, bytes;
};

struct workload {
    const char *name; /* "prefill", "decode", "request", "perplexity" */
    bool all_logits;  /* of every token of a pass, not only of the last one */
    bool no_model;    /* model and session are NULL */
    /* Fills the cache up to the depth, makes the ids. 0 or negative errno and a line in err. */
    int (*setup)(const struct model *m, struct session *s, const struct workload_params *p, void **state, char err[MODEL_ERR_LEN]);
    /* One repetition; only this is timed. token_s: room for n_gen times, of the pass that chose each token, or NULL. */
    int (*run)(void *state, double *token_s);
    /* Seconds of the last run by the workload's own account. NULL: run() itself is timed. */
    double (*time_s)(const void *state);
    /* Back to where setup left it. Not timed. */
    void (*reset)(void *state);
    struct workload_work (*work)(const void *state);
    /* The token ids the repetition produced, for the record's output hash; valid until the next run. */
    const int32_t *(*output)(const void *state, size_t *n);
    /* Results that are neither time nor work (perplexity), of the last run; returns how many, at most cap. NULL: none. */
    size_t (*metrics)(const void *state, struct metric *out, size_t cap);
    void (*teardown)(void *state);
};

extern const struct workload workload_prefill, workload_decode, workload_request, workload_perplexity,
    workload_external, workload_null;

/* All of them, NULL-terminated. */
extern const struct workload *const workloads[];

/* Shared by the workloads: n seeded ids in [0, n_vocab), and the work of one pass of n tokens from position pos on. */
void workload_ids(int32_t *ids, size_t n, size_t n_vocab, uint64_t seed);
void workload_add_pass(struct workload_work *w, const struct model *m, size_t pos, size_t n, size_t n_logits, size_t kv_elem_bytes);
/* The same for a prompt of p->n_prompt tokens in passes of p->batch after p->depth others, with the logits of its last token. */
void workload_add_prompt(struct workload_work *w, const struct model *m, const struct workload_params *p);
/* The same for one token of each of `sequences` sequences of which all stand at pos, with the logits of all. */
void workload_add_step(struct workload_work *w, const struct model *m, size_t pos, size_t sequences, size_t kv_elem_bytes);
/* Lowest id with the largest logit; NaN never wins. */
int32_t workload_argmax(const float *logits, size_t n);
/* Runs `depth` seeded tokens in each of the session's sequences, so that the caches hold them; every sequence has its own. 0 or
 * negative errno and a line in err. */
int workload_fill(struct session *s, size_t n_vocab, unsigned depth, uint64_t seed, char err[MODEL_ERR_LEN]);

#endif
