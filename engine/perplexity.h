/* Perplexity of a model on a text, in windows.
 *
 * The text is encoded without BOS and cut into windows of `window` tokens that do not overlap; an incomplete last one is left
 * out. The input of a window is BOS and its first window - 1 tokens, from position 0 in an empty cache, so that every token of the
 * window is scored once. (A tokenizer without BOS: the first token of a window is context only and not scored.)
 *     nll = mean of -log softmax(logits)[token], natural logarithm, in double;  perplexity = exp(nll)
 * The interval takes the windows as independent samples: exp(nll +- t(windows - 1) * sd(window means) / sqrt(windows)). */
#ifndef BITJOULE_PERPLEXITY_H
#define BITJOULE_PERPLEXITY_H

#include <stddef.h>
#include <stdint.h>

#include "engine/session.h"
#include "engine/tokenizer.h"

struct perplexity_options {
    size_t window;     /* tokens per window; at most the session's context */
    size_t max_tokens; /* use at most the first max_tokens of the text; 0: all */
};

struct perplexity_result {
    size_t windows, tokens, bytes; /* scored; bytes: of text, as the scored tokens spell it */
    double nll;                    /* mean per token, nat */
    double nll_se;                 /* standard error from the windows; NAN for one window */
    double value, lo, hi;          /* perplexity and its 95 % interval; NAN for one window */
    double bits_per_byte;
    int32_t *argmax;    /* [tokens]: likeliest token at every scored position */
    double *window_nll; /* [windows]: mean per token of each; perplexity_free() frees both */
};

/* Rewinds the session to 0. 0, or a negative errno and one line in err. Nothing needs freeing after an error. */
int perplexity_run(const struct model *m, struct session *s, const struct tokenizer *t, const char *text, size_t len,
                   const struct perplexity_options *opt, struct perplexity_result *out, char err[MODEL_ERR_LEN]);
/* The same for ids that are encoded already (without BOS). */
int perplexity_run_ids(const struct model *m, struct session *s, const struct tokenizer *t, const int32_t *ids, size_t n,
                       const struct perplexity_options *opt, struct perplexity_result *out, char err[MODEL_ERR_LEN]);
void perplexity_free(struct perplexity_result *r);

/* -log softmax(logits)[target] in double: log(sum exp(l - max)) - (l[target] - max). */
double perplexity_nll(const float *logits, size_t n, int32_t target);

/* Reads a whole file. 0, or a negative errno and one line in err; free(*text). */
int perplexity_read_text(const char *path, char **text, size_t *len, char err[MODEL_ERR_LEN]);

#endif
