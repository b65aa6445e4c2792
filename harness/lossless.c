/* The arms one after the other, each with a model of its own. The reference's logits wait in a temporary file, in the order in which
 * every arm reads them again: they may be larger than memory. */
#include "harness/lossless.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/act_round.h"
#include "engine/perplexity.h"
#include "engine/student_t.h"
#include "harness/json_util.h"
#include "harness/workload.h"
#include "kernels/cpu.h"

struct arm {
    const struct format *fmt;
    const char *isa;  /* of the kernels */
    uint32_t limit;   /* CPU features that may be used */
    size_t act_block; /* session_options.act_block */
    const char *acts; /* "int8 per token": for readers */
    unsigned threads;
};

/* What an arm showed. */
struct outcome {
    size_t identical, steps, same;
    size_t *diverged; /* [prompts] step of the first other token; SIZE_MAX: none */
    bool bits;        /* all logits have the reference's bits */
    double max, squares, kl;
    double n_logits;
};

struct lossless {
    const struct lossless_options *o;
    struct tokenizer *tok;
    struct token_list ids; /* the whole text */
    int32_t *prompts;      /* [prompts, prompt_len] with BOS */
    size_t prompt_len;
    int32_t *output; /* [prompts, tokens] of the reference */
    size_t *n_output;
    FILE *logits;    /* of the reference, step after step */
    float *row, *ref;  /* [n_vocab] */
    double *ref_nll;   /* [n_windows] */
    size_t n_windows;
    struct model *m; /* of the running arm */
    struct session *s;
    char *err;
};

void lossless_defaults(struct lossless_options *o)
{
    *o = (struct lossless_options){.prompts = 64, .prompt_tokens = 32, .tokens = 100, .window = 128, .windows = 32};
}

static int fail(struct lossless *l, int rc, const char *what)
{
    snprintf(l->err, MODEL_ERR_LEN, "%.300s: %.150s", l->o->model, what);
    return rc;
}

/* ---- prompts -------------------------------------------------------------------------------------------------------- */

static int read_text(struct lossless *l, const struct gguf *file)
{
    char *text = NULL;
    size_t len = 0;
    int rc = tokenizer_new(file, &l->tok, l->err);
    rc = rc ? rc : perplexity_read_text(l->o->text, &text, &len, l->err);
    if (!rc && (rc = tokenizer_encode(l->tok, text, len, false, &l->ids)))
        fail(l, rc, "the text cannot be encoded");
    free(text);
    return rc;
}

/* Prompts at even distances, so that they are of the whole text and do not overlap. */
static int cut_prompts(struct lossless *l)
{
    const struct lossless_options *o = l->o;
    const int32_t bos = tokenizer_bos(l->tok);
    const bool with_bos = bos >= 0 && tokenizer_add_bos(l->tok);
    const size_t step = l->ids.n / o->prompts;
    if (step < o->prompt_tokens) {
        snprintf(l->err, MODEL_ERR_LEN, "%.300s: %zu tokens do not make %u prompts of %u", o->text, l->ids.n, o->prompts, o->prompt_tokens);
        return -EINVAL;
    }
    l->prompt_len = o->prompt_tokens + with_bos;
    l->prompts = malloc(o->prompts * l->prompt_len * sizeof *l->prompts);
    l->output = malloc((size_t)o->prompts * o->tokens * sizeof *l->output);
    l->n_output = calloc(o->prompts, sizeof *l->n_output);
    if (!l->prompts || !l->output || !l->n_output)
        return fail(l, -ENOMEM, "out of memory");
    for (size_t p = 0; p < o->prompts; p++) {
        int32_t *dst = l->prompts + p * l->prompt_len;
        dst[0] = bos;
        memcpy(dst + with_bos, l->ids.v + p * step, o->prompt_tokens * sizeof *dst);
    }
    return 0;
}

/* ---- running an arm ------------------------------------------------------------------------------------------------- */

static void unload(struct lossless *l)
{
    if (l->s)
        session_free(l->s);
    model_free(l->m);
    l->s = NULL;
    l->m = NULL;
}

static int load(struct lossless *l, const struct arm *a)
{
    const size_t need = l->prompt_len + l->o->tokens, n_ctx = l->o->window > need ? l->o->window : need;
    const struct model_options mo = {.format = a->fmt->name, .threads = a->threads};
    const struct session_options so = {.threads = a->threads, .n_ctx = n_ctx, .act_block = a->act_block};
    cpu_limit(a->limit);
    int rc = model_load(l->o->model, &mo, &l->m, l->err);
    rc = rc ? rc : session_new(l->m, &so, &l->s, l->err);
    if (rc)
        unload(l);
    return rc;
}

/* The reference: greedy tokens, and the logits of every step into the file. */
static int make_reference(struct lossless *l)
{
    const struct lossless_options *o = l->o;
    const size_t n_vocab = l->m->hp.n_vocab;
    for (size_t p = 0; p < o->prompts; p++) {
        const int32_t *next = l->prompts + p * l->prompt_len;
        size_t n = l->prompt_len;
        session_rewind(l->s, 0);
        for (size_t t = 0; t < o->tokens; t++) {
            int32_t *out = &l->output[p * o->tokens + t];
            if (session_eval(l->s, next, n, false, l->row))
                return fail(l, -EINVAL, "the reference cannot be run");
            if (fwrite(l->row, sizeof *l->row, n_vocab, l->logits) != n_vocab)
                return fail(l, -EIO, "the temporary file of the logits cannot be written");
            *out = workload_argmax(l->row, n_vocab);
            l->n_output[p]++;
            if (tokenizer_is_stop(l->tok, *out))
                break;
            next = out;
            n = 1;
        }
    }
    return 0;
}

/* KL(softmax(ref) || softmax(x)) in nat. */
static double divergence(const float *ref, const float *x, size_t n)
{
    double a = 0, b = 0, sum = 0; /* a and b are 1 or more: the largest logit adds 1 */
    float ma = ref[0], mb = x[0];
    for (size_t i = 1; i < n; i++) {
        ma = fmaxf(ma, ref[i]);
        mb = fmaxf(mb, x[i]);
    }
    for (size_t i = 0; i < n; i++) {
        a += exp((double)ref[i] - ma);
        b += exp((double)x[i] - mb);
    }
    for (size_t i = 0; i < n; i++)
        sum += exp((double)ref[i] - ma) / a * ((double)ref[i] - ma - ((double)x[i] - mb));
    return sum - log(fmax(a, 1)) + log(fmax(b, 1));
}

/* One step: the arm's logits in l->row against the reference's, which is next in the file. */
static int compare_step(struct lossless *l, size_t p, size_t t, struct outcome *r)
{
    const size_t n = l->m->hp.n_vocab;
    if (fread(l->ref, sizeof *l->ref, n, l->logits) != n)
        return fail(l, -EIO, "the temporary file of the logits cannot be read");
    const bool same = workload_argmax(l->row, n) == l->output[p * l->o->tokens + t];
    r->steps++;
    r->same += same;
    r->n_logits += (double)n;
    if (!same && r->diverged[p] == SIZE_MAX)
        r->diverged[p] = t;
    if (!memcmp(l->row, l->ref, n * sizeof *l->row))
        return 0;
    r->bits = false;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)l->row[i] - (double)l->ref[i]);
        r->max = fmax(r->max, d);
        r->squares += d * d;
    }
    r->kl += divergence(l->ref, l->row, n);
    return 0;
}

static int run_prompts(struct lossless *l, struct outcome *r)
{
    const struct lossless_options *o = l->o;
    rewind(l->logits);
    for (size_t p = 0; p < o->prompts; p++) {
        const int32_t *next = l->prompts + p * l->prompt_len;
        size_t n = l->prompt_len;
        r->diverged[p] = SIZE_MAX;
        session_rewind(l->s, 0);
        for (size_t t = 0; t < l->n_output[p]; t++) {
            if (session_eval(l->s, next, n, false, l->row))
                return fail(l, -EINVAL, "an arm cannot be run");
            const int rc = compare_step(l, p, t, r);
            if (rc)
                return rc;
            next = &l->output[p * o->tokens + t];
            n = 1;
        }
        r->identical += r->diverged[p] == SIZE_MAX;
    }
    return 0;
}

/* ---- results -------------------------------------------------------------------------------------------------------- */

/* The p with I_p(a, b) = want: rising in p. */
static double beta_quantile(double want, double a, double b)
{
    double lo = 0, hi = 1;
    for (int i = 0; i < 60; i++) {
        const double mid = (lo + hi) / 2;
        if (beta_inc(a, b, mid) < want)
            lo = mid;
        else
            hi = mid;
    }
    return (lo + hi) / 2;
}

/* k of n with the exact interval: the shares under which k or more, and k or less, have a chance of 2.5 %. */
static json_t *share_json(size_t k, size_t n)
{
    const double K = (double)k, N = (double)n;
    const double lo = k ? beta_quantile(0.025, K, N - K + 1) : 0, hi = k < n ? beta_quantile(0.975, K + 1, N - K) : 1;
    return json_pack("{s:f, s:f, s:f, s:f, s:s}", "value", K / N, "lo", lo, "hi", hi, "confidence", 0.95, "method", "Clopper-Pearson");
}

static int order_size(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Of the outputs that differ: the token (from 1) of the first difference. null: none differs. Sorts `at`. */
static json_t *divergence_json(size_t *at, size_t prompts, size_t identical)
{
    const size_t n = prompts - identical;
    if (!n)
        return json_null();
    qsort(at, prompts, sizeof *at, order_size); /* those that never differ come last */
    const double median = ((double)at[(n - 1) / 2] + (double)at[n / 2]) / 2 + 1;
    return json_pack("{s:I, s:f, s:I}", "first", (json_int_t)at[0] + 1, "median", median, "last", (json_int_t)at[n - 1] + 1);
}

/* Mean of the differences of the windows, and its t interval. */
static json_t *nll_diff_json(const struct lossless *l, const double *nll)
{
    const size_t n = l->n_windows;
    double mean = 0, var = 0;
    for (size_t w = 0; w < n; w++)
        mean += (nll[w] - l->ref_nll[w]) / (double)n;
    for (size_t w = 0; w < n; w++)
        var += pow(nll[w] - l->ref_nll[w] - mean, 2);
    const double half = n > 1 ? student_t_quantile(0.975, (double)n - 1) * sqrt(var / (double)(n - 1) / (double)n) : (double)NAN;
    return json_pack("{s:f, s:o, s:o, s:f, s:s}", "value", mean, "lo", json_number_or_null(mean - half), "hi",
                     json_number_or_null(mean + half), "confidence", 0.95, "method", "paired t over the windows");
}

/* "perplexity" and "nll_diff" into the arm's object. The reference's windows are kept. */
static int add_perplexity(struct lossless *l, json_t *arm)
{
    const struct lossless_options *o = l->o;
    const struct perplexity_options po = {.window = o->window, .max_tokens = (size_t)o->window * o->windows};
    struct perplexity_result r;
    if (!o->windows)
        return json_object_set_new(arm, "perplexity", json_null()) ? -ENOMEM : 0;
    const int rc = perplexity_run_ids(l->m, l->s, l->tok, l->ids.v, l->ids.n, &po, &r, l->err);
    if (rc)
        return rc;
    if (!l->ref_nll) {
        l->ref_nll = r.window_nll;
        l->n_windows = r.windows;
    }
    json_object_set_new(arm, "perplexity",
                        json_pack("{s:f, s:o, s:o, s:I, s:I}", "value", r.value, "lo", json_number_or_null(r.lo), "hi",
                                  json_number_or_null(r.hi), "windows", (json_int_t)r.windows, "tokens", (json_int_t)r.tokens));
    json_object_set_new(arm, "nll_diff", nll_diff_json(l, r.window_nll));
    if (l->ref_nll == r.window_nll)
        r.window_nll = NULL;
    perplexity_free(&r);
    return 0;
}

static json_t *arm_json(const struct arm *a, unsigned threads)
{
    return json_pack("{s:s, s:s, s:b, s:s, s:i}", "format", a->fmt->name, "isa", a->isa, "ternary", (int)a->fmt->ternary, "activations",
                     a->acts, "threads", (int)threads);
}

static void add_outcome(const struct lossless *l, json_t *arm, struct outcome *r)
{
    const size_t n = l->o->prompts;
    const double steps = (double)r->steps;
    json_t *o = json_pack("{s:I, s:I, s:o, s:b, s:o, s:f, s:f, s:f, s:f}", "prompts", (json_int_t)n, "identical", (json_int_t)r->identical,
                          "share", share_json(r->identical, n), "bit_identical", (int)r->bits, "first_other_token",
                          divergence_json(r->diverged, n, r->identical), "same_token", (double)r->same / steps, "logit_max", r->max,
                          "logit_rms", sqrt(r->squares / r->n_logits), "kl_nat", r->kl / steps);
    json_object_update(arm, o);
    json_decref(o);
}

/* ---- the arms ------------------------------------------------------------------------------------------------------- */

static const char *acts_of(const struct format *fmt)
{
    return fmt->act == ACT_I8 ? "int8 per token" : fmt->act == ACT_Q8 ? "int8 per 32" : "float";
}

/* Appends the result of an arm. One that the model cannot take is there with its reason. */
static int run_arm(struct lossless *l, const struct arm *a, json_t *list)
{
    struct outcome r = {.bits = true, .diverged = l->o->prompts ? calloc(l->o->prompts, sizeof *r.diverged) : NULL};
    if (!r.diverged)
        return fail(l, -ENOMEM, "out of memory");
    int rc = load(l, a);
    json_t *arm = arm_json(a, rc ? a->threads : session_threads(l->s));
    if (rc) {
        json_object_set_new(arm, "reason", json_string(l->err));
        rc = rc == -EINVAL || rc == -ENOTSUP ? 0 : rc;
    } else {
        json_object_set_new(arm, "reason", json_null());
        rc = run_prompts(l, &r);
        rc = rc ? rc : add_perplexity(l, arm);
        if (!rc)
            add_outcome(l, arm, &r);
    }
    if (!rc && l->o->progress)
        fprintf(l->o->progress, "lossless: %s, %s, %s: %zu of %u identical\n", a->fmt->name, a->isa, a->acts, r.identical, l->o->prompts);
    unload(l);
    free(r.diverged);
    json_array_append_new(list, arm);
    return rc;
}

/* Every instruction set of a format that this CPU can run, or the best one. */
static int run_format(struct lossless *l, const struct format *fmt, json_t *list)
{
    cpu_limit(UINT32_MAX);
    const uint32_t have = cpu_features();
    for (const struct kernel *k = fmt->kernels;; k++) {
        cpu_limit(k->need);
        const bool can = (k->need & have) == k->need && format_kernel(fmt) == k;
        const struct arm a = {.fmt = fmt,
                              .isa = k->isa,
                              .limit = l->o->best_isa ? UINT32_MAX : k->need,
                              .acts = acts_of(fmt),
                              .threads = l->o->threads};
        const int rc = can ? run_arm(l, &a, list) : 0;
        if (rc || !k->need || (can && (l->o->best_isa || !fmt->ternary)))
            return rc;
    }
}

/* Ternary formats with all kernels; then what is done to the same weights elsewhere: rounding of the activations in f32, by token and
 * in blocks of 256; and the formats of baselines/. */
static int run_arms(struct lossless *l, json_t *list)
{
    const struct format *f32 = format_find("f32"), *fmt;
    const struct arm rounded[] = {
        {f32, "best", UINT32_MAX, MODEL_MAX_COLS, "float, int8 per token", l->o->threads},
        {f32, "best", UINT32_MAX, 256, "float, int8 per 256", l->o->threads},
    };
    int rc = 0;
    for (size_t i = 0; !rc && (fmt = format_at(i)); i++)
        if (fmt->ternary)
            rc = run_format(l, fmt, list);
    for (size_t i = 0; !rc && i < sizeof rounded / sizeof rounded[0]; i++)
        rc = run_arm(l, &rounded[i], list);
    for (size_t i = 0; !rc && (fmt = format_at(i)); i++)
        if (!fmt->ternary && strcmp(fmt->name, "q6_k")) /* a format of lm_head */
            rc = run_format(l, fmt, list);
    return rc;
}

static int run_all(struct lossless *l, json_t **reference, json_t *list)
{
    const bool best = l->o->best_isa;
    const struct format *i2_s = format_find("i2_s");
    cpu_limit(UINT32_MAX);
    const struct arm plain = {i2_s, "c", 0, 0, acts_of(i2_s), 1};
    const struct arm ref = best ? (struct arm){i2_s, format_kernel(i2_s)->isa, UINT32_MAX, 0, acts_of(i2_s), l->o->threads} : plain;
    int rc = load(l, &ref);
    if (rc)
        return rc;
    if (!l->m->gguf)
        return fail(l, -EINVAL, "a synthetic model has no tokenizer");
    rc = read_text(l, l->m->gguf);
    rc = rc ? rc : cut_prompts(l);
    unload(l); /* now the length of a prompt is known */
    rc = rc ? rc : load(l, &ref);
    if (rc)
        return rc;
    l->row = malloc(l->m->hp.n_vocab * sizeof *l->row);
    l->ref = malloc(l->m->hp.n_vocab * sizeof *l->ref);
    l->logits = tmpfile();
    if (!l->row || !l->ref || !l->logits)
        return fail(l, -ENOMEM, "no memory, or no temporary file");
    *reference = arm_json(&ref, session_threads(l->s));
    rc = make_reference(l);
    rc = rc ? rc : add_perplexity(l, *reference);
    json_object_del(*reference, "nll_diff"); /* from itself */
    if (!rc && l->o->progress)
        fprintf(l->o->progress, "lossless: reference %s, %s, %s: %u outputs\n", ref.fmt->name, ref.isa, ref.acts, l->o->prompts);
    unload(l);
    return rc ? rc : run_arms(l, list);
}

json_t *lossless_run(const struct lossless_options *o, char err[MODEL_ERR_LEN])
{
    struct lossless l = {.o = o, .err = err};
    json_t *reference = NULL, *list = json_array(), *result = NULL;
    const int rc = run_all(&l, &reference, list);
    if (!rc)
        result = json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:O, s:O}", "model", o->name, "text", o->text, "prompts", (int)o->prompts,
                           "prompt_tokens", (int)o->prompt_tokens, "tokens", (int)o->tokens, "window", (int)o->window, "windows",
                           (int)o->windows, "reference", reference, "arms", list);
    if (!rc && !result)
        fail(&l, -ENOMEM, "out of memory, or a name that is no UTF-8");
    cpu_limit(UINT32_MAX);
    unload(&l);
    json_decref(reference);
    json_decref(list);
    tokenizer_free(l.tok);
    free(l.ids.v);
    free(l.prompts);
    free(l.output);
    free(l.n_output);
    free(l.row);
    free(l.ref);
    free(l.ref_nll);
    if (l.logits)
        fclose(l.logits);
    return result;
}
