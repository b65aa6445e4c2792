/* Metrics of a counted group: the events themselves, the formulas, and how long the group was on the counters.
 *
 * A count that was extrapolated is `derived` and says by how much; so does every formula of its group. What a formula needs and is
 * not there makes it unavailable with that event's reason. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "profiles/counter_backend.h"

static bool is_there(const struct metric *m, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(m[i].name, name))
            return true;
    return false;
}

/* What holds for all numbers of a group, behind the caveat. */
static void add_reason(struct metric *m, const struct counted *k, const char *caveat)
{
    char scaled[96] = "", user[96] = "";
    if (k->share < 1)
        snprintf(scaled, sizeof scaled, "scaled: on the counters for %.1f %% of the time, shared with other groups or programs",
                 100 * k->share);
    if (k->user_only)
        snprintf(user, sizeof user, "user mode only: the kernel's work is not counted (%s)", k->user_only);
    const char *part[] = {k->note ? k->note : "", scaled, user, caveat};
    size_t used = strlen(m->reason);
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++)
        if (part[i][0]) {
            snprintf(m->reason + used, sizeof m->reason - used, "%s%s", used ? "; " : "", part[i]);
            used = strlen(m->reason);
        }
}

static void put_event(struct metric *m, const struct counted *k, const struct counter_event *e, size_t i, const char *source)
{
    char name[METRIC_NAME_LEN], from[METRIC_SOURCE_LEN];
    snprintf(name, sizeof name, "events_%s", e->label);
    snprintf(from, sizeof from, "%s: %.60s", source, e->name);
    const char *why = k->problem[0] ? k->problem : k->event_problem[i];
    if (why[0] || isnan(k->count[i])) {
        metric_unavailable(m, name, "1", from, why[0] ? why : "not counted");
        return;
    }
    metric_set(m, name, "1", k->share < 1 || k->corrected ? METRIC_DERIVED : METRIC_MEASURED, k->count[i], from);
    add_reason(m, k, "");
}

/* The problem of the first event that the formula needs and that is not there; NULL: all are. */
static const char *missing_event(const struct counted *k, const struct counter_group *g, const struct formula *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->step[i].op == '$' && f->step[i].which < g->n_events && isnan(k->count[f->step[i].which]))
            return k->event_problem[f->step[i].which];
    return NULL;
}

static void put_metric(struct metric *m, const struct counted *k, const struct counter_group *g, const struct counter_metric *cm,
                       double window_s, const char *source)
{
    double variable[GROUP_EVENTS + 1];
    char from[METRIC_SOURCE_LEN];
    snprintf(from, sizeof from, "%s: %.60s", source, cm->text);
    const char *why = k->problem[0] ? k->problem : missing_event(k, g, &cm->formula);
    if (why) {
        metric_unavailable(m, cm->name, cm->unit, from, why[0] ? why : "an event of it was not counted");
        return;
    }
    memcpy(variable, k->count, g->n_events * sizeof variable[0]);
    variable[g->n_events] = window_s;
    const double v = formula_value(&cm->formula, variable);
    if (!isfinite(v)) {
        metric_unavailable(m, cm->name, cm->unit, from, "divided by 0: what it is a share of did not happen in this window");
        return;
    }
    metric_set(m, cm->name, cm->unit, METRIC_DERIVED, v, from);
    add_reason(m, k, cm->caveat);
}

static void put_share(struct metric *m, const struct counted *k, const struct counter_group *g, const char *source)
{
    char name[METRIC_NAME_LEN];
    snprintf(name, sizeof name, "counters_share.%s", g->name);
    if (k->problem[0])
        metric_unavailable(m, name, "1", source, k->problem);
    else
        metric_set(m, name, "1", METRIC_DERIVED, k->share, source);
}

size_t counter_metrics(const struct counters *c, size_t group, const struct counted *k, double window_s, struct metric *out,
                       size_t n, size_t cap)
{
    const struct counter_group *g = c->choice[group].group;
    char source[METRIC_SOURCE_LEN];
    snprintf(source, sizeof source, "%s %s/%s", c->backend->name, g->family, g->name);
    for (size_t i = 0; i < g->n_metrics && n < cap; i++)
        if (!is_there(out, n, g->metric[i].name))
            put_metric(&out[n++], k, g, &g->metric[i], window_s, source);
    for (size_t i = 0; i < g->n_events && n < cap; i++) {
        char name[METRIC_NAME_LEN];
        snprintf(name, sizeof name, "events_%s", g->event[i].label);
        if (!is_there(out, n, name))
            put_event(&out[n++], k, &g->event[i], i, source);
    }
    if (n < cap)
        put_share(&out[n++], k, g, source);
    return n;
}
