/* Back-end "papi": PAPI's preset events (PAPI_TOT_CYC, PAPI_L3_TCM, ...), the library loaded at run time when it is installed.
 *
 * Groups come from profiles/groups/papi.txt. One event set per thread, attached from here. PAPI runs one set per thread at a
 * time, so of several groups only the first is counted. It does not tell whether the kernel shared the counters out; a conflict
 * is an error of its start. The library is left initialised until the process ends: an energy source may use it, too. */
#include "profiles/counter_papi.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_PAPI
#include <papi.h>
#endif

#include "profiles/counter_backend.h"
#include "profiles/shared_object.h"

enum { MAX_SETS = 1024 };

#ifdef HAVE_PAPI
static struct {
    __typeof__(PAPI_library_init) *library_init;
    __typeof__(PAPI_create_eventset) *create_eventset;
    __typeof__(PAPI_assign_eventset_component) *assign_eventset_component;
    __typeof__(PAPI_set_opt) *set_opt;
    __typeof__(PAPI_attach) *attach;
    __typeof__(PAPI_add_named_event) *add_named_event;
    __typeof__(PAPI_start) *start;
    __typeof__(PAPI_stop) *stop;
    __typeof__(PAPI_cleanup_eventset) *cleanup_eventset;
    __typeof__(PAPI_destroy_eventset) *destroy_eventset;
    __typeof__(PAPI_strerror) *strerror;
} lib;

static bool load(void)
{
    char name[32];
    snprintf(name, sizeof name, "libpapi.so.%d.%d", PAPI_VERSION_MAJOR(PAPI_VERSION), PAPI_VERSION_MINOR(PAPI_VERSION));
    const struct so_symbol wanted[] = {
        {"PAPI_library_init", &lib.library_init},
        {"PAPI_create_eventset", &lib.create_eventset},
        {"PAPI_assign_eventset_component", &lib.assign_eventset_component},
        {"PAPI_set_opt", &lib.set_opt},
        {"PAPI_attach", &lib.attach},
        {"PAPI_add_named_event", &lib.add_named_event},
        {"PAPI_start", &lib.start},
        {"PAPI_stop", &lib.stop},
        {"PAPI_cleanup_eventset", &lib.cleanup_eventset},
        {"PAPI_destroy_eventset", &lib.destroy_eventset},
        {"PAPI_strerror", &lib.strerror},
    };
    return shared_object_load(name, wanted, sizeof wanted / sizeof wanted[0]);
}

static int real_init(void)
{
    const int rc = lib.library_init(PAPI_VER_CURRENT);
    return rc == PAPI_VER_CURRENT ? 0 : rc < 0 ? rc : PAPI_EINVAL;
}

/* Of a CPU: whoever runs on it. */
static int attach_cpu(int set, int cpu)
{
    PAPI_option_t opt;
    memset(&opt, 0, sizeof opt);
    opt.cpu.eventset = set;
    opt.cpu.cpu_num = (unsigned)cpu;
    const int rc = lib.set_opt(PAPI_CPU_ATTACH, &opt);
    memset(&opt, 0, sizeof opt);
    opt.granularity.eventset = set;
    opt.granularity.granularity = PAPI_GRN_SYS;
    return rc ? rc : lib.set_opt(PAPI_GRANUL, &opt);
}

static int real_new_set(pid_t pid, int cpu, int *set)
{
    PAPI_option_t opt;
    *set = PAPI_NULL;
    int rc = lib.create_eventset(set);
    rc = rc ? rc : lib.assign_eventset_component(*set, 0);
    if (rc || pid < 0)
        return rc ? rc : attach_cpu(*set, cpu);
    memset(&opt, 0, sizeof opt);
    opt.inherit.eventset = *set;
    opt.inherit.inherit = PAPI_INHERIT_ALL;
    rc = lib.set_opt(PAPI_INHERIT, &opt);
    return rc ? rc : lib.attach(*set, (unsigned long)pid);
}

static int real_add(int set, const char *event)
{
    return lib.add_named_event(set, event);
}

static int real_start(int set)
{
    return lib.start(set);
}

static int real_stop(int set, long long *values)
{
    return lib.stop(set, values);
}

static void real_end(int set)
{
    lib.cleanup_eventset(set);
    lib.destroy_eventset(&set);
}

static const char *real_error(int code)
{
    return lib.strerror(code);
}

static const struct counter_papi_api *real_api(void)
{
    static const struct counter_papi_api api = {real_init, real_new_set, real_add, real_start, real_stop, real_end, real_error};
    return load() ? &api : NULL;
}
static const char no_library[] = "the PAPI library that this program was built for is not installed (Debian: libpapi7.0)";
#else
static const struct counter_papi_api *real_api(void)
{
    return NULL;
}
static const char no_library[] = "this program was built without PAPI (Debian: libpapi-dev)";
#endif

struct papi_lane {
    int set;
    bool running;
    int place[GROUP_EVENTS]; /* of an event among the values; -1: it could not be added */
    long long value[GROUP_EVENTS];
};

struct papi_counters {
    const struct counter_papi_api *api;
    struct papi_lane *lane;
    size_t n_lanes;
    char event_problem[GROUP_EVENTS][METRIC_REASON_LEN];
    char problem[METRIC_REASON_LEN];
};

static int papi_open(struct counters *c)
{
    const struct counter_seam *seam = c->env.counter_seam;
    const struct counter_papi_api *api = seam && seam->papi ? seam->papi : real_api();
    if (!api) {
        snprintf(c->problem, sizeof c->problem, "%s", no_library);
        return 0;
    }
    const int rc = api->init();
    if (rc) {
        snprintf(c->problem, sizeof c->problem, "PAPI cannot be initialised: %s", api->error(rc));
        return 0;
    }
    struct papi_counters *p = calloc(1, sizeof *p);
    c->own = p;
    if (!p)
        return -ENOMEM;
    p->api = api;
    return 0;
}

static void end_lanes(struct papi_counters *p)
{
    for (size_t l = 0; l < p->n_lanes; l++) {
        if (p->lane[l].running)
            p->api->stop(p->lane[l].set, p->lane[l].value);
        p->api->end(p->lane[l].set);
    }
    free(p->lane);
    p->lane = NULL;
    p->n_lanes = 0;
}

static void add_lane(struct counters *c, struct papi_counters *p, pid_t pid, int cpu)
{
    const struct counter_group *g = c->choice[0].group;
    struct papi_lane *lane = &p->lane[p->n_lanes];
    char absent[160];
    int n = 0;
    int rc = p->api->new_set(pid, cpu, &lane->set);
    if (rc) {
        counter_explain_absent(c, absent, sizeof absent);
        snprintf(p->problem, sizeof p->problem, "PAPI: %.60s. %s", p->api->error(rc), absent);
        return;
    }
    p->n_lanes++;
    for (size_t i = 0; i < g->n_events; i++) {
        rc = p->api->add(lane->set, g->event[i].name);
        lane->place[i] = rc ? -1 : n++;
        if (rc)
            counter_explain_absent(c, absent, sizeof absent);
        if (rc)
            snprintf(p->event_problem[i], METRIC_REASON_LEN, "PAPI has no %.40s here: %.60s. %s", g->event[i].name,
                     p->api->error(rc), absent);
    }
}

static size_t find_threads(const struct counters *c, pid_t tid[MAX_SETS])
{
    const struct counter_seam *seam = c->env.counter_seam;
    return seam && seam->os ? seam->os->threads(tid, MAX_SETS) : counter_threads(tid, MAX_SETS);
}

static void papi_prepare(struct counters *c, enum counter_scope scope, pid_t pid)
{
    static pid_t tid[MAX_SETS];
    struct papi_counters *p = c->own;
    const long cpus = sysconf(_SC_NPROCESSORS_CONF);
    size_t n = 1;
    end_lanes(p);
    p->problem[0] = '\0';
    memset(p->event_problem, 0, sizeof p->event_problem);
    tid[0] = pid;
    if (scope != SCOPE_CHILD)
        n = scope == SCOPE_THREADS ? find_threads(c, tid) : (size_t)(cpus > 0 ? cpus : 1);
    p->lane = n && n <= MAX_SETS ? calloc(n, sizeof *p->lane) : NULL;
    if (!p->lane) {
        snprintf(p->problem, sizeof p->problem, "no memory, or more than %d threads", MAX_SETS);
        return;
    }
    for (size_t i = 0; i < n && !p->problem[0]; i++)
        add_lane(c, p, scope == SCOPE_MACHINE ? -1 : tid[i], scope == SCOPE_MACHINE ? (int)i : -1);
}

static void papi_start(struct counters *c)
{
    struct papi_counters *p = c->own;
    for (size_t l = 0; l < p->n_lanes && !p->problem[0]; l++) {
        bool any = false;
        for (size_t i = 0; i < c->choice[0].group->n_events; i++)
            any = any || p->lane[l].place[i] >= 0;
        const int rc = any ? p->api->start(p->lane[l].set) : 0;
        if (rc)
            snprintf(p->problem, sizeof p->problem, "PAPI cannot start the group: %s", p->api->error(rc));
        p->lane[l].running = any && !rc;
    }
}

static void papi_stop(struct counters *c)
{
    struct papi_counters *p = c->own;
    for (size_t l = 0; l < p->n_lanes; l++) {
        if (!p->lane[l].running)
            continue;
        const int rc = p->api->stop(p->lane[l].set, p->lane[l].value);
        p->lane[l].running = false;
        if (rc)
            snprintf(p->problem, sizeof p->problem, "PAPI cannot stop the group: %s", p->api->error(rc));
    }
}

static void papi_counted(struct counters *c, size_t g, struct counted *out)
{
    const struct papi_counters *p = c->own;
    const size_t n = c->choice[g].group->n_events;
    size_t have = 0;
    *out = (struct counted){.share = 1};
    if (g > 0)
        snprintf(out->problem, sizeof out->problem, "PAPI counts one group at a time: ask for this one alone");
    else
        snprintf(out->problem, sizeof out->problem, "%s", p->problem[0] || p->n_lanes ? p->problem : "no window was counted yet");
    for (size_t i = 0; i < n; i++) {
        snprintf(out->event_problem[i], METRIC_REASON_LEN, "%s", p->event_problem[i]);
        if (out->problem[0] || out->event_problem[i][0]) {
            out->count[i] = (double)NAN;
            continue;
        }
        have++;
        for (size_t l = 0; l < p->n_lanes; l++)
            out->count[i] += (double)p->lane[l].value[p->lane[l].place[i]];
    }
    if (!have && !out->problem[0])
        snprintf(out->problem, sizeof out->problem, "%s", out->event_problem[0]);
}

static void papi_close(struct counters *c)
{
    struct papi_counters *p = c->own;
    if (p)
        end_lanes(p);
    free(p);
}

const struct counter_backend counter_papi = {
    .name = "papi",
    .title = "PAPI's preset events; one group at a time",
    .default_groups = "basic",
    .open = papi_open,
    .prepare = papi_prepare,
    .start = papi_start,
    .stop = papi_stop,
    .counted = papi_counted,
    .close = papi_close,
};
