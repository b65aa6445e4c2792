/* perf_event_open() and the reading of one event, for energy and for counters. Internal to profiles/. */
#ifndef BITJOULE_PERF_CALL_H
#define BITJOULE_PERF_CALL_H

#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How every event here is to be read: count, time enabled, time running. */
enum { PERF_CALL_FORMAT = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING };

/* leader: -1 or the descriptor of the group's first event. A file descriptor, or a negative errno. */
int perf_call_open(const struct perf_event_attr *attr, pid_t pid, int cpu, int leader);
int perf_call_read(int fd, uint64_t value[3]); /* 0 or a negative errno; -ENODATA: the event is in an error state */
/* A group at once (PERF_FORMAT_GROUP): value[3 + n] gets n, time enabled, time running and n counts. Likewise. */
int perf_call_read_group(int fd, uint64_t *value, size_t n);

#endif
