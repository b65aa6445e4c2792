/* Title and summary: of every run what ran where, i2_s against f16, memory, energy and what disturbed it; then claims and comparisons. */
#include "reports/report_sections.h"

#include <math.h>
#include <string.h>

#include "harness/stats.h"
#include "reports/claims.h"

static const char *host_text(const struct report_run *run, const char *key, const char *fallback)
{
    const char *s = json_string_value(json_object_get(json_object_get(run->root, "host"), key));
    return s ? s : fallback;
}

static const char *suite_of(const struct report_run *run)
{
    const char *s = json_string_value(json_object_get(json_object_get(run->root, "run"), "suite"));
    return s ? s : "without a name";
}

static const char *what_ran(struct arena *a, const struct report_run *run)
{
    size_t ok = 0, failed = 0;
    for (size_t i = 0; i < run->n_cells; i++) {
        ok += run->cells[i].ok;
        failed += strcmp(run->cells[i].status, "failed") == 0;
    }
    const json_t *host = json_object_get(run->root, "host");
    const json_t *cores = json_object_get(host, "cores"), *mem = json_object_get(host, "mem_total_bytes");
    const char *size = json_is_integer(cores) ? arena_fmt(a, ", %lld cores", (long long)json_integer_value(cores)) : "";
    if (json_is_number(mem))
        size = arena_fmt(a, "%s, %s of memory", size, number_bytes(a, json_number_value(mem)));
    const bool interrupted = json_is_true(json_object_get(json_object_get(run->root, "run"), "interrupted"));
    return arena_fmt(a, "Suite %s ran on %s (%s%s): %zu cells, %zu ok, %zu skipped, %zu failed%s.", suite_of(run),
                     host_text(run, "cpu_model", "an unnamed CPU"), host_text(run, "arch", "unknown architecture"), size,
                     run->n_cells, ok, run->n_cells - ok - failed, failed,
                     interrupted ? "; the run was interrupted before its end" : "");
}

/* The group of a run's largest model in which both i2_s and f16 have a speed; decode or prefill, smallest depth and batch. */
static const struct report_group *pick_group(const struct report_matrix *m, const struct report_run *run, bool decode)
{
    const struct report_group *pick = NULL;
    for (size_t i = 0; i < m->n_groups; i++) {
        const struct report_group *g = &m->groups[i];
        if (g->run != run || !report_is_speed(g->cells[0]->test) || report_is_decode(g->cells[0]->test) != decode)
            continue;
        if (report_best(g, "i2_s") && report_best(g, "f16") && (!pick || strcmp(pick->model, g->model) != 0))
            pick = g;
    }
    return pick;
}

/* "3.27 [3.20, 3.31] (1 thread) and 3.11 [3.05, 3.18] (2 threads)": the first and the last thread count but `but`. "": none. */
static const char *equal_threads(struct arena *a, const struct report_group *g, long long but)
{
    const struct report_cell *first = NULL, *last = NULL;
    for (size_t i = 0; i < g->n; i++) {
        const struct report_cell *c = g->cells[i];
        if (strcmp(c->format, "i2_s") != 0 || isnan(c->vs_f16.x.mid) || c->threads == but)
            continue;
        if (!first || c->threads < first->threads)
            first = c;
        if (!last || c->threads > last->threads)
            last = c;
    }
    if (!first)
        return "";
    const char *s = arena_fmt(a, "%s (%s)", text_interval(a, first->vs_f16.x, 1.0), text_threads(a, first->threads));
    if (last->threads == first->threads)
        return s;
    return arena_fmt(a, "%s and %s (%s)", s, text_interval(a, last->vs_f16.x, 1.0), text_threads(a, last->threads));
}

static const char *speed_clause(struct arena *a, const struct report_group *g, const char *verb)
{
    const struct report_cell *c = report_best(g, "i2_s"), *base = report_best(g, "f16");
    const bool complete = report_sweep_complete(g, c) && report_sweep_complete(g, base), same = c->threads == base->threads;
    const char *s =
        arena_fmt(a, "%s (%s) %s times as fast as f16", verb, g->title, text_interval(a, report_ratio_of(c, base).x, 1.0));
    const char *fast = number_sig(a, c->tps.mid, 3), *slow = number_sig(a, base->tps.mid, 3);
    const char *others = equal_threads(a, g, same ? c->threads : 0);
    if (same)
        s = arena_fmt(a, "%s on %s, the best %sfor both (%s tokens/s against %s)", s, text_threads(a, c->threads),
                      complete ? "" : "that gave a result ", fast, slow);
    else
        s = arena_fmt(a, "%s with each at its best thread count%s (%s tokens/s on %s against %s on %s)", s,
                      complete ? "" : " that gave a result", fast, text_threads(a, c->threads), slow,
                      text_threads(a, base->threads));
    return *others ? arena_fmt(a, "%s; at %sequal threads %s", s, same ? "other " : "", others) : s;
}

static void speed_items(struct doc *d, const struct report_matrix *m, const struct report_run *run)
{
    struct arena *a = d->arena;
    const struct report_group *tg = pick_group(m, run, true), *pp = pick_group(m, run, false);
    const struct report_group *first = tg ? tg : pp;
    if (!first) {
        doc_item(d, "There is no pair of i2_s and f16 results to compare.");
        return;
    }
    doc_item(d, arena_fmt(a, "In %s, the largest model with both, i2_s %s.", first->cells[0]->model,
                          speed_clause(a, first, tg ? "decodes" : "processes the prompt")));
    if (tg && pp && strcmp(pp->model, tg->model) == 0)
        doc_item(d, arena_fmt(a, "There it %s.", speed_clause(a, pp, "processes the prompt")));
}

static const struct report_cell *pick_cell(const struct memory_pick *p, const char *format)
{
    for (size_t i = 0; p->g && i < p->g->n; i++)
        if (p->g->cells[i]->threads == p->threads && p->g->cells[i]->ok && strcmp(p->g->cells[i]->format, format) == 0)
            return p->g->cells[i];
    return NULL;
}

static const char *memory_clause(struct arena *a, const struct report_matrix *m, const struct report_run *run)
{
    const char *s = "The record has no memory figures of i2_s and f16 to compare";
    for (size_t g = 0; g < m->n_groups; g = report_model_end(m, g)) {
        const struct memory_pick p = report_memory_pick(m, g);
        const struct report_cell *c = pick_cell(&p, "i2_s"), *base = pick_cell(&p, "f16");
        if (m->groups[g].run != run || !c || !base)
            continue;
        const double x = report_metric_value(c, "rss_peak_bytes"), y = report_metric_value(base, "rss_peak_bytes");
        if (!isnan(x) && y > 0.0) /* groups come by size: the last one that fits is the largest model */
            s = arena_fmt(a, "The process of %s took at most %s with i2_s and %s with f16 (%s of it)", c->model, number_bytes(a, x),
                          number_bytes(a, y), arena_fmt(a, "%s %%", number_sig(a, 100.0 * x / y, 2)));
    }
    return s;
}

static const char *energy_clause(struct arena *a, const struct report_matrix *m, const struct report_run *run)
{
    const struct report_group *tg = pick_group(m, run, true);
    const struct report_cell *c = tg ? report_best(tg, "i2_s") : NULL, *base = tg ? report_best(tg, "f16") : NULL;
    const double x = c ? energy_per_token(c) : NAN;
    const double y = base ? energy_per_token(base) : NAN;
    if (c && !isnan(x) && !isnan(y))
        return arena_fmt(a, "In decode of %s a token took %s J with i2_s and %s J with f16", c->model, number_sig(a, x, 3),
                         number_sig(a, y, 3));
    for (size_t i = 0; i < run->n_cells; i++) {
        const struct report_metric *e = run->cells[i].ok ? energy_metric(&run->cells[i]) : NULL;
        if (e && !isnan(energy_per_token(&run->cells[i])))
            return "Energy was read in some cells, see below";
        if (e)
            return arena_fmt(a, "Energy could not be read: %s", text_reason(a, e->reason));
    }
    return "The record has no energy metric";
}

static const char *claims_clause(struct arena *a, const struct report *r)
{
    size_t n[N_VERDICTS] = {0};
    for (size_t i = 0; i < r->n_claims; i++)
        n[r->claims[i].overall.verdict]++;
    return arena_fmt(
        a,
        "Of %zu published figures %zu hold here, %zu hold in part and %zu do not; %zu cannot be tested here and %zu are no "
        "measurements",
        r->n_claims, n[VERDICT_HOLDS], n[VERDICT_IN_PART], n[VERDICT_FAILS], n[VERDICT_NOT_TESTABLE], n[VERDICT_NOT_MEASURED]);
}

/* Largest over smallest ratio of a comparison's passes, less 1; NAN: fewer than two of them have one. */
static double pass_spread(const json_t *comparison)
{
    double lo = INFINITY, hi = 0.0;
    size_t n = 0, i;
    const json_t *x;
    json_array_foreach(json_object_get(comparison, "passes"), i, x)
    {
        const double ratio = json_number_value(x);
        if (!(ratio > 0.0))
            continue;
        lo = fmin(lo, ratio);
        hi = fmax(hi, ratio);
        n++;
    }
    return n > 1 ? hi / lo - 1.0 : NAN;
}

/* How far the ratios of the passes through the suite are apart, or NULL: there was one pass. */
static const char *passes_clause(struct arena *a, const struct report_run *run)
{
    const json_t *list = json_object_get(run->root, "comparisons"), *c;
    double *spreads = arena_alloc(a, (json_array_size(list) + 1) * sizeof(*spreads)), most = 0.0;
    const char *widest = "";
    size_t n = 0, i;
    if (!spreads)
        return NULL;
    json_array_foreach(list, i, c)
    {
        const double spread = pass_spread(c);
        if (isnan(spread))
            continue;
        spreads[n++] = spread;
        if (spread >= most)
            widest = report_text_at(c, "cell");
        most = fmax(most, spread);
    }
    if (n == 0)
        return NULL;
    stats_sort(spreads, n);
    return arena_fmt(
        a,
        "The rounds are spread over several passes through the suite: between them the %zu ratios to their base moved by "
        "%s %% in the middle and by %s %% at most (%s)",
        n, number_sig(a, 100.0 * stats_quantile(spreads, n, 0.5), 2), number_sig(a, 100.0 * most, 2), widest);
}

/* How many warnings the run has and of which kinds, or NULL: none. What is only for information does not count. */
static const char *caution(struct arena *a, const struct report_run *run)
{
    const json_t *list = json_object_get(run->root, "warnings"), *w;
    const char *kinds[16];
    size_t n = 0, n_kinds = 0, i;
    json_array_foreach(list, i, w)
    {
        const char *check = report_text_at(w, "check");
        size_t k = 0;
        if (strcmp(report_text_at(w, "severity"), "info") == 0)
            continue;
        n++;
        while (k < n_kinds && strcmp(kinds[k], check) != 0)
            k++;
        if (k == n_kinds && n_kinds < sizeof(kinds) / sizeof(kinds[0]))
            kinds[n_kinds++] = check;
    }
    const char *names = "";
    for (size_t k = 0; k < n_kinds; k++)
        names = arena_fmt(a, "%s%s%s", names, k ? ", " : "", kinds[k]);
    if (n == 0)
        return NULL;
    return arena_fmt(a, "Caution: %zu warning%s (%s) %s what may have disturbed these figures; see Machine and environment.", n,
                     n == 1 ? "" : "s", names, n == 1 ? "says" : "say");
}

static void run_items(struct report *r, const struct report_run *run)
{
    struct doc *d = &r->doc;
    struct arena *a = d->arena;
    const char *passes = passes_clause(a, run), *warned = caution(a, run);
    speed_items(d, r->matrix, run);
    doc_item(d, arena_fmt(a, "%s.", memory_clause(a, r->matrix, run)));
    doc_item(d, arena_fmt(a, "%s.", energy_clause(a, r->matrix, run)));
    if (passes)
        doc_item(d, arena_fmt(a, "%s.", passes));
    if (warned)
        doc_item(d, warned);
}

void section_summary(struct report *r)
{
    struct doc *d = &r->doc;
    struct arena *a = d->arena;
    const struct report_set *set = r->matrix->set;
    const struct report_run *first = set->runs[0];
    doc_heading(d, 1,
                set->n_runs > 1 ? arena_fmt(a, "bitjoule report: %zu runs", set->n_runs)
                                : arena_fmt(a, "bitjoule report: suite %s on %s", suite_of(first),
                                            host_text(first, "cpu_model", "an unnamed CPU")));
    for (size_t i = 0; i < set->n_runs; i++) {
        const struct report_run *run = set->runs[i];
        doc_paragraph(d, arena_fmt(a, "%s%s", set->n_runs > 1 ? arena_fmt(a, "Run %zu: ", run->number) : "", what_ran(a, run)));
        run_items(r, run);
    }
    if (r->claims)
        doc_paragraph(d, arena_fmt(a, "%s.", claims_clause(a, r)));
    for (size_t i = 0; i < set->n_pairs; i++)
        doc_paragraph(d, compare_sentence(a, &set->pairs[i]));
    for (size_t i = 0; i < set->n_notices; i++)
        doc_paragraph(d, arena_fmt(a, "Note: %s", set->notices[i]));
    if (r->plots->problem)
        doc_paragraph(d, arena_fmt(a, "Note: %s", r->plots->problem));
}
