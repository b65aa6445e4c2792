/* Claims about memory, bits per weight, quotients against other models, and exactness.
 *
 * A figure that is the number of parameters times a number of bits is a definition, not a measurement: it stands beside what the
 * engine holds and what the kernel counted. */
#include "reports/claims_judge.h"

#include <math.h>
#include <string.h>

#include "reports/report_sections.h"

/* An ok cell of the model in one of these formats with the least of a metric; NULL: none has it. */
static const struct report_cell *least_of(const struct claim_case *k, const char *model, const struct claim_words *formats,
                                          const char *metric)
{
    const struct report_cell *best = NULL;
    for (size_t i = 0; i < k->run->n_cells; i++) {
        const struct report_cell *c = &k->run->cells[i];
        const double x = c->ok && claim_same_model(c->model, model) && claim_has_word(formats, c->format)
                             ? report_metric_value(c, metric)
                             : (double)NAN;
        if (x > 0.0 && (!best || x < report_metric_value(best, metric)))
            best = c;
    }
    return best;
}

/* "weights i2_s 523 MB, tl2 436 MB; peak resident 740 MB (tl2), with embedding and cache" */
static const char *resident(const struct claim_case *k, const char *model)
{
    struct arena *a = k->a;
    const char *s = "";
    for (size_t i = 0; i < k->c->arms.n; i++) {
        const struct claim_words one = {&k->c->arms.v[i], 1};
        const struct report_cell *c = least_of(k, model, &one, "weights_bytes");
        if (c)
            s = arena_fmt(a, "%s%s%s %s", s, *s ? ", " : "", c->format, number_bytes(a, report_metric_value(c, "weights_bytes")));
    }
    const struct report_cell *c = least_of(k, model, &k->c->arms, "rss_peak_bytes");
    if (!*s)
        return arena_fmt(a, "Held here: nothing, %s.", claim_missing(k, model, &k->c->arms, CLAIM_ANY));
    s = arena_fmt(a, "Linear weights as the engine holds them here: %s", s);
    return c ? arena_fmt(a, "%s; peak resident memory with embedding and cache at least %s (%s).", s,
                         number_bytes(a, report_metric_value(c, "rss_peak_bytes")), c->format)
             : arena_fmt(a, "%s.", s);
}

struct claim_result claim_judge_memory(const struct claim_case *k)
{
    struct arena *a = k->a;
    const struct claim *c = k->c;
    const char *model = c->models.v[0];
    const double defined = c->linear_params * c->definition_bits / 8e9;
    const bool definition = fabs(defined - c->value.lo) <= claim_rounding(&c->value) * 1.001 + 0.02 * c->value.lo;
    const struct report_cell *held = least_of(k, model, &c->arms, "weights_bytes");
    struct claim_result r;
    if (c->kind != CLAIM_MEASURED && !isnan(defined) && definition)
        r = claim_unjudged(VERDICT_NOT_MEASURED,
                           arena_fmt(a, "%s linear weights x %s bit = %s GB, without embedding, cache and scratch",
                                     number_exact(a, c->linear_params), number_exact(a, c->definition_bits),
                                     number_sig(a, defined, 3)),
                           "");
    else if (!held)
        r = claim_unjudged(VERDICT_NOT_TESTABLE, claim_missing(k, model, &c->arms, CLAIM_ANY), "");
    else {
        const double gb = report_metric_value(held, "weights_bytes") / 1e9;
        r = claim_at_most(k, (struct report_interval){gb, gb, gb}, true); /* bytes have no scatter */
    }
    if (held)
        r.measured.mid = report_metric_value(held, "weights_bytes") / 1e9;
    r.needed = c->value.lo;
    claim_add(a, &r, resident(k, model));
    return r;
}

/* ---- bits per weight ---------------------------------------------------------------------------------------------------------- */

struct claim_result claim_judge_bits(const struct claim_case *k)
{
    static const double slack = 0.01; /* padding and scales: one part in a hundred counts as equal */
    struct arena *a = k->a;
    const double limit = k->c->value.hi * (1.0 + slack);
    double lo = INFINITY, hi = -INFINITY;
    const char *above = "", *any = "";
    for (size_t i = 0; i < k->c->models.n; i++) {
        const struct report_cell *c = least_of(k, k->c->models.v[i], &k->c->arms, "weights_bytes");
        const double bits =
            c && c->linear_params > 0.0 ? 8.0 * report_metric_value(c, "weights_bytes") / c->linear_params : (double)NAN;
        if (!c || isnan(bits))
            continue;
        any = arena_fmt(a, "%s%s%s %s", any, *any ? ", " : "", c->model, number_sig(a, bits, 4));
        if (bits > limit)
            above = arena_fmt(a, "%s%s%s %s", above, *above ? ", " : "", c->model, number_sig(a, bits, 4));
        lo = fmin(lo, bits);
        hi = fmax(hi, bits);
    }
    if (!*any)
        return claim_unjudged(VERDICT_NOT_TESTABLE,
                              arena_fmt(a, "no cell with %s and a weight count", claim_join(a, &k->c->arms, " or ")), "");
    struct claim_result r = claim_unjudged(VERDICT_HOLDS, "", arena_fmt(a, "Bytes of linear weights x 8 / weights: %s.", any));
    r.measured = (struct report_interval){lo, lo, hi};
    r.needed = k->c->value.hi;
    if (lo > limit) {
        r.verdict = VERDICT_FAILS;
        r.detail = arena_fmt(a, "measured %s to %s, needed %s", number_sig(a, lo, 4), number_sig(a, hi, 4), k->c->value.as);
    } else if (*above) {
        r.verdict = VERDICT_IN_PART;
        r.detail = arena_fmt(a, "more in %s", above);
    }
    return r;
}

/* ---- quotients against other models ------------------------------------------------------------------------------------------- */

/* The same model in f16, which this record may have although it has none of the other models. */
static const char *same_model(const struct claim_case *k)
{
    static const char *f16 = "f16";
    const struct claim_words base = {&f16, 1};
    struct arena *a = k->a;
    const char *model = k->c->models.v[0], *metric = "rss_peak_bytes";
    const struct report_cell *x = least_of(k, model, &k->c->arms, metric), *y = least_of(k, model, &base, metric);
    const struct report_group *g = claim_group(k, model, &base);
    const struct claim_words none = {NULL, 0};
    const struct report_cell *arm = g ? claim_fastest(g, &k->c->arms, &none, CLAIM_BEST) : NULL;
    const struct report_cell *slow = g ? claim_fastest(g, &base, &none, CLAIM_BEST) : NULL;
    if (k->c->metric == CLAIM_MEMORY_RATIO && x && y)
        return arena_fmt(a, "Against the same model in f16 peak resident memory is %s times less (%s).",
                         number_sig(a, report_metric_value(y, metric) / report_metric_value(x, metric), 3), x->format);
    if (k->c->metric == CLAIM_LATENCY_RATIO && arm && slow)
        return arena_fmt(a, "Against the same model in f16 a token of decode is %s times faster (%s).",
                         text_interval(a, report_ratio_of(arm, slow).x, 1.0), arm->format);
    return "";
}

struct claim_result claim_judge_quotient(const struct claim_case *k)
{
    struct arena *a = k->a;
    const struct claim *c = k->c;
    struct claim_result r;
    const char *quotient =
        arena_fmt(a, "(%s) / %s", c->base_value.as ? c->base_value.as : "?", c->arm_value.as ? c->arm_value.as : "?");
    if (c->kind != CLAIM_MEASURED)
        r = claim_unjudged(
            VERDICT_NOT_MEASURED,
            arena_fmt(a, "the quotient %s of figures that are %s", quotient,
                      c->metric == CLAIM_ENERGY_RATIO ? "estimates from operation counts" : "numbers of parameters times bits"),
            "");
    else {
        const char *lost = "";
        for (size_t i = 0; i < c->base.n; i++)
            lost = arena_fmt(a, "%s%s%s", lost, i ? ", " : "", c->base.v[i]);
        r = claim_unjudged(VERDICT_NOT_TESTABLE,
                           arena_fmt(a, "the other models of the quotient %s did not run: %s", quotient, lost), "");
    }
    const char *same = same_model(k);
    if (*same)
        claim_add(a, &r, same);
    return r;
}

/* ---- perplexity --------------------------------------------------------------------------------------------------------------- */

static double perplexity_of(const struct claim_case *k, const char *model, const struct claim_words *formats, const char **which)
{
    for (size_t i = 0; i < k->run->n_cells; i++) {
        const struct report_cell *c = &k->run->cells[i];
        const double x = c->ok && claim_has_word(formats, c->format) && (!model || claim_same_model(c->model, model))
                             ? report_metric_value(c, "perplexity")
                             : (double)NAN;
        if (x > 0.0) {
            *which = c->model;
            return x;
        }
    }
    return (double)NAN;
}

struct claim_result claim_judge_perplexity(const struct claim_case *k)
{
    struct arena *a = k->a;
    const char *model = k->c->models.v[0], *which = model;
    double x = perplexity_of(k, model, &k->c->arms, &which), y = perplexity_of(k, model, &k->c->base, &which);
    if (!isnan(x) && !isnan(y))
        return claim_at_most(k, (struct report_interval){x / y, x / y, x / y}, true); /* the same text: no scatter */
    struct claim_result r = claim_unjudged(VERDICT_NOT_TESTABLE,
                                           arena_fmt(a, "no perplexity of %s with %s and %s", model,
                                                     claim_join(a, &k->c->arms, " or "), claim_join(a, &k->c->base, " or ")),
                                           "");
    x = perplexity_of(k, NULL, &k->c->arms, &which);
    y = isnan(x) ? x : perplexity_of(k, which, &k->c->base, &which);
    if (!isnan(y))
        claim_add(a, &r, arena_fmt(a, "Of %s, another model and text, the quotient is %s.", which, number_sig(a, x / y, 4)));
    return r;
}
