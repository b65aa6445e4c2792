/* Back-end "likwid": likwid's own groups (CLOCK, L2CACHE, MEM, ...), or its marker API when likwid-perfctr -m started us.
 *
 * likwid counts CPUs, not threads: those that the threads of this process are bound to, or all that it may use; what others run
 * there is counted too. Its groups bring formulas; rates and amounts are summed over the CPUs, all else is their mean. Under
 * likwid-perfctr -m the window becomes the region "bitjoule" on each of the CPUs, and likwid-perfctr prints the numbers. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profiles/counter_backend.h"
#include "profiles/likwid_library.h"
#include "profiles/likwid_trial.h"

enum { MAX_CPUS = 1024, MAX_TIDS = 4096 };

struct likwid_group {
    char name[GROUP_NAME_LEN];
    int id;
};

struct likwid_counters {
    const struct likwid_api *api;
    bool markers, daemon, ready, running;
    int cpu[MAX_CPUS], n_cpus;
    struct likwid_group group;
    char problem[METRIC_REASON_LEN];
};

/* Why likwid cannot work here, before its library is touched; NULL: nothing known against it. */
static const char *obstacle(void)
{
    if (access("/dev/cpu/0/msr", F_OK) != 0)
        return "likwid needs /dev/cpu/0/msr: as root, modprobe msr. In a virtual machine measure on the host";
    return likwid_denied();
}

static int likwid_open(struct counters *c)
{
    const struct counter_seam *seam = c->env.counter_seam;
    const bool stand_in = seam && seam->likwid;
    const bool markers = getenv("LIKWID_MODE") && getenv("LIKWID_FILEPATH"); /* set by likwid-perfctr -m */
    const char *why = stand_in ? NULL : obstacle();
    const struct likwid_api *api = stand_in ? seam->likwid : why ? NULL : likwid_library(&why);
    if (!api) {
        snprintf(c->problem, sizeof c->problem, "%s", why);
        return 0;
    }
    struct likwid_counters *k = calloc(1, sizeof *k);
    c->own = k;
    if (!k)
        return -ENOMEM;
    k->api = api;
    k->markers = markers;
    k->daemon = !stand_in && geteuid() != 0;
    snprintf(k->group.name, sizeof k->group.name, "%.31s", c->groups);
    if (strchr(c->groups, ','))
        snprintf(c->problem, sizeof c->problem, "likwid counts one group at a time, not '%.100s'", c->groups);
    else if (markers)
        api->marker_init();
    return 0;
}

static void add_cpu(struct likwid_counters *k, int cpu)
{
    for (int i = 0; i < k->n_cpus; i++)
        if (k->cpu[i] == cpu)
            return;
    if (k->n_cpus < MAX_CPUS)
        k->cpu[k->n_cpus++] = cpu;
}

static void add_cpus(struct likwid_counters *k, pid_t tid, bool bound_only)
{
    cpu_set_t set;
    if (sched_getaffinity(tid, sizeof set, &set) || (bound_only && CPU_COUNT(&set) != 1))
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET((size_t)cpu, &set))
            add_cpu(k, cpu);
}

static void find_cpus(struct likwid_counters *k, enum counter_scope scope, pid_t pid)
{
    static pid_t tid[MAX_TIDS];
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    const size_t n = scope == SCOPE_THREADS ? counter_threads(tid, MAX_TIDS) : 0;
    k->n_cpus = 0;
    for (size_t i = 0; i < n && i < MAX_TIDS; i++)
        add_cpus(k, tid[i], true);
    if (!k->n_cpus && scope != SCOPE_MACHINE)
        add_cpus(k, scope == SCOPE_CHILD ? pid : 0, false);
    for (int cpu = 0; cpu < cpus && (scope == SCOPE_MACHINE || !k->n_cpus); cpu++)
        add_cpu(k, cpu);
}

static int set_up(void *arg)
{
    struct likwid_counters *k = arg;
    const int rc = k->api->init(k->daemon, k->cpu, k->n_cpus);
    k->group.id = rc ? -1 : k->api->add_group(k->group.name);
    return rc ? rc : k->group.id < 0 ? -ENOENT : 0;
}

static void likwid_prepare(struct counters *c, enum counter_scope scope, pid_t pid)
{
    struct likwid_counters *k = c->own;
    k->problem[0] = '\0';
    if (k->ready)
        k->api->finish();
    k->ready = false;
    find_cpus(k, scope, pid);
    if (k->markers)
        return;
    int rc = likwid_trial(set_up, k);
    rc = rc ? rc : set_up(k);
    k->ready = !rc;
    if (rc == -ENOENT)
        snprintf(k->problem, sizeof k->problem, "likwid has no group '%s' for this CPU; likwid-perfctr -a lists them",
                 k->group.name);
    else if (rc)
        snprintf(k->problem, sizeof k->problem, "likwid cannot use the counters here%s: %s", k->daemon ? " through its daemon" : "",
                 strerror(-rc));
    else if (scope == SCOPE_CHILD && k->api->start(k->group.id))
        snprintf(k->problem, sizeof k->problem, "likwid cannot start its group '%s'", k->group.name);
    k->running = k->ready && scope == SCOPE_CHILD;
}

/* A region is begun on each CPU by its own caller, so this thread visits them; it goes back to where it was. */
static void mark(struct likwid_counters *k, bool start)
{
    cpu_set_t was, one;
    if (sched_getaffinity(0, sizeof was, &was))
        return;
    for (int i = 0; i < k->n_cpus; i++) {
        CPU_ZERO(&one);
        CPU_SET((size_t)k->cpu[i], &one);
        if (sched_setaffinity(0, sizeof one, &one) || k->api->marker("bitjoule", start))
            snprintf(k->problem, sizeof k->problem, "likwid's marker failed on CPU %d: is it among likwid-perfctr -C?", k->cpu[i]);
    }
    sched_setaffinity(0, sizeof was, &was);
}

static void likwid_start(struct counters *c)
{
    struct likwid_counters *k = c->own;
    if (k->markers)
        mark(k, true);
    else if (k->ready && !k->running && k->api->start(k->group.id))
        snprintf(k->problem, sizeof k->problem, "likwid cannot start its group '%s'", k->group.name);
    k->running = true;
}

static void likwid_stop(struct counters *c)
{
    struct likwid_counters *k = c->own;
    if (k->markers)
        mark(k, false);
    else if (k->ready && k->running && k->api->stop())
        snprintf(k->problem, sizeof k->problem, "likwid cannot stop its group '%s'", k->group.name);
    k->running = false;
}

/* "Memory bandwidth [MBytes/s]": likwid's unit in brackets, ours, and what a number has to be multiplied by. */
static const struct unit {
    const char *likwid, *ours;
    double scale;
    bool sum; /* over the CPUs; else their mean */
} units[] = {
    {"[MBytes/s]", "B/s", 1e6, true}, {"[GBytes]", "bytes", 1e9, true}, {"[J]", "J", 1, true},           {"[W]", "W", 1, true},
    {"[MHz]", "Hz", 1e6, false},      {"[s]", "s", 1, false},           {"[MFLOP/s]", "1/s", 1e6, true}, {"", "1", 1, false},
};

static const struct unit *unit_of(const char *name)
{
    size_t i = 0;
    while (units[i].likwid[0] && !strstr(name, units[i].likwid))
        i++;
    return &units[i];
}

/* "likwid_memory_bandwidth" */
static void metric_name(const char *name, char out[METRIC_NAME_LEN])
{
    size_t n = (size_t)snprintf(out, METRIC_NAME_LEN, "likwid");
    bool gap = true;
    for (const char *p = name; *p && *p != '[' && n + 2 < METRIC_NAME_LEN; p++) {
        const bool word = isalnum((unsigned char)*p);
        if (word && gap)
            out[n++] = '_';
        if (word)
            out[n++] = (char)tolower((unsigned char)*p);
        gap = !word;
    }
    out[n] = '\0';
}

static void put_metric(const struct likwid_counters *k, int i, struct metric *m)
{
    const char *theirs = k->api->metric_name(k->group.id, i);
    const struct unit *u = unit_of(theirs);
    char name[METRIC_NAME_LEN], source[METRIC_SOURCE_LEN];
    double sum = 0;
    for (int t = 0; t < k->n_cpus; t++)
        sum += k->api->metric(k->group.id, i, t);
    metric_name(theirs, name);
    snprintf(source, sizeof source, "likwid %s: %.50s", k->group.name, theirs);
    const double v = u->scale * (u->sum ? sum : sum / k->n_cpus);
    if (!isfinite(v)) {
        metric_unavailable(m, name, u->ours, source, "likwid gave no number");
        return;
    }
    metric_set(m, name, u->ours, METRIC_DERIVED, v, source);
    snprintf(m->reason, sizeof m->reason, "%s of %d CPUs, whoever ran there", u->sum ? "sum" : "mean", k->n_cpus);
}

static size_t likwid_metrics(struct counters *c, double window_s, struct metric *out, size_t cap)
{
    const struct likwid_counters *k = c->own;
    (void)window_s; /* likwid measures its own */
    if (k->problem[0] || k->markers || !k->ready) {
        metric_unavailable(&out[0], "counters", "1", "likwid",
                           k->problem[0] ? k->problem
                           : k->markers  ? "marked as region 'bitjoule': likwid-perfctr prints what it counted"
                                         : "no window was counted yet");
        return 1;
    }
    const int n = k->api->n_metrics(k->group.id);
    for (int i = 0; i < n && (size_t)i < cap; i++)
        put_metric(k, i, &out[i]);
    return n > 0 ? (size_t)n < cap ? (size_t)n : cap : 0;
}

static void likwid_close(struct counters *c)
{
    struct likwid_counters *k = c->own;
    if (k && k->ready)
        k->api->finish();
    free(k);
}

const struct counter_backend counter_likwid = {
    .name = "likwid",
    .title = "likwid's own groups, or its markers under likwid-perfctr -m",
    .default_groups = "CLOCK",
    .own_groups = true,
    .open = likwid_open,
    .prepare = likwid_prepare,
    .start = likwid_start,
    .stop = likwid_stop,
    .metrics = likwid_metrics,
    .close = likwid_close,
};
