/* Watches the workers of this process from outside while they run: a thread that samples, at most 10 times a second, what they hold and
 * do. It never touches a worker, and runs on a CPU that the workers do not use where there is one.
 *
 *   rss_bytes          resident memory of all child processes together
 *   cpu_workers_pct    their CPU time, of all the machine's CPUs
 *   cpu_host_pct       CPU time that anybody used, of all the machine's CPUs
 *   tokens_per_s       tokens put through the models
 *   freq_mhz           mean of the workers' CPUs (cpufreq)
 *   power_w            headline of the energy source
 *
 * Rates are of the time since the sample before. A series is bounded: when it is full every second one goes, and
 * the sampling gets half as dense. A number that cannot be had is null, with a reason for the series. */
#ifndef BITJOULE_WATCH_H
#define BITJOULE_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "profiles/probe.h"

enum { WATCH_POINTS = 2048, WATCH_MAX_HZ = 10, WATCH_DEFAULT_HZ = 5 };

struct watch_options {
    const struct probe_env *env;
    double hz;              /* above 0, at most WATCH_MAX_HZ */
    unsigned threads;       /* the workers' CPUs are the first so many of engine/topology.h */
    size_t points;          /* at most WATCH_POINTS; 0: those */
    double rss_limit_bytes; /* a child that holds more is killed; 0: no limit */
};

struct watch_summary {
    double rss_peak_bytes, cpu_host_pct, cpu_workers_pct; /* highest; means over the time; NAN: not had */
    bool ended_a_worker;                                  /* for its memory */
    double ended_bytes;                                   /* what it held then */
    double length_s;                                      /* of the time that was watched */
};

struct watch;

/* 0 or a negative errno. */
int watch_start(const struct watch_options *opt, struct watch **out);
/* What it has seen so far. */
struct watch_summary watch_so_far(struct watch *w);
/* Two watches of one subject, one after the other. */
struct watch_summary watch_add(const struct watch_summary *a, const struct watch_summary *b);
/* Stops, frees and returns the record's object (harness/README.md); NULL: no memory. summary may be NULL. */
json_t *watch_stop(struct watch *w, struct watch_summary *summary);

#endif
