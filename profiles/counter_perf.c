/* Back-end "perf": groups of events through perf_event_open().
 *
 * Each group has its lanes: a thread, a command or a CPU; of an uncore group a unit of its PMU, counted on the CPU that the kernel
 * names for it, once per package, whoever runs there. On each lane a group is one perf group (counter_open.h). The events of
 * threads are opened anew before each window, since a session makes its own threads, and inherit: threads and children that begin
 * inside the window are counted too. Old kernels refuse one read of a whole group that inherits, so every event is read by itself,
 * with its own times; the group still keeps them together. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profiles/counter_open.h"
#include "profiles/counter_sysfs.h"

enum { MAX_LANES = 4096 };

struct counted_group {
    struct perf_group events;
    struct perf_lane *lane;
    size_t n_lanes;
    char problem[METRIC_REASON_LEN]; /* of this window: lanes that could not be opened */
};

struct perf {
    const struct counter_os *os;
    struct counted_group group[CHOOSE_GROUPS];
    enum counter_scope scope;
};

static int perf_open(struct counters *c)
{
    struct perf *p = calloc(1, sizeof *p);
    c->own = p;
    if (!p)
        return -ENOMEM;
    p->os = counter_os_of(c);
    for (size_t g = 0; g < c->n; g++)
        if (!c->choice[g].group->uncore.n) /* those when the units are known */
            perf_group_encode(c, g, c->choice[g].pmu[0] ? c->choice[g].pmu : NULL, &p->group[g].events);
    return 0;
}

static void close_lanes(const struct perf *p, struct counted_group *cg)
{
    for (size_t l = 0; l < cg->n_lanes; l++)
        perf_lane_close(p->os, &cg->lane[l]);
    free(cg->lane);
    cg->lane = NULL;
    cg->n_lanes = 0;
}

/* ---- opening ---- */

static size_t find_targets(const struct perf *p, enum counter_scope scope, pid_t pid, struct perf_target *t)
{
    static pid_t tid[MAX_LANES];
    size_t n = 1;
    if (scope == SCOPE_CHILD) {
        t[0] = (struct perf_target){scope, pid, -1};
    } else if (scope == SCOPE_MACHINE) {
        const long cpus = sysconf(_SC_NPROCESSORS_CONF);
        n = cpus > 0 && cpus < MAX_LANES ? (size_t)cpus : 1;
        for (size_t i = 0; i < n; i++)
            t[i] = (struct perf_target){scope, -1, (int)i};
    } else {
        n = p->os->threads(tid, MAX_LANES);
        for (size_t i = 0; i < n && i < MAX_LANES; i++)
            t[i] = (struct perf_target){scope, tid[i], -1};
    }
    return n;
}

static bool make_lanes(struct counted_group *cg, size_t n)
{
    cg->lane = calloc(n, sizeof *cg->lane);
    if (!cg->lane)
        snprintf(cg->problem, sizeof cg->problem, "out of memory");
    return cg->lane;
}

static void open_threads(const struct counters *c, size_t g, struct counted_group *cg, const struct perf_target *target, size_t n)
{
    perf_group_renew(&cg->events);
    if (n == 0 || n > MAX_LANES)
        snprintf(cg->problem, sizeof cg->problem, n ? "more than %d threads" : "the threads of this process cannot be listed",
                 MAX_LANES);
    else if (make_lanes(cg, n))
        while (cg->n_lanes < n) {
            (void)perf_group_open(c, g, &cg->events, &target[cg->n_lanes], &cg->lane[cg->n_lanes]); /* ended: an empty lane */
            cg->n_lanes++;
        }
}

/* Every unit, or nothing: a sum that leaves one out would be too small. */
static void open_units(const struct counters *c, size_t g, struct counted_group *cg)
{
    struct counter_unit *unit;
    const int n = counter_units(&c->env, &c->choice[g].group->uncore, &unit);
    memset(cg->events.problem, 0, sizeof cg->events.problem);
    if (n <= 0)
        snprintf(cg->problem, sizeof cg->problem, "%s",
                 n == -ENOMEM    ? "out of memory"
                 : n == -ENODATA ? "a unit of the PMU has no cpumask in sysfs, so not all can be counted"
                                 : "the PMU of this group is not in sysfs here (a virtual machine has none; else its kernel "
                                   "module is not loaded)");
    else if (make_lanes(cg, (size_t)n))
        for (; cg->n_lanes < (size_t)n; cg->n_lanes++) {
            const struct perf_target target = {SCOPE_MACHINE, -1, unit[cg->n_lanes].cpu};
            perf_group_encode(c, g, unit[cg->n_lanes].pmu, &cg->events);
            (void)perf_group_open(c, g, &cg->events, &target, &cg->lane[cg->n_lanes]);
        }
    free(unit);
}

static void perf_prepare(struct counters *c, enum counter_scope scope, pid_t pid)
{
    static struct perf_target target[MAX_LANES];
    struct perf *p = c->own;
    const size_t n = find_targets(p, scope, pid, target);
    p->scope = scope;
    for (size_t g = 0; g < c->n; g++)
        close_lanes(p, &p->group[g]);
    for (size_t g = 0; g < c->n; g++) {
        struct counted_group *cg = &p->group[g];
        cg->problem[0] = '\0';
        if (c->choice[g].group->uncore.n)
            open_units(c, g, cg);
        else
            open_threads(c, g, cg, target, n);
    }
}

/* ---- the window ---- */

static void control_all(struct counters *c, unsigned long request)
{
    struct perf *p = c->own;
    for (size_t g = 0; g < c->n; g++)
        for (size_t l = 0; l < p->group[g].n_lanes; l++) {
            struct counted_group *cg = &p->group[g];
            if (request == PERF_EVENT_IOC_ENABLE && p->scope == SCOPE_CHILD && !c->choice[g].group->uncore.n)
                continue; /* the exec does it */
            const int rc = perf_lane_control(p->os, &cg->lane[l], request);
            if (rc)
                snprintf(cg->problem, sizeof cg->problem, "the counters cannot be switched %s: %s",
                         request == PERF_EVENT_IOC_ENABLE ? "on" : "off", strerror(-rc));
        }
}

static void perf_start(struct counters *c)
{
    control_all(c, PERF_EVENT_IOC_ENABLE);
}

static void perf_stop(struct counters *c)
{
    control_all(c, PERF_EVENT_IOC_DISABLE);
}

/* ---- the result ---- */

struct sum {
    double count, enabled, running;
    size_t lanes;
    bool starved; /* a lane ran without ever having the counters */
};

/* Adds one lane's reading, extrapolated by its own times. NULL, or what is wrong. */
static const char *add_lane(struct sum *s, const uint64_t value[3])
{
    if (value[0] > INT64_MAX)
        return "the count is beyond 2^63: the counter ran over or is broken";
    if (value[2] > value[1])
        return "the kernel's times contradict each other: on the counter for longer than switched on";
    s->lanes++;
    s->enabled += (double)value[1];
    s->running += (double)value[2];
    if (value[2])
        s->count += (double)value[0] * ((double)value[1] / (double)value[2]);
    else if (value[1])
        s->starved = true;
    return NULL;
}

static void sum_event(const struct perf *p, const struct counted_group *cg, size_t i, struct sum *s,
                      char problem[METRIC_REASON_LEN])
{
    for (size_t l = 0; l < cg->n_lanes; l++) {
        uint64_t value[3];
        const int fd = cg->lane[l].fd[i];
        const int rc = fd < 0 ? 0 : p->os->read(fd, value);
        const char *wrong = fd < 0 || rc ? NULL : add_lane(s, value);
        if (rc || wrong) {
            snprintf(problem, METRIC_REASON_LEN, "%s", rc ? strerror(-rc) : wrong);
            return;
        }
    }
    if (s->starved)
        snprintf(problem, METRIC_REASON_LEN,
                 "was never on a counter although it was switched on: others hold them (as root: sysctl kernel.nmi_watchdog=0), "
                 "or the group needs more than there are");
    else if (!s->lanes)
        snprintf(problem, METRIC_REASON_LEN, "%s", cg->n_lanes ? "no thread was left to count" : "no window was counted yet");
}

static void perf_counted(struct counters *c, size_t g, struct counted *out)
{
    const struct perf *p = c->own;
    const struct counted_group *cg = &p->group[g];
    const struct perf_group *pg = &cg->events;
    double enabled = 0, running = 0;
    size_t have = 0;
    *out = (struct counted){.share = 1,
                            .user_only = pg->user_only ? "perf_event_paranoid" : NULL,
                            .note = c->choice[g].group->uncore.n ? "everything on the sockets, not only this process" : NULL};
    snprintf(out->problem, sizeof out->problem, "%s", cg->problem);
    for (size_t i = 0; i < c->choice[g].group->n_events; i++) {
        struct sum s = {.count = 0};
        char *problem = out->event_problem[i];
        snprintf(problem, METRIC_REASON_LEN, "%s", pg->problem[i]);
        if (!problem[0] && !cg->problem[0])
            sum_event(p, cg, i, &s, problem);
        out->count[i] = problem[0] ? (double)NAN : s.count;
        enabled += s.enabled;
        running += s.running;
        have += !problem[0];
    }
    out->share = enabled > 0 ? running / enabled : 1;
    if (!have && !out->problem[0])
        snprintf(out->problem, sizeof out->problem, "%s", out->event_problem[0]);
}

static void perf_close(struct counters *c)
{
    struct perf *p = c->own;
    for (size_t g = 0; p && g < c->n; g++)
        close_lanes(p, &p->group[g]);
    free(p);
}

const struct counter_backend counter_perf = {
    .name = "perf",
    .title = "the kernel's perf_event_open, events by their kernel or libpfm4 names",
    .default_groups = "basic,software",
    .open = perf_open,
    .prepare = perf_prepare,
    .start = perf_start,
    .stop = perf_stop,
    .counted = perf_counted,
    .close = perf_close,
};
