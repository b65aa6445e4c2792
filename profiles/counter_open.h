/* Opening the events of one group on one thread, command or CPU through perf_event_open(). Internal to profiles/.
 *
 * An event that the machine does not have is left out of its group and says why. Where the kernel may not be watched, user mode alone
 * is counted, and said. */
#ifndef BITJOULE_COUNTER_OPEN_H
#define BITJOULE_COUNTER_OPEN_H

#include "profiles/counter_backend.h"

struct perf_target {
    enum counter_scope scope;
    pid_t pid; /* a thread or command, 0 the caller; -1: none */
    int cpu;   /* -1: any */
};

/* One group on one target. */
struct perf_lane {
    int fd[GROUP_EVENTS]; /* -1: not open */
    int leader;           /* fd of the first event that could be opened; -1: none */
    bool apart;           /* each event leads itself */
};

struct perf_group {
    struct counter_code code[GROUP_EVENTS];
    char problem[GROUP_EVENTS][METRIC_REASON_LEN]; /* the event cannot be named or opened */
    bool named[GROUP_EVENTS];
    bool user_only;
};

/* The kernel itself, or what a test puts in its place. */
const struct counter_os *counter_os_of(const struct counters *c);

/* Names of the g-th group of c to codes, those of sysfs and libpfm4 by the tables of that PMU; NULL: none. */
void perf_group_encode(const struct counters *c, size_t g, const char *pmu, struct perf_group *out);
/* Forgets what the last opening found. */
void perf_group_renew(struct perf_group *pg);

/* Fills the lane. 0, also when some or all events have a problem now; -ESRCH: the thread has ended. */
int perf_group_open(const struct counters *c, size_t g, struct perf_group *pg, const struct perf_target *t, struct perf_lane *lane);
void perf_lane_close(const struct counter_os *os, struct perf_lane *lane);
/* Switches all of a lane on or off. 0 or a negative errno. */
int perf_lane_control(const struct counter_os *os, const struct perf_lane *lane, unsigned long request);

#endif
