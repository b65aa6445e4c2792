/* What the judges of claims share. A judge gets one claim and one run and gives a result; it never fails, it says what is missing. */
#ifndef BITJOULE_CLAIMS_JUDGE_H
#define BITJOULE_CLAIMS_JUDGE_H

#include "reports/claims.h"

struct claim_case {
    const struct claim *c;
    const struct claim_registry *reg;
    const struct report_matrix *m;
    const struct report_run *run;
    struct arena *a;
};

struct claim_result claim_judge_speedup(const struct claim_case *k);
struct claim_result claim_judge_rate(const struct claim_case *k); /* tokens/s and latency */
struct claim_result claim_judge_memory(const struct claim_case *k);
struct claim_result claim_judge_bits(const struct claim_case *k);
struct claim_result claim_judge_saving(const struct claim_case *k);
struct claim_result claim_judge_joules(const struct claim_case *k);
struct claim_result claim_judge_paper(const struct claim_case *k);    /* figures that follow from constants */
struct claim_result claim_judge_quotient(const struct claim_case *k); /* against other models: memory, latency, energy */
struct claim_result claim_judge_lossless(const struct claim_case *k);
struct claim_result claim_judge_perplexity(const struct claim_case *k);

/* ---- finding cells (claims_find.c) -------------------------------------------------------------------------------------------- */

bool claim_has_word(const struct claim_words *w, const char *word); /* false for NULL */
/* The run's plain decode or prefill groups of a model: empty cache, nothing but the test. Of several the one whose length is nearest to
 * the stated length, else the longest; of prefill the largest batch. NULL: none has an ok cell of `formats`. */
const struct report_group *claim_group(const struct claim_case *k, const char *model, const struct claim_words *formats);
/* The fastest ok cell of these formats, on exactly `threads`, or any number when that is 0 or less. `embedding` may be empty. */
struct report_cell *claim_fastest(const struct report_group *g, const struct claim_words *formats,
                                  const struct claim_words *embedding, long long threads);
bool claim_same_model(const char *recorded, const char *claimed);
/* "7b with f16: skipped: needs 26.1 GB, 21.4 GB available", or "no cell of 7b with f16" */
const char *claim_missing(const struct claim_case *k, const char *model, const struct claim_words *formats, long long threads);
/* True if both ends of the interval are known and it comes from more than one repetition. */
bool claim_interval_known(const struct report_cell *c);
double claim_read_gb_s(const struct report_run *run); /* highest read bandwidth that was measured in any round; NAN */
/* Bytes that a token of decode reads: weights and lm_head of a model that the registry knows, in a format; NAN. */
double claim_token_bytes(const struct claim_registry *reg, const char *model, const char *format);
const char *claim_join(struct arena *a, const struct claim_words *w, const char *between);

/* ---- results (claims_verdict.c) ----------------------------------------------------------------------------------------------- */

struct claim_result claim_unjudged(enum claim_verdict v, const char *detail, const char *reason);
/* x against the figure: at least it, at most it; the figure counts with its rounding. One repetition or no interval: not testable. */
struct claim_result claim_at_least(const struct claim_case *k, struct report_interval x, bool interval_known);
struct claim_result claim_at_most(const struct claim_case *k, struct report_interval x, bool interval_known);
double claim_rounding(const struct claim_number *n); /* half a unit of the last printed digit */
/* HOLDS becomes IN_PART with this reservation; other verdicts stay. */
void claim_reserve(struct claim_result *r, const char *where);
/* Puts a sentence behind the reason. */
void claim_add(struct arena *a, struct claim_result *r, const char *sentence);

#endif
