/* Baseline, net energy and estimates of a run; see bench_energy.h.
 *
 *     gross     joules of the cell's window, interval by the update grid
 *     baseline  mean idle watts * length of the window
 *     net       gross - baseline; per token: / (tokens * repetitions)
 * The length of the window is that of the energy source: joules / watts. */
#include "harness/bench_energy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/interrupt.h"
#include "harness/json_util.h"
#include "profiles/energy_baseline.h"
#include "profiles/energy_estimate.h"
#include "profiles/metric_out.h"

/* ---- measuring ---- */

void bench_energy_measure(struct experiment *e, bool after)
{
    char reason[WORKER_REASON_LEN];
    struct worker *w = NULL;
    json_t *reply = NULL, *cmd = json_pack("{s:s, s:f}", "cmd", "energy", "idle_s", e->baseline_s);
    if (e->baseline_s > 0)
        progress_step(e->progress, NULL, after ? "idle machine, after" : "idle machine, before");
    if (worker_start(e->options, NULL, &w, reason)) {
        json_decref(cmd);
    } else if (worker_call(w, cmd, e->baseline_s + 60, &reply, reason) != WORKER_OK) {
        reply = NULL;
    }
    worker_stop(w);
    if (!reply)
        reply = json_pack("{s:s}", "reason", reason);
    json_t *line = json_pack("{s:s, s:O}", "when", after ? "after" : "before", "energy", reply);
    record_line(e->record, "energy", line);
    const char *why = json_string_value(json_object_get(reply, "reason"));
    if (why) {
        char note[PLAN_REASON_LEN + 32];
        snprintf(note, sizeof note, "energy: unavailable (%s)", why);
        progress_note(e->progress, note);
    }
    e->energy[after] = reply;
}

/* ---- the object ---- */

static double metric_value(const struct cell_result *r, const char *name)
{
    const json_t *v = json_object_get(metric_json_find(r->metrics, name), "value");
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

/* energy_X_j -> power_X_w */
static double window_s(const struct cell_result *r, const json_t *headline)
{
    char name[METRIC_NAME_LEN];
    const char *energy = json_string_value(json_object_get(headline, "name"));
    snprintf(name, sizeof name, "power_%.*s_w", (int)(strlen(energy) - strlen("energy__j")), energy + strlen("energy_"));
    return json_number_value(json_object_get(headline, "value")) / metric_value(r, name);
}

static struct energy_interval divided(struct energy_interval x, double by)
{
    return (struct energy_interval){x.value / by, x.lo / by, x.hi / by};
}

static json_t *cell_energy_json(const struct plan *p, const struct cell *c, const struct cell_result *r,
                                struct energy_interval idle)
{
    char id[PLAN_ID_LEN];
    const json_t *headline = cell_energy_metric(r);
    const double tokens = cell_tokens(r) * r->energy_repetitions, length_s = window_s(r, headline);
    const struct energy_interval gross =
        energy_gross(json_number_value(json_object_get(headline, "value")), metric_value(r, "energy_quantisation"));
    const struct energy_interval none = {0, 0, 0}, net = energy_net(gross, idle, length_s);
    const struct energy_interval neg = energy_net(none, idle, length_s), baseline = {-neg.value, -neg.hi, -neg.lo};
    plan_cell_id(p, c, id);
    return json_pack("{s:s, s:O, s:f, s:o, s:o, s:o, s:o, s:o}", "id", id, "metric", json_object_get(headline, "name"), "window_s",
                     length_s, "gross_j", energy_interval_json(gross), "baseline_j", energy_interval_json(baseline), "net_j",
                     energy_interval_json(net), "joules_per_token", energy_interval_json(divided(gross, tokens)),
                     "net_joules_per_token", energy_interval_json(divided(net, tokens)));
}

/* Why there is no idle power, or only that of one half: null: both halves are there. New reference. */
static json_t *no_idle(const struct experiment *e, const struct energy_baseline *all)
{
    if (!(e->baseline_s > 0))
        return json_string("not asked for (--baseline SECONDS)");
    for (size_t i = 0; i < 2; i++) {
        const char *reason = e->energy[i] ? json_string_value(json_object_get(e->energy[i], "reason")) : "interrupted";
        if (reason)
            return all->n < 2 ? json_string(reason) : json_sprintf("%s the cells: %s", i ? "after" : "before", reason);
    }
    return all->n < 2 ? json_string("interrupted") : json_null();
}

json_t *bench_energy_json(struct experiment *e)
{
    struct energy_baseline all = {.n = 0};
    json_t *cells = json_array(), *part[2];
    for (size_t i = 0; i < 2; i++) {
        json_t *windows = json_object_get(e->energy[i], "windows");
        energy_baseline_from_json(windows, &all);
        part[i] = windows ? json_incref(windows) : json_array();
    }
    const struct energy_interval idle = energy_baseline_watts(&all);
    for (size_t i = 0; i < e->plan->n_cells; i++)
        if (e->results[i].status == CELL_OK && cell_energy_metric(&e->results[i]))
            json_array_append_new(cells, cell_energy_json(e->plan, &e->plan->cells[i], &e->results[i], idle));
    json_t *source = json_object_get(e->energy[0], "source");
    json_t *o =
        json_pack("{s:o, s:{s:f, s:o, s:o, s:o, s:o, s:o}, s:o}", "source", source ? json_incref(source) : json_null(), "baseline",
                  "seconds", e->baseline_s, "before", part[0], "after", part[1], "idle_w", energy_interval_json(idle), "confidence",
                  json_number_or_null(energy_baseline_confidence(&all)), "reason", no_idle(e, &all), "cells", cells);
    for (size_t i = 0; i < 2; i++) {
        json_decref(e->energy[i]);
        e->energy[i] = NULL;
    }
    return o;
}

/* ---- estimates ---- */

/* How the arithmetic model counts a format's linear layers, by what its weights are. */
static enum arith_linear linear_kind(const struct format *f)
{
    if (f->ternary)
        return ARITH_LINEAR_TERNARY;
    if (f->bits < 16)
        return ARITH_LINEAR_INT8;
    return f->bits < 32 ? ARITH_LINEAR_FP16 : ARITH_LINEAR_FP32;
}

static void append(json_t *list, const struct metric *m)
{
    json_array_append_new(list, metric_json(m));
}

static void put_arithmetic(json_t *list, const struct plan *p, const struct cell *c, double tokens, enum arith_node node)
{
    const struct hparams *hp = &p->groups[c->group].hp;
    const struct arith_shape s = {.layers = (double)hp->n_layer, .heads = (double)hp->n_head, .head_dim = (double)hp->head_dim};
    /* token i of a repetition looks at depth + i + 1 positions: on average depth + (tokens + 1) / 2 */
    const double attention = arith_attention_macs(&s, 1, c->depth + (tokens + 1) / 2);
    const double j = arith_energy_j(linear_kind(p->groups[c->group].format), plan_linear_params(hp), attention, node);
    struct metric m;
    metric_set(&m, node == ARITH_7NM ? "estimated_arith_7nm_j_per_token" : "estimated_arith_45nm_j_per_token", "J",
               METRIC_ESTIMATED, j, "pJ per operation, arXiv 2310.11453");
    snprintf(m.reason, sizeof m.reason, "not measured: additions and multiplications alone; no memory, no lm_head, no idle power");
    append(list, &m);
}

void bench_energy_estimates(json_t *list, const struct plan *p, const struct cell *c, const struct cell_result *r)
{
    static const char proxy[] = "200 W * share of busy CPUs", name[] = "estimated_cpu_share_j_per_token";
    const double tokens = cell_tokens(r), busy_s = metric_value(r, "machine_busy_s");
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct metric m;
    if (p->groups[c->group].hp.n_layer) {
        put_arithmetic(list, p, c, tokens, ARITH_7NM);
        put_arithmetic(list, p, c, tokens, ARITH_45NM);
    }
    if (isnan(busy_s))
        metric_unavailable(&m, name, "J", proxy, "no stat in procfs");
    else {
        metric_set(&m, name, "J", METRIC_ESTIMATED,
                   proxy_energy_j(busy_s, cpus > 0 ? (unsigned)cpus : 1) / (tokens * r->repetitions), proxy);
        snprintf(m.reason, sizeof m.reason, "not measured: time in disguise, shown only to compare with publications that use it");
    }
    append(list, &m);
}
