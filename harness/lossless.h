/* Is a ternary format lossless? Output tokens of every arm against a reference, on many prompts.
 *
 * Reference: i2_s in plain C with one thread, which is the definition of W1.58A8 here (ternary weights, int8 activations with one
 * scale per token, exact sums). It continues every prompt greedily, for `tokens` tokens or to the end of the text. An arm is a
 * weight format with an instruction set and a kind of activations. It is fed the reference's tokens, the prompt in one pass and then
 * one by one as decode does, and its logits are compared at every step. Its own greedy output is that of the reference up to the
 * first step where its likeliest token differs, so one pass tells both whether the output is identical and how far the logits are.
 *
 *     identical        outputs that are the reference's, all tokens (arXiv 2410.16144, table 7, counts the same)
 *     share            identical / prompts, with the exact (Clopper-Pearson) 95 % interval
 *     same_token       share of all steps whose likeliest token is the reference's, given the reference's tokens before
 *     logit_max, _rms  of the differences of all logits of all steps
 *     kl_nat           mean over the steps of KL(reference || arm)
 *     nll_diff         nat per token on the text by windows, arm - reference, with a paired t interval over the windows */
#ifndef BITJOULE_LOSSLESS_H
#define BITJOULE_LOSSLESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "engine/model.h"

struct lossless_options {
    const char *model, *name; /* path of a .gguf; its name in the record */
    const char *text;         /* path: prompts are cut from it at even distances */
    unsigned prompts, prompt_tokens, tokens;
    unsigned window, windows; /* of the perplexity; windows 0: none */
    unsigned threads;         /* of the arms; 0: all cores */
    bool best_isa;            /* of each format the best instruction set only, the reference as well: large models */
    FILE *progress;           /* a line per arm; NULL: silent */
};
/* 64 prompts of 32 tokens, 100 tokens each, 32 windows of 128. */
void lossless_defaults(struct lossless_options *o);

/* The record's "lossless" entry (harness/README.md) without its status. New reference; NULL: one line in err. Sets cpu_limit() and
 * lifts it at the end. */
json_t *lossless_run(const struct lossless_options *o, char err[MODEL_ERR_LEN]);

/* The table for readers. */
void lossless_print(FILE *out, const json_t *result);

#endif
