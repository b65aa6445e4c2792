/* The worker's side of a scenario: commands that the parent (scenario.c) sends beside those of worker.h.
 *
 *   {"cmd": "confine", "cpus": N, "cgroup": PATH | null}     -> {"cpus": N}      only the first N CPUs, and that control group
 *   {"cmd": "serve", "kind", "n_prompt", "n_gen", "requests", "sequences", "rate", "timeout_s", "seed", "threads", "chunk", "kv",
 *    "percentile", "confidence"}                             -> the record's entry of a load (harness/README.md, "Scenarios")
 */
#ifndef BITJOULE_LOAD_WORKER_H
#define BITJOULE_LOAD_WORKER_H

#include <jansson.h>

#include "engine/model.h"
#include "profiles/probe.h"

/* Answers, {"error": "..."} among them; NULL: no memory. */
json_t *load_worker_confine(const json_t *cmd);
json_t *load_worker_serve(const struct model *m, const struct probe_env *env, const json_t *cmd);

#endif
