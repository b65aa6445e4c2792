/* How often the scheduler moved a thread of this process to another CPU: helper of the software probe. */
#ifndef BITJOULE_SCHED_MIGRATIONS_H
#define BITJOULE_SCHED_MIGRATIONS_H

#include "profiles/probe.h"

struct migrations;
int migrations_open(const struct probe_env *env, struct migrations **out); /* 0 or -ENOMEM */
void migrations_start(struct migrations *m);
void migrations_stop(struct migrations *m);
void migrations_metric(const struct migrations *m, struct metric *out); /* "cpu_migrations" of the last window */
void migrations_close(struct migrations *m);

#endif
