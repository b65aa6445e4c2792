/* Opens every energy source and every group of counters by itself and measures with each for a moment: "yes" means that it counted.
 *
 * Groups that fail for one reason share a line. The cost is that of start and stop of a window around nothing: energy's boundary
 * reads, without the wait for an update, and switching the counters on and off. */
#include "profiles/doctor_tries.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "profiles/counters.h"
#include "profiles/energy.h"
#include "profiles/metric_out.h"

static const double energy_try_s = 0.3, cost_limit_s = 50e-6;
enum { COUNTER_TRY_MS = 20, INDENT = 27 };

int doctor_try_energy(const struct probe_env *env, FILE *f, json_t **list)
{
    return energy_list(env, energy_try_s, f, list);
}

static const struct {
    const char *backend, *group;
} tries[] = {{"perf", "basic"}, {"perf", "cache"},    {"perf", "tlb"},   {"perf", "memory"}, {"perf", "stall"},
             {"perf", "dram"},  {"perf", "software"}, {"papi", "basic"}, {"likwid", "CLOCK"}};
enum { N_TRIES = sizeof tries / sizeof tries[0] };

struct outcome {
    size_t n, have;                 /* metrics, and how many of them could be had */
    char counted[320];              /* names of those */
    char reason[METRIC_REASON_LEN]; /* of the first that could not */
};

static void judge(struct outcome *o, const struct metric *m, size_t n)
{
    *o = (struct outcome){.n = n};
    for (size_t i = 0; i < n; i++) {
        const size_t used = strlen(o->counted);
        if (m[i].status == METRIC_UNAVAILABLE && !o->reason[0])
            snprintf(o->reason, sizeof o->reason, "%s", m[i].reason);
        if (m[i].status == METRIC_UNAVAILABLE || !strncmp(m[i].name, "counters_share", 14))
            continue;
        o->have++;
        if (used + METRIC_NAME_LEN < sizeof o->counted)
            snprintf(o->counted + used, sizeof o->counted - used, "%s%s", used ? ", " : "", m[i].name);
    }
}

static int try_group(const struct probe_env *env, const char *backend, const char *group, struct outcome *o)
{
    static struct metric m[PROBE_MAX_METRICS];
    struct probe_env with = *env;
    struct counters *c;
    with.counters = backend;
    with.counter_groups = group;
    const int rc = counters_open(&with, &c);
    if (rc)
        return rc;
    counters_prepare(c);
    counters_start(c);
    nanosleep(&(struct timespec){.tv_nsec = COUNTER_TRY_MS * 1000000L}, NULL);
    counters_stop(c);
    judge(o, m, counters_read(c, 1e-3 * COUNTER_TRY_MS, m, PROBE_MAX_METRICS));
    counters_close(c);
    return 0;
}

static const char *verdict(const struct outcome *o)
{
    return o->have == 0 ? "no" : o->reason[0] ? "partly" : "yes";
}

static bool same_failure(const struct outcome *a, const struct outcome *b)
{
    return !a->have && !b->have && !strcmp(a->reason, b->reason);
}

/* Line of try i and of those behind it that failed alike; the index after them. */
static size_t print_tries(FILE *f, const struct outcome *o, size_t i)
{
    char names[64] = "";
    size_t end = i;
    do {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", used ? "," : "", tries[end].group);
    } while (++end < N_TRIES && !strcmp(tries[end].backend, tries[i].backend) && same_failure(&o[i], &o[end]));
    size_t at = (size_t)fprintf(f, "  %-6s %-28s %-7s ", tries[i].backend, names, verdict(&o[i]));
    if (o[i].have)
        print_wrapped(f, at, INDENT, o[i].counted);
    if (o[i].have && o[i].reason[0])
        at = (size_t)fprintf(f, "%*s", INDENT, "");
    if (o[i].reason[0])
        print_wrapped(f, at, INDENT, o[i].reason);
    return end;
}

int doctor_try_counters(const struct probe_env *env, FILE *f, json_t **list)
{
    static struct outcome o[N_TRIES];
    for (size_t i = 0; i < N_TRIES; i++) {
        const int rc = try_group(env, tries[i].backend, tries[i].group, &o[i]);
        if (rc)
            return rc;
    }
    if (list)
        *list = json_array();
    else
        fprintf(f, "counters (each group was tried for %d ms)\n", COUNTER_TRY_MS);
    for (size_t i = 0; i < N_TRIES && !list;)
        i = print_tries(f, o, i);
    for (size_t i = 0; i < N_TRIES && list; i++)
        json_array_append_new(*list, json_pack("{s:s, s:s, s:s, s:s, s:o}", "backend", tries[i].backend, "group", tries[i].group,
                                               "usable", verdict(&o[i]), "counted", o[i].counted, "reason",
                                               o[i].reason[0] ? text_json(o[i].reason) : json_null()));
    return 0;
}

int doctor_cost(const struct probe_env *env, struct doctor_cost *out)
{
    struct probe_env with = *env;
    struct counters *c;
    void *energy;
    with.counters = "perf";
    int rc = probe_energy.open(env, &energy);
    if (rc)
        return rc;
    out->energy_s = energy_cost_s(energy);
    probe_energy.close(energy);
    rc = counters_open(&with, &c);
    if (rc)
        return rc;
    out->counters_s = counters_cost_s(c);
    counters_close(c);
    return 0;
}

static void print_one(FILE *f, const char *name, double s, const char *none)
{
    fprintf(f, "  %-10s ", name);
    if (isnan(s))
        fprintf(f, "nothing: %s\n", none);
    else
        fprintf(f, "%.1f us%s\n", 1e6 * s, s > cost_limit_s ? ": MORE than the 50 us that a window may cost" : "");
}

void doctor_print_cost(FILE *f, const struct doctor_cost *cost)
{
    fprintf(f, "cost of measuring (start and stop of a window without work; limit %.0f us)\n", 1e6 * cost_limit_s);
    print_one(f, "energy", cost->energy_s, "there is no source to read");
    print_one(f, "counters", cost->counters_s, "no group can be counted");
}

json_t *doctor_cost_json(const struct doctor_cost *cost)
{
    return json_pack("{s:o, s:o, s:f}", "energy_s", number_json(cost->energy_s), "counters_s", number_json(cost->counters_s),
                     "limit_s", cost_limit_s);
}
