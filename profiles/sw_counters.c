/* Software counters of a window: differences of two snapshots of getrusage, /proc/stat and /proc/pressure.
 *
 * A process sees all its threads. /proc/stat counts in ticks of 1/sysconf(_SC_CLK_TCK) s, so its numbers are coarse in short
 * windows. Migrations come from sched_migrations.c. Needs no right and no PMU; hardware counters are not here. */
#include "profiles/sw_counters.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profiles/sched_migrations.h"
#include "profiles/sysfile.h"

static const char *const psi_files[3] = {"cpu", "memory", "io"};
static const char *const psi_names[3] = {"psi_cpu_some_s", "psi_memory_some_s", "psi_io_some_s"};

/* First line of stat: "cpu user nice system idle iowait irq softirq steal ...", in ticks. */
static void read_stat(struct sw_snapshot *s, const char *procfs)
{
    char text[256];
    unsigned long long v[8];
    s->machine_busy_s = s->steal_s = (double)NAN;
    if (sysfile_text(text, sizeof text, procfs, "stat") < 0)
        return;
    if (sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7) != 8)
        return;
    double tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    s->machine_busy_s = (double)(v[0] + v[1] + v[2] + v[5] + v[6]) * tick_s;
    s->steal_s = (double)v[7] * tick_s;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=MICROSECONDS" */
static double read_psi(const char *procfs, const char *file)
{
    char text[256];
    unsigned long long us;
    if (sysfile_text(text, sizeof text, procfs, "pressure/%s", file) < 0 || strncmp(text, "some ", 5) != 0)
        return (double)NAN;
    const char *total = strstr(text, "total=");
    return total && sscanf(total, "total=%llu", &us) == 1 ? 1e-6 * (double)us : (double)NAN;
}

void sw_snapshot_take(struct sw_snapshot *s, const struct probe_env *env, int who)
{
    const char *procfs = env_procfs(env);
    for (size_t i = 0; i < 3; i++)
        s->psi_s[i] = read_psi(procfs, psi_files[i]);
    throttle_read(&s->throttle, env); /* may take a while: not between the times of all and of this process, which are subtracted */
    read_stat(s, procfs);
    getrusage(who, &s->ru);
}

static double timeval_s(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

static double cpu_s(const struct rusage *ru)
{
    return timeval_s(ru->ru_utime) + timeval_s(ru->ru_stime);
}

size_t sw_process_metrics(const struct sw_snapshot *a, const struct sw_snapshot *b, struct metric *out, size_t cap)
{
    const struct rusage *p = &a->ru, *q = &b->ru;
    const struct {
        const char *name, *unit;
        double value;
    } rows[] = {
        {"cpu_user_s", "s", timeval_s(q->ru_utime) - timeval_s(p->ru_utime)},
        {"cpu_system_s", "s", timeval_s(q->ru_stime) - timeval_s(p->ru_stime)},
        {"page_faults_minor", "1", (double)(q->ru_minflt - p->ru_minflt)},
        {"page_faults_major", "1", (double)(q->ru_majflt - p->ru_majflt)},
        {"ctx_switches_voluntary", "1", (double)(q->ru_nvcsw - p->ru_nvcsw)},
        {"ctx_switches_involuntary", "1", (double)(q->ru_nivcsw - p->ru_nivcsw)},
    };
    size_t n = 0;
    for (; n < sizeof rows / sizeof rows[0] && n < cap; n++)
        metric_set(&out[n], rows[n].name, rows[n].unit, METRIC_MEASURED, rows[n].value, "getrusage");
    return n;
}

static void put_difference(struct metric *m, const char *name, double a, double b, const char *source, const char *why)
{
    if (isnan(b - a))
        metric_unavailable(m, name, "s", source, why);
    else
        metric_set(m, name, "s", METRIC_MEASURED, b - a, source);
}

static void put_others(struct metric *m, const struct sw_snapshot *a, const struct sw_snapshot *b)
{
    double busy_s = b->machine_busy_s - a->machine_busy_s;
    if (isnan(busy_s)) {
        metric_unavailable(m, "cpu_others_s", "s", "procfs stat, getrusage", "no stat in procfs");
        return;
    }
    double others_s = busy_s - (cpu_s(&b->ru) - cpu_s(&a->ru));
    metric_set(m, "cpu_others_s", "s", METRIC_DERIVED, fmax(others_s, 0.0), "procfs stat, getrusage");
    snprintf(m->reason, sizeof m->reason, "CPU time of all other processes: machine_busy_s less own; in steps of %g s",
             1.0 / (double)sysconf(_SC_CLK_TCK));
}

size_t sw_machine_metrics(const struct sw_snapshot *a, const struct sw_snapshot *b, struct metric *out, size_t cap)
{
    enum { N = 6 + THROTTLE_METRICS };
    struct metric all[N];
    put_difference(&all[0], "machine_busy_s", a->machine_busy_s, b->machine_busy_s, "procfs stat", "no stat in procfs");
    put_others(&all[1], a, b);
    put_difference(&all[2], "steal_s", a->steal_s, b->steal_s, "procfs stat", "no stat in procfs");
    for (size_t i = 0; i < 3; i++) {
        char source[METRIC_SOURCE_LEN];
        snprintf(source, sizeof source, "procfs pressure/%s", psi_files[i]);
        put_difference(&all[3 + i], psi_names[i], a->psi_s[i], b->psi_s[i], source,
                       "no pressure file in procfs: needs a kernel with CONFIG_PSI; on some, boot with psi=1");
    }
    throttle_metrics(&a->throttle, &b->throttle, &all[6]);
    size_t n = cap < N ? cap : N;
    memcpy(out, all, n * sizeof all[0]);
    return n;
}

/* ---- the probe: this process ---- */

struct software {
    struct probe_env env;
    struct sw_snapshot at_start, at_stop;
    struct migrations *migrations;
    bool have_window;
};

static int software_open(const struct probe_env *env, void **state)
{
    struct software *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    if (env)
        s->env = *env;
    int rc = migrations_open(env, &s->migrations);
    if (rc) {
        free(s);
        return rc;
    }
    *state = s;
    return 0;
}

static void software_start(void *state)
{
    struct software *s = state;
    migrations_start(s->migrations);
    sw_snapshot_take(&s->at_start, &s->env, RUSAGE_SELF);
}

static void software_stop(void *state)
{
    struct software *s = state;
    sw_snapshot_take(&s->at_stop, &s->env, RUSAGE_SELF);
    migrations_stop(s->migrations);
    s->have_window = true;
}

static size_t software_read(void *state, struct metric *out, size_t cap)
{
    struct software *s = state;
    size_t n = sw_process_metrics(&s->at_start, &s->at_stop, out, cap);
    if (n < cap)
        migrations_metric(s->migrations, &out[n++]);
    n += sw_machine_metrics(&s->at_start, &s->at_stop, out + n, cap - n);
    for (size_t i = 0; i < n && !s->have_window; i++) {
        out[i].status = METRIC_UNAVAILABLE;
        out[i].value = (double)NAN;
        snprintf(out[i].reason, sizeof out[i].reason, "no window was measured yet");
    }
    return n;
}

static void software_close(void *state)
{
    struct software *s = state;
    migrations_close(s->migrations);
    free(s);
}

const struct probe probe_software = {
    .name = "software",
    .open = software_open,
    .start = software_start,
    .stop = software_stop,
    .read = software_read,
    .close = software_close,
};
