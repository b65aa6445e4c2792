/* The worker's commands that run a workload: a single repetition, a block of them inside of a window of the probes, and one under
 * the engine's profile.
 *
 * The timed region is exactly wl->run(). In a block nothing else happens between two repetitions than the reset, comparing the output
 * and, at most every KEEP_ALIVE_S, a look at counters that could wrap; the answer is made after the window. */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cell_ops.h"
#include "harness/load_metrics.h"
#include "harness/op_counters.h"
#include "harness/sha256.h"
#include "harness/worker_internal.h"
#include "profiles/energy.h"
#include "profiles/energy_attribution.h"
#include "profiles/metric_out.h"
#include "profiles/time_clock.h"

enum { MAX_SAMPLES = 256, MAX_TOKENS = 128, MAX_REPETITIONS = 100000000 };
#define KEEP_ALIVE_S 0.05

/* ---- repetitions ---------------------------------------------------------------------------------------------------- */

/* Resets and runs once. NULL, with *time_s filled; or why not. */
static const char *run_once(struct child *c, double *time_s)
{
    c->wl->reset(c->state);
    const double before = time_now_s();
    const int rc = c->wl->run(c->state, c->token_s);
    *time_s = time_now_s() - before;
    if (!rc && c->wl->time_s)
        *time_s = c->wl->time_s(c->state);
    if (!rc)
        return NULL;
    const bool external = c->wl == &workload_external;
    const char *why = external && rc == -ECHILD   ? "its command ended with an error"
                      : external && rc == -EPROTO ? "no result of this test in its output (llama-bench -o json)"
                                                  : strerror(-rc);
    snprintf(c->text, sizeof c->text, "%s failed: %s", c->wl->name, why);
    return c->text;
}

static const char *hash_output(const struct child *c, char hash[SHA256_HEX_LEN])
{
    size_t n = 0;
    const int32_t *ids = c->wl->output(c->state, &n);
    return sha256_ids(ids, n, hash) ? "cannot hash the output" : NULL;
}

json_t *worker_do_rep(struct child *c, const json_t *cmd)
{
    (void)cmd;
    double time_s = 0;
    char hash[SHA256_HEX_LEN];
    const char *failure = c->state ? run_once(c, &time_s) : "no cell is set up";
    if (!failure)
        failure = hash_output(c, hash);
    return failure ? worker_refuse(failure) : json_pack("{s:f, s:s}", "time_s", time_s, "output_sha256", hash);
}

/* One repetition under the profile p. NULL, or why not. */
static const char *run_profiled(struct child *c, struct op_profile *p, double *time_s, char hash[SHA256_HEX_LEN])
{
    session_profile(c->session, p);
    const char *failure = run_once(c, time_s);
    session_profile(c->session, NULL);
    return failure ? failure : hash_output(c, hash);
}

/* One more repetition for each group of counters; NULL, or why not. */
static const char *count_groups(struct child *c, json_t *answer, const struct op_profile *timed, const char *hash)
{
    const unsigned threads = session_threads(c->session);
    const char *failure = NULL;
    char again[SHA256_HEX_LEN];
    struct counter_laps *laps;
    double time_s = 0;
    if (counter_laps_open(&c->env, threads, &laps))
        return "no memory for the counters";
    for (size_t g = 0; g < counter_laps_groups(laps) && !failure; g++) {
        struct op_profile *p = NULL;
        if (op_profile_new(threads, &p)) {
            failure = "no memory for the profile";
            break;
        }
        counter_laps_choose(laps, g);
        op_counters_join(p, laps);
        failure = run_profiled(c, p, &time_s, again);
        if (!failure && strcmp(again, hash) != 0)
            failure = "the output under counters differs from the others";
        if (!failure && op_counters_add(answer, timed, p, laps, g, time_s))
            failure = "out of memory";
        op_profile_free(p);
    }
    counter_laps_close(laps);
    return failure;
}

json_t *worker_do_profile(struct child *c, const json_t *cmd)
{
    (void)cmd;
    double time_s = 0;
    char hash[SHA256_HEX_LEN];
    struct op_profile *p = NULL;
    if (!c->state || !c->session)
        return worker_refuse(c->state ? "nothing to profile: no model runs" : "no cell is set up");
    if (op_profile_new(session_threads(c->session), &p))
        return worker_refuse("no memory for the profile");
    const char *failure = run_profiled(c, p, &time_s, hash);
    json_t *reply = failure ? NULL : ops_answer_json(p, time_s, c->wl->work(c->state).tokens);
    if (reply)
        failure = count_groups(c, reply, p, hash);
    if (failure) {
        json_decref(reply);
        reply = worker_refuse(failure);
    } else {
        json_object_set_new(reply, "output_sha256", json_string(hash));
    }
    op_profile_free(p);
    return reply;
}

/* ---- blocks --------------------------------------------------------------------------------------------------------- */

struct series {
    unsigned repetitions, chunk, token_step; /* repetitions of one sample; every so many give their token times */
    double total_s, began_s, window_s;
    double *samples; /* [repetitions / chunk, rounded up] sums */
    double *tokens;
    size_t n_tokens, max_tokens;
    int32_t *first; /* output of the first repetition */
    size_t n_first;
};

static void series_free(struct series *s)
{
    free(s->samples);
    free(s->tokens);
    free(s->first);
}

static int series_new(struct series *s, unsigned repetitions, unsigned n_gen)
{
    *s = (struct series){.repetitions = repetitions, .chunk = (repetitions + MAX_SAMPLES - 1) / MAX_SAMPLES};
    const unsigned kept = n_gen < MAX_TOKENS ? MAX_TOKENS / (n_gen ? n_gen : 1) : 1; /* repetitions with token times */
    s->token_step = (repetitions + kept - 1) / kept;
    s->max_tokens = n_gen ? (size_t)kept * n_gen : 0;
    s->samples = calloc((repetitions + s->chunk - 1) / s->chunk, sizeof *s->samples);
    s->tokens = s->max_tokens ? malloc(s->max_tokens * sizeof *s->tokens) : NULL;
    return s->samples && (s->tokens || !s->max_tokens) ? 0 : -ENOMEM;
}

/* NULL, or that this repetition gave something else than the first. */
static const char *same_output(const struct child *c, struct series *s)
{
    size_t n = 0;
    const int32_t *ids = c->wl->output(c->state, &n);
    if (s->first)
        return n == s->n_first && !memcmp(ids, s->first, n * sizeof *ids)
                   ? NULL
                   : "output differs between repetitions: the computation is not deterministic";
    s->first = malloc((n ? n : 1) * sizeof *ids);
    if (!s->first)
        return "out of memory";
    memcpy(s->first, ids, n * sizeof *ids);
    s->n_first = n;
    return NULL;
}

static const char *run_series(struct child *c, struct series *s)
{
    double time_s, alive_s = s->began_s;
    const char *failure = NULL;
    for (unsigned i = 0; i < s->repetitions && !failure; i++) {
        failure = run_once(c, &time_s);
        if (failure)
            break;
        s->samples[i / s->chunk] += time_s;
        s->total_s += time_s;
        if (s->tokens && i % s->token_step == 0 && s->n_tokens + c->n_gen <= s->max_tokens) {
            memcpy(s->tokens + s->n_tokens, c->token_s, c->n_gen * sizeof *c->token_s);
            s->n_tokens += c->n_gen;
        }
        failure = same_output(c, s);
        const double now = s->began_s + s->total_s;
        if (now - alive_s > KEEP_ALIVE_S) {
            probe_set_keep_alive(c->probes);
            alive_s = now;
        }
    }
    return failure;
}

/* What the engine itself holds, by kind. */
static size_t engine_metrics(const struct child *c, struct metric *out)
{
    const struct {
        const char *name;
        size_t bytes;
    } rows[] = {
        {"weights_bytes", c->model->linear_bytes + c->model->norm_bytes},
        {"embedding_bytes", c->model->embd_bytes},
        {"kv_bytes", session_kv_bytes(c->session)},
        {"scratch_bytes", session_scratch_bytes(c->session)},
    };
    const size_t n = sizeof rows / sizeof rows[0];
    for (size_t i = 0; i < n; i++)
        metric_set(&out[i], rows[i].name, "bytes", METRIC_MEASURED, (double)rows[i].bytes, "engine");
    return n;
}

static json_t *state_json(const struct child *c)
{
    enum { ENGINE = 8, WORKLOAD = 64 };
    struct metric *m = calloc(ENGINE + LOAD_METRICS + WORKLOAD, sizeof *m);
    size_t n = 0;
    if (!m)
        return json_null();
    if (c->session) {
        n = engine_metrics(c, m);
        load_metrics(c->model, m + n);
        n += LOAD_METRICS;
    }
    if (c->wl->metrics)
        n += c->wl->metrics(c->state, m + n, WORKLOAD);
    json_t *list = metrics_json(m, n);
    free(m);
    return list;
}

/* In words, what makes the window's time or energy doubtful; empty: nothing. */
static void find_fault(const struct child *c, const struct metric *m, size_t n, double window_s, char fault[METRIC_REASON_LEN])
{
    static const char prefix[] = "void: ";
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    char reason[METRIC_REASON_LEN] = "";
    const bool bound = c->session && session_cpus(c->session)[0];
    fault[0] = 0;
    const bool external = c->wl == &workload_external; /* its load is not this process's, and so looks like someone else's */
    if (external ? energy_slowed_down(m, n, reason)
                 : energy_attribution_fault(m, n, window_s, cpus > 0 ? (unsigned)cpus : 1, reason)) {
        snprintf(fault, METRIC_REASON_LEN, "%s", reason + (strncmp(reason, prefix, sizeof prefix - 1) ? 0 : sizeof prefix - 1));
        return;
    }
    for (size_t i = 0; i < n && bound && !external; i++)
        if (!strcmp(m[i].name, "cpu_migrations") && m[i].value > 0)
            snprintf(fault, METRIC_REASON_LEN, "bound threads were moved to other CPUs %.0f times", m[i].value);
}

/* Of another program's window only joules and watts are taken: the rest is of this process, which waits. */
static size_t drop_own(struct metric *m, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!strncmp(m[i].name, "energy_", 7) || !strncmp(m[i].name, "power_", 6))
            m[kept++] = m[i];
    return kept;
}

/* Metrics of the probes, and what follows from them. */
static json_t *window_json(struct child *c, double window_s)
{
    enum { CAP = 8 * PROBE_MAX_METRICS };
    char fault[METRIC_REASON_LEN], reason[METRIC_REASON_LEN];
    double joules = (double)NAN, seconds = (double)NAN;
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct metric *m = calloc(CAP, sizeof *m);
    if (!m)
        return NULL;
    size_t n = probe_set_read(c->probes, m, CAP - 1);
    const bool external = c->wl == &workload_external;
    find_fault(c, m, n, window_s, fault);
    if (external)
        n = drop_own(m, n);
    if (!external && energy_attribution_applies(&c->env))
        n = energy_attribute(m, n, CAP, window_s, cpus > 0 ? (unsigned)cpus : 1);
    const bool energy = energy_headline_joules(probe_set_state(c->probes, &probe_energy), &joules, &seconds, reason);
    json_t *o = json_pack("{s:o, s:o, s:o, s:o}", "disturbed", fault[0] ? text_json(fault) : json_null(), "energy_j",
                          number_json(energy ? joules : (double)NAN), "energy_s", number_json(energy ? seconds : (double)NAN),
                          "metrics", metrics_json(m, n));
    free(m);
    return o;
}

static json_t *numbers_json(const double *v, size_t n)
{
    json_t *a = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(a, json_real(v[i]));
    return a;
}

static json_t *series_json(struct child *c, struct series *s)
{
    char hash[SHA256_HEX_LEN];
    const size_t n = (s->repetitions + s->chunk - 1) / s->chunk;
    if (sha256_ids(s->first, s->n_first, hash))
        return worker_refuse("cannot hash the output");
    for (size_t i = 0; i < n; i++) {
        const size_t left = s->repetitions - i * s->chunk;
        s->samples[i] /= (double)(left < s->chunk ? left : s->chunk);
    }
    json_t *reply =
        json_pack("{s:I, s:f, s:f, s:o, s:o, s:s, s:o}", "repetitions", (json_int_t)s->repetitions, "time_s", s->total_s,
                  "window_s", s->window_s, "samples_s", numbers_json(s->samples, n), "token_s",
                  s->n_tokens ? numbers_json(s->tokens, s->n_tokens) : json_null(), "output_sha256", hash, "state", state_json(c));
    json_t *window = window_json(c, s->window_s);
    if (!reply || !window || json_object_update(reply, window)) {
        json_decref(reply);
        reply = worker_refuse("out of memory");
    }
    json_decref(window);
    return reply;
}

json_t *worker_do_block(struct child *c, const json_t *cmd)
{
    struct series s;
    const unsigned repetitions = worker_uint(cmd, "repetitions");
    if (!c->state)
        return worker_refuse("no cell is set up");
    if (!repetitions || repetitions > MAX_REPETITIONS)
        return worker_refuse("bad number of repetitions");
    if (!c->probes && probe_set_open(&c->env, &c->probes))
        return worker_refuse("no memory for the probes");
    if (series_new(&s, repetitions, c->n_gen)) {
        series_free(&s);
        return worker_refuse("no memory for the samples");
    }
    probe_set_start(c->probes);
    s.began_s = time_now_s();
    const char *failure = run_series(c, &s);
    s.window_s = time_now_s() - s.began_s;
    probe_set_stop(c->probes);
    json_t *reply = failure ? worker_refuse(failure) : series_json(c, &s);
    series_free(&s);
    return reply;
}
