/* Text, Markdown and JSON of a comparison. The change is of the metric itself, so that +3 % tokens/s is faster. */
#include "harness/comparison_out.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "harness/json_util.h"
#include "harness/text_grid.h"

static const double equal_ratio = 5e-9; /* of the ratio of two exact values */

void comparison_value_text(const struct interval *i, char out[COMPARISON_TEXT_LEN])
{
    if (isnan(i->value))
        snprintf(out, COMPARISON_TEXT_LEN, "-");
    else if (isnan(i->lo))
        snprintf(out, COMPARISON_TEXT_LEN, fabs(i->value) >= 1e4 && fabs(i->value) < 1e15 ? "%.0f" : "%.4g", i->value);
    else
        snprintf(out, COMPARISON_TEXT_LEN, "%.4g [%.4g, %.4g]", i->value, i->lo, i->hi);
}

void comparison_change_text(const struct comparison_row *r, double alpha, char out[COMPARISON_TEXT_LEN])
{
    const double percent = 100 * (r->ratio.value - 1);
    if (isnan(r->ratio.value))
        snprintf(out, COMPARISON_TEXT_LEN, "-");
    else if (r->metric->exact && fabs(r->ratio.value - 1) < equal_ratio)
        snprintf(out, COMPARISON_TEXT_LEN, "=");
    else if (!r->metric->exact && !(r->p < alpha))
        snprintf(out, COMPARISON_TEXT_LEN, "~");
    else
        snprintf(out, COMPARISON_TEXT_LEN, fabs(percent) < 0.1 ? "%+.4f %%" : "%+.2f %%", percent);
}

static void ratio_text(const struct interval *i, char out[COMPARISON_TEXT_LEN])
{
    if (isnan(i->value))
        snprintf(out, COMPARISON_TEXT_LEN, "-");
    else if (isnan(i->lo))
        snprintf(out, COMPARISON_TEXT_LEN, "%.4f", i->value);
    else
        snprintf(out, COMPARISON_TEXT_LEN, "%.4f [%.4f, %.4f]", i->value, i->lo, i->hi);
}

static int add_row(struct text_grid *g, const struct comparison_row *r, double alpha)
{
    char base[COMPARISON_TEXT_LEN], fresh[COMPARISON_TEXT_LEN], ratio[COMPARISON_TEXT_LEN], change[COMPARISON_TEXT_LEN];
    comparison_value_text(&r->base_mid, base);
    comparison_value_text(&r->fresh_mid, fresh);
    ratio_text(&r->ratio, ratio);
    comparison_change_text(r, alpha, change);
    int rc = text_grid_add(g, "%s", r->cell) || text_grid_add(g, "%s", base) || text_grid_add(g, "%s", fresh) ||
             text_grid_add(g, "%s", ratio) || text_grid_add(g, "%s", change);
    if (isnan(r->p))
        rc = rc || text_grid_add(g, "%s", r->reason[0] ? "-" : "exact");
    else if (r->paired)
        rc = rc || text_grid_add(g, "%.4f (%zu rounds)", r->p, r->n_base);
    else
        rc = rc || text_grid_add(g, "%.4f (n=%zu+%zu)", r->p, r->n_base, r->n_fresh);
    return rc;
}

static bool is_equal(const struct comparison_row *r)
{
    return r->metric->exact && !r->reason[0] && fabs(r->ratio.value - 1) < equal_ratio;
}

/* Head, the rows that are worth one, the mean. Returns how many rows were left out as equal; -ENOMEM. */
static int fill_grid(const struct comparison_table *t, const struct compared_metric *m, double alpha, struct text_grid *g,
                     size_t *rows)
{
    char text[COMPARISON_TEXT_LEN];
    struct interval mean;
    int equal = 0, rc = text_grid_add(g, "cell") || text_grid_add(g, "base") || text_grid_add(g, "new") ||
                        text_grid_add(g, "new / base") || text_grid_add(g, "change") || text_grid_add(g, "p");
    for (size_t i = 0; i < t->n && !rc; i++)
        if (t->rows[i].metric == m && is_equal(&t->rows[i])) {
            equal++;
        } else if (t->rows[i].metric == m) {
            rc = add_row(g, &t->rows[i], alpha);
            ++*rows;
        }
    if (!rc && *rows > 1 && comparison_geomean(t, m, &mean)) {
        ratio_text(&mean, text);
        rc = text_grid_add(g, "geometric mean") || text_grid_add(g, "%s", "") || text_grid_add(g, "%s", "") ||
             text_grid_add(g, "%s", text) || text_grid_add(g, "%+.2f %%", 100 * (mean.value - 1)) || text_grid_fill(g);
    }
    return rc ? -ENOMEM : equal;
}

static void print_reasons(const struct comparison_table *t, const struct compared_metric *m, bool markdown, FILE *out)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->rows[i].metric == m && t->rows[i].reason[0])
            fprintf(out, "%s%s: %s\n", markdown ? "\n" : "  ", t->rows[i].cell, t->rows[i].reason);
}

static void print_metric(const struct comparison_table *t, const struct compared_metric *m, double alpha, bool markdown, FILE *out)
{
    struct text_grid g = {.columns = 6};
    size_t rows = 0;
    const int equal = fill_grid(t, m, alpha, &g, &rows);
    if (equal > 0 || rows)
        fprintf(out, markdown ? "\n**%s** (%s, %s is better)" : "\n%s (%s, %s is better)", m->name, m->unit,
                m->more_is_better ? "more" : "less");
    if (equal > 0)
        fprintf(out, ": equal in %d%s cells", equal, rows ? " other" : "");
    if (equal > 0 || rows)
        fputs(markdown && rows ? "\n\n" : "\n", out);
    if (rows && equal >= 0)
        text_grid_print(&g, out, markdown);
    print_reasons(t, m, markdown, out);
    text_grid_free(&g);
}

static bool any_sampled(const struct comparison_table *t, bool paired)
{
    for (size_t i = 0; i < t->n; i++)
        if (!isnan(t->rows[i].p) && t->rows[i].paired == paired)
            return true;
    return false;
}

static void print_notes(const struct comparison_table *t, const struct comparison_names *names, bool markdown, FILE *out)
{
    const char *dash = markdown ? "- " : "  ";
    fprintf(out, "\n%s[lo, hi]  interval of %.0f %% or more: median of a side; ratio by Hodges and Lehmann\n", dash,
            100 * t->confidence);
    fprintf(
        out,
        "%s~  no difference shown: p is not below %g. That is not \"equal\": the interval of the ratio says how large a change may "
        "hide\n",
        dash, names->alpha);
    if (any_sampled(t, true))
        fprintf(out, "%sp of rounds: exact Wilcoxon signed-rank test of ln(new / base) of each round\n", dash);
    if (any_sampled(t, false))
        fprintf(out,
                "%sp of n+m values: Mann-Whitney test. The sides ran at different times: what changed on the machine in between is "
                "in the "
                "ratio, and in no interval\n",
                dash);
    if (!t->same_output)
        fprintf(out, "%sthe sides chose different tokens, first in %s: they did not compute the same\n", dash, t->other_output);
    for (size_t i = 0; i < names->n_differences; i++)
        fprintf(out, "%sdifferent and allowed: %s: '%s' against '%s'\n", dash, names->differences[i].key,
                names->differences[i].base, names->differences[i].fresh);
}

void comparison_print(const struct comparison_table *t, const struct comparison_names *names, bool markdown, FILE *out)
{
    fprintf(out, markdown ? "base: `%s`, new: `%s`\n" : "base: %s\nnew:  %s\n", names->base, names->fresh);
    for (const struct compared_metric *m = compared_metrics; m->name; m++)
        print_metric(t, m, names->alpha, markdown, out);
    print_notes(t, names, markdown, out);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------ */

static json_t *interval_json(const struct interval *i)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "value", json_number_or_null(i->value), "lo", json_number_or_null(i->lo), "hi",
                     json_number_or_null(i->hi), "confidence", json_number_or_null(i->confidence));
}

json_t *comparison_row_json(const struct comparison_row *r)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "cell", r->cell, "metric",
                     r->metric->name, "unit", r->metric->unit, "more_is_better", (int)r->metric->more_is_better, "exact",
                     (int)r->metric->exact, "paired", (int)r->paired, "n_base", (json_int_t)r->n_base, "n_new",
                     (json_int_t)r->n_fresh, "base", interval_json(&r->base_mid), "new", interval_json(&r->fresh_mid), "ratio",
                     interval_json(&r->ratio), "p", json_number_or_null(r->p), "p_holm", json_number_or_null(r->p_holm), "test",
                     json_text_or_null(r->test), "reason", json_text_or_null(r->reason));
}

json_t *comparison_json(const struct comparison_table *t, const struct comparison_names *names)
{
    json_t *rows = json_array(), *means = json_array(), *differences = json_array();
    struct interval mean;
    for (size_t i = 0; i < t->n; i++)
        json_array_append_new(rows, comparison_row_json(&t->rows[i]));
    for (const struct compared_metric *m = compared_metrics; m->name; m++)
        if (comparison_geomean(t, m, &mean))
            json_array_append_new(means, json_pack("{s:s, s:o}", "metric", m->name, "ratio", interval_json(&mean)));
    for (size_t i = 0; i < names->n_differences; i++)
        json_array_append_new(differences, json_pack("{s:s, s:s, s:s}", "key", names->differences[i].key, "base",
                                                     names->differences[i].base, "new", names->differences[i].fresh));
    return json_pack("{s:i, s:s, s:s, s:f, s:f, s:b, s:o, s:o, s:o}", "schema", 1, "base", names->base, "new", names->fresh,
                     "confidence", t->confidence, "alpha", names->alpha, "same_output", (int)t->same_output, "differences",
                     differences, "rows", rows, "geomeans", means);
}
