/* What a counter back-end does, and what all of them share. Internal to profiles/.
 *
 * A back-end opens the events of the chosen groups, starts and stops them, and says what each group counted; counter_metrics.c
 * makes metrics of that. likwid, which has groups and formulas of its own, gives metrics itself. */
#ifndef BITJOULE_COUNTER_BACKEND_H
#define BITJOULE_COUNTER_BACKEND_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <sys/types.h>

#include "profiles/counter_choose.h"
#include "profiles/counters.h"

/* What one group counted between start and stop. */
struct counted {
    double count[GROUP_EVENTS]; /* extrapolated to the whole window; NAN: see problem of the event */
    char event_problem[GROUP_EVENTS][METRIC_REASON_LEN];
    char problem[METRIC_REASON_LEN]; /* of the whole group; empty: counted */
    double share;                    /* of the time in which the group was on the counters; 1: all of it */
    const char *note;                /* what else there is to say of each number; NULL: nothing */
    bool corrected;                  /* counts are not as they were read: derived, as the note says */
    const char *user_only;           /* kernel work is not in it, and why; NULL: it is */
};

enum counter_scope {
    SCOPE_THREADS,
    SCOPE_CHILD,
    SCOPE_MACHINE,
    SCOPE_LAPS /* the calling thread alone, read often, a group at once */
};

/* Calls into the kernel, so that a test can play them. */
struct counter_os {
    int (*open)(const struct perf_event_attr *attr, pid_t pid, int cpu, int leader); /* a file descriptor or a negative errno */
    int (*read)(int fd, uint64_t value[3]);               /* count, time enabled, time running. 0 or a negative errno */
    int (*read_group)(int fd, uint64_t *value, size_t n); /* of SCOPE_LAPS: see perf_call.h */
    int (*control)(int fd, unsigned long request);        /* ioctl on the whole group. 0 or a negative errno */
    void (*close)(int fd);
    size_t (*threads)(pid_t *tid, size_t cap); /* of this process, at most cap; returns how many there are */
};

struct papi_api;
struct likwid_api;

/* For tests; members may be NULL. */
struct counter_seam {
    const struct counter_os *os;
    const struct pfm_api *pfm;
    const struct papi_api *papi;
    const struct likwid_api *likwid;
};

struct counter_backend {
    const char *name, *title;
    const char *default_groups;
    bool own_groups;                 /* takes no group files */
    int (*open)(struct counters *c); /* 0 or -ENOMEM; what is missing goes into c->problem */
    void (*prepare)(struct counters *c, enum counter_scope scope, pid_t pid);
    void (*start)(struct counters *c);
    void (*stop)(struct counters *c);
    void (*counted)(struct counters *c, size_t group, struct counted *out);                 /* or */
    size_t (*metrics)(struct counters *c, double window_s, struct metric *out, size_t cap); /* with own_groups */
    void (*close)(struct counters *c);
};

extern const struct counter_backend counter_perf, counter_papi, counter_likwid;

struct counters {
    const struct counter_backend *backend; /* NULL: none */
    struct probe_env env;
    struct counter_tables tables;
    struct counter_library library;
    struct counter_choice choice[CHOOSE_GROUPS];
    size_t n;
    void *own;                       /* the back-end's */
    bool counting;                   /* prepared and something is open */
    char problem[METRIC_REASON_LEN]; /* why nothing can be counted; empty: see the groups */
    char groups[256];                /* as asked for */
};

/* Metrics of one group; those whose name is in `out` already (of a group before it) are left out. Returns the new n. */
size_t counter_metrics(const struct counters *c, size_t group, const struct counted *k, double window_s, struct metric *out,
                       size_t n, size_t cap);

/* The threads of this process, at most cap; returns how many there are. */
size_t counter_threads(pid_t *tid, size_t cap);

/* "this is a virtual machine (KVM) ..." or what else there is to do where the kernel offers no counters. */
void counter_explain_absent(const struct counters *c, char *out, size_t len);

#endif
