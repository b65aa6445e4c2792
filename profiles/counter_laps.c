/* Every thread opens the events of the chosen group for itself, without inheritance, so that one system call reads all of them.
 *
 * What was tried before: the mapped page of an event and rdpmc read hardware counters in 50 ns, but no software event, and no kernel
 * allows it everywhere. Since times are taken in a pass of their own, the system call costs nothing that is reported. */
#include "profiles/counter_laps.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profiles/counter_open.h"
#include "profiles/time_clock.h"

enum { TRIES = 64 };

/* Of a count that the reads make up; what they count varies by some 10 % of it. */
#define OWN_LIMIT 0.5

_Static_assert((int)LAPS_EVENTS == (int)GROUP_EVENTS, "a value per event");

/* One thread's events. */
struct lap_lane {
    _Alignas(64) struct perf_lane lane;
    int place[GROUP_EVENTS]; /* of an event in what a read gives; -1: not there */
    size_t n;
    bool attached;
    int rc; /* of the reads; the first that failed */
    uint64_t enabled, running;
};

struct counter_laps {
    struct counters *counters;
    const struct counter_os *os;
    size_t chosen;
    struct perf_group events;
    struct lap_lane *lane;
    unsigned threads;
    pthread_mutex_t lock; /* events, while threads attach */
    char problem[METRIC_REASON_LEN];
    double read_s, read_count[GROUP_EVENTS];
};

static bool by_perf(const struct counters *c)
{
    return c->backend == &counter_perf;
}

int counter_laps_open(const struct probe_env *env, unsigned threads, struct counter_laps **out)
{
    struct counter_laps *l = calloc(1, sizeof *l);
    int rc = l ? counters_open(env, &l->counters) : -ENOMEM;
    if (!rc) {
        l->lane = aligned_alloc(_Alignof(struct lap_lane), threads * sizeof *l->lane);
        rc = l->lane ? 0 : -ENOMEM;
    }
    if (rc) {
        if (l)
            counters_close(l->counters);
        free(l);
        return rc;
    }
    memset(l->lane, 0, threads * sizeof *l->lane);
    for (unsigned t = 0; t < threads; t++)
        memset(l->lane[t].lane.fd, 0xff, sizeof l->lane[t].lane.fd);
    l->threads = threads;
    l->os = counter_os_of(l->counters);
    l->read_s = (double)NAN;
    pthread_mutex_init(&l->lock, NULL);
    *out = l;
    return 0;
}

static void detach_all(struct counter_laps *l)
{
    for (unsigned t = 0; t < l->threads; t++) {
        perf_lane_close(l->os, &l->lane[t].lane);
        l->lane[t].attached = false;
        l->lane[t].rc = 0;
        l->lane[t].n = 0;
        l->lane[t].enabled = l->lane[t].running = 0;
    }
}

void counter_laps_close(struct counter_laps *l)
{
    if (!l)
        return;
    detach_all(l);
    counters_close(l->counters);
    pthread_mutex_destroy(&l->lock);
    free(l->lane);
    free(l);
}

size_t counter_laps_groups(const struct counter_laps *l)
{
    const struct counters *c = l->counters;
    return !c->backend ? 0 : c->n && by_perf(c) ? c->n : 1;
}

static const struct counter_group *group_of(const struct counter_laps *l, size_t g)
{
    const struct counters *c = l->counters;
    return by_perf(c) && g < c->n ? c->choice[g].group : NULL;
}

const char *counter_laps_name(const struct counter_laps *l, size_t group)
{
    const struct counter_group *g = group_of(l, group);
    return g ? g->name : l->counters->groups;
}

void counter_laps_choose(struct counter_laps *l, size_t group)
{
    const struct counters *c = l->counters;
    const struct counter_group *g = group_of(l, group);
    detach_all(l);
    l->chosen = group;
    l->read_s = (double)NAN;
    memset(l->read_count, 0, sizeof l->read_count);
    memset(&l->events, 0, sizeof l->events);
    l->problem[0] = '\0';
    if (c->problem[0])
        snprintf(l->problem, sizeof l->problem, "%s", c->problem);
    else if (!g)
        snprintf(l->problem, sizeof l->problem, "counters of single operations are read with --counters perf only");
    else if (g->uncore.n)
        snprintf(l->problem, sizeof l->problem, "these units count whole sockets, not the operations of a thread");
    else
        perf_group_encode(c, group, c->choice[group].pmu[0] ? c->choice[group].pmu : NULL, &l->events);
}

/* ---- on the threads ---- */

static int read_lane(struct counter_laps *l, struct lap_lane *lane, uint64_t value[LAPS_EVENTS])
{
    uint64_t raw[3 + GROUP_EVENTS];
    const int rc = l->os->read_group(lane->lane.leader, raw, lane->n);
    if (rc)
        return rc;
    lane->enabled = raw[1];
    lane->running = raw[2];
    for (size_t i = 0; i < GROUP_EVENTS; i++)
        value[i] = lane->place[i] < 0 ? 0 : raw[3 + lane->place[i]];
    return 0;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Reads back to back: how long they take (the median), and how much they count. */
static void measure_read(struct counter_laps *l, struct lap_lane *lane)
{
    uint64_t first[LAPS_EVENTS] = {0}, last[LAPS_EVENTS] = {0};
    double s[TRIES];
    lane->rc = read_lane(l, lane, first);
    for (size_t i = 0; i < TRIES && !lane->rc; i++) {
        const double t = time_now_s();
        lane->rc = read_lane(l, lane, last);
        s[i] = time_now_s() - t;
    }
    if (lane->rc)
        return;
    qsort(s, TRIES, sizeof s[0], by_value);
    l->read_s = s[TRIES / 2];
    for (size_t i = 0; i < LAPS_EVENTS; i++)
        l->read_count[i] = (double)(last[i] - first[i]) / TRIES;
}

void counter_laps_attach(void *laps, unsigned thread)
{
    struct counter_laps *l = laps;
    struct lap_lane *lane = &l->lane[thread];
    const struct perf_target self = {SCOPE_LAPS, 0, -1};
    if (l->problem[0] || thread >= l->threads)
        return;
    pthread_mutex_lock(&l->lock); /* threads begin together, and what cannot be opened is noted once for all */
    lane->rc = perf_group_open(l->counters, l->chosen, &l->events, &self, &lane->lane);
    pthread_mutex_unlock(&l->lock);
    lane->n = 0;
    for (size_t i = 0; i < GROUP_EVENTS; i++)
        lane->place[i] = lane->lane.fd[i] >= 0 ? (int)lane->n++ : -1;
    lane->attached = !lane->rc && lane->n > 0;
    if (lane->attached)
        lane->rc = perf_lane_control(l->os, &lane->lane, PERF_EVENT_IOC_ENABLE);
    if (lane->attached && !lane->rc && thread == 0)
        measure_read(l, lane);
}

void counter_laps_read(void *laps, unsigned thread, uint64_t value[LAPS_EVENTS])
{
    struct counter_laps *l = laps;
    struct lap_lane *lane = &l->lane[thread];
    const int rc = lane->attached && !lane->rc ? read_lane(l, lane, value) : -ENODATA;
    if (rc)
        memset(value, 0, LAPS_EVENTS * sizeof value[0]);
    if (rc && !lane->rc)
        lane->rc = rc;
}

/* ---- what came of it ---- */

/* A group that lost a thread has no sum. */
static void find_problem(const struct counter_laps *l, struct counted *k)
{
    uint64_t enabled = 0, running = 0;
    snprintf(k->problem, sizeof k->problem, "%s", l->problem);
    for (unsigned t = 0; t < l->threads && !k->problem[0]; t++) {
        const struct lap_lane *lane = &l->lane[t];
        if (lane->attached && lane->rc)
            snprintf(k->problem, sizeof k->problem, "the counters of thread %u cannot be read: %s", t, strerror(-lane->rc));
        else if (lane->attached && !lane->running)
            snprintf(k->problem, sizeof k->problem,
                     "was never on a counter: others hold them, or the group needs more than there are");
        enabled += lane->enabled;
        running += lane->running;
    }
    k->share = enabled ? (double)running / (double)enabled : 1;
}

/* A count without that of the reads themselves; NAN and a reason where nothing certain would be left. */
static double without_reads(double count, double reads, double each, char problem[METRIC_REASON_LEN])
{
    const double own = reads * each;
    if (own <= OWN_LIMIT * count || own <= 0)
        return count - own;
    snprintf(problem, METRIC_REASON_LEN,
             "too short to be counted: the %.0f reads of the counters account for %.0f %% of the count (limit %.0f %%)", reads,
             100 * own / count, 100 * OWN_LIMIT);
    return (double)NAN;
}

static const char *why_user_only(const struct counter_laps *l, const struct counter_group *g)
{
    if (l->events.user_only)
        return "perf_event_paranoid";
    for (size_t i = 0; i < g->n_events; i++)
        if (l->lane[0].place[i] >= 0 && !l->events.code[i].software)
            return "hardware events, since reading them is work of the kernel";
    return NULL;
}

static void fill(const struct counter_laps *l, const double count[LAPS_EVENTS], double reads, struct counted *k)
{
    const struct counter_group *g = group_of(l, l->chosen);
    *k = (struct counted){.user_only = why_user_only(l, g)};
    find_problem(l, k);
    for (size_t i = 0; i < g->n_events; i++)
        k->corrected = k->corrected || l->read_count[i] > 0;
    k->note = k->corrected ? "what the reads of the counters count themselves is taken off" : NULL;
    size_t have = 0;
    for (size_t i = 0; i < g->n_events; i++) {
        snprintf(k->event_problem[i], METRIC_REASON_LEN, "%s", l->events.problem[i]);
        if (!l->lane[0].attached && !k->event_problem[i][0])
            snprintf(k->event_problem[i], METRIC_REASON_LEN, "no thread was counted");
        if (!k->event_problem[i][0])
            k->count[i] = without_reads(count[i], reads, l->read_count[i], k->event_problem[i]) / (k->share > 0 ? k->share : 1);
        else
            k->count[i] = (double)NAN;
        have += l->lane[0].place[i] >= 0;
    }
    if (!have && !k->problem[0])
        snprintf(k->problem, sizeof k->problem, "%s", k->event_problem[0]);
}

size_t counter_laps_metrics(const struct counter_laps *l, const double count[LAPS_EVENTS], double reads, double time_s,
                            struct metric *out, size_t cap)
{
    struct counted k;
    if (!group_of(l, l->chosen)) {
        if (cap)
            metric_unavailable(&out[0], "counters", "1", l->counters->backend ? l->counters->backend->name : "none", l->problem);
        return cap ? 1 : 0;
    }
    fill(l, count, reads, &k);
    return counter_metrics(l->counters, l->chosen, &k, time_s, out, 0, cap);
}

double counter_laps_read_s(const struct counter_laps *l)
{
    return l->read_s;
}

size_t counter_laps_read_counts(const struct counter_laps *l, struct metric *out, size_t cap)
{
    const struct counter_group *g = group_of(l, l->chosen);
    size_t n = 0;
    for (size_t i = 0; g && !isnan(l->read_s) && i < g->n_events && n < cap; i++) {
        char name[METRIC_NAME_LEN];
        if (l->lane[0].place[i] < 0)
            continue;
        snprintf(name, sizeof name, "events_%s", g->event[i].label);
        metric_set(&out[n++], name, "1", METRIC_MEASURED, l->read_count[i], "reads back to back, without work between them");
    }
    return n;
}
