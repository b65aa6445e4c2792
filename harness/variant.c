/* The commands that make blocks out of a worker; see variant.h.
 *
 *     load (once per group)   setup   rep x warm-up   block, block, ...   profile   end
 *
 * The parent waits in poll() while a command runs. */
#include "harness/variant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/interrupt.h"
#include "harness/json_util.h"
#include "profiles/time_clock.h"

enum { MAX_WARMUP = 1000, PEAK_TIMEOUT_S = 120 };
static const double warm_share = 0.1; /* of a block, at least, where a warm-up is wanted at all */

static bool cell_fail(struct cell_result *r, const char *reason)
{
    r->status = CELL_FAILED;
    snprintf(r->reason, sizeof r->reason, "%.*s", PLAN_REASON_LEN - 1, reason);
    return false;
}

void variant_drop(struct experiment *e, size_t group)
{
    struct worker_slot *slot = &e->slots[group];
    worker_stop(slot->worker);
    json_decref(slot->load_reply);
    slot->worker = NULL;
    slot->load_reply = NULL;
}

/* One command to the group's worker. False: the cell has failed, or Ctrl-C; the worker may be gone. */
static bool call(struct experiment *e, size_t group, struct cell_result *r, json_t *cmd, double timeout_s, json_t **reply)
{
    char reason[WORKER_REASON_LEN];
    const enum worker_result result = worker_call(e->slots[group].worker, cmd, timeout_s, reply, reason);
    if (result == WORKER_OK)
        return true;
    if (result == WORKER_TIMED_OUT)
        snprintf(reason, sizeof reason, "timed out: more than %.6g s (timeout_s, --timeout)", e->suite->timeout_s);
    if (result != WORKER_REFUSED)
        variant_drop(e, group);
    return result != WORKER_INTERRUPTED && cell_fail(r, reason);
}

/* ---- loading -------------------------------------------------------------------------------------------------------- */

static unsigned most_threads(const struct experiment *e)
{
    unsigned most = 1;
    for (size_t i = 0; i < e->plan->n_cells; i++)
        if (!e->plan->cells[i].reason[0] && e->plan->cells[i].threads > most)
            most = e->plan->cells[i].threads;
    return most;
}

static json_t *load_command(const struct experiment *e, const struct group *g)
{
    if (g->external)
        return json_pack("{s:s, s:b}", "cmd", "load", "external", 1);
    return json_pack("{s:s, s:s, s:s, s:o, s:i, s:I}", "cmd", "load", "model", g->spec, "format", g->format->name, "embedding",
                     json_text_or_null(e->suite->embedding), "threads", (int)most_threads(e), "seed", (json_int_t)e->suite->seed);
}

static bool start_worker(struct experiment *e, size_t group, struct cell_result *r)
{
    char reason[WORKER_REASON_LEN];
    const char *program = e->plan->groups[group].program;
    const int rc = worker_start(e->options, program ? program : e->isolate, &e->slots[group].worker, reason);
    return !rc || (!interrupt_seen() && cell_fail(r, reason));
}

/* The group's worker, with the model loaded. */
static bool ensure_loaded(struct experiment *e, const struct cell *c, struct cell_result *r)
{
    struct worker_slot *slot = &e->slots[c->group];
    struct group *g = &e->plan->groups[c->group];
    if (slot->load_reply && worker_alive(slot->worker))
        return true;
    variant_drop(e, c->group);
    if (slot->failures >= EXPERIMENT_LOAD_TRIES)
        return cell_fail(r, slot->reason);
    progress_step(e->progress, c, "load");
    const bool started = start_worker(e, c->group, r);
    if (!started || !call(e, c->group, r, load_command(e, g), e->suite->timeout_s, &slot->load_reply)) {
        /* a refusal is final, a crash may have been bad luck */
        slot->failures = !started || worker_alive(slot->worker) ? EXPERIMENT_LOAD_TRIES : slot->failures + 1;
        memcpy(slot->reason, r->reason, sizeof slot->reason);
        variant_drop(e, c->group);
        return false;
    }
    const char *embedding = json_string_value(json_object_get(slot->load_reply, "embedding"));
    if (embedding)
        snprintf(g->embedding, sizeof g->embedding, "%s", embedding);
    slot->failures = 0;
    return true;
}

/* ---- setting up ----------------------------------------------------------------------------------------------------- */

static json_t *setup_command(const struct experiment *e, const struct cell *c)
{
    char text[4096] = "";
    const struct group *g = &e->plan->groups[c->group];
    if (g->external)
        return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:b}", "cmd", "setup", "workload", "external", "model", g->spec, "text",
                         g->external->command, "threads", (int)c->threads, "n_prompt", (int)c->n_prompt, "n_gen", (int)c->n_gen,
                         "wall_time", g->external->time && !strcmp(g->external->time, "wall"));
    if (c->quality)
        suite_resolve(e->suite, e->suite->quality.text, text, sizeof text);
    /* decode fills its cache in passes of the engine's own size */
    return json_pack("{s:s, s:s, s:i, s:I, s:i, s:s, s:i, s:i, s:i, s:i, s:i, s:I, s:s, s:i, s:i}", "cmd", "setup", "workload",
                     c->workload, "threads", (int)c->threads, "n_ctx", (json_int_t)c->n_ctx, "chunk",
                     c->n_prompt ? (int)c->batch : 0, "kv", experiment_kv(e), "n_prompt", (int)c->n_prompt, "n_gen", (int)c->n_gen,
                     "depth", (int)c->depth, "batch", (int)c->batch, "sequences", (int)c->sequences, "seed",
                     (json_int_t)e->suite->seed, "text", text, "window", (int)e->suite->quality.window, "windows",
                     (int)e->suite->quality.windows);
}

static json_t *plain_command(const char *name)
{
    return json_pack("{s:s}", "cmd", name);
}

/* Time that the cell may still take; a command always gets a moment. */
static double left_s(const struct experiment *e, const struct cell_result *r)
{
    return e->suite->timeout_s - fmin(r->used_s, 0.9 * e->suite->timeout_s);
}

static bool take_hash(struct cell_result *r, const json_t *reply)
{
    const char *hash = json_string_value(json_object_get(reply, "output_sha256"));
    if (!hash)
        return cell_fail(r, "worker answered a repetition without its time or output");
    if (r->output_sha256[0] && strcmp(r->output_sha256, hash))
        return cell_fail(r, "output differs between repetitions: the computation is not deterministic");
    snprintf(r->output_sha256, sizeof r->output_sha256, "%s", hash);
    return true;
}

static bool take_warmup(struct experiment *e, const struct cell *c, struct cell_result *r, json_t *reply)
{
    char id[PLAN_ID_LEN];
    const double time_s = json_number_value(json_object_get(reply, "time_s"));
    if (!(time_s > 0))
        return cell_fail(r, "worker answered a repetition without its time or output");
    plan_cell_id(e->plan, c, id);
    json_t *line = json_pack("{s:s, s:I, s:s}", "cell", id, "index", (json_int_t)(r - e->results), "kind", "warmup");
    json_object_update(line, reply);
    record_line(e->record, "sample", line);
    r->used_s += time_s;
    if (samples_push(&r->warmup_s, time_s))
        return cell_fail(r, "out of memory");
    return take_hash(r, reply);
}

static unsigned repetitions_for(double block_s, double once_s)
{
    return (unsigned)fmin(fmax(ceil(block_s / once_s), 1), 1e7);
}

/* At least the repetitions that the suite wants, and of short ones enough to know how long they take. */
static bool warm_up(struct experiment *e, struct variant *v, struct cell_result *r)
{
    const struct cell *c = &e->plan->cells[v->cell];
    const double block_s = experiment_block_s(e);
    double total_s = 0, last_s = 0;
    for (unsigned n = 0; n < e->suite->warmup || (n && total_s < warm_share * block_s && n < MAX_WARMUP); n++) {
        json_t *reply = NULL;
        progress_step(e->progress, c, "warm-up");
        if (!call(e, c->group, r, plain_command("rep"), left_s(e, r), &reply))
            return false;
        const bool ok = take_warmup(e, c, r, reply);
        last_s = json_number_value(json_object_get(reply, "time_s"));
        total_s += last_s;
        json_decref(reply);
        if (!ok)
            return false;
    }
    if (!v->repetitions)
        v->repetitions = last_s > 0 ? repetitions_for(block_s, last_s) : 1;
    return true;
}

/* What is needed again if the run is cut off after this cell's last block. */
static void stream_setup(struct experiment *e, size_t cell)
{
    char id[PLAN_ID_LEN];
    const struct cell_result *r = &e->results[cell];
    plan_cell_id(e->plan, &e->plan->cells[cell], id);
    record_line(e->record, "setup",
                json_pack("{s:s, s:I, s:O, s:O}", "cell", id, "index", (json_int_t)cell, "load", r->load, "setup", r->setup));
}

static bool open_now(struct experiment *e, struct variant *v)
{
    const struct cell *c = &e->plan->cells[v->cell];
    struct cell_result *r = &e->results[v->cell];
    json_t *setup = NULL;
    if (!ensure_loaded(e, c, r))
        return false;
    if (!r->load)
        r->load = json_incref(e->slots[c->group].load_reply);
    if (!call(e, c->group, r, setup_command(e, c), e->suite->timeout_s, &setup))
        return false;
    json_decref(r->setup);
    r->setup = setup;
    stream_setup(e, v->cell);
    if (c->quality) { /* one pass gives the perplexity; its speed is no result */
        v->repetitions = 1;
        return true;
    }
    return warm_up(e, v, r);
}

bool variant_open(struct experiment *e, struct variant *v)
{
    return v->fresh || open_now(e, v);
}

/* ---- blocks --------------------------------------------------------------------------------------------------------- */

static bool block_now(struct experiment *e, struct variant *v, struct block *b)
{
    const struct cell *c = &e->plan->cells[v->cell];
    struct cell_result *r = &e->results[v->cell];
    json_t *reply = NULL, *cmd = json_pack("{s:s, s:I}", "cmd", "block", "repetitions", (json_int_t)v->repetitions);
    const double start_s = time_now_s();
    if (!call(e, c->group, r, cmd, left_s(e, r), &reply))
        return false;
    bool ok = block_from_reply(reply, cell_tokens(r), b) || cell_fail(r, "worker answered a block without its time");
    if (ok) {
        b->start_s = start_s - e->began_s;
        r->used_s += time_now_s() - start_s;
        ok = take_hash(r, reply);
        if (!ok)
            block_free(b);
    }
    json_decref(reply);
    return ok;
}

bool variant_block(struct experiment *e, struct variant *v, struct block *b)
{
    const size_t group = e->plan->cells[v->cell].group;
    const double wanted_s = experiment_block_s(e);
    if (v->fresh && !open_now(e, v))
        return false;
    const bool ok = block_now(e, v, b);
    if (v->fresh)
        variant_drop(e, group);
    if (ok && b->time_s < 0.9 * wanted_s && !e->plan->cells[v->cell].quality)
        v->repetitions = repetitions_for(1.05 * wanted_s, b->time_s / b->repetitions);
    return ok;
}

/* ---- the end -------------------------------------------------------------------------------------------------------- */

/* One repetition that is no sample: outside of the probes' windows, its time only set against the samples. The blocks are in: a pass
 * that fails costs the profile, not the cell; one with another output proves that the cell's output is wrong. */
static void profile(struct experiment *e, const struct cell *c, struct cell_result *r)
{
    struct cell_result pass = {0};
    json_t *reply = NULL;
    progress_step(e->progress, c, "profile");
    bool ok = call(e, c->group, &pass, plain_command("profile"), e->suite->timeout_s, &reply);
    const char *hash = json_string_value(json_object_get(reply, "output_sha256"));
    if (ok && !(hash && json_is_array(json_object_get(reply, "ops"))))
        ok = cell_fail(&pass, "worker answered without a profile");
    if (!ok) {
        char id[PLAN_ID_LEN], message[PLAN_ID_LEN + PLAN_REASON_LEN + 32];
        plan_cell_id(e->plan, c, id);
        snprintf(message, sizeof message, "%s has no profile: %s", id, pass.reason);
        experiment_warn(e, "profile", message);
        json_decref(reply);
        return;
    }
    if (strcmp(hash, r->output_sha256))
        cell_fail(r, "output differs under the profile: the computation is not deterministic");
    json_object_del(reply, "output_sha256");
    r->profile = reply;
}

void variant_close(struct experiment *e, struct variant *v, bool over)
{
    const struct cell *c = &e->plan->cells[v->cell];
    struct cell_result *r = &e->results[v->cell], end = {0};
    json_t *reply = NULL;
    const bool wanted =
        over && e->profile && !c->quality && !e->plan->groups[c->group].external && v->alive && !r->profile && !interrupt_seen();
    if (wanted && v->fresh && !open_now(e, v))
        return;
    if (wanted)
        profile(e, c, r);
    /* the samples are in; if the worker cannot even clean up, the next contest gets a fresh one */
    if (v->fresh ||
        (worker_alive(e->slots[c->group].worker) && !call(e, c->group, &end, plain_command("end"), e->suite->timeout_s, &reply)))
        variant_drop(e, c->group);
    json_decref(reply);
}

/* ---- peaks ---------------------------------------------------------------------------------------------------------- */

void variant_drop_peaks(struct experiment *e)
{
    worker_stop(e->peak_worker);
    e->peak_worker = NULL;
    e->peak_threads = 0;
}

static bool peak_call(struct experiment *e, json_t *cmd, json_t **reply, char reason[WORKER_REASON_LEN])
{
    const enum worker_result result = worker_call(e->peak_worker, cmd, PEAK_TIMEOUT_S, reply, reason);
    if (result != WORKER_OK && result != WORKER_REFUSED)
        variant_drop_peaks(e);
    return result == WORKER_OK;
}

static bool open_peaks(struct experiment *e, unsigned threads, char reason[WORKER_REASON_LEN])
{
    json_t *reply = NULL;
    if (e->peak_worker && e->peak_threads == threads)
        return true;
    if (!e->peak_worker && worker_start(e->options, NULL, &e->peak_worker, reason))
        return false;
    json_t *cmd =
        json_pack("{s:s, s:i, s:I}", "cmd", "peak_open", "threads", (int)threads, "buffer_bytes", (json_int_t)e->peak_buffer_bytes);
    if (!peak_call(e, cmd, &reply, reason))
        return false;
    const char *isa = json_string_value(json_object_get(reply, "isa"));
    snprintf(e->peak_isa, sizeof e->peak_isa, "%s", isa ? isa : "");
    e->peak_threads = threads;
    json_decref(reply);
    return true;
}

bool variant_peaks(struct experiment *e, unsigned threads, struct block_peaks *out)
{
    char reason[WORKER_REASON_LEN] = "nonsense instead of rates", message[WORKER_REASON_LEN + 96];
    json_t *reply = NULL;
    *out = block_no_peaks();
    if (e->peak_failed || !e->peak_buffer_bytes)
        return false;
    if (open_peaks(e, threads, reason) && peak_call(e, plain_command("peak_block"), &reply, reason))
        *out = block_peaks_from_json(reply);
    json_decref(reply);
    if (!isnan(out->read_gb_s) || interrupt_seen())
        return !isnan(out->read_gb_s);
    e->peak_failed = true;
    snprintf(message, sizeof message, "peaks for %u thread(s) could not be measured (%s): no roofline", threads, reason);
    experiment_warn(e, "peak", message);
    return false;
}
