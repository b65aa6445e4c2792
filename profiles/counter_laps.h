/* Counters of many short stretches of a thread's work, read in between; the back-end perf alone.
 *
 * One group at a time, so that groups of ours never share the counters. A read is one system call. What it counts itself is measured
 * and taken off; of a stretch that is so short that this would be most of its count there is no number. Of hardware events user mode
 * alone is counted, since reading is work of the kernel. Uncore groups belong to no thread and cannot be read so. */
#ifndef BITJOULE_COUNTER_LAPS_H
#define BITJOULE_COUNTER_LAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profiles/probe.h"

enum { LAPS_EVENTS = 8 };

struct counter_laps;

/* The groups of env; 0 or -ENOMEM. For at most `threads` threads. */
int counter_laps_open(const struct probe_env *env, unsigned threads, struct counter_laps **out);
void counter_laps_close(struct counter_laps *l);

/* How many groups there are to count one after the other; 0: none were asked for. Where they cannot be had for a reason of their own
 * (another back-end, no such file) there is one, which has no event that works. */
size_t counter_laps_groups(const struct counter_laps *l);
const char *counter_laps_name(const struct counter_laps *l, size_t group); /* "generic/basic" */

/* Takes the group up, in place of the one before. */
void counter_laps_choose(struct counter_laps *l, size_t group);
/* On each thread that is to be counted, by its number: opens the events for it and switches them on. `laps`: the counter_laps. */
void counter_laps_attach(void *laps, unsigned thread);
/* Since it was attached, on that thread. Slots of events that are not there are 0: see counter_laps_metrics. */
void counter_laps_read(void *laps, unsigned thread, uint64_t value[LAPS_EVENTS]);

/* What counts of the chosen group mean: they are sums over the threads, with so many reads in them, of what takes time_s without
 * reads. At most cap. */
size_t counter_laps_metrics(const struct counter_laps *l, const double count[LAPS_EVENTS], double reads, double time_s,
                            struct metric *out, size_t cap);

/* The time of one read, s, and what of each event a read itself counts, as metrics events_LABEL. NAN and 0 where nothing is counted. */
double counter_laps_read_s(const struct counter_laps *l);
size_t counter_laps_read_counts(const struct counter_laps *l, struct metric *out, size_t cap);

#endif
