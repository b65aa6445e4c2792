/* A control group (version 2) with a memory limit, for a worker: the kernel then enforces what a scenario's profile has. It is made below
 * the group of this process and needs the right to do so: root, or a delegated subtree such as `systemd-run --user --scope -p
 * Delegate=yes`. */
#ifndef BITJOULE_MEM_GROUP_H
#define BITJOULE_MEM_GROUP_H

#include <stdbool.h>

#include "profiles/probe.h"

enum { MEM_GROUP_PATH_LEN = 1024, MEM_GROUP_REASON_LEN = 256 };

struct mem_group {
    char path[MEM_GROUP_PATH_LEN]; /* empty: there is none */
};

/* Memory of at most `bytes`, no swap. 0, or a negative errno and why not. */
int mem_group_make(const struct probe_env *env, double bytes, struct mem_group *g, char reason[MEM_GROUP_REASON_LEN]);
/* Whether the kernel ended a process of it for its memory. */
bool mem_group_ended_one(const struct mem_group *g);
/* Once its processes are gone. */
void mem_group_remove(struct mem_group *g);

#endif
