/* Claims about exactness: are the tokens of every ternary format those of the reference?
 *
 * The published check compares whole outputs over many prompts. A speed test generates tokens too, and the record has the hash of
 * them: equal hashes show that formats computed the same, unequal ones that they did not, but they are no substitute for the prompts. */
#include "reports/claims_judge.h"

#include <math.h>
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

/* ---- the check over prompts --------------------------------------------------------------------------------------------------- */

/* Arms of a record's check that a claim speaks of: ternary formats; or, of llama.cpp's types, activations that are scaled per block. */
struct prompts {
    size_t arms;
    double worst, lo, hi, outputs; /* share of identical outputs of the worst arm in percent, its interval, prompts */
    const char *model, *what;
};

static bool is_arm(const struct claim_case *k, const json_t *arm, bool exact)
{
    const char *format = json_string_value(json_object_get(arm, "format")),
               *activations = json_string_value(json_object_get(arm, "activations"));
    if (json_is_string(json_object_get(arm, "reason")) || !format || !activations)
        return false;
    const bool blocks = strstr(activations, "per 256") != NULL;
    return exact ? !blocks && json_is_true(json_object_get(arm, "ternary")) && claim_has_word(&k->c->arms, format) : blocks;
}

static struct prompts over_prompts(const struct claim_case *k, bool exact)
{
    struct prompts p = {.worst = INFINITY};
    const json_t *checks = json_object_get(k->run->root, "lossless");
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i), *arms = json_object_get(check, "arms");
        for (size_t j = 0; j < json_array_size(arms); j++) {
            const json_t *arm = json_array_get(arms, j), *share = json_object_get(arm, "share");
            const double x = is_arm(k, arm, exact) ? 100.0 * report_number_at(share, "value") : (double)NAN;
            if (isnan(x))
                continue;
            p.arms++;
            if (x < p.worst)
                p = (struct prompts){p.arms,
                                     x,
                                     100.0 * report_number_at(share, "lo"),
                                     100.0 * report_number_at(share, "hi"),
                                     report_number_at(arm, "prompts"),
                                     report_text_at(check, "model"),
                                     report_text_at(arm, "format")};
        }
    }
    return p;
}

/* The share of identical outputs of the same float arithmetic with one scale per token: what is lost there is not lost by blocks. */
static void add_float_arm(const struct claim_case *k, struct claim_result *r)
{
    const json_t *checks = json_object_get(k->run->root, "lossless");
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i), *arms = json_object_get(check, "arms");
        for (size_t j = 0; j < json_array_size(arms); j++) {
            const json_t *arm = json_array_get(arms, j);
            const struct report_interval share = interval_at(arm, "share");
            if (isnan(share.mid) || strcmp(report_text_at(arm, "activations"), "float, int8 per token") != 0)
                continue;
            claim_add(k->a, r,
                      arena_fmt(k->a,
                                "The same float arithmetic with one scale per token gives %s %% on %s; what it loses, it loses by "
                                "the order of float sums, not by blocks.",
                                text_interval(k->a, share, 100.0), report_text_at(check, "model")));
            return;
        }
    }
}

/* Another model than the published one shows how the arithmetic behaves, not the published number: holds in part at most. */
static struct claim_result judge_prompts(const struct claim_case *k, const struct prompts *p, bool exact)
{
    struct arena *a = k->a;
    struct claim_result r = claim_unjudged(VERDICT_HOLDS, "", "");
    r.measured = (struct report_interval){p->worst, p->lo, p->hi};
    r.needed = k->c->value.lo;
    const bool met = exact ? p->worst == 100.0 : p->lo <= k->c->value.hi && k->c->value.lo <= p->hi;
    const char *measured = text_interval(a, r.measured, 1.0);
    const bool same = claim_has_word(&k->c->models, p->model);
    if (!exact && !same) {
        r.verdict = VERDICT_NOT_TESTABLE;
        r.detail =
            arena_fmt(a, "published on %s; on %s %s %% of the outputs are identical with activations scaled per block, so it is %s",
                      claim_join(a, &k->c->models, ", "), p->model, measured,
                      p->worst < 100.0 ? "not lossless there either" : "not shown to lose anything there");
    } else if (exact && !met) {
        r.verdict = VERDICT_FAILS;
        r.detail = arena_fmt(a, "measured %s %% of the outputs of %s, needed %s", measured, p->what, k->c->value.as);
    } else if (!met && same) {
        r.verdict = VERDICT_FAILS;
        r.detail = arena_fmt(a, "measured %s %%, needed %s", measured, k->c->value.as);
    } else if (!same) {
        r.verdict = VERDICT_IN_PART;
        r.detail = arena_fmt(a, "all %s outputs of %zu ternary kernels, on %s; published on %s", number_exact(a, p->outputs),
                             p->arms, p->model, claim_join(a, &k->c->models, ", "));
    }
    if (!exact)
        add_float_arm(k, &r);
    return r;
}

struct claim_result claim_judge_lossless(const struct claim_case *k)
{
    struct arena *a = k->a;
    const bool exact = k->c->value.lo >= 100.0;
    const struct prompts over = over_prompts(k, exact);
    if (over.arms)
        return judge_prompts(k, &over, exact);
    struct hashes h = {0, 0, NULL};
    for (size_t i = 0; i < k->m->n_groups; i++) {
        const struct report_group *g = &k->m->groups[i];
        if (g->run == k->run && report_is_decode(g->cells[0]->test))
            compare_group(k, g, &h);
    }
    const char *prompts = arena_fmt(a, "the prompts (%s) with %s did not run", k->c->method ? k->c->method : "not stated",
                                    claim_join(a, &k->c->models, " or "));
    if (!exact)
        return claim_unjudged(VERDICT_NOT_TESTABLE, arena_fmt(a, "it speaks of llama.cpp's own kernel; %s", prompts), "");
    if (h.differ)
        return claim_unjudged(VERDICT_FAILS, arena_fmt(a, "measured: outputs of %s, needed: all equal", h.differ), "");
    if (h.groups == 0)
        return claim_unjudged(VERDICT_NOT_TESTABLE,
                              arena_fmt(a, "no decode of two ternary formats with the hash of its output; %s", prompts), "");
    return claim_unjudged(VERDICT_IN_PART,
                          arena_fmt(a, "the generated tokens of all %zu cells of %zu %s are equal; %s", h.cells, h.groups,
                                    h.groups == 1 ? "test" : "tests", prompts),
                          "");
}
