/* Claims about energy: savings, joules per token, and figures that come from operation counts.
 *
 * energy ratio = time ratio x power ratio. At equal power a saving is only the speed-up told again, so both factors are given, of
 * the record and of the published figure. Only joules that a counter gave count: an estimate never does. */
#include "reports/claims_judge.h"

#include <math.h>
#include <string.h>

#include "reports/report_sections.h"

static const struct claim_words no_words = {NULL, 0};
static const struct report_interval nothing = {(double)NAN, (double)NAN, (double)NAN};

static struct report_interval interval_of(const json_t *obj, const char *mid)
{
    const json_t *v[3] = {json_object_get(obj, mid), json_object_get(obj, "lo"), json_object_get(obj, "hi")};
    double x[3];
    for (size_t i = 0; i < 3; i++)
        x[i] = json_is_number(v[i]) ? json_number_value(v[i]) : (double)NAN;
    return (struct report_interval){x[0], x[1], x[2]};
}

/* J/token of a cell with its interval, from the record's energy section; without one from the metric. */
static struct report_interval joules_of(const struct report_cell *c)
{
    const json_t *list = json_object_get(json_object_get(c->run->root, "energy"), "cells");
    struct report_interval x = {energy_per_token(c), (double)NAN, (double)NAN};
    for (size_t i = 0; !isnan(x.mid) && i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i);
        const char *id = json_string_value(json_object_get(e, "id"));
        if (id && strcmp(id, c->id) == 0) {
            const struct report_interval j = interval_of(json_object_get(e, "joules_per_token"), "value");
            x = isnan(j.mid) ? x : j;
        }
    }
    return x;
}

/* Why a cell has no joules that count; NULL: it has. */
static const char *no_joules(const struct claim_case *k, const struct report_cell *c)
{
    const struct report_metric *m = energy_metric(c);
    const double x = energy_per_token(c);
    if (x > 0.0)
        return NULL;
    if (x == 0.0)
        return arena_fmt(k->a, "the counter read 0 J for %s: it stands still or is too coarse", c->format);
    if (m && m->status && strcmp(m->status, "estimated") == 0)
        return arena_fmt(k->a, "the energy of %s is an estimate, which does not count", c->format);
    return arena_fmt(k->a, "no energy: %s", m ? text_reason(k->a, m->reason) : "the record has no energy metric");
}

static const char *three(struct arena *a, double x)
{
    return number_sig(a, x, 3);
}

/* ---- savings ------------------------------------------------------------------------------------------------------------------ */

/* Two factors of a ratio arm / base. */
struct factors {
    struct report_interval energy;
    double time, power;
};

/* The record pairs the repetitions of cells with equal threads; without that the interval comes from the ends of the two. */
static struct factors factors_of(const struct report_cell *arm, const struct report_cell *base)
{
    const json_t *list = json_object_get(arm->run->root, "comparisons");
    const struct report_interval x = joules_of(arm), y = joules_of(base);
    struct factors f = {{x.mid / y.mid, x.lo / y.hi, x.hi / y.lo}, base->tps.mid / arm->tps.mid, (double)NAN};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i), *energy = json_object_get(e, "energy");
        const char *a = json_string_value(json_object_get(e, "cell")), *b = json_string_value(json_object_get(e, "base"));
        if (!json_is_object(energy) || !a || !b || strcmp(a, arm->id) != 0 || strcmp(b, base->id) != 0)
            continue;
        const struct report_interval r = interval_of(json_object_get(energy, "energy_ratio"), "value");
        f.energy = isnan(r.mid) ? f.energy : r;
    }
    f.power = f.energy.mid / f.time;
    return f;
}

/* "Published: time 0.176 x power 1.01" */
static void add_published(const struct claim_case *k, struct claim_result *r)
{
    const struct claim *c = k->c;
    const double time = c->base_speed / c->arm_speed, energy = c->arm_value.lo / c->base_value.lo;
    if (!isnan(time) && !isnan(energy))
        claim_add(k->a, r,
                  arena_fmt(k->a, "Published: energy %s = time %s x power %s.", three(k->a, energy), three(k->a, time),
                            three(k->a, energy / time)));
}

/* What the speed-up alone would save: the null hypothesis. */
static void add_equal_power(const struct claim_case *k, const struct report_cell *arm, const struct report_cell *base,
                            struct claim_result *r)
{
    const double s = report_ratio_of(arm, base).x.mid;
    claim_add(k->a, r,
              arena_fmt(k->a, "At equal power the speed-up of %s measured here (%s) would save %s %%.", three(k->a, s), arm->model,
                        three(k->a, 100.0 * (1.0 - 1.0 / s))));
}

static struct claim_result judge_saving_of(const struct claim_case *k, const char *model)
{
    struct arena *a = k->a;
    const struct report_group *g = claim_group(k, model, &k->c->base);
    const struct report_cell *arm = g ? claim_fastest(g, &k->c->arms, &no_words, k->c->threads) : NULL;
    const struct report_cell *base = g ? claim_fastest(g, &k->c->base, &no_words, k->c->threads) : NULL;
    struct claim_result r;
    if (!arm || !base) {
        r = claim_unjudged(VERDICT_NOT_TESTABLE, claim_missing(k, model, g ? &k->c->arms : &k->c->base, k->c->threads), "");
        add_published(k, &r);
        return r;
    }
    const char *lost = no_joules(k, arm);
    lost = lost ? lost : no_joules(k, base);
    if (lost) {
        r = claim_unjudged(VERDICT_NOT_TESTABLE, lost, "");
        add_equal_power(k, arm, base, &r);
        add_published(k, &r);
        return r;
    }
    const struct factors f = factors_of(arm, base);
    const struct report_interval saving = {100.0 * (1.0 - f.energy.mid), 100.0 * (1.0 - f.energy.hi), 100.0 * (1.0 - f.energy.lo)};
    r = claim_at_least(k, saving, claim_interval_known(arm) && claim_interval_known(base));
    claim_add(a, &r,
              arena_fmt(a, "%s, %s: energy %s = time %s x power %s, %s on %s against %s on %s.", arm->model, g->title,
                        three(a, f.energy.mid), three(a, f.time), three(a, f.power), arm->format, text_threads(a, arm->threads),
                        base->format, text_threads(a, base->threads)));
    add_equal_power(k, arm, base, &r);
    add_published(k, &r);
    return r;
}

/* A range over sizes: each size must save at least the lower end. */
struct claim_result claim_judge_saving(const struct claim_case *k)
{
    struct claim_result first = {.detail = ""}, top = {.detail = "", .measured = nothing};
    size_t tested = 0, held = 0, failed = 0;
    const char *lost = "", *below = "";
    for (size_t i = 0; i < k->c->models.n; i++) {
        const char *model = k->c->models.v[i];
        struct claim_result r = judge_saving_of(k, model);
        if (i == 0 || (first.verdict == VERDICT_NOT_TESTABLE && r.verdict != VERDICT_NOT_TESTABLE) ||
            (first.verdict == VERDICT_NOT_TESTABLE && strncmp(first.detail, "no ", 3) == 0))
            first = r;
        if (r.verdict == VERDICT_NOT_TESTABLE) {
            lost = arena_fmt(k->a, "%s%s%s", lost, *lost ? ", " : "", model);
            continue;
        }
        tested++;
        held += r.verdict == VERDICT_HOLDS;
        failed += r.verdict == VERDICT_FAILS;
        if (r.verdict != VERDICT_HOLDS)
            below = arena_fmt(k->a, "%s%s%s: %s", below, *below ? ", " : "", model, r.detail);
        if (!(r.measured.mid <= top.measured.mid))
            top = r;
    }
    if (k->c->models.n == 1 || tested == 0 || failed == tested)
        return first;
    const bool top_met = k->c->value.lo == k->c->value.hi || top.measured.lo >= k->c->value.hi - claim_rounding(&k->c->value);
    if (held < k->c->models.n || !top_met) {
        top.verdict = VERDICT_IN_PART;
        top.detail = arena_fmt(k->a, "%zu of %zu sizes measured%s%s%s%s; the upper end is %sreached", tested, k->c->models.n,
                               *lost ? ", not: " : "", lost, *below ? "; " : "", below, top_met ? "" : "not ");
    }
    return top;
}

/* ---- joules per token --------------------------------------------------------------------------------------------------------- */

struct claim_result claim_judge_joules(const struct claim_case *k)
{
    struct arena *a = k->a;
    const char *model = k->c->models.v[0];
    const struct report_group *g = claim_group(k, model, &k->c->arms);
    const struct report_cell *c = g ? claim_fastest(g, &k->c->arms, &no_words, k->c->threads) : NULL;
    const char *lost = c ? no_joules(k, c) : claim_missing(k, model, &k->c->arms, k->c->threads);
    struct claim_result r = claim_unjudged(VERDICT_NOT_TESTABLE, lost ? lost : "", "");
    if (c && !lost) {
        r = claim_at_most(k, joules_of(c), claim_interval_known(c));
        claim_add(a, &r, arena_fmt(a, "%s, %s: %s on %s.", c->model, g->title, c->format, text_threads(a, c->threads)));
    }
    if (!isnan(k->c->arm_speed))
        claim_add(a, &r,
                  arena_fmt(a, "Published: %s tokens/s, so %s W.", three(a, k->c->arm_speed),
                            three(a, k->c->arm_speed * k->c->value.lo)));
    return r;
}

/* ---- figures from constants --------------------------------------------------------------------------------------------------- */

/* What a token of the claim's model took here, or why it is not known. */
static const char *measured_joules(const struct claim_case *k, double estimate_per_token)
{
    struct arena *a = k->a;
    const struct report_group *g = k->c->models.n ? claim_group(k, k->c->models.v[0], &k->c->arms) : NULL;
    const struct report_cell *c = g ? claim_fastest(g, &k->c->arms, &no_words, CLAIM_BEST) : NULL;
    if (!c)
        return arena_fmt(a, "Measured here: nothing, %s.",
                         k->c->models.n ? claim_missing(k, k->c->models.v[0], &k->c->arms, CLAIM_ANY) : "no model is named");
    const char *lost = no_joules(k, c);
    if (lost)
        return arena_fmt(a, "Measured here: nothing, %s.", lost);
    const double x = energy_per_token(c);
    return arena_fmt(a, "Measured here: %s J per token of decode with %s, %s times as much.", three(a, x), c->format,
                     three(a, x / estimate_per_token));
}

struct claim_result claim_judge_paper(const struct claim_case *k)
{
    struct arena *a = k->a;
    const struct claim *c = k->c;
    if (c->metric == CLAIM_OPERATION_RATIO)
        return claim_unjudged(VERDICT_NOT_MEASURED,
                              arena_fmt(a, "a quotient of table constants: %s pJ / %s pJ = %s", three(a, c->attention_pj),
                                        three(a, c->weight_pj), three(a, c->attention_pj / c->weight_pj)),
                              "It counts arithmetic only: no memory access, which bounds decode, and no static power.");
    const double linear = c->tokens * c->linear_params * c->weight_pj * 1e-12;
    const double attention = 2.0 * c->tokens * c->tokens * c->attention_width * c->layers * c->attention_pj * 1e-12;
    const double total = linear + attention;
    const char *detail = arena_fmt(
        a,
        "an estimate from operation counts: %s J in linear layers + %s J in attention = %s J for one pass "
        "over %s tokens, %s mJ per token",
        three(a, linear), three(a, attention), three(a, total), number_exact(a, c->tokens), three(a, 1e3 * total / c->tokens));
    struct claim_result r = claim_unjudged(VERDICT_NOT_MEASURED, detail, "");
    claim_add(a, &r, "It leaves out memory access, lm_head and all that is not a matrix product.");
    claim_add(a, &r, measured_joules(k, total / c->tokens));
    return r;
}
