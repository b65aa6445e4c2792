/* All energy sources of a machine beside each other: what can be read, what not and why, over one and the same interval.
 *
 * Counters that claim to count the same packages must agree; where two differ by more than 2 % of the joules the list says so.
 * Integrated power is shown but never compared with them. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "profiles/energy.h"
#include "profiles/energy_metrics.h"
#include "profiles/metric_out.h"

enum { MAX_SOURCES = 32 };
static const double tolerance = 0.02;

struct row {
    const struct energy_source *source;
    struct energy_window *window;
    enum energy_domain domain; /* ENERGY_DOMAINS: nothing usable */
    double watts;
    char note[METRIC_REASON_LEN];
};

/* It can be read; an interval may still be too short for it, as half a second is for sensors that are read once per second. */
static bool is_usable(const struct row *r)
{
    return r->domain != ENERGY_DOMAINS;
}

static int open_rows(const struct probe_env *env, struct row *rows, size_t *n)
{
    const char *argument = NULL;
    const size_t asked = env->energy_source ? energy_source_find(env->energy_source, &argument) : MAX_SOURCES;
    for (size_t i = 0; i < MAX_SOURCES && energy_sources[i]; i++) {
        struct row *r = &rows[*n];
        const struct energy_source *s = energy_sources[i];
        *r = (struct row){.source = s, .domain = ENERGY_DOMAINS, .watts = (double)NAN};
        const int rc = energy_window_open(s, i == asked ? argument : NULL, env, &r->window);
        if (rc)
            return rc;
        ++*n;
        energy_window_measure_grid(r->window);
        r->domain = energy_headline(r->window);
    }
    return 0;
}

static void judge(struct row *r)
{
    static struct metric m[PROBE_MAX_METRICS];
    const char *problem = energy_window_problem(r->window);
    snprintf(r->note, sizeof r->note, "%s", problem ? problem : "measures only parts of the machine");
    if (!is_usable(r))
        return;
    const size_t n = energy_metrics(r->window, "", m, PROBE_MAX_METRICS);
    char name[METRIC_NAME_LEN];
    snprintf(name, sizeof name, "power_%s_w", energy_domain_name(r->domain));
    for (size_t i = 0; i < n; i++)
        if (strcmp(m[i].name, name) == 0) {
            r->watts = m[i].value;
            snprintf(r->note, sizeof r->note, "%s", m[i].status == METRIC_UNAVAILABLE ? m[i].reason : m[i].source);
        }
}

/* Appends to the note of a counter that disagrees with the first counter of the same domain. */
static void cross_check(struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++) {
            struct row *a = &rows[k], *b = &rows[i];
            const size_t len = strlen(b->note);
            if (a->domain != b->domain || a->source->kind != ENERGY_COUNTER || b->source->kind != ENERGY_COUNTER ||
                !(fabs(b->watts - a->watts) > tolerance * a->watts))
                continue;
            snprintf(b->note + len, sizeof b->note - len, "; DISAGREES with %s by %.1f %%", a->source->name,
                     100 * (b->watts - a->watts) / a->watts);
            break;
        }
}

static void print_rows(FILE *f, const struct row *rows, size_t n, double seconds)
{
    fprintf(f, "energy sources, best first (measured for %.3g s)\n", seconds);
    for (size_t i = 0; i < n; i++) {
        const struct row *r = &rows[i];
        char line[METRIC_REASON_LEN + 128];
        const int at = fprintf(f, "  %-12s %-7s ", r->source->name, is_usable(r) ? "yes" : "no");
        if (!is_usable(r))
            snprintf(line, sizeof line, "%s", r->note);
        else if (isnan(r->watts))
            snprintf(line, sizeof line, "%s, %s; no value of this interval: %s", energy_domain_name(r->domain),
                     energy_kind_name(r->source->kind), r->note);
        else
            snprintf(line, sizeof line, "%.4g W %s, %s (%s)", r->watts, energy_domain_name(r->domain),
                     energy_kind_name(r->source->kind), r->note);
        print_wrapped(f, (size_t)at, 23, line);
    }
}

static json_t *rows_json(const struct row *rows, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct row *r = &rows[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:o}", "name", r->source->name, "title", r->source->title,
                                        "kind", energy_kind_name(r->source->kind), "usable", (int)is_usable(r), "domain",
                                        is_usable(r) ? json_string(energy_domain_name(r->domain)) : json_null(), "watts",
                                        number_json(r->watts), "note", text_json(r->note)));
    }
    return list;
}

int energy_list(const struct probe_env *env, double seconds, FILE *f, json_t **json)
{
    struct row *rows = calloc(MAX_SOURCES, sizeof *rows);
    size_t n = 0;
    const int rc = rows ? open_rows(env, rows, &n) : -ENOMEM;
    for (size_t i = 0; i < n && !rc; i++)
        if (is_usable(&rows[i]))
            energy_window_start(rows[i].window);
    if (!rc)
        energy_sleep_s(env, seconds);
    for (size_t i = n; i-- && !rc;)
        if (is_usable(&rows[i]))
            energy_window_stop(rows[i].window);
    for (size_t i = 0; i < n && !rc; i++)
        judge(&rows[i]);
    if (!rc) {
        cross_check(rows, n);
        if (json)
            *json = rows_json(rows, n);
        else
            print_rows(f, rows, n, seconds);
    }
    for (size_t i = 0; i < n; i++)
        energy_window_close(rows[i].window);
    free(rows);
    return rc;
}
