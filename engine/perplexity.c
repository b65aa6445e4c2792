/* Perplexity by windows, as perplexity.h defines it. A window is evaluated in pieces of PIECE tokens, so that the logits of a
 * whole window of a large vocabulary need not fit in memory; by the engine's contract the pieces do not change a bit. */
#include "engine/perplexity.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/student_t.h"

enum { PIECE = 64 };

double perplexity_nll(const float *logits, size_t n, int32_t target)
{
    float max = logits[0];
    for (size_t i = 1; i < n; i++)
        if (logits[i] > max)
            max = logits[i];
    double sum = exp((double)logits[0] - (double)max);
    for (size_t i = 1; i < n; i++)
        sum += exp((double)logits[i] - (double)max);
    return log(sum) - ((double)logits[target] - (double)max);
}

struct run {
    const struct model *m;
    struct session *s;
    const struct tokenizer *t;
    size_t window, scored; /* tokens of a window, and how many of them are scored */
    int32_t *input;        /* [window] */
    float *logits;         /* [PIECE, n_vocab] */
    struct perplexity_result *out;
};

static int32_t argmax(const float *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return (int32_t)best;
}

/* targets: the scored tokens. input[i] is the token before targets[i]. */
static int score_window(struct run *r, const int32_t *targets, double *mean)
{
    const size_t n_vocab = r->m->hp.n_vocab;
    double sum = 0;
    session_rewind(r->s, 0);
    for (size_t at = 0; at < r->scored; at += PIECE) {
        const size_t n = r->scored - at < PIECE ? r->scored - at : PIECE;
        const int rc = session_eval(r->s, r->input + at, n, true, r->logits);
        if (rc)
            return rc;
        for (size_t i = 0; i < n; i++) {
            const float *row = r->logits + i * n_vocab;
            sum += perplexity_nll(row, n_vocab, targets[at + i]);
            r->out->bytes += tokenizer_piece(r->t, targets[at + i], true).len;
            r->out->argmax[r->out->tokens++] = argmax(row, n_vocab);
        }
    }
    *mean = sum / (double)r->scored;
    return 0;
}

static int score_all(struct run *r, const int32_t *ids)
{
    const int32_t bos = tokenizer_bos(r->t);
    for (size_t w = 0; w < r->out->windows; w++) {
        const int32_t *window = ids + w * r->window;
        r->input[0] = bos;
        memcpy(r->input + (bos >= 0), window, (r->window - 1) * sizeof *window);
        const int rc = score_window(r, bos >= 0 ? window : window + 1, &r->out->window_nll[w]);
        if (rc)
            return rc;
    }
    return 0;
}

static int summarise(struct perplexity_result *out)
{
    const double *window_nll = out->window_nll;
    const double n = (double)out->windows;
    double mean = 0, var = 0;
    for (size_t w = 0; w < out->windows; w++)
        mean += window_nll[w] / n;
    for (size_t w = 0; w < out->windows; w++)
        var += (window_nll[w] - mean) * (window_nll[w] - mean);
    out->nll = mean;
    out->value = exp(mean);
    out->bits_per_byte = out->bytes ? mean * (double)out->tokens / log(2) / (double)out->bytes : (double)NAN;
    out->nll_se = out->lo = out->hi = (double)NAN;
    if (!isfinite(out->value))
        return -EDOM;
    if (out->windows < 2)
        return 0;
    out->nll_se = sqrt(var / (n - 1) / n);
    const double half = student_t_quantile(0.975, n - 1) * out->nll_se;
    out->lo = exp(mean - half);
    out->hi = exp(mean + half);
    return 0;
}

static int check_ids(const struct model *m, const int32_t *ids, size_t n, const struct perplexity_options *opt,
                     char err[MODEL_ERR_LEN])
{
    if (opt->window < 2 || n < opt->window) {
        snprintf(err, MODEL_ERR_LEN, "the text has %zu tokens; one window takes %zu (at least 2)", n, opt->window);
        return -EINVAL;
    }
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= m->hp.n_vocab) {
            snprintf(err, MODEL_ERR_LEN, "token %d of the text is outside the model's vocabulary of %zu", (int)ids[i],
                     m->hp.n_vocab);
            return -EINVAL;
        }
    return 0;
}

int perplexity_run_ids(const struct model *m, struct session *s, const struct tokenizer *t, const int32_t *ids, size_t n,
                       const struct perplexity_options *opt, struct perplexity_result *out, char err[MODEL_ERR_LEN])
{
    *out = (struct perplexity_result){0};
    if (opt->max_tokens && n > opt->max_tokens)
        n = opt->max_tokens;
    int rc = check_ids(m, ids, n, opt, err);
    if (rc)
        return rc;
    struct run r = {.m = m, .s = s, .t = t, .window = opt->window, .out = out};
    r.scored = opt->window - (tokenizer_bos(t) < 0);
    out->windows = n / opt->window;
    r.input = malloc(opt->window * sizeof *r.input);
    r.logits = malloc(PIECE * m->hp.n_vocab * sizeof *r.logits);
    out->window_nll = malloc(out->windows * sizeof *out->window_nll);
    out->argmax = malloc(out->windows * r.scored * sizeof *out->argmax);
    rc = r.input && r.logits && out->window_nll && out->argmax ? score_all(&r, ids) : -ENOMEM;
    if (!rc)
        rc = summarise(out);
    if (rc == -EDOM)
        snprintf(err, MODEL_ERR_LEN, "the perplexity is not finite: the model's logits are not numbers");
    else if (rc == -ENOSPC)
        snprintf(err, MODEL_ERR_LEN, "a window of %zu tokens does not fit the context of the session", opt->window);
    else if (rc)
        snprintf(err, MODEL_ERR_LEN, "evaluating the text: %s", strerror(-rc));
    free(r.input);
    free(r.logits);
    if (rc)
        perplexity_free(out);
    return rc;
}

int perplexity_run(const struct model *m, struct session *s, const struct tokenizer *t, const char *text, size_t len,
                   const struct perplexity_options *opt, struct perplexity_result *out, char err[MODEL_ERR_LEN])
{
    *out = (struct perplexity_result){0};
    struct token_list ids = {0};
    int rc = tokenizer_encode(t, text, len, false, &ids);
    if (rc)
        snprintf(err, MODEL_ERR_LEN, "encoding the text: %s", strerror(-rc));
    else
        rc = perplexity_run_ids(m, s, t, ids.v, ids.n, opt, out, err);
    free(ids.v);
    return rc;
}

void perplexity_free(struct perplexity_result *r)
{
    free(r->argmax);
    free(r->window_nll);
    *r = (struct perplexity_result){0};
}

int perplexity_read_text(const char *path, char **text, size_t *len, char err[MODEL_ERR_LEN])
{
    enum { BLOCK = 1 << 16 };
    FILE *f = fopen(path, "rbe");
    char *buf = NULL;
    size_t used = 0, got = 0;
    int rc = f ? 0 : -errno;
    while (!rc) {
        char *grown = realloc(buf, used + BLOCK);
        if (!grown) {
            rc = -ENOMEM;
            break;
        }
        buf = grown;
        errno = 0;
        got = fread(buf + used, 1, BLOCK, f);
        used += got;
        if (got < BLOCK) {
            rc = ferror(f) ? (errno ? -errno : -EIO) : 0;
            break;
        }
    }
    if (f)
        fclose(f);
    if (rc) {
        snprintf(err, MODEL_ERR_LEN, "%s: %s", path, strerror(-rc));
        free(buf);
        return rc;
    }
    *text = buf;
    *len = used;
    return 0;
}
