/* The worker's side: one handler per command, a table of them, and the loop that reads a line and answers with one.
 *
 * The worker keeps one model and at most one running cell (session, workload, window of the probes). The timed region is exactly
 * wl->run(); reading commands, hashing and answering happen outside of it, but inside the energy window, where they take
 * well below a millisecond per repetition. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/model.h"
#include "engine/session.h"
#include "harness/cell_ops.h"
#include "harness/load_metrics.h"
#include "harness/sha256.h"
#include "harness/worker.h"
#include "kernels/cpu.h"
#include "kernels/peak.h"
#include "profiles/energy.h"
#include "profiles/energy_attribution.h"
#include "profiles/energy_baseline.h"
#include "profiles/metric_out.h"
#include "profiles/time_clock.h"

struct child {
    const struct worker_options *opt;
    struct model *model;
    struct session *session;
    const struct workload *wl;
    void *state; /* of wl; NULL: no cell is set up */
    struct probe_set *probes;
    bool window_open;
    double window_began_s;
    double *token_s; /* [n_gen] */
    unsigned n_gen;
    char text[4096]; /* path handed to the workload */
};

/* The message may quote a file name that is not UTF-8, which JSON cannot carry: then everything but ASCII becomes '?'. */
static json_t *refuse(const char *what)
{
    char ascii[MODEL_ERR_LEN];
    json_t *reply = json_pack("{s:s}", "error", what);
    if (reply)
        return reply;
    snprintf(ascii, sizeof ascii, "%.*s", MODEL_ERR_LEN - 1, what);
    for (char *p = ascii; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    return json_pack("{s:s}", "error", ascii);
}

static unsigned get_uint(const json_t *cmd, const char *key)
{
    const json_int_t v = json_integer_value(json_object_get(cmd, key));
    return v > 0 && v <= UINT32_MAX ? (unsigned)v : 0;
}

static const char *get_text(const json_t *cmd, const char *key)
{
    return json_string_value(json_object_get(cmd, key));
}

static bool kv_is_f32(const json_t *cmd)
{
    const char *kv = get_text(cmd, "kv");
    return kv && !strcmp(kv, "f32");
}

/* ---- load ----------------------------------------------------------------------------------------------------------- */

static json_t *do_load(struct child *c, const json_t *cmd)
{
    char err[MODEL_ERR_LEN] = "";
    const struct model_options opt = {
        .format = get_text(cmd, "format"),
        .embedding = get_text(cmd, "embedding"),
        .threads = get_uint(cmd, "threads"),
        .seed = (uint64_t)json_integer_value(json_object_get(cmd, "seed")),
    };
    if (c->model)
        return refuse("a model is loaded already");
    if (model_load(get_text(cmd, "model"), &opt, &c->model, err))
        return refuse(err);
    const struct model *m = c->model;
    return json_pack("{s:f, s:s, s:f}", "load_s", m->load_s, "embedding", m->embd_format->name, "bits_per_weight", m->format->bits);
}

/* ---- one cell ------------------------------------------------------------------------------------------------------- */

static void end_cell(struct child *c)
{
    if (c->state)
        c->wl->teardown(c->state);
    c->state = NULL;
    if (c->session)
        session_free(c->session);
    c->session = NULL;
    free(c->token_s);
    c->token_s = NULL;
    c->window_open = false;
}

static json_t *do_end(struct child *c, const json_t *cmd)
{
    (void)cmd;
    end_cell(c);
    return json_object();
}

static const struct workload *find_workload(const struct child *c, const char *name)
{
    for (const struct workload *const *w = c->opt->workloads; name && *w; w++)
        if (!strcmp((*w)->name, name))
            return *w;
    return NULL;
}

static struct workload_params params_of(struct child *c, const json_t *cmd)
{
    const char *text = get_text(cmd, "text");
    snprintf(c->text, sizeof c->text, "%s", text ? text : "");
    return (struct workload_params){
        .n_prompt = get_uint(cmd, "n_prompt"),
        .n_gen = get_uint(cmd, "n_gen"),
        .depth = get_uint(cmd, "depth"),
        .batch = get_uint(cmd, "batch"),
        .kv_elem_bytes = kv_is_f32(cmd) ? 4 : 2,
        .seed = (uint64_t)json_integer_value(json_object_get(cmd, "seed")),
        .text = c->text,
        .window = get_uint(cmd, "window"),
        .windows = get_uint(cmd, "windows"),
    };
}

static json_t *work_json(const struct workload_work *w)
{
    return json_pack("{s:f, s:f, s:f, s:f}", "tokens", w->tokens, "int8_macs", w->int8_macs, "fma_macs", w->fma_macs, "bytes",
                     w->bytes);
}

/* What a pass of the workload runs: layers multiply all its tokens, lm_head those whose logits are wanted. */
static json_t *kernel_json(const struct model *m, const struct workload *wl, const struct workload_params *p)
{
    const size_t n = p->n_gen ? 1 : p->batch;
    return json_pack("{s:s, s:s, s:s}", "format", m->format->name, "isa", kernel_used(m->layers[0].q.kern, n)->isa, "head_isa",
                     kernel_used(m->head.kern, wl->all_logits ? n : 1)->isa);
}

static json_t *do_setup(struct child *c, const json_t *cmd)
{
    char err[MODEL_ERR_LEN] = "";
    if (!c->model || c->state)
        return refuse(c->model ? "a cell is set up already" : "no model is loaded");
    c->wl = find_workload(c, get_text(cmd, "workload"));
    if (!c->wl)
        return refuse("unknown workload");
    const struct session_options opt = {
        .threads = get_uint(cmd, "threads"),
        .n_ctx = get_uint(cmd, "n_ctx"),
        .chunk = get_uint(cmd, "chunk"),
        .kv = kv_is_f32(cmd) ? KV_F32 : KV_F16,
    };
    const struct workload_params p = params_of(c, cmd);
    if (session_new(c->model, &opt, &c->session, err))
        return refuse(err);
    c->n_gen = p.n_gen;
    c->token_s = p.n_gen ? calloc(p.n_gen, sizeof *c->token_s) : NULL;
    if ((p.n_gen && !c->token_s) || c->wl->setup(c->model, c->session, &p, &c->state, err)) {
        c->state = NULL;
        end_cell(c);
        return refuse(err[0] ? err : "out of memory");
    }
    const struct workload_work work = c->wl->work(c->state);
    return json_pack("{s:s, s:i, s:o, s:o}", "cpus", session_cpus(c->session), "threads", (int)session_threads(c->session),
                     "kernel", kernel_json(c->model, c->wl, &p), "work", work_json(&work));
}

/* What the energy counters show now; NAN outside of a window and without counters. Not part of the repetition's time. */
static void rep_energy(const struct child *c, double *joules, double *at_s)
{
    *joules = *at_s = (double)NAN;
    if (c->window_open)
        energy_so_far(probe_set_state(c->probes, &probe_energy), joules, at_s);
}

struct repetition {
    double time_s;
    double energy_j, energy_s; /* between two readings of the counter; NAN: none */
    char hash[SHA256_HEX_LEN]; /* of the output */
};

/* Resets and runs once. NULL, with *r filled; or why not. */
static const char *run_once(struct child *c, struct repetition *r)
{
    size_t n = 0;
    double joules, at_s;
    if (!c->state)
        return "no cell is set up";
    if (c->window_open)
        probe_set_keep_alive(c->probes);
    c->wl->reset(c->state);
    rep_energy(c, &joules, &at_s);
    const double before = time_now_s();
    const int rc = c->wl->run(c->state, c->token_s);
    r->time_s = time_now_s() - before;
    rep_energy(c, &r->energy_j, &r->energy_s);
    r->energy_j -= joules;
    r->energy_s -= at_s;
    if (rc) {
        snprintf(c->text, sizeof c->text, "%s failed: %s", c->wl->name, strerror(-rc));
        return c->text;
    }
    const int32_t *ids = c->wl->output(c->state, &n);
    return sha256_ids(ids, n, r->hash) ? "cannot hash the output" : NULL;
}

static json_t *do_rep(struct child *c, const json_t *cmd)
{
    (void)cmd;
    struct repetition r;
    const char *failure = run_once(c, &r);
    if (failure)
        return refuse(failure);
    json_t *reply = json_pack("{s:f, s:s}", "time_s", r.time_s, "output_sha256", r.hash);
    if (isfinite(r.energy_j))
        json_object_update_new(reply, json_pack("{s:f, s:f}", "energy_j", r.energy_j, "energy_s", r.energy_s));
    json_t *tokens = c->token_s ? json_array() : NULL;
    for (unsigned i = 0; tokens && i < c->n_gen; i++)
        json_array_append_new(tokens, json_real(c->token_s[i]));
    if (tokens)
        json_object_set_new(reply, "token_s", tokens);
    return reply;
}

/* One more repetition, with the engine's profile on. */
static json_t *do_profile(struct child *c, const json_t *cmd)
{
    (void)cmd;
    struct repetition r;
    struct op_profile *p = NULL;
    if (!c->state)
        return refuse("no cell is set up");
    if (op_profile_new(session_threads(c->session), &p))
        return refuse("no memory for the profile");
    session_profile(c->session, p);
    const char *failure = run_once(c, &r);
    session_profile(c->session, NULL);
    json_t *reply = NULL;
    if (failure)
        reply = refuse(failure);
    else {
        reply = ops_answer_json(p, r.time_s, c->wl->work(c->state).tokens);
        json_object_set_new(reply, "output_sha256", json_string(r.hash));
    }
    op_profile_free(p);
    return reply;
}

/* ---- probes --------------------------------------------------------------------------------------------------------- */

static json_t *do_start(struct child *c, const json_t *cmd)
{
    (void)cmd;
    if (!c->probes && probe_set_open(&c->opt->env, &c->probes))
        return refuse("no memory for the probes");
    probe_set_start(c->probes);
    c->window_began_s = time_now_s();
    c->window_open = true;
    return json_object();
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

static json_t *do_stop(struct child *c, const json_t *cmd)
{
    (void)cmd;
    enum { CAP = 8 * PROBE_MAX_METRICS, ENGINE = 16 };
    if (!c->state || !c->window_open)
        return refuse("no window is open");
    const double window_s = time_now_s() - c->window_began_s;
    probe_set_stop(c->probes);
    c->window_open = false;
    struct metric *m = calloc(CAP, sizeof *m);
    if (!m)
        return refuse("out of memory");
    size_t n = probe_set_read(c->probes, m, CAP - 2 * ENGINE);
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    if (energy_attribution_applies(&c->opt->env))
        n = energy_attribute(m, n, CAP - 2 * ENGINE, window_s, cpus > 0 ? (unsigned)cpus : 1);
    n += engine_metrics(c, m + n);
    load_metrics(c->model, m + n);
    n += LOAD_METRICS;
    if (c->wl->metrics)
        n += c->wl->metrics(c->state, m + n, ENGINE);
    json_t *list = metrics_json(m, n);
    free(m);
    return list ? json_pack("{s:o}", "metrics", list) : refuse("out of memory");
}

/* The energy source of this machine, and what it shows while nothing runs. */
static json_t *do_energy(struct child *c, const json_t *cmd)
{
    struct energy_baseline b = {.n = 0};
    const double idle_s = json_number_value(json_object_get(cmd, "idle_s"));
    void *state;
    if (probe_energy.open(&c->opt->env, &state))
        return refuse("no memory for the energy source");
    if (idle_s > 0)
        energy_baseline_measure(state, idle_s, &b);
    const char *reason = b.reason[0] ? b.reason : energy_why_not(state);
    json_t *reply = json_pack("{s:o, s:o, s:o}", "source", energy_describe(state), "windows", energy_baseline_json(&b), "reason",
                              reason[0] ? text_json(reason) : json_null());
    probe_energy.close(state);
    return reply;
}

/* ---- peak ----------------------------------------------------------------------------------------------------------- */

static json_t *do_peak(struct child *c, const json_t *cmd)
{
    (void)c;
    enum { MAX_THREADS = 1024, ROUNDS = 3 };
    int cpus[MAX_THREADS];
    const json_t *list = json_object_get(cmd, "cpus");
    const unsigned threads = get_uint(cmd, "threads");
    struct peak p;
    if (!threads || threads > MAX_THREADS)
        return refuse("bad number of threads");
    for (size_t i = 0; i < threads; i++)
        cpus[i] = (int)json_integer_value(json_array_get(list, i));
    const size_t bytes = (size_t)json_integer_value(json_object_get(cmd, "buffer_bytes"));
    const int rc = peak_measure(threads, json_array_size(list) >= threads ? cpus : NULL, ROUNDS, bytes, &p);
    if (rc)
        return refuse(strerror(-rc));
    return json_pack("{s:i, s:f, s:f, s:f, s:s}", "threads", (int)p.threads, "read_gb_s", p.read_gb_s, "int8_gmac_s", p.int8_gmac_s,
                     "fma_gmac_s", p.fma_gmac_s, "isa", p.isa);
}

/* ---- the loop ------------------------------------------------------------------------------------------------------- */

static json_t *handle(struct child *c, const json_t *cmd)
{
    static const struct {
        const char *name;
        json_t *(*run)(struct child *, const json_t *);
    } commands[] = {{"load", do_load}, {"setup", do_setup}, {"rep", do_rep}, {"profile", do_profile}, {"energy", do_energy},
                    {"stop", do_stop}, {"start", do_start}, {"end", do_end}, {"peak", do_peak}};
    const char *name = get_text(cmd, "cmd");
    for (size_t i = 0; name && i < sizeof commands / sizeof commands[0]; i++)
        if (!strcmp(commands[i].name, name))
            return commands[i].run(c, cmd);
    return refuse("unknown command");
}

/* An answer that cannot be made (no memory) ends the worker: the parent sees the stream end. */
static bool answer(FILE *out, json_t *reply)
{
    const bool ok = reply && !json_dumpf(reply, out, JSON_COMPACT) && fputc('\n', out) != EOF && !fflush(out);
    json_decref(reply);
    return ok;
}

void worker_serve(int fd, const struct worker_options *opt)
{
    struct child c = {.opt = opt};
    char *line = NULL;
    size_t cap = 0;
    uint32_t mask = UINT32_MAX;
    FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
    if (!in || !out)
        return;
    if (opt->isa && !cpu_isa_mask(opt->isa, &mask))
        cpu_limit(mask);
    bool ok = true;
    while (ok && getline(&line, &cap, in) > 0) {
        json_t *cmd = json_loads(line, 0, NULL);
        const char *name = get_text(cmd, "cmd");
        const bool quit = name && !strcmp(name, "quit");
        ok = !quit && answer(out, handle(&c, cmd));
        json_decref(cmd);
    }
    end_cell(&c);
    model_free(c.model);
    if (c.probes)
        probe_set_close(c.probes);
    free(line);
    fclose(in);
    fclose(out);
}
