/* The loop that serves requests, in the worker. Time is read after every pass; sleeping until the next arrival is the only wait. */
#include "harness/load_gen.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/mix64.h"
#include "harness/live.h"
#include "harness/workload.h"
#include "profiles/time_clock.h"

static const char *const names[LOAD_KINDS] = {"single-stream", "offline", "server"};

const char *load_name(enum load_kind k)
{
    return names[k];
}

enum load_kind load_of_name(const char *name, size_t len)
{
    int k = 0;
    while (k < LOAD_KINDS && (strlen(names[k]) != len || strncmp(names[k], name, len) != 0))
        k++;
    return (enum load_kind)k;
}

void load_arrivals(double *at_s, size_t n, double rate, uint64_t seed)
{
    double t = 0;
    for (size_t i = 0; i < n; i++) {
        const double u = (double)(random_at(seed, i) >> 11) * 0x1p-53; /* [0, 1) */
        t += -log1p(-u) / rate;
        at_s[i] = t;
    }
}

/* ---- the state of a run --------------------------------------------------------------------------------------------- */

struct job {
    double arrival_s, first_s, end_s;
    unsigned done; /* tokens of its answer */
    bool failed;
};

struct server {
    const struct model *m;
    struct session *s;
    struct load_options opt;
    double began_s;
    struct job *jobs; /* [requests] */
    int32_t *out;     /* [requests, n_gen] */
    double *arrivals; /* [requests] */
    int32_t *prompt;  /* [n_prompt] */
    float *logits;    /* [sequences, n_vocab] */
    size_t *of;       /* [sequences] request in each sequence; NONE */
    size_t *seqs;     /* [sequences] of a pass */
    int32_t *ids;     /* [sequences] */
    size_t next, active, finished;
    struct load_result *result;
};

static const size_t none = SIZE_MAX;

static void server_free(struct server *v)
{
    free(v->jobs);
    free(v->out);
    free(v->arrivals);
    free(v->prompt);
    free(v->logits);
    free(v->of);
    free(v->seqs);
    free(v->ids);
}

static int server_new(struct server *v)
{
    const size_t n = v->opt.requests, k = v->opt.sequences;
    v->jobs = calloc(n, sizeof *v->jobs);
    v->out = calloc(n * v->opt.n_gen, sizeof *v->out);
    v->arrivals = calloc(n, sizeof *v->arrivals);
    v->prompt = calloc(v->opt.n_prompt, sizeof *v->prompt);
    v->logits = malloc(k * v->m->hp.n_vocab * sizeof *v->logits);
    v->of = calloc(k, sizeof *v->of);
    v->seqs = calloc(k, sizeof *v->seqs);
    v->ids = calloc(k, sizeof *v->ids);
    if (!v->jobs || !v->out || !v->arrivals || !v->prompt || !v->logits || !v->of || !v->seqs || !v->ids)
        return -ENOMEM;
    for (size_t i = 0; i < k; i++)
        v->of[i] = none;
    if (v->opt.kind == LOAD_SERVER)
        load_arrivals(v->arrivals, n, v->opt.rate, ~v->opt.seed);
    return 0;
}

static double now_of(const struct server *v)
{
    return time_now_s() - v->began_s;
}

/* ---- requests ------------------------------------------------------------------------------------------------------- */

static void end_job(struct server *v, size_t seq, bool failed)
{
    struct job *j = &v->jobs[v->of[seq]];
    j->failed = failed;
    j->end_s = now_of(v);
    v->of[seq] = none;
    v->active--;
    v->finished++;
}

/* One more token of the request in `seq`, chosen from its logits. */
static void take_token(struct server *v, size_t seq, const float *logits)
{
    struct job *j = &v->jobs[v->of[seq]];
    v->out[v->of[seq] * v->opt.n_gen + j->done] = workload_argmax(logits, v->m->hp.n_vocab);
    j->done++;
    if (j->done == 1)
        j->first_s = now_of(v);
    if (j->done == v->opt.n_gen)
        end_job(v, seq, false);
}

static size_t free_sequence(const struct server *v)
{
    for (size_t i = 0; i < v->opt.sequences; i++)
        if (v->of[i] == none)
            return i;
    return none;
}

/* Runs the prompt of the next request. */
static void admit(struct server *v, size_t seq)
{
    const size_t i = v->next++;
    for (size_t k = 0; k < v->opt.n_prompt; k++)
        v->prompt[k] = (int32_t)(random_at(v->opt.seed, i * v->opt.n_prompt + k) % v->m->hp.n_vocab);
    v->of[seq] = i;
    v->active++;
    v->jobs[i].arrival_s = v->opt.kind == LOAD_SINGLE_STREAM ? now_of(v) : v->arrivals[i];
    session_rewind_of(v->s, seq, 0);
    const int rc = session_eval_of(v->s, seq, v->prompt, v->opt.n_prompt, false, v->logits);
    live_add(v->opt.n_prompt);
    if (rc)
        end_job(v, seq, true);
    else
        take_token(v, seq, v->logits);
}

/* One pass over all active requests. */
static void decode_all(struct server *v)
{
    size_t n = 0;
    for (size_t i = 0; i < v->opt.sequences; i++)
        if (v->of[i] != none) {
            v->seqs[n] = i;
            v->ids[n++] = v->out[v->of[i] * v->opt.n_gen + v->jobs[v->of[i]].done - 1];
        }
    const int rc = session_decode(v->s, v->seqs, v->ids, n, v->logits);
    live_add(n);
    v->result->decode_passes++;
    v->result->decode_tokens += (double)n;
    for (size_t i = 0; i < n; i++) {
        if (rc)
            end_job(v, v->seqs[i], true);
        else
            take_token(v, v->seqs[i], v->logits + i * v->m->hp.n_vocab);
    }
}

static void sleep_until(const struct server *v, double at_s)
{
    const double s = fmin(at_s, v->opt.timeout_s) - now_of(v);
    if (!(s > 0))
        return;
    const struct timespec t = {(time_t)s, (long)(1e9 * (s - floor(s)))};
    nanosleep(&t, NULL);
}

static void serve(struct server *v)
{
    while (v->finished < v->opt.requests && now_of(v) < v->opt.timeout_s) {
        const size_t seq = free_sequence(v);
        const bool more = v->next < v->opt.requests, come = more && v->arrivals[v->next] <= now_of(v);
        if (seq != none && come)
            admit(v, seq);
        else if (v->active)
            decode_all(v);
        else
            sleep_until(v, v->arrivals[v->next]);
    }
    for (size_t i = 0; i < v->opt.sequences; i++) /* out of time */
        if (v->of[i] != none)
            end_job(v, i, true);
    for (size_t i = v->next; i < v->opt.requests; i++)
        v->jobs[i].failed = true;
}

/* ---- the result ----------------------------------------------------------------------------------------------------- */

static int collect(const struct server *v, struct load_result *r)
{
    const size_t n = v->opt.requests;
    r->ttft_s = calloc(n, sizeof *r->ttft_s);
    r->tpot_s = calloc(n, sizeof *r->tpot_s);
    r->e2e_s = calloc(n, sizeof *r->e2e_s);
    if (!r->ttft_s || !r->tpot_s || !r->e2e_s)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct job *j = &v->jobs[i];
        if (j->failed) {
            r->failed++;
            continue;
        }
        r->ttft_s[r->n] = j->first_s - j->arrival_s;
        r->tpot_s[r->n] = v->opt.n_gen > 1 ? (j->end_s - j->first_s) / (v->opt.n_gen - 1) : 0;
        r->e2e_s[r->n] = j->end_s - j->arrival_s;
        r->duration_s = fmax(r->duration_s, j->end_s);
        r->out_tokens += v->opt.n_gen;
        r->n++;
    }
    return r->failed ? 0 : sha256_ids(v->out, n * v->opt.n_gen, r->output_sha256);
}

int load_run(const struct model *m, struct session *s, const struct load_options *opt, struct load_result *out)
{
    struct server v = {.m = m, .s = s, .opt = *opt, .result = out};
    *out = (struct load_result){.n = 0};
    if (opt->kind == LOAD_SINGLE_STREAM)
        v.opt.sequences = 1;
    int rc = server_new(&v);
    if (!rc) {
        v.began_s = time_now_s();
        serve(&v);
        rc = collect(&v, out);
    }
    server_free(&v);
    if (rc)
        load_result_free(out);
    return rc;
}

void load_result_free(struct load_result *r)
{
    free(r->ttft_s);
    free(r->tpot_s);
    free(r->e2e_s);
    *r = (struct load_result){.n = 0};
}
