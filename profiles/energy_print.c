/* From the metrics of a window to lines and JSON, with the figures that need several of them.
 *
 *     energy_delay_js    = joules * duration: lower is better in both
 *     energy_overhead_s  = median time of the boundary reads of a window without work
 *     energy_baseline_j  = idle watts * length of the window, energy_net_j = the rest (energy_baseline.h)
 * All of them are about the headline domain and are unavailable when that is. */
#include "profiles/energy_print.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "profiles/energy.h"
#include "profiles/energy_estimate.h"
#include "profiles/metric_out.h"

static struct metric *next(struct energy_result *r)
{
    return r->n < r->cap ? &r->m[r->n++] : NULL;
}

static const struct metric *find(const struct energy_result *r, const char *name)
{
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->m[i].name, name) == 0)
            return &r->m[i];
    return NULL;
}

/* The metric that the first line is about; its joules are NAN when it is unavailable. */
static const struct metric *headline(const struct energy_result *r)
{
    char name[METRIC_NAME_LEN];
    snprintf(name, sizeof name, "energy_%s_j", r->headline ? r->headline : "pkg");
    return find(r, name);
}

static double headline_watts(const struct energy_result *r)
{
    char name[METRIC_NAME_LEN];
    snprintf(name, sizeof name, "power_%s_w", r->headline ? r->headline : "pkg");
    const struct metric *w = find(r, name);
    return w ? w->value : (double)NAN;
}

/* Length of the counters' window: joules / watts. */
static double window_s(const struct energy_result *r)
{
    return headline(r)->value / headline_watts(r);
}

/* ---- derived metrics ---- */

static void put_derived(struct energy_result *r, const char *name, const char *unit, double value, const char *why_not)
{
    struct metric *m = next(r);
    if (m && isnan(value))
        metric_unavailable(m, name, unit, headline(r)->source, why_not);
    else if (m)
        metric_set(m, name, unit, METRIC_DERIVED, value, headline(r)->source);
}

static void explain_last(struct energy_result *r, const char *fmt, double a, double b, double c)
{
    struct metric *m = &r->m[r->n - 1];
    if (m->status != METRIC_UNAVAILABLE)
        snprintf(m->reason, sizeof m->reason, fmt, a, b, c); // NOLINT(clang-diagnostic-format-nonliteral): callers pass constants
}

static struct energy_baseline pooled(const struct energy_result *r)
{
    struct energy_baseline all = {.n = 0};
    const struct energy_baseline *const parts[] = {r->before, r->after};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < parts[k]->n && all.n < ENERGY_BASELINE_MAX; i++) {
            all.joules[all.n] = parts[k]->joules[i];
            all.seconds[all.n++] = parts[k]->seconds[i];
        }
        if (!all.reason[0])
            snprintf(all.reason, sizeof all.reason, "%s", parts[k]->reason);
    }
    return all;
}

struct net {
    struct energy_interval idle_w, gross, net;
    double confidence;
    char reason[METRIC_REASON_LEN]; /* why there is no net; empty: there is */
    char lost[METRIC_REASON_LEN];   /* why there are fewer idle windows than wanted; empty: there are all */
};

static struct net compute_net(const struct energy_result *r)
{
    const struct energy_baseline all = pooled(r);
    struct net x = {.idle_w = energy_baseline_watts(&all), .confidence = energy_baseline_confidence(&all)};
    x.gross = energy_gross(headline(r)->value, r->quantisation);
    x.net = energy_net(x.gross, x.idle_w, window_s(r));
    if (isnan(x.gross.value))
        snprintf(x.reason, sizeof x.reason, "%s", headline(r)->reason);
    else if (isnan(x.idle_w.value))
        snprintf(x.reason, sizeof x.reason, "no baseline: %s", all.reason[0] ? all.reason : "the measurement was interrupted");
    else if (all.reason[0])
        snprintf(x.lost, sizeof x.lost, "only %zu idle windows: %s", all.n, all.reason);
    return x;
}

static void put_net(struct energy_result *r)
{
    const struct net x = compute_net(r);
    put_derived(r, "energy_baseline_j", "J", x.idle_w.value * window_s(r), x.reason);
    explain_last(r, "idle power %.4g W, windows from %.4g to %.4g W", x.idle_w.value, x.idle_w.lo, x.idle_w.hi);
    if (x.lost[0]) {
        struct metric *m = &r->m[r->n - 1];
        const size_t n = strlen(m->reason);
        snprintf(m->reason + n, sizeof m->reason - n, "; %s", x.lost);
    }
    put_derived(r, "energy_net_j", "J", x.net.value, x.reason);
    if (isfinite(x.net.lo))
        explain_last(r, "gross less baseline, from %.5g to %.5g J (%.3g %% confidence in the idle power)", x.net.lo, x.net.hi,
                     100 * x.confidence);
    else
        explain_last(r, "gross less baseline; how far off the gross may be is not known", 0, 0, 0);
}

static void put_estimates(struct energy_result *r, unsigned n_cpus)
{
    const struct metric *busy = find(r, "machine_busy_s");
    struct metric *m = next(r);
    if (m && busy && busy->status != METRIC_UNAVAILABLE) {
        metric_set(m, "estimated_cpu_share_j", "J", METRIC_ESTIMATED, proxy_energy_j(busy->value, n_cpus),
                   "200 W * share of busy CPUs");
        snprintf(m->reason, sizeof m->reason,
                 "not measured: time in disguise, shown only to compare with publications that use it");
    } else if (m)
        metric_unavailable(m, "estimated_cpu_share_j", "J", "200 W * share of busy CPUs", "no stat in procfs");
    m = next(r);
    if (m)
        metric_unavailable(m, "estimated_arith_7nm_j", "J", "pJ per operation",
                           "the operations of a command are not known; bitjoule bench --estimate knows those of its models");
}

void energy_result_derive(struct energy_result *r, unsigned n_cpus)
{
    const double joules = headline(r)->value;
    put_derived(r, "energy_delay_js", "J s", joules * r->duration_s, headline(r)->reason);
    put_derived(r, "energy_overhead_s", "s", energy_cost_s(r->probe),
                r->headline ? "no counter is read at run time" : headline(r)->reason);
    explain_last(r, "boundary reads of a window without work, median; the wait for an update lies outside of the work", 0, 0, 0);
    if (r->before)
        put_net(r);
    if (r->estimate)
        put_estimates(r, n_cpus);
}

/* ---- output ---- */

/* "12.5 J (12.4 to 12.6)"; without the ends where they are not known. */
static void interval_text(char *out, size_t len, struct energy_interval x)
{
    const int n = snprintf(out, len, "%.6g J", x.value);
    if (isfinite(x.lo) && isfinite(x.hi) && n < (int)len)
        snprintf(out + n, len - (size_t)n, " (%.6g to %.6g)", x.lo, x.hi);
}

static void print_baseline(const struct energy_result *r)
{
    const struct net x = compute_net(r);
    if (x.reason[0])
        return; /* the metrics say why */
    char line[256], gross[64], net[64];
    interval_text(gross, sizeof gross, x.gross);
    interval_text(net, sizeof net, x.net);
    snprintf(line, sizeof line, "idle %.5g W (%.5g to %.5g, confidence %.3g %%), gross %s, net %s", x.idle_w.value, x.idle_w.lo,
             x.idle_w.hi, 100 * x.confidence, gross, net);
    printf("  ");
    print_wrapped(stdout, 2, 4, line);
    if (x.lost[0]) {
        printf("  ");
        print_wrapped(stdout, 2, 4, x.lost);
    }
}

void energy_result_print(const struct energy_result *r)
{
    const struct metric *head = headline(r);
    char line[METRIC_REASON_LEN + 128];
    const bool lost = head->status == METRIC_UNAVAILABLE;
    if (lost)
        snprintf(line, sizeof line, "energy: unavailable (%s)", head->reason);
    else
        snprintf(line, sizeof line, "energy: %.6g J in %.6g s: %.6g W (%s, %s)", head->value, r->duration_s, headline_watts(r),
                 r->headline, head->source);
    print_wrapped(stdout, 0, 2, line);
    if (r->before)
        print_baseline(r);
    printf("  %-26s %14.6g %-6s %-12s %s\n", "duration_s", r->duration_s, "s", "measured", "CLOCK_MONOTONIC_RAW");
    for (size_t i = 0; i < r->n; i++) { /* one reason for all of a lost source: it was just printed */
        const struct metric *m = &r->m[i];
        const bool said = !r->headline && m->status == METRIC_UNAVAILABLE && strcmp(m->reason, head->reason) == 0;
        if (!said)
            metrics_print(stdout, m, 1);
    }
    if (!r->headline)
        printf("  all routes to energy and what they need: bitjoule energy --list\n");
    if (r->interrupted)
        printf("  interrupted by a signal: this is what was measured until then\n");
}

static json_t *baseline_json(const struct energy_result *r)
{
    if (!r->before)
        return json_null();
    const struct net x = compute_net(r);
    const char *reason = x.reason[0] ? x.reason : x.lost;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "before", energy_baseline_json(r->before), "after",
                     energy_baseline_json(r->after), "idle_w", energy_interval_json(x.idle_w), "confidence",
                     number_json(x.confidence), "gross_j", energy_interval_json(x.gross), "net_j", energy_interval_json(x.net),
                     "reason", reason[0] ? text_json(reason) : json_null());
}

void energy_result_print_json(const struct energy_result *r)
{
    json_t *status = r->has_command ? json_integer(r->status) : json_null();
    json_t *o = json_pack("{s:f, s:b, s:o, s:o, s:o, s:o}", "duration_s", r->duration_s, "interrupted", r->interrupted != 0,
                          "exit_status", status, "energy_source", energy_describe(r->probe), "baseline", baseline_json(r),
                          "metrics", metrics_json(r->m, r->n));
    json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(o);
}
