/* The quality row: perplexity of a text as a workload. One repetition is the whole computation over the first window * windows
 * tokens; the encoded text is made once, outside the time. The output is the likeliest token at every position, so that formats
 * which must agree bit for bit can be compared by their hash. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/perplexity.h"
#include "harness/workload.h"

struct quality {
    const struct model *m;
    struct session *s;
    struct workload_params p;
    struct tokenizer *tok;
    struct token_list ids;
    struct perplexity_result result;
};

static void quality_teardown(void *state)
{
    struct quality *w = state;
    if (!w)
        return;
    perplexity_free(&w->result);
    tokenizer_free(w->tok);
    free(w->ids.v);
    free(w);
}

static int encode_text(struct quality *w, char err[MODEL_ERR_LEN])
{
    char *text = NULL;
    size_t len = 0;
    if (!w->m->gguf) {
        snprintf(err, MODEL_ERR_LEN, "%s: a synthetic model has no tokenizer, so no perplexity", w->m->name);
        return -EINVAL;
    }
    int rc = tokenizer_new(w->m->gguf, &w->tok, err);
    if (!rc)
        rc = perplexity_read_text(w->p.text, &text, &len, err);
    if (!rc && (rc = tokenizer_encode(w->tok, text, len, false, &w->ids)))
        snprintf(err, MODEL_ERR_LEN, "%s: cannot be encoded", w->p.text);
    free(text);
    if (!rc && w->ids.n < w->p.window) {
        snprintf(err, MODEL_ERR_LEN, "%s: %zu tokens are less than one window of %u", w->p.text, w->ids.n, w->p.window);
        return -EINVAL;
    }
    return rc;
}

static int quality_setup(const struct model *m, struct session *s, const struct workload_params *p, void **state,
                         char err[MODEL_ERR_LEN])
{
    struct quality *w = calloc(1, sizeof *w);
    if (!w) {
        snprintf(err, MODEL_ERR_LEN, "out of memory");
        return -ENOMEM;
    }
    *w = (struct quality){.m = m, .s = s, .p = *p};
    const int rc = encode_text(w, err);
    if (rc)
        quality_teardown(w);
    else
        *state = w;
    return rc;
}

static int quality_run(void *state, double *token_s)
{
    struct quality *w = state;
    char err[MODEL_ERR_LEN];
    (void)token_s;
    const struct perplexity_options opt = {.window = w->p.window, .max_tokens = (size_t)w->p.window * w->p.windows};
    perplexity_free(&w->result);
    return perplexity_run_ids(w->m, w->s, w->tok, w->ids.v, w->ids.n, &opt, &w->result, err);
}

static void quality_reset(void *state)
{
    session_rewind(((const struct quality *)state)->s, 0);
}

static struct workload_work quality_work(const void *state)
{
    const struct quality *w = state;
    const size_t have = w->ids.n / w->p.window, windows = have < w->p.windows ? have : w->p.windows;
    struct workload_work window = {0};
    for (size_t at = 0; at < w->p.window; at += w->p.batch) {
        const size_t left = w->p.window - at, n = left < w->p.batch ? left : w->p.batch;
        workload_add_pass(&window, w->m, at, n, n, w->p.kv_elem_bytes);
    }
    const double k = (double)windows;
    return (struct workload_work){window.tokens * k, window.int8_macs * k, window.fma_macs * k, window.bytes * k};
}

static const int32_t *quality_output(const void *state, size_t *n)
{
    const struct quality *w = state;
    *n = w->result.tokens;
    return w->result.argmax;
}

static size_t quality_metrics(const void *state, struct metric *out, size_t cap)
{
    const struct perplexity_result *r = &((const struct quality *)state)->result;
    const struct {
        const char *name, *unit;
        double value;
    } rows[] = {
        {"perplexity", "1", r->value},
        {"perplexity_lo", "1", r->lo},
        {"perplexity_hi", "1", r->hi},
        {"nll_per_token", "nat", r->nll},
        {"bits_per_byte", "1", r->bits_per_byte},
        {"scored_tokens", "1", (double)r->tokens},
    };
    size_t n = 0;
    for (; n < sizeof rows / sizeof rows[0] && n < cap; n++) {
        if (rows[n].value == rows[n].value)
            metric_set(&out[n], rows[n].name, rows[n].unit, METRIC_MEASURED, rows[n].value, "engine");
        else
            metric_unavailable(&out[n], rows[n].name, rows[n].unit, "engine", "one window has no spread: give more text");
    }
    return n;
}

const struct workload workload_perplexity = {
    .name = "perplexity",
    .all_logits = true,
    .setup = quality_setup,
    .run = quality_run,
    .reset = quality_reset,
    .work = quality_work,
    .output = quality_output,
    .metrics = quality_metrics,
    .teardown = quality_teardown,
};
