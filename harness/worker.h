/* A worker: a child process that loads a model and runs repetitions on command, so that a crash costs one cell.
 *
 * Parent and worker exchange one JSON object per line over a socket: the parent sends a command, the worker answers it, and while
 * a command runs the parent sleeps in poll() and takes no CPU time. Several workers can live at once and be driven in turn. A
 * worker has its own process group, dies with its parent, and is the first choice of the out-of-memory killer.
 *
 *   {"cmd": "hello", "isa", "sysfs", "procfs", "energy_source", ...}     -> {"protocol", "version", "commit", "dirty"}
 *   {"cmd": "load", "model", "format", "embedding" | null, "threads", "seed"}  -> {"load_s", "embedding", "bits_per_weight"}
 *   {"cmd": "setup", "workload", "threads", "n_ctx", "chunk", "kv", params...} -> {"cpus", "threads", "kernel", "work"}
 *   {"cmd": "rep"}                               -> {"time_s", "output_sha256"}   one repetition, to warm up
 *   {"cmd": "block", "repetitions"}              -> {"repetitions", "time_s", "window_s", "samples_s": [...], "token_s": [...] | null,
 *                                                "output_sha256", "disturbed": text | null, "energy_j", "energy_s", "metrics": [...],
 *                                                "state": [...]}   see block.h
 *   {"cmd": "profile"}                           -> "rep" with the engine's profile on: cell_ops.h, op_counters.h, and
 *                                                "output_sha256"
 *   {"cmd": "end"}                               -> {}      frees the session of "setup"
 *   {"cmd": "peak_open", "threads", "buffer_bytes"} -> {"threads", "isa"}
 *   {"cmd": "peak_block"}                        -> {"read_gb_s", "int8_gmac_s", "fma_gmac_s", "time_s"}
 *   {"cmd": "energy", "idle_s"}                  -> {"source": {...}, "windows": [...], "reason" | null}   idles for idle_s
 *   {"cmd": "lossless", options...}              -> the record's "lossless" entry (lossless.h)
 *   {"cmd": "confine"}, {"cmd": "serve"}         of scenarios: load_worker.h
 *   {"cmd": "quit"}                                                            no answer
 * An answer {"error": "..."} means that the command failed and the worker is still there.
 *
 * Usually a worker is a fork of this process. With a program it is `PROGRAM worker --fd N`, another binary or a fresh image of this one;
 * then "hello" is the first command, and a program that speaks another WORKER_PROTOCOL is refused. */
#ifndef BITJOULE_WORKER_H
#define BITJOULE_WORKER_H

#include <jansson.h>
#include <stdbool.h>

#include "harness/workload.h"

/* Raised when a command or an answer changes so that the other side would take it wrongly. An answer may gain fields. */
enum { WORKER_REASON_LEN = 256, WORKER_PROTOCOL = 2 };

struct worker_options {
    const struct workload *const *workloads; /* NULL-terminated registry */
    struct probe_env env;
    const char *isa; /* highest instruction set that kernels may use; NULL: all */
};

enum worker_result {
    WORKER_OK,
    WORKER_REFUSED,    /* it answered with an error and lives on */
    WORKER_DIED,       /* crash, kill or nonsense; it is gone */
    WORKER_TIMED_OUT,  /* no answer in time; it was killed */
    WORKER_INTERRUPTED /* Ctrl-C while waiting; it was killed */
};

struct worker;

/* Forks; program: then starts that one, and asks it for its protocol. NULL: no other program. 0, or a negative errno and a reason. */
int worker_start(const struct worker_options *opt, const char *program, struct worker **out, char reason[WORKER_REASON_LEN]);
bool worker_alive(const struct worker *w);
/* Sends `cmd` (taken over) and waits. WORKER_OK: *reply is the caller's. Otherwise one line in reason. The worker must be alive. */
enum worker_result worker_call(struct worker *w, json_t *cmd, double timeout_s, json_t **reply, char reason[WORKER_REASON_LEN]);
/* Asks it to quit, or kills it, and frees. NULL is fine. */
void worker_stop(struct worker *w);

/* The worker's side: serves commands from fd until "quit" or the end of the stream. */
void worker_serve(int fd, const struct worker_options *opt);

#endif
