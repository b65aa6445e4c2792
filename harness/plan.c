/* Builds the matrix of cells.
 *
 *     need = weights (as the engine plans them) + KV cache 2 * sequences * layers * n_ctx * kv_heads * head_dim * element size
 *          + scratch (activations of one pass, logits, per-thread buffers) + a fixed share for the process
 * The time estimate takes round figures for this class of machine; it only has to weigh cells against each other, since the
 * time left is scaled by what was really needed so far. Nothing is loaded and nothing is measured here. */
#include "harness/plan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

double plan_linear_params(const struct hparams *hp)
{
    const double embd = (double)hp->n_embd, q = (double)(hp->n_head * hp->head_dim), kv = (double)(hp->n_head_kv * hp->head_dim);
    return (double)hp->n_layer * (2 * embd * q + 2 * embd * kv + 3 * embd * (double)hp->n_ff);
}

double plan_total_params(const struct hparams *hp)
{
    const double embd = (double)hp->n_embd;
    const double sub = hp->sub_norm ? (double)(hp->n_head * hp->head_dim + hp->n_ff) : 0;
    const double norms = (double)hp->n_layer * (2 * embd + sub) + embd;
    return plan_linear_params(hp) + (double)hp->n_vocab * embd * (hp->tied ? 1 : 2) + norms;
}

/* ---- groups --------------------------------------------------------------------------------------------------------- */

void plan_model_name(const char *spec, char name[PLAN_NAME_LEN])
{
    const char *slash = strrchr(spec, '/'), *base = slash ? slash + 1 : spec;
    if (!strncmp(spec, "synth:", 6))
        base = spec + 6;
    size_t len = strlen(base);
    if (len > 5 && !strcmp(base + len - 5, ".gguf"))
        len -= 5;
    snprintf(name, PLAN_NAME_LEN, "%.*s", (int)(len < PLAN_NAME_LEN - 8 ? len : PLAN_NAME_LEN - 8), base);
}

/* Two different files of the same name must not share cell ids: the second one gets "~2". */
static void unique_name(const struct plan *p, const char *spec, char name[PLAN_NAME_LEN])
{
    char base[PLAN_NAME_LEN];
    plan_model_name(spec, base);
    snprintf(name, PLAN_NAME_LEN, "%s", base);
    unsigned next = 2;
    for (size_t i = 0; i < p->n_groups; i++) {
        const struct group *g = &p->groups[i];
        if (strcmp(g->model, name) || !strcmp(g->spec, spec))
            continue;
        snprintf(name, PLAN_NAME_LEN, "%.*s~%u", PLAN_NAME_LEN - 8, base, next++ % 1000);
        i = (size_t)-1; /* from the start with the new name */
    }
}

/* The format of lm_head before loading: asked for, or the file's own, or the one that goes with the linear layers. */
static void plan_embedding(const struct suite *s, struct group *g)
{
    char err[GGUF_ERR_LEN];
    struct gguf *file = NULL;
    const struct format *fmt = format_default_embedding(g->format, g->hp.n_embd);
    if (s->embedding)
        fmt = format_find(s->embedding);
    else if (strncmp(g->spec, "synth:", 6) && !gguf_open(g->spec, &file, err)) {
        const struct gguf_tensor *t = gguf_tensor_find(file, "output.weight");
        t = t ? t : gguf_tensor_find(file, "token_embd.weight");
        const struct format *own = t ? format_of_type(t->type) : NULL;
        fmt = own ? own : fmt;
        gguf_close(file);
    }
    snprintf(g->embedding, sizeof g->embedding, "%s", fmt->name);
}

/* What this model takes in this format. 0, or the engine's refusal in err. */
static int plan_model(const struct suite *s, const char *spec, const struct format *fmt, struct hparams *hp, size_t *bytes,
                      char err[MODEL_ERR_LEN])
{
    const struct model_options opt = {.format = fmt ? fmt->name : NULL, .embedding = s->embedding, .seed = s->seed};
    return model_plan(spec, &opt, hp, bytes, err);
}

static struct group *add_group(struct plan *p, const char *spec, const struct format *fmt)
{
    struct group *grown = realloc(p->groups, (p->n_groups + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    p->groups = grown;
    struct group *g = &grown[p->n_groups];
    *g = (struct group){.spec = strdup(spec), .format = fmt};
    if (!g->spec)
        return NULL;
    unique_name(p, spec, g->model);
    p->n_groups++;
    return g;
}

/* ---- cells ---------------------------------------------------------------------------------------------------------- */

static double kv_bytes(const struct hparams *hp, const struct cell *c, enum kv_type kv)
{
    const double positions = (double)c->n_ctx * c->sequences;
    return 2.0 * (double)(hp->n_layer * hp->n_head_kv * hp->head_dim) * positions * (kv == KV_F32 ? 4 : 2);
}

/* Per token of a pass: residual, norm, q, k, v, attention, output (about 7 rows of n_embd) and gate, up, product, each as float
 * and as int8. A row of logits for each sequence; scores of every head; buffers of every thread; 32 MiB for program, libraries and
 * tokenizer. */
static double scratch_bytes(const struct hparams *hp, const struct cell *c)
{
    const double row = 5.0 * (7.0 * (double)hp->n_embd + 3.0 * (double)hp->n_ff);
    const double all_logits = c->quality ? 64 : c->sequences, scores = (double)(hp->n_head * c->n_ctx);
    return row * c->batch + 4 * (all_logits * (double)hp->n_vocab + scores) + (double)c->threads * KERNEL_SCRATCH_BYTES +
           32.0 * 1024 * 1024;
}

/* Of a cell whose repetition takes `once`: as many as its share of contest_s allows (four formats is what most suites have), and
 * about half of what may be run, since most contests settle before the last round. */
static double expected_rounds(const struct suite *s, double once)
{
    if (s->rounds)
        return s->rounds;
    const double fit = s->contest_s / (4 * fmax(once, s->block_s)), usual = (s->min_rounds + s->max_rounds) / 2.0;
    return fmax(s->min_rounds, fmin(fit, usual));
}

/* Round figures: 10 GB/s for weights, 25 GMAC/s for each thread, 0.5 GB/s for loading (spread over the cells of a group). */
static double estimate(const struct suite *s, const struct group *g, const struct cell *c)
{
    const double prompt = c->quality ? (double)s->quality.window * s->quality.windows : c->n_prompt;
    const double tokens = prompt + (double)c->n_gen * c->sequences, passes = prompt / c->batch + c->n_gen;
    const double macs = tokens * (plan_linear_params(&g->hp) + (double)(g->hp.n_vocab * g->hp.n_embd) * (passes / tokens));
    const double by_bytes = passes * (double)g->weight_bytes / 10e9, by_macs = macs / (25e9 * c->threads);
    const double once = by_bytes > by_macs ? by_bytes : by_macs;
    const double load_s = 0.02 + (double)g->weight_bytes / 0.5e9 / 4;
    return load_s + (c->quality ? once : once * s->warmup * suite_passes(s) + expected_rounds(s, once) * fmax(once, s->block_s));
}

static void say_too_large(struct cell *c, double weights, double available)
{
    const bool giga = c->need_bytes >= 1e9;
    const double unit = giga ? 1e9 : 1e6;
    const char *name = giga ? "GB" : "MB";
    snprintf(c->reason, sizeof c->reason, "needs %.1f %s, %.1f %s available (weights %.1f, cache and buffers %.1f)",
             c->need_bytes / unit, name, available / unit, name, weights / unit, (c->need_bytes - weights) / unit);
}

double plan_need_bytes(const struct suite *s, const struct group *g, const struct cell *c)
{
    const double session = kv_bytes(&g->hp, c, s->kv) + scratch_bytes(&g->hp, c);
    return (double)g->weight_bytes + fmax(session, MODEL_LOAD_SPARE);
}

static int add_cell(const struct suite *s, struct plan *p, size_t available, struct cell c)
{
    struct cell *grown = realloc(p->cells, (p->n_cells + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    p->cells = grown;
    const struct group *g = &p->groups[c.group];
    if (g->reason[0])
        memcpy(c.reason, g->reason, sizeof c.reason);
    else if (g->external && (c.depth || c.sequences > 1 || (c.n_prompt && c.n_gen)))
        snprintf(c.reason, sizeof c.reason, "another program is asked for a prompt or for decode, of one sequence with an empty cache");
    else {
        c.need_bytes = plan_need_bytes(s, g, &c);
        c.estimate_s = estimate(s, g, &c);
        if (c.need_bytes > (double)available)
            say_too_large(&c, (double)g->weight_bytes, (double)available);
    }
    p->cells[p->n_cells++] = c;
    return 0;
}

static int add_prefill(const struct suite *s, struct plan *p, size_t available, struct cell c, unsigned n)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < s->batch.n; i++) {
        c.workload = "prefill";
        c.n_prompt = n;
        c.batch = s->batch.v[i] < n ? s->batch.v[i] : n;
        c.n_ctx = (size_t)c.depth + n;
        snprintf(c.test, sizeof c.test, "pp%u", n);
        bool seen = false; /* two batch sizes above the prompt's length are the same cell */
        for (size_t k = 0; k < i; k++)
            seen |= c.batch == n && s->batch.v[k] >= n;
        if (!seen)
            rc = add_cell(s, p, available, c);
    }
    return rc;
}

static int add_decode(const struct suite *s, struct plan *p, size_t available, struct cell c, unsigned n)
{
    int rc = 0;
    c.workload = "decode";
    c.n_gen = n;
    c.n_ctx = (size_t)c.depth + n;
    snprintf(c.test, sizeof c.test, "tg%u", n);
    for (size_t i = 0; !rc && i < s->sequences.n; i++) {
        c.batch = c.sequences = s->sequences.v[i];
        rc = add_cell(s, p, available, c);
    }
    return rc;
}

static int add_request(const struct suite *s, struct plan *p, size_t available, struct cell c, struct request r)
{
    c.workload = "request";
    c.n_prompt = r.n_prompt;
    c.n_gen = r.n_gen;
    c.batch = s->batch.v[0] < r.n_prompt ? s->batch.v[0] : r.n_prompt;
    c.n_ctx = (size_t)c.depth + r.n_prompt + r.n_gen;
    snprintf(c.test, sizeof c.test, "pp%u+tg%u", r.n_prompt, r.n_gen);
    return add_cell(s, p, available, c);
}

static int add_tests(const struct suite *s, struct plan *p, size_t available, size_t group)
{
    int rc = 0;
    for (size_t t = 0; t < s->threads.n && !s->scenario.threads; t++) /* a scenario has loads instead of tests */
        for (size_t d = 0; d < s->depth.n; d++) {
            const struct cell c = {.group = group, .threads = s->threads.v[t], .depth = s->depth.v[d], .sequences = 1};
            for (size_t i = 0; !rc && i < s->prompt.n; i++)
                rc = s->prompt.v[i] ? add_prefill(s, p, available, c, s->prompt.v[i]) : 0;
            for (size_t i = 0; !rc && i < s->gen.n; i++)
                rc = s->gen.v[i] ? add_decode(s, p, available, c, s->gen.v[i]) : 0;
            for (size_t i = 0; !rc && i < s->requests.n; i++)
                rc = add_request(s, p, available, c, s->requests.v[i]);
        }
    return rc;
}

static int add_quality(const struct suite *s, struct plan *p, size_t available, size_t group)
{
    unsigned threads = 1;
    for (size_t i = 0; i < s->threads.n; i++)
        threads = s->threads.v[i] > threads ? s->threads.v[i] : threads;
    const struct cell c = {.group = group,
                           .threads = threads,
                           .quality = true,
                           .workload = "perplexity",
                           .test = "ppl",
                           .n_prompt = s->quality.window,
                           .batch = s->quality.window < 64 ? s->quality.window : 64,
                           .sequences = 1,
                           .n_ctx = s->quality.window};
    return add_cell(s, p, available, c);
}

/* ---- the matrix ----------------------------------------------------------------------------------------------------- */

/* One model in every format. A format the model cannot take is a reason to skip, not an error. */
static int add_model(const struct suite *s, struct plan *p, size_t available, const char *spec, bool quality, const char *missing)
{
    const struct str_list *formats = quality ? &s->quality.formats : &s->formats;
    for (size_t f = 0; f < formats->n; f++) {
        char err[MODEL_ERR_LEN] = "";
        struct group *g = add_group(p, spec, format_find(formats->v[f]));
        if (!g)
            return -ENOMEM;
        g->quality = quality;
        if (missing[0] || plan_model(s, spec, g->format, &g->hp, &g->weight_bytes, err))
            snprintf(g->reason, sizeof g->reason, "%.*s", PLAN_REASON_LEN - 1, missing[0] ? missing : err);
        if (!missing[0])
            plan_embedding(s, g);
        const size_t group = p->n_groups - 1;
        const int rc = quality ? add_quality(s, p, available, group) : add_tests(s, p, available, group);
        if (rc)
            return rc;
    }
    return 0;
}

/* The other program's cells of a model: the same tests and threads, with an empty cache. Its name stands in place of a format. */
static int add_external(const struct suite *s, struct plan *p, size_t available, const char *spec)
{
    char err[MODEL_ERR_LEN] = "";
    struct group *g = add_group(p, spec, NULL);
    struct format *own = calloc(1, sizeof *own);
    if (!g || !own) {
        free(own);
        return -ENOMEM;
    }
    *own = (struct format){.name = s->external.name, .bits = (double)NAN};
    g->format = g->own_format = own;
    g->external = &s->external;
    if (!strncmp(spec, "synth:", 6))
        snprintf(g->reason, sizeof g->reason, "another program needs a file: write one with bitjoule synth, and name it in models");
    else if (plan_model(s, spec, NULL, &g->hp, &g->weight_bytes, err))
        snprintf(g->reason, sizeof g->reason, "%.*s", PLAN_REASON_LEN - 1, err);
    return add_tests(s, p, available, p->n_groups - 1);
}

static int build(const struct suite *s, size_t available, struct plan *p, char err[SUITE_ERR_LEN])
{
    struct hparams hp;
    size_t bytes;
    int rc = 0;
    char path[4096], text[4096];
    for (size_t i = 0; !rc && i < s->models.n; i++) {
        char why[MODEL_ERR_LEN] = "";
        suite_resolve(s, s->models.v[i], path, sizeof path);
        /* a shape that no ternary format takes is a model all the same: f32 takes any */
        const struct format *any = strncmp(path, "synth:", 6) ? NULL : format_find("f32");
        if ((rc = plan_model(s, path, any, &hp, &bytes, why))) {
            snprintf(err, SUITE_ERR_LEN, "%s", why);
            return rc;
        }
        rc = add_model(s, p, available, path, false, "");
        if (!rc && s->external.command)
            rc = add_external(s, p, available, path);
    }
    for (size_t i = 0; !rc && i < s->quality.models.n; i++) {
        char why[MODEL_ERR_LEN] = "";
        suite_resolve(s, s->quality.models.v[i], path, sizeof path);
        suite_resolve(s, s->quality.text, text, sizeof text);
        if (access(text, R_OK))
            snprintf(why, sizeof why, "%.300s: %s", text, strerror(errno));
        else
            plan_model(s, path, NULL, &hp, &bytes, why);
        rc = add_model(s, p, available, path, true, why);
    }
    if (rc == -ENOMEM)
        snprintf(err, SUITE_ERR_LEN, "out of memory");
    return rc;
}

int plan_make(const struct suite *s, size_t mem_available, struct plan *out, char err[SUITE_ERR_LEN])
{
    *out = (struct plan){.mem_available = (double)mem_available};
    const int rc = build(s, mem_available, out, err);
    if (rc)
        plan_free(out);
    return rc;
}

void plan_free(struct plan *p)
{
    for (size_t i = 0; i < p->n_groups; i++) {
        free(p->groups[i].spec);
        free(p->groups[i].program);
        free(p->groups[i].own_format);
    }
    free(p->groups);
    free(p->cells);
    *p = (struct plan){0};
}

/* ---- arms ----------------------------------------------------------------------------------------------------------- */

static int set_arm(struct group *g, const char *arm, const char *program)
{
    snprintf(g->arm, sizeof g->arm, "%s", arm);
    g->program = program ? strdup(program) : NULL;
    return program && !g->program ? -ENOMEM : 0;
}

int plan_add_arms(struct plan *p, const char *base_program, const char *new_program)
{
    const size_t n_groups = p->n_groups, n_cells = p->n_cells;
    struct group *groups = realloc(p->groups, 2 * n_groups * sizeof *groups);
    p->groups = groups ? groups : p->groups;
    struct cell *cells = realloc(p->cells, 2 * n_cells * sizeof *cells);
    p->cells = cells ? cells : p->cells;
    if ((!groups && n_groups) || (!cells && n_cells))
        return -ENOMEM;
    int rc = 0;
    for (size_t i = 0; i < n_groups && !rc; i++) {
        groups[n_groups + i] = groups[i];
        groups[n_groups + i].spec = strdup(groups[i].spec);
        p->n_groups++;
        rc = groups[n_groups + i].spec ? set_arm(&groups[i], "base", base_program) : -ENOMEM;
        rc = rc ? rc : set_arm(&groups[n_groups + i], "new", new_program);
    }
    for (size_t i = 0; i < n_cells && !rc; i++) {
        cells[n_cells + i] = cells[i];
        cells[n_cells + i].group += n_groups;
        p->n_cells++;
    }
    return rc;
}

/* ---- who is who ----------------------------------------------------------------------------------------------------- */

static const char base_format[] = "f16", base_arm[] = "base";

void plan_cell_id(const struct plan *p, const struct cell *c, char id[PLAN_ID_LEN])
{
    const struct group *g = &p->groups[c->group];
    snprintf(id, PLAN_ID_LEN, "%s/%s/%s/t%u/%s/d%u/b%u%s%s", g->model, g->format->name, g->embedding[0] ? g->embedding : "-",
             c->threads, c->test, c->depth, c->batch, g->arm[0] ? "/" : "", g->arm);
}

void plan_contest_id(const struct plan *p, const struct cell *c, char id[PLAN_ID_LEN])
{
    snprintf(id, PLAN_ID_LEN, "%s/t%u/%s/d%u/b%u", p->groups[c->group].model, c->threads, c->test, c->depth, c->batch);
}

bool plan_same_contest(const struct plan *p, const struct cell *a, const struct cell *b)
{
    return !strcmp(p->groups[a->group].spec, p->groups[b->group].spec) && a->quality == b->quality && a->threads == b->threads &&
           a->depth == b->depth && a->batch == b->batch && !strcmp(a->test, b->test);
}

static bool is_base_group(const struct group *base, const struct group *g)
{
    if (strcmp(base->spec, g->spec) || base->quality != g->quality)
        return false;
    return g->arm[0] ? base->format == g->format && !strcmp(base->arm, base_arm) : !strcmp(base->format->name, base_format);
}

size_t plan_base_group(const struct plan *p, size_t group)
{
    for (size_t i = 0; i < p->n_groups; i++)
        if (is_base_group(&p->groups[i], &p->groups[group]))
            return i;
    return p->n_groups;
}

size_t plan_base_cell(const struct plan *p, size_t c)
{
    const size_t base = plan_base_group(p, p->cells[c].group);
    for (size_t i = 0; i < p->n_cells && base < p->n_groups; i++)
        if (i != c && p->cells[i].group == base && plan_same_contest(p, &p->cells[i], &p->cells[c]))
            return i;
    return p->n_cells;
}
