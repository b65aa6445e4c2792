/* The worker's side: one handler per command, a table of them, and the loop that reads a line and answers with one.
 *
 * The worker keeps one model and at most one running cell (session and workload). Between commands it sleeps in read(), and so do the
 * threads of its session after the pool's spin time. */
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
#include "harness/build_info.h"
#include "harness/lossless.h"
#include "harness/load_worker.h"
#include "harness/worker_internal.h"
#include "kernels/cpu.h"
#include "profiles/energy.h"
#include "profiles/energy_baseline.h"
#include "profiles/metric_out.h"

/* The message may quote a file name that is not UTF-8, which JSON cannot carry: then everything but ASCII becomes '?'. */
json_t *worker_refuse(const char *what)
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

unsigned worker_uint(const json_t *cmd, const char *key)
{
    const json_int_t v = json_integer_value(json_object_get(cmd, key));
    return v > 0 && v <= UINT32_MAX ? (unsigned)v : 0;
}

const char *worker_text(const json_t *cmd, const char *key)
{
    return json_string_value(json_object_get(cmd, key));
}

static bool kv_is_f32(const json_t *cmd)
{
    const char *kv = worker_text(cmd, "kv");
    return kv && !strcmp(kv, "f32");
}

/* ---- hello ---------------------------------------------------------------------------------------------------------- */

static const char *keep_text(struct child *c, size_t slot, const json_t *cmd, const char *key)
{
    const char *text = worker_text(cmd, key);
    free(c->names[slot]);
    c->names[slot] = text ? strdup(text) : NULL;
    return c->names[slot];
}

/* A program that was started as a worker learns here what a forked one has in its memory. */
static json_t *do_hello(struct child *c, const json_t *cmd)
{
    uint32_t mask = UINT32_MAX;
    const char *isa = keep_text(c, 0, cmd, "isa");
    c->env.sysfs = keep_text(c, 1, cmd, "sysfs");
    c->env.procfs = keep_text(c, 2, cmd, "procfs");
    c->env.energy_source = keep_text(c, 3, cmd, "energy_source");
    c->env.counters = keep_text(c, 4, cmd, "counters");
    c->env.counter_groups = keep_text(c, 5, cmd, "counter_groups");
    if (isa && cpu_isa_mask(isa, &mask))
        return worker_refuse("unknown instruction set");
    cpu_limit(mask);
    return json_pack("{s:i, s:s, s:s, s:b}", "protocol", WORKER_PROTOCOL, "version", build_info.version, "commit",
                     build_info.commit, "dirty", (int)build_info.dirty);
}

/* ---- load ----------------------------------------------------------------------------------------------------------- */

static json_t *do_load(struct child *c, const json_t *cmd)
{
    char err[MODEL_ERR_LEN] = "";
    if (json_is_true(json_object_get(cmd, "external"))) /* its program loads the model, every time */
        return json_pack("{s:n, s:n}", "load_s", "embedding");
    const struct model_options opt = {
        .format = worker_text(cmd, "format"),
        .embedding = worker_text(cmd, "embedding"),
        .threads = worker_uint(cmd, "threads"),
        .seed = (uint64_t)json_integer_value(json_object_get(cmd, "seed")),
    };
    if (c->model)
        return worker_refuse("a model is loaded already");
    if (model_load(worker_text(cmd, "model"), &opt, &c->model, err))
        return worker_refuse(err);
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
    const char *text = worker_text(cmd, "text");
    snprintf(c->text, sizeof c->text, "%s", text ? text : "");
    return (struct workload_params){
        .n_prompt = worker_uint(cmd, "n_prompt"),
        .n_gen = worker_uint(cmd, "n_gen"),
        .depth = worker_uint(cmd, "depth"),
        .batch = worker_uint(cmd, "batch"),
        .sequences = worker_uint(cmd, "sequences"),
        .kv_elem_bytes = kv_is_f32(cmd) ? 4 : 2,
        .seed = (uint64_t)json_integer_value(json_object_get(cmd, "seed")),
        .text = c->text,
        .window = worker_uint(cmd, "window"),
        .windows = worker_uint(cmd, "windows"),
    };
}

static json_t *work_json(const struct workload_work *w)
{
    return json_pack("{s:f, s:f, s:f, s:f}", "tokens", w->tokens, "int8_macs", w->int8_macs, "fma_macs", w->fma_macs, "bytes",
                     w->bytes);
}

/* What a pass of the workload runs (of a request, one of its prefill): layers multiply all its tokens, lm_head those whose logits are
 * wanted. */
static json_t *kernel_json(const struct model *m, const struct workload *wl, const struct workload_params *p)
{
    const size_t n = p->batch;
    return json_pack("{s:s, s:s, s:s}", "format", m->format->name, "isa", kernel_used(m->layers[0].q.kern, n)->isa, "head_isa",
                     kernel_used(m->head.kern, wl->all_logits ? n : p->sequences)->isa);
}

/* Another program: no model, no session. */
static json_t *setup_external(struct child *c, const json_t *cmd)
{
    char err[MODEL_ERR_LEN] = "";
    struct workload_params p = params_of(c, cmd);
    snprintf(c->model_path, sizeof c->model_path, "%s", worker_text(cmd, "model"));
    p.model = c->model_path;
    p.threads = worker_uint(cmd, "threads");
    p.wall_time = json_is_true(json_object_get(cmd, "wall_time"));
    c->wl = &workload_external;
    c->n_gen = 0;
    if (c->state)
        return worker_refuse("a cell is set up already");
    if (c->wl->setup(NULL, NULL, &p, &c->state, err)) {
        c->state = NULL;
        return worker_refuse(err[0] ? err : "out of memory");
    }
    return json_pack("{s:n, s:i, s:n, s:{s:f, s:n, s:n, s:n}}", "cpus", "threads", (int)p.threads, "kernel", "work", "tokens",
                     c->wl->work(c->state).tokens, "int8_macs", "fma_macs", "bytes");
}

/* Session and workload. NULL, or why not. */
static const char *set_up(struct child *c, const json_t *cmd, const struct workload_params *p, char err[MODEL_ERR_LEN])
{
    const struct session_options opt = {
        .threads = worker_uint(cmd, "threads"),
        .n_ctx = worker_uint(cmd, "n_ctx"),
        .chunk = worker_uint(cmd, "chunk"),
        .sequences = worker_uint(cmd, "sequences"),
        .kv = kv_is_f32(cmd) ? KV_F32 : KV_F16,
    };
    if (!c->wl->no_model && session_new(c->model, &opt, &c->session, err))
        return err;
    c->n_gen = p->n_gen;
    c->token_s = p->n_gen ? calloc(p->n_gen, sizeof *c->token_s) : NULL;
    if (!p->n_gen || c->token_s) {
        if (!c->wl->setup(c->wl->no_model ? NULL : c->model, c->session, p, &c->state, err))
            return NULL;
    }
    c->state = NULL;
    end_cell(c);
    return err[0] ? err : "out of memory";
}

static json_t *do_setup(struct child *c, const json_t *cmd)
{
    char err[MODEL_ERR_LEN] = "";
    const char *workload = worker_text(cmd, "workload");
    if (workload && !strcmp(workload, workload_external.name))
        return setup_external(c, cmd);
    c->wl = c->state ? c->wl : find_workload(c, workload);
    if (c->state)
        return worker_refuse("a cell is set up already");
    if (!c->model && !(c->wl && c->wl->no_model))
        return worker_refuse("no model is loaded");
    if (!c->wl)
        return worker_refuse("unknown workload");
    const struct workload_params p = params_of(c, cmd);
    const char *failure = set_up(c, cmd, &p, err);
    if (failure)
        return worker_refuse(failure);
    const struct workload_work work = c->wl->work(c->state);
    return json_pack("{s:s, s:i, s:o, s:o}", "cpus", c->session ? session_cpus(c->session) : "", "threads",
                     c->session ? (int)session_threads(c->session) : 1, "kernel",
                     c->session ? kernel_json(c->model, c->wl, &p) : json_null(), "work", work_json(&work));
}

/* ---- energy ---------------------------------------------------------------------------------------------------------- */

/* The energy source of this machine, and what it shows while nothing runs. */
static json_t *do_energy(struct child *c, const json_t *cmd)
{
    struct energy_baseline b = {.n = 0};
    const double idle_s = json_number_value(json_object_get(cmd, "idle_s"));
    void *state;
    if (probe_energy.open(&c->env, &state))
        return worker_refuse("no memory for the energy source");
    if (idle_s > 0)
        energy_baseline_measure(state, idle_s, &b);
    const char *reason = b.reason[0] ? b.reason : energy_why_not(state);
    json_t *reply = json_pack("{s:o, s:o, s:o}", "source", energy_describe(state), "windows", energy_baseline_json(&b), "reason",
                              reason[0] ? text_json(reason) : json_null());
    probe_energy.close(state);
    return reply;
}

/* ---- lossless ------------------------------------------------------------------------------------------------------- */

static json_t *do_lossless(struct child *c, const json_t *cmd)
{
    char err[MODEL_ERR_LEN] = "";
    const struct lossless_options o = {
        .model = worker_text(cmd, "model"),
        .name = worker_text(cmd, "name"),
        .text = worker_text(cmd, "text"),
        .prompts = worker_uint(cmd, "prompts"),
        .prompt_tokens = worker_uint(cmd, "prompt_tokens"),
        .tokens = worker_uint(cmd, "tokens"),
        .window = worker_uint(cmd, "window"),
        .windows = worker_uint(cmd, "windows"),
        .threads = worker_uint(cmd, "threads"),
        .progress = stderr, /* minutes for each arm of a large model */
    };
    if (c->model)
        return worker_refuse("a model is loaded already");
    json_t *result = lossless_run(&o, err);
    return result ? result : worker_refuse(err);
}

/* ---- scenarios ------------------------------------------------------------------------------------------------------ */

static json_t *do_confine(struct child *c, const json_t *cmd)
{
    (void)c;
    return load_worker_confine(cmd);
}

static json_t *do_serve(struct child *c, const json_t *cmd)
{
    return load_worker_serve(c->model, &c->env, cmd);
}

/* ---- the loop ------------------------------------------------------------------------------------------------------- */

static json_t *handle(struct child *c, const json_t *cmd)
{
    static const struct {
        const char *name;
        json_t *(*run)(struct child *, const json_t *);
    } commands[] = {{"hello", do_hello},
                    {"load", do_load},
                    {"setup", do_setup},
                    {"rep", worker_do_rep},
                    {"block", worker_do_block},
                    {"profile", worker_do_profile},
                    {"end", do_end},
                    {"peak_open", worker_do_peak_open},
                    {"peak_block", worker_do_peak_block},
                    {"energy", do_energy},
                    {"lossless", do_lossless},
                    {"confine", do_confine},
                    {"serve", do_serve}};
    const char *name = worker_text(cmd, "cmd");
    for (size_t i = 0; name && i < sizeof commands / sizeof commands[0]; i++)
        if (!strcmp(commands[i].name, name))
            return commands[i].run(c, cmd);
    return worker_refuse("unknown command");
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
    struct child c = {.opt = opt, .env = opt->env};
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
        const char *name = worker_text(cmd, "cmd");
        const bool quit = name && !strcmp(name, "quit");
        ok = !quit && answer(out, handle(&c, cmd));
        json_decref(cmd);
    }
    end_cell(&c);
    worker_peak_close(&c);
    model_free(c.model);
    if (c.probes)
        probe_set_close(c.probes);
    for (size_t i = 0; i < sizeof c.names / sizeof c.names[0]; i++)
        free(c.names[i]);
    free(line);
    fclose(in);
    fclose(out);
}
