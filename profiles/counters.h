/* Hardware and software counters around a stretch of work: instructions per cycle, misses, stalls, clock. The probe `counters`.
 *
 * Back-ends, chosen with --counters: `perf` (perf_event_open, the default), `papi`, `likwid`, `none`. What is counted is a list of
 * groups by name, --counter-group basic,cache; each group is counted as one (counter_group.h), by every thread that the process has
 * when the window begins, or by a command and all it starts. Every metric has its reason when it cannot be had. */
#ifndef BITJOULE_COUNTERS_H
#define BITJOULE_COUNTERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "profiles/probe.h"

enum { COUNTERS_ERR_LEN = 512 };

struct counters;

/* Checks values of --counters and --counter-group before anything is measured: true, or false and one line in err. NULL values
 * stand for the defaults. */
bool counters_check(const char *backend, const char *groups, char err[COUNTERS_ERR_LEN]);

/* env->counters: back-end, NULL for none at all; env->counter_groups: list, NULL for the back-end's default. 0 or -ENOMEM. */
int counters_open(const struct probe_env *env, struct counters **out);
void counters_close(struct counters *c);

/* Opens the events, before the window: of all threads of this process. */
void counters_prepare(struct counters *c);
/* Of a child that is about to exec, and of all that it starts; counting begins with the exec. */
void counters_prepare_child(struct counters *c, pid_t pid);
/* Of all CPUs, whoever runs on them; needs the right to see the whole machine. */
void counters_prepare_machine(struct counters *c);

void counters_start(struct counters *c);
void counters_stop(struct counters *c); /* of a child: after it has been waited for */
size_t counters_read(struct counters *c, double window_s, struct metric *out, size_t cap);

/* Median time of start and stop of windows without work, s: what counting adds to a window of this process. NAN: nothing counts. */
double counters_cost_s(struct counters *c);

/* The groups that there are for this machine and back-end, as text or as JSON (new reference): name, title, family, events, metrics
 * with formula, unit and caveat. 0, or a negative errno and a line in err. */
int counters_list(const char *backend, FILE *f, json_t **json, char err[COUNTERS_ERR_LEN]);

#endif
