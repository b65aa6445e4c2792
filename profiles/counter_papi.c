/* Back-end "papi": PAPI's preset events (PAPI_TOT_CYC, PAPI_L3_TCM, ...), the library loaded at run time when it is installed.
 *
 * Groups come from profiles/groups/papi.txt. One event set per thread, attached from here. PAPI runs one set per thread at a
 * time, so of several groups only the first is counted. It does not tell whether the kernel shared the counters out; a conflict
 * is an error of its start. Its default is kept, user mode alone, and said. The library is left initialised until the process
 * ends: an energy source may use it, too. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profiles/counter_backend.h"
#include "profiles/papi_library.h"

enum { MAX_SETS = 1024 };

struct papi_lane {
    int set;
    bool running;
    int place[GROUP_EVENTS]; /* of an event among the values; -1: it could not be added */
    long long value[GROUP_EVENTS];
};

struct papi_counters {
    const struct papi_api *api;
    struct papi_lane *lane;
    size_t n_lanes;
    char event_problem[GROUP_EVENTS][METRIC_REASON_LEN];
    char problem[METRIC_REASON_LEN];
};

static int papi_open(struct counters *c)
{
    const struct counter_seam *seam = c->env.counter_seam;
    const char *why = "";
    const struct papi_api *api = seam && seam->papi ? seam->papi : papi_library(&why);
    if (!api) {
        snprintf(c->problem, sizeof c->problem, "%s", why);
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

static void add_lane(struct counters *c, struct papi_counters *p, const struct papi_target *target)
{
    const struct counter_group *g = c->choice[0].group;
    struct papi_lane *lane = &p->lane[p->n_lanes];
    char absent[160];
    int n = 0;
    int rc = p->api->new_set(target, &lane->set);
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
        add_lane(c, p,
                 &(struct papi_target){
                     .pid = scope == SCOPE_MACHINE ? -1 : tid[i],
                     .cpu = scope == SCOPE_MACHINE ? (int)i : -1,
                 });
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
    *out = (struct counted){.share = 1, .user_only = "PAPI's default"};
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
