/* What the files of the worker's side share; worker_child.c has the loop and the commands around a cell, worker_block.c those that
 * run it, worker_peak.c the machine's peaks. Internal to harness/worker_*.c. */
#ifndef BITJOULE_WORKER_INTERNAL_H
#define BITJOULE_WORKER_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/model.h"
#include "engine/session.h"
#include "harness/worker.h"

struct peak_bench;

struct child {
    const struct worker_options *opt;
    struct probe_env env;
    struct model *model;
    struct session *session;
    const struct workload *wl;
    void *state; /* of wl; NULL: no cell is set up */
    struct probe_set *probes;
    double *token_s; /* [n_gen] */
    unsigned n_gen;
    struct peak_bench *peaks; /* NULL: not asked for */
    char text[8192];          /* path or command handed to the workload; a message */
    char model_path[4096];    /* of another program's model */
    char *names[6];           /* texts of "hello" that opt and env point to */
};

/* {"error": what} */
json_t *worker_refuse(const char *what);
unsigned worker_uint(const json_t *cmd, const char *key); /* 0: not there, or no such number */
const char *worker_text(const json_t *cmd, const char *key);

/* Handlers: the answer to a command. */
json_t *worker_do_rep(struct child *c, const json_t *cmd);
json_t *worker_do_block(struct child *c, const json_t *cmd);
json_t *worker_do_profile(struct child *c, const json_t *cmd);
json_t *worker_do_peak_open(struct child *c, const json_t *cmd);
json_t *worker_do_peak_block(struct child *c, const json_t *cmd);
void worker_peak_close(struct child *c);

#endif
