/* The loop over the cells, and the sequence of commands that makes one cell out of a worker:
 *
 *     load (once per model and format)   setup   rep x warm-up   start   rep x repetitions   stop   end
 *
 * The parent waits in poll() while a command runs. The number of repetitions is decided after the warm-up. */
#include "harness/experiment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/topology.h"
#include "harness/bench_energy.h"
#include "harness/interrupt.h"
#include "harness/json_util.h"
#include "profiles/time_clock.h"

static const char *kv_name(const struct experiment *e)
{
    return e->suite->kv == KV_F32 ? "f32" : "f16";
}

static void drop_worker(struct experiment *e)
{
    worker_stop(e->worker);
    json_decref(e->load_reply);
    e->worker = NULL;
    e->load_reply = NULL;
}

static bool cell_fail(struct cell_result *r, const char *reason)
{
    r->status = CELL_FAILED;
    snprintf(r->reason, sizeof r->reason, "%.*s", PLAN_REASON_LEN - 1, reason);
    return false;
}

/* One command to the living worker. False: the cell has failed; the worker may be gone. */
static bool call(struct experiment *e, struct cell_result *r, json_t *cmd, double timeout_s, json_t **reply)
{
    char reason[WORKER_REASON_LEN];
    const enum worker_result result = worker_call(e->worker, cmd, timeout_s, reply, reason);
    if (result == WORKER_OK)
        return true;
    if (result == WORKER_TIMED_OUT)
        snprintf(reason, sizeof reason, "timed out: more than %.6g s (timeout_s, --timeout)", e->suite->timeout_s);
    if (result != WORKER_REFUSED)
        drop_worker(e);
    return cell_fail(r, reason);
}

/* ---- loading -------------------------------------------------------------------------------------------------------- */

static bool start_worker(struct experiment *e, struct cell_result *r)
{
    char reason[WORKER_REASON_LEN];
    return !worker_start(e->options, &e->worker, reason) || cell_fail(r, reason);
}

static json_t *load_command(const struct experiment *e, const struct group *g, unsigned threads)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:i, s:I}", "cmd", "load", "model", g->spec, "format", g->format->name, "embedding",
                     json_text_or_null(e->suite->embedding), "threads", (int)threads, "seed", (json_int_t)e->suite->seed);
}

static unsigned most_threads(const struct experiment *e)
{
    unsigned most = 1;
    for (size_t i = 0; i < e->plan->n_cells; i++)
        if (!e->plan->cells[i].reason[0] && e->plan->cells[i].threads > most)
            most = e->plan->cells[i].threads;
    return most;
}

/* A worker that has the cell's model loaded. */
static bool ensure_loaded(struct experiment *e, const struct cell *c, struct cell_result *r)
{
    struct group *g = &e->plan->groups[c->group];
    if (e->group != c->group || !worker_alive(e->worker)) {
        if (e->group != c->group)
            e->load_failures = 0;
        drop_worker(e);
        e->group = c->group;
    }
    if (e->load_reply)
        return true;
    if (e->load_failures >= EXPERIMENT_LOAD_TRIES)
        return cell_fail(r, e->load_reason);
    progress_step(e->progress, c, "load");
    if (!start_worker(e, r))
        return false;
    const bool ok = call(e, r, load_command(e, g, most_threads(e)), e->suite->timeout_s, &e->load_reply);
    if (!ok) { /* a refusal is final, a crash may have been bad luck */
        e->load_failures = worker_alive(e->worker) ? EXPERIMENT_LOAD_TRIES : e->load_failures + 1;
        memcpy(e->load_reason, r->reason, sizeof e->load_reason);
        drop_worker(e);
        return false;
    }
    const char *embedding = json_string_value(json_object_get(e->load_reply, "embedding"));
    if (embedding)
        snprintf(g->embedding, sizeof g->embedding, "%s", embedding);
    e->load_failures = 0;
    return true;
}

/* ---- repetitions ---------------------------------------------------------------------------------------------------- */

static json_t *setup_command(const struct experiment *e, const struct cell *c)
{
    char text[4096] = "";
    if (c->quality)
        suite_resolve(e->suite, e->suite->quality.text, text, sizeof text);
    /* decode fills its cache in passes of the engine's own size */
    return json_pack("{s:s, s:s, s:i, s:I, s:i, s:s, s:i, s:i, s:i, s:i, s:I, s:s, s:i, s:i}", "cmd", "setup", "workload",
                     c->workload, "threads", (int)c->threads, "n_ctx", (json_int_t)c->n_ctx, "chunk", c->n_gen ? 0 : (int)c->batch,
                     "kv", kv_name(e), "n_prompt", (int)c->n_prompt, "n_gen", (int)c->n_gen, "depth", (int)c->depth, "batch",
                     (int)c->batch, "seed", (json_int_t)e->suite->seed, "text", text, "window", (int)e->suite->quality.window,
                     "windows", (int)e->suite->quality.windows);
}

static json_t *plain_command(const char *name)
{
    return json_pack("{s:s}", "cmd", name);
}

static void stream_sample(struct experiment *e, const struct cell *c, const json_t *reply, bool warmup, size_t index)
{
    char id[PLAN_ID_LEN];
    plan_cell_id(e->plan, c, id);
    json_t *line = json_pack("{s:s, s:s, s:I}", "cell", id, "kind", warmup ? "warmup" : "timed", "index", (json_int_t)index);
    if (line)
        json_object_update(line, (json_t *)reply);
    record_line(e->record, "sample", line);
}

static bool take_sample(struct experiment *e, const struct cell *c, struct cell_result *r, const json_t *reply, bool warmup)
{
    const json_t *time = json_object_get(reply, "time_s"), *tokens = json_object_get(reply, "token_s");
    const char *hash = json_string_value(json_object_get(reply, "output_sha256"));
    struct samples *list = warmup ? &r->warmup_s : &r->time_s;
    if (!json_is_real(time) || !(json_real_value(time) > 0) || !hash)
        return cell_fail(r, "worker answered a repetition without its time or output");
    stream_sample(e, c, reply, warmup, list->n);
    int rc = samples_push(list, json_real_value(time));
    for (size_t i = 0; !warmup && !rc && i < json_array_size(tokens); i++)
        rc = samples_push(&r->token_s, json_number_value(json_array_get(tokens, i)));
    const json_t *j = json_object_get(reply, "energy_j"), *s = json_object_get(reply, "energy_s");
    if (!warmup && !rc && json_is_number(j) && json_is_number(s))
        rc = samples_push(&r->energy_j, json_number_value(j)) || samples_push(&r->energy_s, json_number_value(s));
    if (rc)
        return cell_fail(r, "out of memory");
    if (r->output_sha256[0] && strcmp(r->output_sha256, hash))
        return cell_fail(r, "output differs between repetitions: the computation is not deterministic");
    snprintf(r->output_sha256, sizeof r->output_sha256, "%s", hash);
    return true;
}

/* Timed repetitions of this cell: fewer where one of them (the last warm-up, else the first) is slow. */
static unsigned repetitions(const struct experiment *e, const struct cell *c, const struct cell_result *r)
{
    const struct suite *s = e->suite;
    const struct samples *known = r->warmup_s.n ? &r->warmup_s : &r->time_s;
    if (c->quality) /* one pass gives the perplexity; its speed is no result */
        return 1;
    const bool slow = known->n && known->v[r->warmup_s.n ? known->n - 1 : 0] > s->slow_s;
    return slow && s->repetitions_slow < s->repetitions ? s->repetitions_slow : s->repetitions;
}

static bool one_rep(struct experiment *e, const struct cell *c, struct cell_result *r, double deadline, bool warmup)
{
    char what[64];
    json_t *reply;
    if (warmup)
        snprintf(what, sizeof what, "warm-up %zu", r->warmup_s.n + 1);
    else
        snprintf(what, sizeof what, "rep %zu/%u", r->time_s.n + 1, repetitions(e, c, r));
    progress_step(e->progress, c, what);
    if (!call(e, r, plain_command("rep"), deadline - time_now_s(), &reply))
        return false;
    const bool ok = take_sample(e, c, r, reply, warmup);
    json_decref(reply);
    return ok;
}

static void warn(struct experiment *e, const char *check, const char *message)
{
    json_t *list = json_object_get(e->record->root, "warnings");
    progress_note(e->progress, message);
    json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "severity", "warn", "check", check, "message", message));
}

/* One repetition that is no sample: outside of the probes' window, its time only set against the samples. The samples are in: a pass
 * that fails costs the profile, not the cell; one with another output proves that the cell's output is wrong. */
static bool profile(struct experiment *e, const struct cell *c, struct cell_result *r)
{
    struct cell_result pass = {0};
    json_t *reply = NULL;
    progress_step(e->progress, c, "profile");
    bool ok = call(e, &pass, plain_command("profile"), e->suite->timeout_s, &reply);
    const char *hash = json_string_value(json_object_get(reply, "output_sha256"));
    if (ok && !(hash && json_is_array(json_object_get(reply, "ops"))))
        ok = cell_fail(&pass, "worker answered without a profile");
    if (!ok) {
        char id[PLAN_ID_LEN], message[PLAN_ID_LEN + PLAN_REASON_LEN + 32];
        plan_cell_id(e->plan, c, id);
        snprintf(message, sizeof message, "%s has no profile: %s", id, pass.reason);
        warn(e, "profile", message);
        json_decref(reply);
        return true;
    }
    const bool same = !strcmp(hash, r->output_sha256);
    json_object_del(reply, "output_sha256");
    r->profile = reply;
    return same || cell_fail(r, "output differs under the profile: the computation is not deterministic");
}

/* From start to stop. */
static bool measure(struct experiment *e, const struct cell *c, struct cell_result *r, double deadline)
{
    json_t *reply;
    const unsigned warmups = c->quality ? 0 : e->suite->warmup;
    bool ok = true;
    while (ok && r->warmup_s.n < warmups)
        ok = one_rep(e, c, r, deadline, true);
    if (!ok || !call(e, r, plain_command("start"), deadline - time_now_s(), &reply))
        return false;
    json_decref(reply);
    while (ok && r->time_s.n < repetitions(e, c, r))
        ok = one_rep(e, c, r, deadline, false);
    if (!ok || !call(e, r, plain_command("stop"), deadline - time_now_s(), &reply))
        return false;
    r->metrics = json_incref(json_object_get(reply, "metrics"));
    json_decref(reply);
    if (!json_is_array(r->metrics))
        return cell_fail(r, "worker answered without metrics");
    return !e->profile || c->quality || profile(e, c, r);
}

static void execute(struct experiment *e, const struct cell *c, struct cell_result *r)
{
    json_t *reply = NULL;
    struct cell_result end = {0};
    if (!ensure_loaded(e, c, r))
        return;
    r->load = json_incref(e->load_reply);
    const double deadline = time_now_s() + e->suite->timeout_s;
    if (!call(e, r, setup_command(e, c), e->suite->timeout_s, &r->setup))
        return;
    if (measure(e, c, r, deadline))
        r->status = CELL_OK;
    /* the samples are in; if the worker cannot even clean up, the next cell gets a fresh one */
    if (worker_alive(e->worker) && !call(e, &end, plain_command("end"), e->suite->timeout_s, &reply))
        drop_worker(e);
    json_decref(reply);
}

/* ---- the loop ------------------------------------------------------------------------------------------------------- */

static const json_t *peak_of(const struct experiment *e, unsigned threads)
{
    size_t i;
    json_t *p;
    json_array_foreach(json_object_get(e->record->root, "peaks"), i, p)
    {
        if (json_integer_value(json_object_get(p, "threads")) == (json_int_t)threads)
            return p;
    }
    return NULL;
}

static void measure_peak(struct experiment *e, unsigned threads)
{
    enum { CAP = 1024 };
    int cpus[CAP];
    char what[64];
    struct cell_result r = {0};
    json_t *reply = NULL, *list = json_array();
    const size_t n = topology_cpus(cpus, CAP, NULL);
    for (size_t i = 0; n >= threads && i < threads; i++)
        json_array_append_new(list, json_integer(cpus[i]));
    snprintf(what, sizeof what, "peaks of this machine, %u thread%s", threads, threads == 1 ? "" : "s");
    progress_step(e->progress, NULL, what);
    const json_int_t bytes = (json_int_t)e->peak_buffer_bytes;
    json_t *cmd = json_pack("{s:s, s:i, s:O, s:I}", "cmd", "peak", "threads", (int)threads, "cpus", list, "buffer_bytes", bytes);
    json_decref(list);
    if (start_worker(e, &r) && call(e, &r, json_incref(cmd), 120, &reply))
        record_line(e->record, "peak", reply);
    else if (!interrupt_seen()) {
        char message[PLAN_REASON_LEN + 96];
        snprintf(message, sizeof message, "peaks for %u thread(s) could not be measured (%s): no roofline", threads, r.reason);
        warn(e, "peak", message);
    }
    json_decref(cmd);
    drop_worker(e);
}

static void measure_peaks(struct experiment *e)
{
    for (size_t i = 0; e->peak_buffer_bytes && i < e->plan->n_cells; i++) {
        const struct cell *c = &e->plan->cells[i];
        bool seen = c->reason[0] || c->quality || interrupt_seen();
        for (size_t k = 0; k < i; k++)
            seen |= !e->plan->cells[k].reason[0] && !e->plan->cells[k].quality && e->plan->cells[k].threads == c->threads;
        if (!seen)
            measure_peak(e, c->threads);
    }
}

static void describe(const struct cell *c, const struct cell_result *r, const json_t *object, char *out, size_t len)
{
    const json_t *speed = json_object_get(object, "tokens_per_s");
    if (r->status != CELL_OK)
        snprintf(out, len, "%s: %s", r->status == CELL_FAILED ? "FAILED" : "skipped", r->reason);
    else if (c->quality)
        snprintf(out, len, "perplexity %.4f",
                 json_number_value(json_object_get(metric_json_find(r->metrics, "perplexity"), "value")));
    else
        snprintf(out, len, "%.4g tokens/s, %zu x %.3g s", json_number_value(json_object_get(speed, "median")), r->time_s.n,
                 stats_mean(r->time_s.v, r->time_s.n));
}

static void finish_cell(struct experiment *e, size_t i)
{
    const struct cell *c = &e->plan->cells[i];
    struct cell_result *r = &e->results[i];
    char outcome[PLAN_REASON_LEN + 64];
    json_t *object = cell_json(e->plan, c, r, kv_name(e), peak_of(e, c->threads));
    if (!object) { /* a worker that sends nonsense numbers must not take the record along */
        cell_fail(r, "the result cannot be written: out of memory, or a number that JSON cannot hold");
        object = cell_json(e->plan, c, r, kv_name(e), NULL);
    }
    if (e->estimate && r->status == CELL_OK)
        bench_energy_estimates(json_object_get(object, "metrics"), e->plan, c, r);
    describe(c, r, object, outcome, sizeof outcome);
    record_line(e->record, "cell", object);
    progress_cell_done(e->progress, c, outcome, r->status == CELL_FAILED);
}

int experiment_run(struct experiment *e)
{
    e->group = (size_t)-1;
    e->results = calloc(e->plan->n_cells, sizeof *e->results);
    if (!e->results && e->plan->n_cells)
        return -ENOMEM;
    measure_peaks(e);
    bench_energy_measure(e, false);
    e->progress->began_s = time_now_s(); /* the estimates are of cells */
    for (size_t i = 0; i < e->plan->n_cells && !e->record->rc; i++) {
        const struct cell *c = &e->plan->cells[i];
        struct cell_result *r = &e->results[i];
        if (interrupt_seen() || c->reason[0]) {
            r->status = CELL_SKIPPED;
            snprintf(r->reason, sizeof r->reason, "%s", c->reason[0] ? c->reason : "interrupted");
        } else
            execute(e, c, r);
        finish_cell(e, i);
    }
    drop_worker(e);
    if (e->baseline_s > 0 && !interrupt_seen())
        bench_energy_measure(e, true);
    return e->record->rc;
}

void experiment_free(struct experiment *e)
{
    drop_worker(e);
    for (size_t i = 0; e->results && i < e->plan->n_cells; i++)
        cell_result_free(&e->results[i]);
    free(e->results);
    e->results = NULL;
    json_decref(e->energy[0]);
    json_decref(e->energy[1]);
}
