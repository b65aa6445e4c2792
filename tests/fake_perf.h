/* A kernel for counters, played: threads, events with known rates, a share of the time on the counters, and refusals. */
#ifndef BITJOULE_FAKE_PERF_H
#define BITJOULE_FAKE_PERF_H

#include "profiles/counter_backend.h"

enum { FAKE_THREADS = 3, FAKE_EVENTS = 512, FAKE_RULES = 8 };

/* What holds for events of a type and config. */
struct fake_rule {
    uint32_t type;
    uint64_t config;
    double per_ns; /* counts per nanosecond on the counter */
    int refuse;    /* errno of opening; 0: can be opened */
    int unread;    /* errno of reading */
};

struct fake_perf {
    struct fake_rule rule[FAKE_RULES]; /* the first that fits; events without one count once a nanosecond */
    size_t n_rules;
    double share[CHOOSE_GROUPS]; /* of the time that the n-th group opened on each thread is on the counters; 0 stands for 1 */
    bool starve;                 /* no hardware event ever gets a counter */
    bool kernel_denied;          /* EACCES unless only user mode is counted */
    bool all_denied;             /* EACCES always */
    int limit;                   /* more files than this: EMFILE; 0: none */
    size_t threads;              /* of this process */
    pid_t gone;                  /* ESRCH: this thread has ended */
    uint64_t read_ns;            /* every read of a group takes so long, and all groups that are on count on */
    uint64_t huge;               /* added to every count */
    bool mad_times;              /* running longer than enabled */
    /* what was seen */
    size_t n_open, n_opened, n_leaders, bad_calls;
    uint64_t cpus;       /* bit by CPU: events opened for it, whoever runs there */
    uint32_t last_flags; /* 1 inherit, 2 disabled leader, 4 enable_on_exec, 8 exclude_kernel */
};

extern struct fake_perf fake;
extern const struct counter_os fake_os;

void fake_reset(void);
void fake_run(uint64_t ns); /* all threads run: time passes on the groups that are switched on */

#endif
