/* Claims about exactness: are the tokens of every ternary format those of the reference?
 *
 * The published check compares whole outputs over many prompts. A speed test generates tokens too, and the record has the hash of
 * them: equal hashes show that formats computed the same, unequal ones that they did not, but they are no substitute for the prompts. */
#include "reports/claims_judge.h"

#include <string.h>

#include "reports/report_sections.h"

struct hashes {
    size_t groups, cells;
    const char *differ; /* first two cells that do not agree, or NULL */
};

/* Within a group all cells of the formats must agree: threads and format may not change a token. */
static void compare_group(const struct claim_case *k, const struct report_group *g, struct hashes *h)
{
    const struct report_cell *first = NULL;
    size_t formats = 0;
    const char *last = "";
    for (size_t i = 0; i < g->n; i++) {
        const struct report_cell *c = g->cells[i];
        if (!c->ok || !c->output_sha256 || !claim_has_word(&k->c->arms, c->format))
            continue;
        if (first && strcmp(first->embedding ? first->embedding : "", c->embedding ? c->embedding : "") != 0)
            continue; /* another lm_head is another model */
        first = first ? first : c;
        formats += strcmp(last, c->format) != 0;
        last = c->format;
        h->cells++;
        if (!h->differ && strcmp(first->output_sha256, c->output_sha256) != 0)
            h->differ = arena_fmt(k->a, "%s and %s differ", first->id, c->id);
    }
    h->groups += formats > 1;
}

struct claim_result claim_judge_lossless(const struct claim_case *k)
{
    struct arena *a = k->a;
    struct hashes h = {0, 0, NULL};
    for (size_t i = 0; i < k->m->n_groups; i++) {
        const struct report_group *g = &k->m->groups[i];
        if (g->run == k->run && report_is_decode(g->cells[0]->test))
            compare_group(k, g, &h);
    }
    const char *prompts = arena_fmt(a, "the prompts (%s) with %s did not run", k->c->method ? k->c->method : "not stated",
                                    claim_join(a, &k->c->models, " or "));
    if (k->c->value.lo < 100.0)
        return claim_unjudged(VERDICT_NOT_TESTABLE, arena_fmt(a, "it speaks of llama.cpp's own kernel; %s", prompts), "");
    if (h.differ)
        return claim_unjudged(VERDICT_FAILS, arena_fmt(a, "measured: outputs of %s, needed: all equal", h.differ), "");
    if (h.groups == 0)
        return claim_unjudged(VERDICT_NOT_TESTABLE,
                              arena_fmt(a, "no decode of two formats with the hash of its output; %s", prompts), "");
    return claim_unjudged(VERDICT_IN_PART,
                          arena_fmt(a, "the generated tokens of all %zu cells of %zu %s are equal; %s", h.cells, h.groups,
                                    h.groups == 1 ? "test" : "tests", prompts),
                          "");
}
