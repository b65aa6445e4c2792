/* The front of the counters: back-end and groups by name, the probe, the list of groups, and what counting costs.
 *
 * A mistake in a name is found by counters_check() before anything runs. Later on nothing fails: what cannot be counted becomes
 * metrics with a reason. */
#include "profiles/counters.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profiles/counter_backend.h"
#include "profiles/metric_out.h"
#include "profiles/time_clock.h"

static const struct counter_backend *const backends[] = {&counter_perf, &counter_papi, &counter_likwid};
enum { N_BACKENDS = sizeof backends / sizeof backends[0] };

/* NULL for "none" and for what does not exist. */
static const struct counter_backend *find_backend(const char *name)
{
    for (size_t i = 0; i < N_BACKENDS; i++)
        if (!strcmp(backends[i]->name, name))
            return backends[i];
    return NULL;
}

static struct counter_tables tables_of(const struct probe_env *env)
{
    const char *why;
    return (struct counter_tables){env && env->counter_seam ? env->counter_seam->pfm : counter_pfm(&why), env};
}

bool counters_check(const char *backend, const char *groups, char err[COUNTERS_ERR_LEN])
{
    _Static_assert((int)COUNTERS_ERR_LEN == (int)GROUP_ERR_LEN, "messages are handed on");
    const struct counter_backend *b = backend ? find_backend(backend) : &counter_perf;
    struct counter_choice choice[CHOOSE_GROUPS];
    struct counter_library lib;
    if (backend && !b && strcmp(backend, "none") != 0) {
        snprintf(err, COUNTERS_ERR_LEN, "'%.60s': no such back-end of counters; there are: perf, papi, likwid, none", backend);
        return false;
    }
    if (!b && groups) {
        snprintf(err, COUNTERS_ERR_LEN, "counter group '%.60s' is asked for, but the back-end is none", groups);
        return false;
    }
    if (!b || b->own_groups)
        return true;
    const struct counter_tables tables = tables_of(NULL);
    int rc = counter_library_read(&lib, err);
    rc = rc ? rc : counter_choose(&lib, &tables, b->name, groups ? groups : b->default_groups, choice, err);
    counter_library_free(&lib);
    return rc >= 0;
}

static void choose_groups(struct counters *c)
{
    char err[GROUP_ERR_LEN];
    int n = counter_library_read(&c->library, err);
    n = n ? n : counter_choose(&c->library, &c->tables, c->backend->name, c->groups, c->choice, err);
    if (n < 0)
        snprintf(c->problem, sizeof c->problem, "%.250s", err);
    else
        c->n = (size_t)n;
}

int counters_open(const struct probe_env *env, struct counters **out)
{
    struct counters *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    if (env)
        c->env = *env;
    *out = c;
    c->backend = c->env.counters ? find_backend(c->env.counters) : NULL;
    if (!c->backend)
        return 0;
    c->tables = tables_of(&c->env);
    const char *groups = c->env.counter_groups ? c->env.counter_groups : c->backend->default_groups;
    snprintf(c->groups, sizeof c->groups, "%s", groups);
    if (!c->backend->own_groups)
        choose_groups(c);
    const int rc = c->problem[0] ? 0 : c->backend->open(c);
    if (rc) {
        counters_close(c);
        *out = NULL;
    }
    return rc;
}

void counters_close(struct counters *c)
{
    if (!c)
        return;
    if (c->backend)
        c->backend->close(c);
    counter_library_free(&c->library);
    free(c);
}

static bool works(const struct counters *c)
{
    return c->backend && !c->problem[0];
}

static void prepare(struct counters *c, enum counter_scope scope, pid_t pid)
{
    if (works(c))
        c->backend->prepare(c, scope, pid);
}

void counters_prepare(struct counters *c)
{
    prepare(c, SCOPE_THREADS, 0);
}

void counters_prepare_child(struct counters *c, pid_t pid)
{
    prepare(c, SCOPE_CHILD, pid);
}

void counters_prepare_machine(struct counters *c)
{
    prepare(c, SCOPE_MACHINE, -1);
}

void counters_start(struct counters *c)
{
    if (works(c))
        c->backend->start(c);
}

void counters_stop(struct counters *c)
{
    if (works(c))
        c->backend->stop(c);
}

size_t counters_read(struct counters *c, double window_s, struct metric *out, size_t cap)
{
    struct counted k;
    size_t n = 0;
    if (!c->backend || cap == 0)
        return 0;
    if (c->problem[0]) {
        metric_unavailable(&out[0], "counters", "1", c->backend->name, c->problem);
        return 1;
    }
    if (c->backend->metrics)
        return c->backend->metrics(c, window_s, out, cap);
    for (size_t g = 0; g < c->n; g++) {
        c->backend->counted(c, g, &k);
        n = counter_metrics(c, g, &k, window_s, out, n, cap);
    }
    return n;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double counters_cost_s(struct counters *c)
{
    enum { TRIES = 31 };
    double s[TRIES];
    if (!works(c))
        return (double)NAN;
    counters_prepare(c);
    for (size_t i = 0; i < TRIES; i++) {
        const double t = time_now_s();
        counters_start(c);
        counters_stop(c);
        s[i] = time_now_s() - t;
    }
    qsort(s, TRIES, sizeof s[0], by_value);
    return s[TRIES / 2];
}

/* ---- the list ---- */

static json_t *metric_list(const struct counter_group *g)
{
    json_t *list = json_array();
    for (size_t i = 0; i < g->n_metrics; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "name", g->metric[i].name, "unit", g->metric[i].unit,
                                              "formula", g->metric[i].text, "caveat", g->metric[i].caveat));
    return list;
}

static json_t *group_json(const struct counter_group *g, const char *pmu)
{
    json_t *events = json_object();
    for (size_t i = 0; i < g->n_events; i++)
        json_object_set_new(events, g->event[i].label, json_string(g->event[i].name));
    return json_pack("{s:s, s:s, s:s, s:s?, s:s, s:o, s:o}", "name", g->name, "family", g->family, "title", g->title, "pmu", pmu,
                     "caveat", g->caveat, "events", events, "metrics", metric_list(g));
}

static void group_print(FILE *f, const struct counter_group *g)
{
    char name[2 * GROUP_NAME_LEN + 2];
    snprintf(name, sizeof name, "%s/%s", g->family, g->name);
    size_t at = (size_t)fprintf(f, "  %-22s ", name);
    print_wrapped(f, at, at, g->title);
    for (size_t i = 0; i < g->n_metrics; i++) {
        at = (size_t)fprintf(f, "      %-28s %-5s ", g->metric[i].name, g->metric[i].unit);
        print_wrapped(f, at, at, g->metric[i].text);
    }
}

static int list_groups(const struct counter_backend *b, FILE *f, json_t *list, char err[COUNTERS_ERR_LEN])
{
    struct counter_library lib;
    const struct counter_tables tables = tables_of(NULL);
    const char *pmu;
    const int rc = counter_library_read(&lib, err);
    for (size_t k = 0; !rc && k < lib.n; k++)
        for (size_t i = 0; i < lib.family[k]->n; i++) {
            const struct counter_group *g = &lib.family[k]->group[i];
            if (!counter_family_of(lib.family[k], b->name) || !counter_fits(&tables, g, &pmu))
                continue;
            if (list)
                json_array_append_new(list, group_json(g, pmu));
            else
                group_print(f, g);
        }
    counter_library_free(&lib);
    return rc;
}

int counters_list(const char *backend, FILE *f, json_t **json, char err[COUNTERS_ERR_LEN])
{
    const struct counter_backend *b = backend ? find_backend(backend) : &counter_perf;
    if (json)
        *json = json_array();
    if (!b || b->own_groups) {
        if (!json)
            fprintf(f, "  %s\n", b ? "likwid has its own groups: likwid-perfctr -a lists them" : "no groups without a back-end");
        return 0;
    }
    return list_groups(b, f, json ? *json : NULL, err);
}

/* ---- the probe: this process ---- */

struct window {
    struct counters *counters;
    double start_s, length_s;
};

static int counters_probe_open(const struct probe_env *env, void **state)
{
    struct window *w = calloc(1, sizeof *w);
    const int rc = w ? counters_open(env, &w->counters) : -ENOMEM;
    if (rc)
        free(w);
    else
        *state = w;
    return rc;
}

static void counters_probe_prepare(void *state)
{
    counters_prepare(((struct window *)state)->counters);
}

static void counters_probe_start(void *state)
{
    struct window *w = state;
    w->start_s = time_now_s();
    counters_start(w->counters);
}

static void counters_probe_stop(void *state)
{
    struct window *w = state;
    counters_stop(w->counters);
    w->length_s = time_now_s() - w->start_s;
}

static size_t counters_probe_read(void *state, struct metric *out, size_t cap)
{
    struct window *w = state;
    return counters_read(w->counters, w->length_s, out, cap);
}

static void counters_probe_close(void *state)
{
    struct window *w = state;
    counters_close(w->counters);
    free(w);
}

const struct probe probe_counters = {
    .name = "counters",
    .open = counters_probe_open,
    .prepare = counters_probe_prepare,
    .start = counters_probe_start,
    .stop = counters_probe_stop,
    .read = counters_probe_read,
    .close = counters_probe_close,
};
