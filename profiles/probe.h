/* A probe: one source of numbers about an interval of time. The contract of profiles/.
 *
 * open once, then start/stop/read for every window, then close. Every number is a metric with a unit, a source and a status;
 * a number that could not be had is `unavailable` with a reason that says what to do about it - never 0, never a guess. */
#ifndef BITJOULE_PROBE_H
#define BITJOULE_PROBE_H

#include <stddef.h>
#include <stdint.h>

enum metric_status { METRIC_MEASURED, METRIC_DERIVED, METRIC_ESTIMATED, METRIC_UNAVAILABLE };

enum { METRIC_NAME_LEN = 48, METRIC_SOURCE_LEN = 96, METRIC_REASON_LEN = 256, PROBE_MAX_METRICS = 64 };

struct metric {
    char name[METRIC_NAME_LEN]; /* "energy_pkg_j", "energy_pkg_j.socket0", "rss_peak_bytes" */
    const char *unit;           /* static text: "J", "W", "bytes", "s", "1" */
    enum metric_status status;
    double value; /* NAN when unavailable */
    char source[METRIC_SOURCE_LEN];
    char reason[METRIC_REASON_LEN]; /* empty, or why it is unavailable and the remedy; a caveat for derived values */
};

/* Where the kernel's trees are. Tests and `--sysfs DIR` point them at a simulation. */
struct energy_seam;
struct counter_seam;

struct probe_env {
    const char *sysfs;  /* NULL: "/sys" */
    const char *procfs; /* NULL: "/proc" */
    const char *energy_source; /* NULL: the best one that can be read; else the name of one, or "meter:FILE.csv" (energy.h) */
    const struct energy_seam *seam; /* NULL; tests put another clock and other libraries here (energy_source.h) */
    const char *counters;       /* back-end of the counters, "perf", "papi", "likwid"; NULL or "none": nothing is counted */
    const char *counter_groups; /* NULL: the back-end's default; else a list of names (counters.h) */
    const struct counter_seam *counter_seam; /* NULL; likewise, for counters (counter_backend.h) */
};

struct probe {
    const char *name;
    /* Finds the source. 0 also when there is none: read() then says so. Negative errno: only -ENOMEM. The probe owns *state. */
    int (*open)(const struct probe_env *env, void **state);
    void (*prepare)(void *state); /* NULL, or: what a window needs and takes time; before the start of any probe */
    void (*start)(void *state);   /* a new window begins */
    void (*stop)(void *state);    /* it ends */
    /* Metrics of the window between the last start and stop; returns how many, at most cap. */
    size_t (*read)(void *state, struct metric *out, size_t cap);
    void (*close)(void *state);
    /* NULL, or: reads counters that would wrap unseen if left alone inside a window; call it between repetitions. Returns the
     * longest time in seconds that may pass until the next call or stop; INFINITY when there is nothing to lose. */
    double (*keep_alive)(void *state);
};

/* To add one: one file, one line here, one line in probe.c. */
extern const struct probe probe_memory;   /* mem_rss.c */
extern const struct probe probe_software; /* sw_counters.c */
extern const struct probe probe_energy;   /* energy.c */
extern const struct probe probe_counters; /* counters.c */

/* All probes, NULL-terminated. */
extern const struct probe *const probes[];

/* Every probe of the registry, opened together; a window is started in order and stopped in reverse, so the one listed last
 * is closest to the work. */
struct probe_set;
int probe_set_open(const struct probe_env *env, struct probe_set **out); /* 0 or -ENOMEM */
void probe_set_start(struct probe_set *s);
void probe_set_stop(struct probe_set *s);
double probe_set_keep_alive(struct probe_set *s); /* of every probe that has one; the shortest of their times, s */
size_t probe_set_read(struct probe_set *s, struct metric *out, size_t cap);
void probe_set_close(struct probe_set *s);
void *probe_set_state(const struct probe_set *s, const struct probe *p); /* of one probe of the registry; NULL: not in it */

const char *metric_status_name(enum metric_status s); /* "measured", ... */
/* Fillers for probe authors; name, source and reason are copied and cut to fit. */
void metric_set(struct metric *m, const char *name, const char *unit, enum metric_status status, double value, const char *source);
void metric_unavailable(struct metric *m, const char *name, const char *unit, const char *source, const char *reason);

#endif
