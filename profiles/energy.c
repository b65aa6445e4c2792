/* Choosing the energy source, and the probe `energy` that stands for it. energy_list.c shows all sources beside each other. */
#include "profiles/energy.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "profiles/energy_metrics.h"
#include "profiles/metric_out.h"

/* To add one: one file, one line here, one line in energy_source.h. */
const struct energy_source *const energy_sources[] = {
    &energy_perf,        &energy_powercap, &energy_hwmon,   &energy_likwid, &energy_msr,       &energy_scmi,  &energy_jetson,
    &energy_hwmon_power, &energy_rpi5,     &energy_battery, &energy_papi,   &energy_perf_core, &energy_meter, NULL};

enum { N_SOURCES = sizeof energy_sources / sizeof energy_sources[0] - 1 };

struct energy {
    struct energy_window *window; /* of the chosen source; when none is usable, of the one that says best why */
    struct {
        bool tried;
        char problem[METRIC_REASON_LEN]; /* empty: usable */
    } sources[N_SOURCES];
    bool asked;                  /* a certain source was wanted */
    char why[METRIC_REASON_LEN]; /* why there is no headline; empty: there is one */
};

/* ---- names ---- */

void energy_source_names(char *out, size_t len)
{
    out[0] = '\0';
    for (size_t i = 0; i < N_SOURCES; i++) {
        const size_t n = strlen(out);
        snprintf(out + n, len - n, "%s%s", n ? ", " : "", energy_sources[i]->name);
    }
}

size_t energy_source_find(const char *value, const char **argument)
{
    const size_t n = strcspn(value, ":");
    *argument = value[n] ? value + n + 1 : NULL;
    size_t i = 0;
    while (i < N_SOURCES && (strlen(energy_sources[i]->name) != n || strncmp(energy_sources[i]->name, value, n) != 0))
        i++;
    return i;
}

const char *energy_source_error(const char *value)
{
    const char *argument;
    const size_t i = energy_source_find(value, &argument);
    if (i == N_SOURCES)
        return "no such source";
    if (energy_sources[i]->kind == ENERGY_RECORD)
        return argument && *argument ? NULL : "needs a file: meter:FILE.csv";
    return argument ? "this source takes no argument" : NULL;
}

/* ---- choosing ---- */

/* Why an opened source has no headline. */
static const char *problem_of(const struct energy_window *w)
{
    const char *problem = energy_window_problem(w);
    if (w->lead < w->c.n)
        return "the source measures only parts of the machine";
    return problem ? problem : "finds no channel";
}

/* How good an opened source is; higher is better. */
static int merit(const struct energy_window *w)
{
    const enum energy_domain d = energy_headline(w);
    if (d == ENERGY_PKG)
        return 5;
    if (d != ENERGY_DOMAINS)
        return 4;
    if (w->lead < w->c.n) /* something else can be read */
        return 3;
    if (w->c.n > 0 || w->c.trouble == ENERGY_DENIED) /* it exists, so its remedy is the one that helps */
        return 2;
    return w->c.source == &energy_powercap; /* nothing anywhere: the best known kind speaks */
}

static void note(struct energy *e, size_t i, const struct energy_window *w)
{
    const bool usable = energy_headline(w) != ENERGY_DOMAINS;
    e->sources[i].tried = true;
    snprintf(e->sources[i].problem, sizeof e->sources[i].problem, "%s", usable ? "" : problem_of(w));
}

/* Opens source i and keeps it when it is better than what there is. */
static int consider(struct energy *e, size_t i, const char *argument, const struct probe_env *env)
{
    struct energy_window *w;
    const int rc = energy_window_open(energy_sources[i], argument, env, &w);
    if (rc)
        return rc;
    if (!e->window || merit(w) > merit(e->window))
        energy_window_measure_grid(w); /* here, not in the first window: it takes some updates, and finds counters that are dead */
    note(e, i, w);
    if (!e->window || merit(w) > merit(e->window)) {
        energy_window_close(e->window);
        e->window = w;
    } else
        energy_window_close(w);
    return 0;
}

static int choose(struct energy *e, const struct probe_env *env)
{
    const char *argument = NULL;
    int rc = 0;
    e->asked = env && env->energy_source;
    if (e->asked) {
        const size_t i = energy_source_find(env->energy_source, &argument);
        return i < N_SOURCES ? consider(e, i, argument, env) : -EINVAL;
    }
    for (size_t i = 0; i < N_SOURCES && !rc && !(e->window && merit(e->window) == 5); i++)
        if (!energy_sources[i]->ask_only)
            rc = consider(e, i, NULL, env);
    return rc;
}

static void say_why(struct energy *e)
{
    if (energy_headline(e->window) == ENERGY_DOMAINS)
        snprintf(e->why, sizeof e->why, "%s", problem_of(e->window));
}

/* ---- the probe ---- */

static void energy_close(void *state)
{
    struct energy *e = state;
    energy_window_close(e->window);
    free(e);
}

static int energy_open(const struct probe_env *env, void **state)
{
    struct energy *e = calloc(1, sizeof *e);
    if (!e)
        return -ENOMEM;
    const int rc = choose(e, env);
    if (rc) {
        energy_close(e);
        return rc;
    }
    say_why(e);
    *state = e;
    return 0;
}

static void energy_start(void *state)
{
    energy_window_start(((struct energy *)state)->window);
}

static void energy_stop(void *state)
{
    energy_window_stop(((struct energy *)state)->window);
}

static double energy_keep_alive(void *state)
{
    return energy_window_keep_alive(((struct energy *)state)->window);
}

static size_t energy_read(void *state, struct metric *out, size_t cap)
{
    const struct energy *e = state;
    return energy_metrics(e->window, e->why, out, cap);
}

const struct probe probe_energy = {
    .name = "energy",
    .open = energy_open,
    .start = energy_start,
    .stop = energy_stop,
    .read = energy_read,
    .close = energy_close,
    .keep_alive = energy_keep_alive,
};

/* ---- what else callers want to know ---- */

const char *energy_headline_name(const void *state)
{
    const enum energy_domain d = energy_headline(((const struct energy *)state)->window);
    return d == ENERGY_DOMAINS ? NULL : energy_domain_name(d);
}

const char *energy_why_not(const void *state)
{
    return ((const struct energy *)state)->why;
}

bool energy_headline_joules(const void *state, double *joules, double *length_s, char *reason)
{
    const struct energy *e = state;
    if (e->why[0])
        snprintf(reason, METRIC_REASON_LEN, "%s", e->why);
    else
        *joules = energy_domain_joules(e->window, energy_headline(e->window), reason);
    *length_s = energy_length_s(e->window);
    return !reason[0];
}

double energy_quantisation(const void *state)
{
    return energy_window_quantisation(((const struct energy *)state)->window);
}

const struct probe_env *energy_env(const void *state)
{
    return &((const struct energy *)state)->window->c.env;
}

void energy_so_far(void *state, double *joules, double *at_s)
{
    struct energy *e = state;
    energy_window_so_far(e->window, energy_headline(e->window), joules, at_s);
}

double energy_cost_s(void *state)
{
    return energy_window_cost_s(((struct energy *)state)->window);
}

static json_t *channel_json(const struct energy_window *w, const struct energy_channel *ch)
{
    const bool counter = w->c.source->kind == ENERGY_COUNTER;
    const bool wraps = counter && ch->max_count != UINT64_MAX;
    return json_pack("{s:o, s:o, s:s, s:i, s:o, s:o, s:o, s:o}", "label", text_json(ch->label), "name", text_json(ch->name),
                     "domain", energy_domain_name(ch->domain), "socket", ch->socket, "unit_j",
                     counter ? json_real(ch->unit_j) : json_null(), "range_j",
                     wraps ? json_real(ch->unit_j * (double)ch->max_count) : json_null(), "safe_gap_s",
                     counter ? number_json(energy_counter_safe_gap_s(ch)) : json_null(), "problem",
                     ch->problem[0] ? text_json(ch->problem) : json_null());
}

static json_t *tried_json(const struct energy *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < N_SOURCES; i++)
        if (e->sources[i].tried) {
            const char *problem = e->sources[i].problem;
            json_array_append_new(list, json_pack("{s:s, s:b, s:o}", "name", energy_sources[i]->name, "usable", (int)!problem[0],
                                                  "problem", problem[0] ? text_json(problem) : json_null()));
        }
    return list;
}

json_t *energy_describe(const void *state)
{
    const struct energy *e = state;
    const struct energy_window *w = e->window;
    const bool usable = energy_headline(w) != ENERGY_DOMAINS;
    json_t *channels = json_array();
    for (size_t i = 0; i < w->c.n; i++)
        json_array_append_new(channels, channel_json(w, &w->c.ch[i]));
    return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "name", usable ? json_string(w->c.source->name) : json_null(),
                     "kind", usable ? json_string(energy_kind_name(w->c.source->kind)) : json_null(), "headline",
                     usable ? json_string(energy_headline_name(e)) : json_null(), "asked_for", (int)e->asked, "resolution_s",
                     usable && w->grid_s > 0 ? number_json(w->grid_s) : json_null(), "channels", channels, "tried", tried_json(e),
                     "reason", e->why[0] ? text_json(e->why) : json_null());
}
