/* Section "Lossless": output tokens of every arm against the reference over many prompts, where the record has such a check. */
#include "reports/report_sections.h"

#include <math.h>
#include <string.h>

static const char *value_or_dash(struct arena *a, double x, int digits)
{
    return isnan(x) ? "-" : number_sig(a, x, digits);
}

static const char *count_or_dash(struct arena *a, double x)
{
    return isnan(x) ? "-" : number_exact(a, x);
}

/* With four digits: a difference that a format makes is in the third. */
static const char *perplexity_text(struct arena *a, const json_t *arm)
{
    const struct report_interval x = interval_at(arm, "perplexity");
    return isnan(x.mid) ? "-" : text_interval_digits(a, x, 4);
}

/* What all are compared with: it has a perplexity, and nothing to differ from. */
static void reference_row(struct doc *d, struct doc_table *t, const json_t *ref)
{
    table_cell(d, t, report_text_at(ref, "format"));
    table_cell(d, t, report_text_at(ref, "isa"));
    table_cell(d, t, report_text_at(ref, "activations"));
    table_cell(d, t, "the reference");
    for (int i = 0; i < 3; i++)
        table_cell(d, t, "-");
    table_cell(d, t, perplexity_text(d->arena, ref));
    table_cell(d, t, "-");
}

static void arm_row(struct doc *d, struct doc_table *t, const json_t *arm)
{
    struct arena *a = d->arena;
    const json_t *reason = json_object_get(arm, "reason");
    table_cell(d, t, report_text_at(arm, "format"));
    table_cell(d, t, report_text_at(arm, "isa"));
    table_cell(d, t, report_text_at(arm, "activations"));
    if (json_is_string(reason)) {
        for (int i = 0; i < 6; i++)
            table_missing(d, t, "not run", json_string_value(reason));
        return;
    }
    const struct report_interval share = interval_at(arm, "share"), nll = interval_at(arm, "nll_diff");
    table_cell(d, t,
               arena_fmt(a, "%s of %s", count_or_dash(a, report_number_at(arm, "identical")),
                         count_or_dash(a, report_number_at(arm, "prompts"))));
    table_cell(d, t, isnan(share.mid) ? "-" : text_interval(a, share, 100.0));
    table_cell(d, t, value_or_dash(a, 100.0 * report_number_at(arm, "same_token"), 4));
    table_cell(d, t, value_or_dash(a, report_number_at(arm, "kl_nat"), 3));
    table_cell(d, t, perplexity_text(a, arm));
    table_cell(d, t, isnan(nll.mid) ? "-" : text_interval(a, nll, 1.0));
}

static void check_table(struct doc *d, const json_t *check)
{
    static const char *const heads[] = {"Identical outputs", "% of outputs", "% of tokens",
                                        "KL, nat",           "Perplexity",   "NLL over the reference's, nat/token"};
    struct arena *a = d->arena;
    const json_t *arms = json_object_get(check, "arms"), *ref = json_object_get(check, "reference");
    if (json_array_size(arms) == 0) {
        doc_paragraph(d, arena_fmt(a, "%s: %s: %s.", report_text_at(check, "model"), report_text_at(check, "status"),
                                   report_text_at(check, "reason")));
        return;
    }
    struct doc_table *t =
        doc_table(d, arena_fmt(a, "%s: %s prompts of %s tokens, %s tokens each; reference %s, %s, %s",
                               report_text_at(check, "model"), count_or_dash(a, report_number_at(check, "prompts")),
                               count_or_dash(a, report_number_at(check, "prompt_tokens")),
                               count_or_dash(a, report_number_at(check, "tokens")), report_text_at(ref, "format"),
                               report_text_at(ref, "isa"), report_text_at(ref, "activations")));
    table_column(d, t, "Format", COLUMN_FORMAT);
    table_column(d, t, "Instruction set", COLUMN_TEXT);
    table_column(d, t, "Activations", COLUMN_TEXT);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        table_column(d, t, heads[i], COLUMN_NUMBER);
    if (!isnan(interval_at(ref, "perplexity").mid))
        reference_row(d, t, ref);
    for (size_t i = 0; i < json_array_size(arms); i++)
        arm_row(d, t, json_array_get(arms, i));
}

void section_lossless(struct report *r)
{
    struct doc *d = &r->doc;
    bool any = false;
    for (size_t i = 0; i < r->matrix->set->n_runs; i++) {
        const json_t *list = json_object_get(r->matrix->set->runs[i]->root, "lossless");
        if (json_array_size(list) == 0)
            continue;
        if (!any) {
            doc_heading(d, 2, "Lossless");
            doc_paragraph(d, "Every arm continues the same prompts greedily. An output counts as identical only if all its tokens "
                             "are the reference's. % "
                             "of tokens: likeliest tokens that are the reference's after the same tokens before. KL and NLL: how "
                             "far the distributions "
                             "are apart, and what the arm's perplexity costs on the text; 0 is the reference itself.");
        }
        any = true;
        for (size_t k = 0; k < json_array_size(list); k++)
            check_table(d, json_array_get(list, k));
    }
}
