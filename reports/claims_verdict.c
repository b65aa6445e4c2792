/* Verdicts: how a number with its interval stands against a published figure, how several runs make one verdict, and the words.
 *
 * A figure counts with its rounding: "5.68" is met by 5.675. The whole interval on the right side: holds. The whole interval on the
 * wrong side: does not hold. The figure inside the interval: undecided, so it holds in part at most. A number without an interval
 * decides nothing. */
#include "reports/claims_judge.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reports/report_sections.h"

static const char *const verdict_names[N_VERDICTS] = {[VERDICT_HOLDS] = "holds",
                                                      [VERDICT_IN_PART] = "holds in part",
                                                      [VERDICT_FAILS] = "does not hold",
                                                      [VERDICT_NOT_TESTABLE] = "not testable here",
                                                      [VERDICT_NOT_MEASURED] = "not a measurement"};
static const char *const units[N_CLAIM_METRICS] = {
    [CLAIM_SPEEDUP] = "x",          [CLAIM_TOKENS_PER_S] = "tokens/s", [CLAIM_LATENCY_MS] = "ms",  [CLAIM_LATENCY_RATIO] = "x",
    [CLAIM_MEMORY_GB] = "GB",       [CLAIM_MEMORY_RATIO] = "x",        [CLAIM_BITS] = "bit",       [CLAIM_ENERGY_SAVING] = "%",
    [CLAIM_JOULES_PER_TOKEN] = "J", [CLAIM_ENERGY_RATIO] = "x",        [CLAIM_ENERGY_MODEL] = "J", [CLAIM_OPERATION_RATIO] = "x",
    [CLAIM_LOSSLESS] = "%",         [CLAIM_PERPLEXITY_RATIO] = "x",
};

const char *claims_verdict_name(enum claim_verdict v)
{
    return verdict_names[v];
}

const char *claims_unit(enum claim_metric m)
{
    return units[m];
}

const char *claims_verdict_text(struct arena *a, const struct claim_result *r)
{
    return *r->detail ? arena_fmt(a, "%s (%s)", verdict_names[r->verdict], r->detail) : verdict_names[r->verdict];
}

struct claim_result claim_unjudged(enum claim_verdict v, const char *detail, const char *reason)
{
    return (struct claim_result){v, detail, reason, {(double)NAN, (double)NAN, (double)NAN}, (double)NAN, (double)NAN};
}

double claim_rounding(const struct claim_number *n)
{
    return 0.5 * pow(10.0, -n->decimals);
}

void claim_add(struct arena *a, struct claim_result *r, const char *sentence)
{
    r->reason = *r->reason ? arena_fmt(a, "%s %s", r->reason, sentence) : sentence;
}

void claim_reserve(struct claim_result *r, const char *where)
{
    if (r->verdict != VERDICT_HOLDS)
        return;
    r->verdict = VERDICT_IN_PART;
    r->detail = where;
}

/* good: the end of the interval that must reach the figure for "holds"; bad: the one that must reach it for "undecided" */
static struct claim_result judge(const struct claim_case *k, struct report_interval x, bool known, bool holds, bool possible)
{
    struct arena *a = k->a;
    const char *figure = k->c->value.as;
    struct claim_result r = claim_unjudged(VERDICT_HOLDS, "", "");
    r.measured = x;
    const char *text = text_interval(a, x, 1.0);
    if (!known || isnan(x.lo) || isnan(x.hi)) {
        r.verdict = VERDICT_NOT_TESTABLE;
        r.measured.lo = r.measured.hi = (double)NAN;
        r.detail = arena_fmt(a, "measured %s, but without an interval, which two repetitions give, it decides nothing",
                             number_sig(a, x.mid, 3));
    } else if (!possible) {
        r.verdict = VERDICT_FAILS;
        r.detail = arena_fmt(a, "measured %s, needed %s", text, figure);
    } else if (!holds) {
        r.verdict = VERDICT_IN_PART;
        r.detail = arena_fmt(a, "undecided: the interval of %s contains the needed %s", text, figure);
    }
    return r;
}

struct claim_result claim_at_least(const struct claim_case *k, struct report_interval x, bool interval_known)
{
    const double needed = k->c->value.lo - claim_rounding(&k->c->value);
    struct claim_result r = judge(k, x, interval_known, x.lo >= needed, x.hi >= needed);
    r.needed = k->c->value.lo;
    return r;
}

struct claim_result claim_at_most(const struct claim_case *k, struct report_interval x, bool interval_known)
{
    const double needed = k->c->value.hi + claim_rounding(&k->c->value);
    struct claim_result r = judge(k, x, interval_known, x.hi <= needed, x.lo <= needed);
    r.needed = k->c->value.hi;
    return r;
}

/* ---- one claim, one run ------------------------------------------------------------------------------------------------------- */

static struct claim_result judge_run(const struct claim_case *k)
{
    const char *arch = json_string_value(json_object_get(json_object_get(k->run->root, "host"), "arch"));
    if (strcmp(k->c->arch, "any") != 0 && arch && strcmp(arch, k->c->arch) != 0)
        return claim_unjudged(VERDICT_NOT_TESTABLE, arena_fmt(k->a, "needs %s, this machine is %s", k->c->arch, arch), "");
    switch (k->c->metric) {
    case CLAIM_SPEEDUP: return claim_judge_speedup(k);
    case CLAIM_TOKENS_PER_S:
    case CLAIM_LATENCY_MS: return claim_judge_rate(k);
    case CLAIM_MEMORY_GB: return claim_judge_memory(k);
    case CLAIM_BITS: return claim_judge_bits(k);
    case CLAIM_ENERGY_SAVING: return claim_judge_saving(k);
    case CLAIM_JOULES_PER_TOKEN: return claim_judge_joules(k);
    case CLAIM_ENERGY_MODEL:
    case CLAIM_OPERATION_RATIO: return claim_judge_paper(k);
    case CLAIM_LATENCY_RATIO:
    case CLAIM_MEMORY_RATIO:
    case CLAIM_ENERGY_RATIO: return claim_judge_quotient(k);
    case CLAIM_LOSSLESS: return claim_judge_lossless(k);
    case CLAIM_PERPLEXITY_RATIO: return claim_judge_perplexity(k);
    case N_CLAIM_METRICS: break;
    }
    return claim_unjudged(VERDICT_NOT_TESTABLE, "this program cannot test such a figure", "");
}

/* ---- several runs ------------------------------------------------------------------------------------------------------------- */

static bool testable(enum claim_verdict v)
{
    return v == VERDICT_HOLDS || v == VERDICT_IN_PART || v == VERDICT_FAILS;
}

static const char *by_run(struct arena *a, const struct report_set *set, const struct claim_result *runs)
{
    const char *s = "";
    for (size_t i = 0; i < set->n_runs; i++)
        if (testable(runs[i].verdict))
            s = arena_fmt(a, "%s%srun %zu: %s", s, *s ? "; " : "", set->runs[i]->number, claims_verdict_text(a, &runs[i]));
    return s;
}

/* The run that stands for all: the first that could be tested, else the first that says more than "another architecture". */
static size_t speaker(const struct report_set *set, const struct claim_result *runs)
{
    size_t best = 0;
    for (size_t i = set->n_runs; i-- > 0;)
        if (runs[i].verdict == VERDICT_NOT_MEASURED || *runs[i].reason)
            best = i;
    for (size_t i = set->n_runs; i-- > 0;)
        if (testable(runs[i].verdict))
            best = i;
    return best;
}

static struct claim_result combine(struct arena *a, const struct report_set *set, const struct claim_result *runs)
{
    const size_t first = speaker(set, runs);
    struct claim_result r = runs[first];
    size_t n = 0, same = 0;
    for (size_t i = 0; i < set->n_runs; i++) {
        n += testable(runs[i].verdict);
        same += testable(runs[i].verdict) && runs[i].verdict == r.verdict;
    }
    if (n > 1 && same != n)
        r.verdict = VERDICT_IN_PART;
    if (n > 1 && (same != n || r.verdict != VERDICT_HOLDS))
        r.detail = by_run(a, set, runs);
    if (n == 1 && set->n_runs > 1 && *r.reason)
        r.reason = arena_fmt(a, "Run %zu: %s", set->runs[first]->number, r.reason);
    return r;
}

struct claim_judgement *claims_judge(const struct claim_registry *reg, const struct report_matrix *m)
{
    struct arena *a = &m->set->arena;
    struct claim_judgement *all = arena_alloc(a, (reg->n + 1) * sizeof(*all));
    for (size_t i = 0; all && i < reg->n; i++) {
        all[i].claim = reg->claims[i];
        all[i].runs = arena_alloc(a, (m->set->n_runs + 1) * sizeof(*all[i].runs));
        if (!all[i].runs)
            return NULL;
        for (size_t r = 0; r < m->set->n_runs; r++) {
            const struct claim_case k = {reg->claims[i], reg, m, m->set->runs[r], a};
            all[i].runs[r] = judge_run(&k);
        }
        all[i].overall = combine(a, m->set, all[i].runs);
    }
    return a->oom ? NULL : all;
}
