/* The table of `bitjoule lossless`. */
#include <stdbool.h>

#include "harness/lossless.h"

static double real(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

static void print_arm(FILE *out, const json_t *arm)
{
    const json_t *share = json_object_get(arm, "share"), *first = json_object_get(arm, "first_other_token");
    const json_t *ppl = json_object_get(arm, "perplexity"), *diff = json_object_get(arm, "nll_diff");
    const char *reason = json_string_value(json_object_get(arm, "reason"));
    fprintf(out, "%-6s %-11s %-22s ", json_string_value(json_object_get(arm, "format")), json_string_value(json_object_get(arm, "isa")),
            json_string_value(json_object_get(arm, "activations")));
    if (reason) {
        fprintf(out, "skipped: %s\n", reason);
        return;
    }
    fprintf(out, "%6.1f %% [%5.1f, %5.1f] ", 100 * real(share, "value"), 100 * real(share, "lo"), 100 * real(share, "hi"));
    if (json_is_object(first))
        fprintf(out, "%9.0f ", real(first, "median"));
    else
        fprintf(out, "%9s ", "-");
    if (json_is_true(json_object_get(arm, "bit_identical")))
        fprintf(out, "%19s ", "same bits");
    else
        fprintf(out, "%9.2g %9.2g ", real(arm, "logit_max"), real(arm, "kl_nat"));
    if (json_is_object(ppl))
        fprintf(out, "%9.3f %+.4f", real(ppl, "value"), real(diff, "value"));
    if (json_is_number(json_object_get(diff, "lo")))
        fprintf(out, " [%+.4f, %+.4f]", real(diff, "lo"), real(diff, "hi"));
    fprintf(out, "\n");
}

void lossless_print(FILE *out, const json_t *result)
{
    const json_t *ref = json_object_get(result, "reference"), *arms = json_object_get(result, "arms");
    fprintf(out, "%s: %d prompts of %d tokens, greedy output of %d; reference: %s, %s, %s\n",
            json_string_value(json_object_get(result, "model")), (int)real(result, "prompts"), (int)real(result, "prompt_tokens"),
            (int)real(result, "tokens"), json_string_value(json_object_get(ref, "format")),
            json_string_value(json_object_get(ref, "isa")), json_string_value(json_object_get(ref, "activations")));
    fprintf(out, "%-6s %-11s %-22s %24s %9s %9s %9s %9s %s\n", "format", "isa", "activations", "identical [95 %]", "1st other",
            "logit max", "KL nat", "ppl", "nll - reference [95 %]");
    for (size_t i = 0; i < json_array_size(arms); i++)
        print_arm(out, json_array_get(arms, i));
}
