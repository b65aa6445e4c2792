/* One worker per model and format: confine, load, serve, and the record's line about it.
 *
 *     need > memory of the profile             does not fit, by prediction (plan.h); nothing is run
 *     control group made                       the kernel ends a worker that wants more
 *     else                                     the watch does, once it sees it
 *     rate of the server                       bisected between 0 and what the offline load managed */
#include "harness/scenario.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/topology.h"
#include "harness/interrupt.h"
#include "harness/json_util.h"
#include "harness/live.h"
#include "harness/load_gen.h"
#include "harness/mem_group.h"
#include "harness/scenario_resume.h"
#include "harness/scenario_verdict.h"
#include "harness/watch.h"

enum { TEXT_LEN = 512, MAX_CPUS = 1024, GRACE_S = 30 };

/* A group of the plan under way. */
struct run {
    struct scenario_run *r;
    const struct scenario *s;
    struct group *g;
    struct cell cell; /* what it needs: threads, contexts */
    unsigned have;    /* threads of the profile that this machine can give */
    struct worker *worker;
    struct mem_group group;
    char no_group[MEM_GROUP_REASON_LEN]; /* why there is no control group */
    struct watch *watch;
    struct watch_summary sum, before; /* of all attempts; of the earlier ones */
    size_t next_line;                 /* of scenario_run.resumed */
    json_t *loads, *search, *scaling, *watched;
    bool too_large;        /* does not fit: predicted or seen */
    char reason[TEXT_LEN]; /* why it ended early; empty: it did not */
};

static void step(const struct run *x, const char *what)
{
    char text[TEXT_LEN];
    snprintf(text, sizeof text, "%s %s: %s", x->g->model, x->g->format->name, what);
    progress_step(x->r->progress, NULL, text);
}

/* ---- the worker ----------------------------------------------------------------------------------------------------- */

/* False: the run is over, and x->reason says why. */
static bool call(struct run *x, json_t *cmd, double timeout_s, json_t **reply)
{
    char reason[WORKER_REASON_LEN];
    if (worker_call(x->worker, cmd, timeout_s, reply, reason) == WORKER_OK)
        return true;
    snprintf(x->reason, sizeof x->reason, "%s", reason);
    return false;
}

static json_t *load_command(const struct run *x)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:i, s:I}", "cmd", "load", "model", x->g->spec, "format", x->g->format->name,
                     "embedding", json_text_or_null(x->r->suite->embedding), "threads", (int)x->have, "seed",
                     (json_int_t)x->r->suite->seed);
}

static bool begin(struct run *x)
{
    char reason[WORKER_REASON_LEN];
    json_t *reply = NULL;
    const double limit = (double)x->s->memory_mb * (1 << 20);
    const struct watch_options wo = {.env = &x->r->options->env,
                                     .hz = x->r->suite->watch_hz > 0 ? x->r->suite->watch_hz : WATCH_DEFAULT_HZ,
                                     .threads = x->have,
                                     .rss_limit_bytes = limit};
    mem_group_make(&x->r->options->env, limit, &x->group, x->no_group);
    if (worker_start(x->r->options, NULL, &x->worker, reason) || watch_start(&wo, &x->watch)) {
        snprintf(x->reason, sizeof x->reason, "%s", x->worker ? "no thread for the watch" : reason);
        return false;
    }
    json_t *confine =
        json_pack("{s:s, s:i, s:o}", "cmd", "confine", "cpus", (int)x->have, "cgroup", json_text_or_null(x->group.path));
    step(x, "load");
    bool ok = call(x, confine, x->r->suite->timeout_s, &reply);
    json_decref(reply);
    reply = NULL;
    ok = ok && call(x, load_command(x), x->r->suite->timeout_s, &reply);
    const char *embedding = json_string_value(json_object_get(reply, "embedding"));
    if (embedding)
        snprintf(x->g->embedding, sizeof x->g->embedding, "%s", embedding);
    json_decref(reply);
    return ok;
}

static void end(struct run *x)
{
    const bool killed = mem_group_ended_one(&x->group);
    if (x->watch)
        x->watched = watch_stop(x->watch, &x->sum);
    if (x->watched && x->before.length_s > 0)
        json_object_set_new(x->watched, "earlier_attempts_s", json_real(x->before.length_s));
    x->sum = watch_add(&x->before, &x->sum);
    worker_stop(x->worker);
    mem_group_remove(&x->group);
    if (!x->reason[0] || !(killed || x->sum.ended_a_worker))
        return;
    x->too_large = true;
    if (killed)
        snprintf(x->reason, sizeof x->reason, "the kernel ended the worker at its memory limit of %u MB", x->s->memory_mb);
    else
        snprintf(x->reason, sizeof x->reason, "the worker was ended when it held %.0f MB, more than %u MB",
                 x->sum.ended_bytes / (1 << 20), x->s->memory_mb);
}

/* ---- loads ---------------------------------------------------------------------------------------------------------- */

static bool wants(const struct scenario *s, enum load_kind k)
{
    return strstr(s->loads, load_name(k)); /* no name is a part of another */
}

/* What an earlier attempt served is not served again: its reply is in the stream. True: *reply, or none there; false: x->reason. */
static bool take_up(struct run *x, const struct served_load *what, json_t **reply)
{
    if (!scenario_load_next(x->r->resumed, &x->next_line, what, reply, &x->before))
        return true;
    snprintf(x->reason, sizeof x->reason, "the earlier attempt served other loads than this program would: begin anew");
    return false;
}

/* New reference in *reply. */
static bool serve(struct run *x, enum load_kind kind, unsigned threads, double rate, json_t **reply)
{
    const struct request q = x->s->request.v[0];
    const struct served_load what = {x->g->model, x->g->format->name, load_name(kind), threads, rate};
    char text[64];
    if (!take_up(x, &what, reply))
        return false;
    if (*reply)
        return true;
    snprintf(text, sizeof text, rate > 0 ? "%s, %.3g requests/s" : "%s", load_name(kind), rate);
    step(x, text);
    json_t *cmd =
        json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:f, s:f, s:I, s:i, s:i, s:s, s:f, s:f}", "cmd", "serve", "kind", load_name(kind),
                  "n_prompt", (int)q.n_prompt, "n_gen", (int)q.n_gen, "requests", (int)x->s->requests, "sequences",
                  (int)x->s->sequences, "rate", rate, "timeout_s", x->r->suite->timeout_s, "seed", (json_int_t)x->r->suite->seed,
                  "threads", (int)threads, "chunk", (int)x->cell.batch, "kv", x->r->suite->kv == KV_F32 ? "f32" : "f16",
                  "percentile", x->s->percentile, "confidence", x->s->confidence);
    if (!call(x, cmd, x->r->suite->timeout_s + GRACE_S, reply))
        return false;
    const struct watch_summary now = watch_so_far(x->watch), all = watch_add(&x->before, &now);
    if (!record_line(x->r->record, "scenario_load", scenario_load_line(&what, *reply, &all)))
        return true;
    json_decref(*reply);
    *reply = NULL;
    snprintf(x->reason, sizeof x->reason, "%.400s", x->r->record->err);
    return false;
}

static bool add_load(struct run *x, enum load_kind kind)
{
    json_t *reply = NULL;
    const bool ok = serve(x, kind, x->have, 0, &reply);
    if (ok)
        json_array_append_new(x->loads, reply);
    return ok;
}

static double field(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

/* One rate. The reply stays with the caller when it meets the targets. */
static bool trial(struct run *x, double rate, json_t *trials, json_t **meeting)
{
    json_t *reply = NULL;
    if (!serve(x, LOAD_SERVER, x->have, rate, &reply))
        return false;
    json_t *verdict = scenario_meets(x->s, reply);
    json_object_set_new(verdict, "rate", json_real(rate));
    json_object_set(reply, "target", verdict);
    json_array_append_new(trials, verdict);
    *meeting = json_is_true(json_object_get(verdict, "meets")) ? reply : NULL;
    if (!*meeting)
        json_decref(reply);
    return true;
}

/* The highest rate that meets the targets, to within most / 2^trials. */
static bool search_rate(struct run *x)
{
    const double most = field(scenario_load(x->loads, load_name(LOAD_OFFLINE)), "requests_per_min") / 60;
    double lo = 0, hi = most;
    json_t *trials = json_array(), *best = NULL;
    bool ok = most > 0;
    for (unsigned i = 0; i < x->s->trials && ok && !interrupt_seen(); i++) {
        json_t *meeting = NULL;
        const double rate = 0.5 * (lo + hi);
        ok = trial(x, rate, trials, &meeting);
        if (!meeting) {
            hi = rate;
            continue;
        }
        lo = rate;
        json_decref(best);
        best = meeting;
    }
    const json_t *target = json_object_get(best, "target");
    x->search = json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "rate", best ? json_real(lo) : json_null(), "proven",
        best ? json_incref(json_object_get(target, "proven")) : json_null(), "offline_rate", json_number_or_null(most), "reason",
        best ? json_null() : json_string(most > 0 ? "no rate that was tried meets the targets" : "no offline rate"), "trials",
        trials);
    if (best)
        json_array_append_new(x->loads, best);
    return ok;
}

/* Offline with 1, 2, 4, ... threads; the load with all of them is there. */
static bool scale(struct run *x)
{
    x->scaling = json_array();
    double one = (double)NAN;
    for (unsigned t = 1; t <= x->have; t = 2 * t < x->have || t == x->have ? 2 * t : x->have) {
        json_t *reply = NULL;
        if (t < x->have && !serve(x, LOAD_OFFLINE, t, 0, &reply))
            return false;
        const double v = field(t < x->have ? reply : scenario_load(x->loads, load_name(LOAD_OFFLINE)), "output_tokens_per_s");
        json_decref(reply);
        one = t == 1 ? v : one;
        json_array_append_new(x->scaling,
                              json_pack("{s:i, s:o, s:o, s:o}", "threads", (int)t, "output_tokens_per_s", json_number_or_null(v),
                                        "speedup", json_number_or_null(v / one), "efficiency", json_number_or_null(v / one / t)));
    }
    return true;
}

static bool run_loads(struct run *x)
{
    const bool server = wants(x->s, LOAD_SERVER), scaling = !strcmp(x->s->priority, "scalability");
    if (wants(x->s, LOAD_SINGLE_STREAM) && !add_load(x, LOAD_SINGLE_STREAM))
        return false;
    if ((server || scaling || wants(x->s, LOAD_OFFLINE)) && !add_load(x, LOAD_OFFLINE))
        return false;
    if (scaling && !scale(x))
        return false;
    return !server || search_rate(x);
}

/* ---- the record ----------------------------------------------------------------------------------------------------- */

static json_t *headline(const struct run *x, const json_t *delivers)
{
    const char *name = "p95_latency_s", *unit = "s";
    double value = field(delivers, name);
    if (!strcmp(x->s->priority, "efficiency")) {
        name = "joules_per_token";
        unit = "J";
        value = field(delivers, name);
    } else if (!strcmp(x->s->priority, "throughput")) {
        name = "output_tokens_per_s";
        unit = "tokens/s";
        value = field(delivers, name);
    } else if (!strcmp(x->s->priority, "scalability")) {
        name = "parallel_efficiency";
        unit = "1";
        value = scenario_efficiency(x->scaling);
    }
    return json_pack("{s:s, s:o, s:s}", "name", name, "value", json_number_or_null(value), "unit", unit);
}

static json_t *profile_json(const struct run *x)
{
    char note[TEXT_LEN] = "";
    const bool whole = x->have == x->s->threads;
    if (!whole)
        snprintf(note, sizeof note, "the profile has %u cores, this machine gives %u: the figures are of %u, and say nothing of %u",
                 x->s->threads, x->have, x->have, x->s->threads);
    return json_pack("{s:i, s:i, s:i, s:s, s:b, s:o}", "threads", (int)x->s->threads, "threads_used", (int)x->have, "memory_mb",
                     (int)x->s->memory_mb, "priority", x->s->priority, "representative", (int)whole, "note",
                     json_text_or_null(note));
}

static json_t *memory_json(const struct run *x, double need, bool ran)
{
    const char *how = !ran ? "prediction" : x->no_group[0] ? "watch" : "control group";
    const double peak = x->sum.rss_peak_bytes > 0 ? x->sum.rss_peak_bytes : (double)NAN;
    return json_pack("{s:f, s:f, s:s, s:o, s:o}", "need_bytes", need, "limit_bytes", (double)x->s->memory_mb * (1 << 20),
                     "enforced_by", how, "no_control_group", json_text_or_null(x->no_group), "rss_peak_bytes",
                     ran ? json_number_or_null(peak) : json_null());
}

/* What the search and the scaling found, as further parts of the sentence; "" for what was not asked for. */
static void say_more(const struct run *x, char text[TEXT_LEN])
{
    const double rate = field(x->search, "rate"), efficiency = scenario_efficiency(x->scaling);
    size_t len = 0;
    text[0] = 0;
    if (x->search && isfinite(rate))
        len = (size_t)snprintf(text, TEXT_LEN, ", %.3g requests/s within the targets%s", rate,
                               json_is_true(json_object_get(x->search, "proven")) ? "" : " (not proven)");
    else if (x->search)
        len = (size_t)snprintf(text, TEXT_LEN, ", %s", json_string_value(json_object_get(x->search, "reason")));
    if (isfinite(efficiency))
        snprintf(text + len, TEXT_LEN - len, ", parallel efficiency %.2g on %u threads", efficiency, x->have);
}

/* In one sentence. */
static void say(const struct run *x, const char *status, const json_t *delivers, size_t alerts, char text[TEXT_LEN])
{
    char joules[64] = "J/token unavailable", more[TEXT_LEN];
    if (x->too_large)
        snprintf(text, TEXT_LEN, "does not fit: %.400s", x->reason);
    else if (strcmp(status, "ok") != 0)
        snprintf(text, TEXT_LEN, "%s: %.400s", status, x->reason);
    else {
        if (isfinite(field(delivers, "joules_per_token")))
            snprintf(joules, sizeof joules, "%.3g J/token", field(delivers, "joules_per_token"));
        say_more(x, more);
        snprintf(text, TEXT_LEN, "fits; %.4g tokens/s, p95 %.3g s, %.3g requests/min, %s%s%s; %zu limit%s of the service crossed",
                 field(delivers, "output_tokens_per_s"), field(delivers, "p95_latency_s"), field(delivers, "requests_per_min"),
                 joules, more, x->have < x->s->threads ? ", with fewer cores than the profile" : "", alerts,
                 alerts == 1 ? "" : "s");
    }
}

static json_t *scenario_json(struct run *x, const char *status, double need, bool ran)
{
    const bool ok = !strcmp(status, "ok");
    char text[TEXT_LEN], request[64];
    json_t *alerts = ok ? scenario_alerts(x->s, x->loads, &x->sum) : json_array();
    json_t *delivers = scenario_delivers(x->loads, x->search);
    say(x, status, delivers, json_array_size(alerts), text);
    snprintf(request, sizeof request, "pp%u+tg%u", x->s->request.v[0].n_prompt, x->s->request.v[0].n_gen);
    json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:s, s:s}", "scenario", x->r->suite->name, "model", x->g->model,
                          "format", x->g->format->name, "embedding", json_text_or_null(x->g->embedding), "status", status, "reason",
                          json_text_or_null(x->reason), "fits", ok || x->too_large ? json_boolean(ok) : json_null(), "verdict",
                          text, "request", request);
    json_t *rest =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:O, s:o, s:o, s:o}", "profile", profile_json(x), "memory", memory_json(x, need, ran),
                  "headline", headline(x, delivers), "delivers", delivers, "alerts", alerts, "loads", x->loads, "search",
                  x->search ? json_incref(x->search) : json_null(), "scaling", x->scaling ? json_incref(x->scaling) : json_null(),
                  "watch", x->watched ? json_incref(x->watched) : json_null());
    if (!o || !rest || json_object_update(o, rest)) {
        json_decref(o);
        o = NULL;
    }
    json_decref(rest);
    progress_note(x->r->progress, text);
    return o;
}

/* ---- one model in one format ---------------------------------------------------------------------------------------- */

static unsigned cores_here(unsigned asked)
{
    int cpus[MAX_CPUS];
    size_t cores = 0;
    topology_cpus(cpus, MAX_CPUS, &cores);
    return !cores ? 1 : cores < asked ? (unsigned)cores : asked;
}

static struct cell cell_of(const struct suite *s, size_t group, unsigned threads)
{
    const struct request q = s->scenario.request.v[0];
    return (struct cell){.group = group,
                         .threads = threads,
                         .batch = s->batch.v[0] < q.n_prompt ? s->batch.v[0] : q.n_prompt,
                         .sequences = s->scenario.sequences,
                         .n_ctx = (size_t)q.n_prompt + q.n_gen};
}

static int run_group(struct scenario_run *r, size_t i)
{
    const struct scenario *s = &r->suite->scenario;
    struct run x = {.r = r, .s = s, .g = &r->plan->groups[i], .have = cores_here(s->threads), .loads = json_array()};
    const char *status = "skipped";
    x.cell = cell_of(r->suite, i, x.have);
    const double limit = (double)s->memory_mb * (1 << 20), need = x.g->reason[0] ? 0 : plan_need_bytes(r->suite, x.g, &x.cell);
    const bool run = !x.g->reason[0] && need <= limit && !interrupt_seen();
    if (x.g->reason[0] || interrupt_seen())
        snprintf(x.reason, sizeof x.reason, "%s", x.g->reason[0] ? x.g->reason : "interrupted");
    else if (!run) {
        x.too_large = true;
        snprintf(x.reason, sizeof x.reason, "needs %.0f MB, the profile has %u MB (predicted; not run)", need / (1 << 20),
                 s->memory_mb);
    } else {
        bool ok = begin(&x) && run_loads(&x);
        if (ok && interrupt_seen()) { /* the search may have ended early */
            snprintf(x.reason, sizeof x.reason, "interrupted");
            ok = false;
        }
        end(&x);
        status = ok ? "ok" : "failed";
        r->failed += !ok && !x.too_large;
    }
    json_t *line = scenario_json(&x, status, need, run);
    json_decref(x.loads);
    json_decref(x.search);
    json_decref(x.scaling);
    json_decref(x.watched);
    return line ? record_line(r->record, "scenario", line) : -ENOMEM;
}

int scenario_run(struct scenario_run *r)
{
    int rc = live_share() ? 0 : -ENOMEM;
    for (size_t i = 0; i < r->plan->n_groups && !rc; i++) {
        const struct group *g = &r->plan->groups[i];
        const json_t *done = scenario_done(r->resumed, g->model, g->format->name), *status = json_object_get(done, "status");
        if (done)
            r->failed += !strcmp(json_string_value(status), "failed") && !json_is_false(json_object_get(done, "fits"));
        else if (!g->quality)
            rc = run_group(r, i);
    }
    return rc;
}

void scenario_print_plan(FILE *f, const struct suite *s, const struct plan *p)
{
    const struct scenario *sc = &s->scenario;
    const unsigned have = cores_here(sc->threads);
    fprintf(f, "%s: %u of %u cores, %u MB, %s; %u requests pp%u+tg%u in each load: %s\n", s->name, have, sc->threads, sc->memory_mb,
            sc->priority, sc->requests, sc->request.v[0].n_prompt, sc->request.v[0].n_gen, sc->loads);
    for (size_t i = 0; i < p->n_groups; i++) {
        const struct group *g = &p->groups[i];
        const struct cell c = cell_of(s, i, have);
        if (g->quality)
            continue;
        const double need_mb = g->reason[0] ? 0 : plan_need_bytes(s, g, &c) / (1 << 20);
        if (g->reason[0])
            fprintf(f, "  %s %s: skipped: %s\n", g->model, g->format->name, g->reason);
        else
            fprintf(f, "  %s %s: needs %.0f MB%s\n", g->model, g->format->name, need_mb,
                    need_mb > sc->memory_mb ? ": does not fit" : "");
    }
}

void scenario_print(FILE *f, const json_t *root)
{
    size_t i, k;
    json_t *s, *a;
    json_array_foreach(json_object_get(root, "scenarios"), i, s)
    {
        const char *note = json_string_value(json_object_get(json_object_get(s, "profile"), "note"));
        fprintf(f, "%s: %s %s: %s\n", json_string_value(json_object_get(s, "scenario")),
                json_string_value(json_object_get(s, "model")), json_string_value(json_object_get(s, "format")),
                json_string_value(json_object_get(s, "verdict")));
        if (note)
            fprintf(f, "  note: %s\n", note);
        json_array_foreach(json_object_get(s, "alerts"), k, a)
        {
            fprintf(f, "  alert: %s\n", json_string_value(json_object_get(a, "message")));
        }
    }
}
