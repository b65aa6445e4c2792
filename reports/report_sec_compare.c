/* Section "Comparison": what `compare` and `gate` say of the runs, as tables. The numbers come as JSON (report_compare.h) and
 * nothing is computed here; a gate's verdict may also come from a file, so no field of it is taken for granted. */
#include "reports/report_sections.h"

#include <math.h>
#include <string.h>

static const double equal_ratio = 5e-9; /* as `compare` has it */

static const char *run_name(struct arena *a, const struct report_pair *p, bool fresh)
{
    if (!p->base)
        return report_text_at(p->gate, fresh ? "new" : "base");
    if (p->base == p->fresh)
        return fresh ? "new" : "base";
    return arena_fmt(a, "run %zu", (fresh ? p->fresh : p->base)->number);
}

static const char *percent(struct arena *a, double ratio)
{
    const double x = 100 * (ratio - 1);
    return arena_fmt(a, fabs(x) < 0.1 ? "%+.3f %%" : "%+.2f %%", x);
}

static const char *value_text(struct arena *a, struct report_interval x, const char *unit)
{
    if (isnan(x.mid))
        return "-";
    return strcmp(unit, "bytes") == 0 ? number_bytes(a, x.mid) : text_interval_digits(a, x, 4);
}

static const char *ratio_text(struct arena *a, struct report_interval x)
{
    if (isnan(x.mid))
        return "-";
    if (isnan(x.lo) || isnan(x.hi))
        return arena_fmt(a, "%.4f", x.mid);
    return arena_fmt(a, "%.4f [%.4f, %.4f]", x.mid, x.lo, x.hi);
}

/* ---- compare --------------------------------------------------------------------------------------------------------------- */

static bool is_equal(const json_t *row)
{
    return json_is_true(json_object_get(row, "exact")) &&
           fabs(report_number_at(json_object_get(row, "ratio"), "value") - 1) < equal_ratio;
}

static const char *change_text(struct arena *a, const json_t *row, double alpha)
{
    const double ratio = report_number_at(json_object_get(row, "ratio"), "value");
    if (!json_is_true(json_object_get(row, "exact")) && !(report_number_at(row, "p") < alpha))
        return "~";
    return percent(a, ratio);
}

static const char *p_text(struct arena *a, const json_t *row)
{
    const double p = report_number_at(row, "p"), n = report_number_at(row, "n_base"), m = report_number_at(row, "n_new");
    if (isnan(p))
        return "exact";
    const char *value = p < 0.0001 ? "< 0.0001" : arena_fmt(a, "%.4f", p);
    return json_is_true(json_object_get(row, "paired")) ? arena_fmt(a, "%s (%g rounds)", value, n)
                                                        : arena_fmt(a, "%s (%g + %g values)", value, n, m);
}

static void put_row(struct doc *d, struct doc_table *t, const json_t *row, double alpha)
{
    struct arena *a = d->arena;
    const char *why = json_string_value(json_object_get(row, "reason")), *unit = report_text_at(row, "unit");
    table_cell(d, t, report_text_at(row, "cell"));
    table_cell(d, t, value_text(a, interval_at(row, "base"), unit));
    table_cell(d, t, value_text(a, interval_at(row, "new"), unit));
    if (why) {
        table_missing(d, t, "no comparison", text_reason(a, why));
        table_cell(d, t, "-");
        table_cell(d, t, "-");
        return;
    }
    table_cell(d, t, ratio_text(a, interval_at(row, "ratio")));
    table_cell(d, t, change_text(a, row, alpha));
    table_cell(d, t, p_text(a, row));
}

/* The mean over all cells of a metric; an interval with NANs where there is none. */
static struct report_interval mean_of(const json_t *table, const char *metric)
{
    size_t i;
    const json_t *mean;
    json_array_foreach(json_object_get(table, "geomeans"), i, mean)
    {
        if (strcmp(report_text_at(mean, "metric"), metric) == 0)
            return interval_at(mean, "ratio");
    }
    return interval_at(NULL, "");
}

static void put_mean(struct doc *d, struct doc_table *t, struct report_interval mean)
{
    table_cell(d, t, "geometric mean");
    table_cell(d, t, "-");
    table_cell(d, t, "-");
    table_cell(d, t, ratio_text(d->arena, mean));
    table_cell(d, t, percent(d->arena, mean.mid));
    table_cell(d, t, "-");
}

static struct doc_table *metric_table(struct doc *d, const struct report_pair *p, const json_t *row, size_t equal)
{
    struct arena *a = d->arena;
    const char *base = run_name(a, p, false), *fresh = run_name(a, p, true);
    const char *better = json_is_true(json_object_get(row, "more_is_better")) ? "more" : "less";
    const char *same = equal ? arena_fmt(a, "; %zu other cell%s equal", equal, equal == 1 ? " is" : "s are") : "";
    struct doc_table *t = doc_table(
        d, arena_fmt(a, "%s (%s, %s is better)%s", report_text_at(row, "metric"), report_text_at(row, "unit"), better, same));
    table_column(d, t, "Cell", COLUMN_TEXT);
    table_column(d, t, base, COLUMN_NUMBER);
    table_column(d, t, fresh, COLUMN_NUMBER);
    table_column(d, t, arena_fmt(a, "%s / %s", fresh, base), COLUMN_NUMBER);
    table_column(d, t, "Change", COLUMN_NUMBER);
    table_column(d, t, "p", COLUMN_NUMBER);
    return t;
}

/* Rows [from, to) are of one metric. Cells that are equal are counted, as in `compare`. */
static void put_metric_rows(struct doc *d, const struct report_pair *p, size_t from, size_t to)
{
    const json_t *rows = json_object_get(p->table, "rows"), *first = json_array_get(rows, from);
    const char *metric = report_text_at(first, "metric");
    const double alpha = report_number_at(p->table, "alpha");
    size_t equal = 0;
    for (size_t i = from; i < to; i++)
        equal += is_equal(json_array_get(rows, i));
    if (equal == to - from) {
        doc_paragraph(d, arena_fmt(d->arena, "%s: equal in all %zu cells.", metric, equal));
        return;
    }
    struct doc_table *t = metric_table(d, p, first, equal);
    for (size_t i = from; i < to; i++)
        if (!is_equal(json_array_get(rows, i)))
            put_row(d, t, json_array_get(rows, i), alpha);
    const struct report_interval mean = mean_of(p->table, metric);
    if (to - from - equal > 1 && !isnan(mean.mid))
        put_mean(d, t, mean);
}

static void put_reading(struct doc *d, const struct report_pair *p)
{
    struct arena *a = d->arena;
    size_t i;
    const json_t *x;
    doc_item(
        d, p->base == p->fresh
               ? "The two arms shared their rounds: p and ratio are of the pairs of one round (exact Wilcoxon signed-rank test; "
                 "ratio by Hodges and Lehmann)."
               : "The two runs took place at different times (Mann-Whitney test; ratio by Hodges and Lehmann): what changed on the "
                 "machine in between is in the ratio, and in no interval.");
    doc_item(d,
             arena_fmt(a,
                       "~ means that no difference was shown: p is not below %g. That is no proof of equality: the interval of the "
                       "ratio says how large a change it may hide.",
                       report_number_at(p->table, "alpha")));
    if (json_is_false(json_object_get(p->table, "same_output")))
        doc_item(d, "The two chose different tokens in at least one cell, so they did not compute the same.");
    json_array_foreach(json_object_get(p->table, "differences"), i, x)
    {
        doc_item(d, arena_fmt(a, "Different, and allowed to be: %s is %s and %s.", report_text_at(x, "key"),
                              report_text_at(x, "base"), report_text_at(x, "new")));
    }
}

static void put_comparison(struct doc *d, const struct report_pair *p)
{
    const json_t *rows = json_object_get(p->table, "rows");
    const size_t n = json_array_size(rows);
    for (size_t i = 0, end; i < n; i = end) {
        const char *metric = report_text_at(json_array_get(rows, i), "metric");
        for (end = i + 1; end < n && strcmp(report_text_at(json_array_get(rows, end), "metric"), metric) == 0;)
            end++;
        put_metric_rows(d, p, i, end);
    }
    put_reading(d, p);
}

/* ---- gate ------------------------------------------------------------------------------------------------------------------ */

/* What the printer knows a sign for; text from a file is never more than that. */
static const char *verdict_word(const json_t *row)
{
    return json_is_true(json_object_get(row, "inform")) ? "inform" : report_text_at(row, "verdict");
}

static void put_gate_row(struct doc *d, struct doc_table *t, const json_t *row)
{
    struct arena *a = d->arena;
    const struct report_interval ratio = interval_at(json_object_get(row, "comparison"), "ratio");
    const double p = report_number_at(row, "p_holm"), least = report_number_at(row, "minimum_detectable");
    const double tolerance = report_number_at(row, "tolerance");
    const char *reason = json_string_value(json_object_get(row, "reason"));
    const char *change = isnan(ratio.mid) ? "-" : percent(a, ratio.mid);
    if (!isnan(ratio.lo) && !isnan(ratio.hi))
        change = arena_fmt(a, "%s [%s, %s]", change, percent(a, ratio.lo), percent(a, ratio.hi));
    table_cell(d, t, report_text_at(row, "cell"));
    table_cell(d, t, report_text_at(row, "metric"));
    table_cell(d, t, reason ? arena_fmt(a, "%s (%s)", verdict_word(row), text_reason(a, reason)) : verdict_word(row));
    table_cell(d, t, change);
    table_cell(d, t, isnan(tolerance) ? "-" : arena_fmt(a, "%.4g %%", 100 * tolerance));
    table_cell(d, t, isnan(p) ? "-" : p < 0.0001 ? "< 0.0001" : arena_fmt(a, "%.4f", p));
    table_cell(d, t, isnan(least) ? "-" : arena_fmt(a, "%.1f %%", 100 * least));
}

/* The worst first, which is what a reader of a verdict looks for. */
static const char *const verdict_words[] = {"regress", "failed", "inconclusive", "improve", "pass", "inform"};
enum { N_VERDICT_WORDS = sizeof(verdict_words) / sizeof(verdict_words[0]) };

static size_t verdict_rank(const json_t *row)
{
    size_t v = 0;
    while (v < N_VERDICT_WORDS && strcmp(verdict_word(row), verdict_words[v]) != 0)
        v++;
    return v;
}

/* Passed, as it is the same number on both sides: counted, not listed. */
static bool is_unchanged(const json_t *row)
{
    return strcmp(verdict_word(row), "pass") == 0 && is_equal(json_object_get(row, "comparison"));
}

/* "1 regress, 3 pass, 2 of them without any change" */
static const char *count_verdicts(struct arena *a, const json_t *rows)
{
    size_t n[N_VERDICT_WORDS + 1] = {0}, unchanged = 0, i;
    const char *text = "";
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        n[verdict_rank(row)]++;
        unchanged += is_unchanged(row);
    }
    for (size_t v = 0; v < N_VERDICT_WORDS; v++)
        if (n[v])
            text = arena_fmt(a, "%s%s%zu %s", text, *text ? ", " : "", n[v], verdict_words[v]);
    if (unchanged)
        text = arena_fmt(a, "%s, of which %zu without any change are not listed", text, unchanged);
    return *text ? text : "no metric was judged";
}

static void put_gate(struct doc *d, const struct report_pair *p)
{
    static const struct {
        const char *head;
        enum column_kind kind;
    } columns[] = {{"Cell", COLUMN_TEXT},        {"Metric", COLUMN_TEXT},      {"Verdict", COLUMN_VERDICT},
                   {"Change", COLUMN_NUMBER},    {"Tolerance", COLUMN_NUMBER}, {"p (Holm)", COLUMN_NUMBER},
                   {"Could find", COLUMN_NUMBER}};
    struct arena *a = d->arena;
    const json_t *rows = json_object_get(p->gate, "rows");
    const char *unfit = json_string_value(json_object_get(p->gate, "unfit"));
    doc_paragraph(d, arena_fmt(a, "Gate %s, %s against %s: %s (%s).%s%s", p->rules, run_name(a, p, true), run_name(a, p, false),
                               report_text_at(p->gate, "verdict"), count_verdicts(a, rows),
                               unfit ? " Nothing sampled is conclusive: " : "", unfit ? unfit : ""));
    struct doc_table *t = doc_table(d, NULL);
    for (size_t k = 0; k < sizeof(columns) / sizeof(columns[0]); k++)
        table_column(d, t, columns[k].head, columns[k].kind);
    for (size_t v = 0; v <= N_VERDICT_WORDS; v++)
        for (size_t i = 0; i < json_array_size(rows); i++) {
            const json_t *row = json_array_get(rows, i);
            if (verdict_rank(row) == v && !is_unchanged(row))
                put_gate_row(d, t, row);
        }
    doc_paragraph(
        d, arena_fmt(a,
                     "regress: the whole interval of the change is worse than the tolerance, and p, adjusted for all gated rows "
                     "(Holm), is below %s. pass: the interval excludes that it is worse than the tolerance. improve: better by "
                     "more than the tolerance, shown likewise. inconclusive: nothing of that is shown. Could find: the smallest "
                     "change that four of five such runs would show.",
                     number_exact(a, report_number_at(p->gate, "alpha"))));
}

/* ---- both ------------------------------------------------------------------------------------------------------------------ */

static const char *capital(struct arena *a, const char *s)
{
    return arena_fmt(a, "%c%s", s[0] >= 'a' && s[0] <= 'z' ? s[0] - ('a' - 'A') : s[0], s + 1);
}

const char *compare_sentence(struct arena *a, const struct report_pair *p)
{
    const struct report_interval mean = mean_of(p->table, "tokens_per_s");
    const char *gate =
        p->gate ? arena_fmt(a, "%sgate %s says %s", p->table ? "; " : "", p->rules, report_text_at(p->gate, "verdict")) : "";
    const char *speed = "no speed could be compared";
    if (!isnan(mean.mid))
        speed = arena_fmt(a, "%s times the tokens/s (geometric mean of all cells)", ratio_text(a, mean));
    const char *names = arena_fmt(a, "%s against %s", capital(a, run_name(a, p, true)), run_name(a, p, false));
    if (p->refused)
        return arena_fmt(a, "%s: not compared, because the records are not alike: %s.", names, text_reason(a, p->refused));
    return arena_fmt(a, "%s: %s%s.", names, p->table ? speed : "", gate);
}

void section_compare(struct report *r)
{
    const struct report_set *set = r->matrix->set;
    struct doc *d = &r->doc;
    struct arena *a = d->arena;
    if (set->n_pairs)
        doc_heading(d, 2, "Comparison");
    for (size_t i = 0; i < set->n_pairs; i++) {
        const struct report_pair *p = &set->pairs[i];
        doc_heading(d, 3, arena_fmt(a, "%s against %s", capital(a, run_name(a, p, true)), run_name(a, p, false)));
        if (p->refused)
            doc_paragraph(d, compare_sentence(a, p));
        if (p->gate)
            put_gate(d, p);
        if (p->table)
            put_comparison(d, p);
    }
}
