/* The matrix of cells that a suite asks for, before anything runs: which there are, in which order, which cannot fit in memory,
 * and about how long each takes.
 *
 * Cells of one model and format form a group, so that one worker loads the weights once. Inside a group: thread counts, then depths,
 * then prefill, decode and requests. The groups of the quality row come last. In which order they are run is schedule.h's business.
 *
 * Two programs can be compared: plan_add_arms() doubles the matrix, every cell then exists once in the arm "base" and once in "new",
 * each with the program whose workers run it. */
#ifndef BITJOULE_PLAN_H
#define BITJOULE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/model.h"
#include "harness/suite.h"

enum { PLAN_NAME_LEN = 64, PLAN_ID_LEN = 256, PLAN_REASON_LEN = 256, PLAN_ARM_LEN = 8 };

/* One model in one format: what a worker loads. */
struct group {
    char *spec;                    /* "synth:125m" or a path */
    char model[PLAN_NAME_LEN];     /* name in the record: "125m", "kjv-tiny-f16" */
    const struct format *format;   /* asked for */
    char embedding[PLAN_NAME_LEN]; /* format of lm_head: as planned, and after loading as it is */
    struct hparams hp;
    size_t weight_bytes;
    char reason[PLAN_REASON_LEN]; /* why nothing of it can run; empty: it can */
    bool quality;
    char arm[PLAN_ARM_LEN]; /* "base", "new"; empty: there is only this program */
    const struct external_suite *external; /* another program runs it; NULL: the engine */
    struct format *own_format;             /* its name in place of a format; NULL: format is one of the engine's */
    char *program;          /* whose workers run it; NULL: this program's */
};

struct cell {
    size_t group;
    const char *workload;     /* struct workload.name */
    char test[PLAN_NAME_LEN]; /* "pp128", "tg32", "pp128+tg32", "ppl" */
    unsigned threads, n_prompt, n_gen, depth;
    unsigned batch;     /* tokens of one pass: prefill's chunk; of decode, the sequences */
    unsigned sequences; /* contexts of n_ctx tokens each */
    bool quality;
    size_t n_ctx;                 /* length of the KV cache it needs */
    double need_bytes;            /* weights, KV cache and scratch */
    double estimate_s;            /* rough; for the time left */
    char reason[PLAN_REASON_LEN]; /* why it is skipped; empty: it is run */
};

struct plan {
    struct group *groups;
    size_t n_groups;
    struct cell *cells;
    size_t n_cells;
    double mem_available; /* bytes that plan_make() was given */
};

/* mem_available: bytes. 0, or a negative errno and one line in err when a model of the matrix cannot be read at all. A model of
 * the quality row that is not there only skips its cells: it may be a file that this installation lacks. */
int plan_make(const struct suite *s, size_t mem_available, struct plan *out, char err[SUITE_ERR_LEN]);
void plan_free(struct plan *p);

/* Bytes that a cell of a group needs: weights, KV caches and scratch. */
double plan_need_bytes(const struct suite *s, const struct group *g, const struct cell *c);

/* Every group and cell twice: arm "base" run by one program, arm "new" by the other. NULL stands for this program. 0 or -ENOMEM. */
int plan_add_arms(struct plan *p, const char *base_program, const char *new_program);

/* "2b4t/i2_s/q6_k/t2/tg32/d0/b1", with arms "2b4t/i2_s/q6_k/t2/tg32/d0/b1/new" */
void plan_cell_id(const struct plan *p, const struct cell *c, char id[PLAN_ID_LEN]);
/* "2b4t/t2/tg32/d0/b1": what a cell shares with those that it is compared with. */
void plan_contest_id(const struct plan *p, const struct cell *c, char id[PLAN_ID_LEN]);
/* Whether two cells differ in nothing but format, embedding and arm. */
bool plan_same_contest(const struct plan *p, const struct cell *a, const struct cell *b);

/* What a group is compared with: the f16 group of its model, with arms the same format in the arm "base". The group itself when it is
 * such a base; p->n_groups: there is none. */
size_t plan_base_group(const struct plan *p, size_t group);
/* The cell that cell `c` is compared with; p->n_cells: none, or it is one itself. */
size_t plan_base_cell(const struct plan *p, size_t c);

/* "synth:125m" -> "125m"; "dir/kjv-tiny-f16.gguf" -> "kjv-tiny-f16". */
void plan_model_name(const char *spec, char name[PLAN_NAME_LEN]);

/* Parameters by the shape: layers' matrices, and all with embedding, lm_head and norms. */
double plan_linear_params(const struct hparams *hp);
double plan_total_params(const struct hparams *hp);

#endif
