/* Text and Markdown of a gate's report. Rows that passed because nothing changed are counted, not listed, in Markdown's fold. */
#include "harness/gate_out.h"

#include <math.h>
#include <string.h>

#include "harness/comparison_out.h"
#include "harness/text_grid.h"

static const char *mark(const struct gate_row *r)
{
    return r->inform ? "inform" : gate_verdict_name(r->verdict);
}

static int add_row(struct text_grid *g, const struct gate_row *r)
{
    char change[COMPARISON_TEXT_LEN] = "-", range[COMPARISON_TEXT_LEN] = "-", p[COMPARISON_TEXT_LEN] = "-",
         mde[COMPARISON_TEXT_LEN] = "-";
    const struct interval *i = r->row ? &r->row->ratio : NULL;
    if (i && !isnan(i->value))
        snprintf(change, sizeof change, "%+.2f %%", 100 * (i->value - 1));
    if (i && !isnan(i->lo))
        snprintf(range, sizeof range, "%+.2f to %+.2f %%", 100 * (i->lo - 1), 100 * (i->hi - 1));
    if (!isnan(r->p_holm))
        snprintf(p, sizeof p, "%.4f", r->p_holm);
    if (!isnan(r->mde))
        snprintf(mde, sizeof mde, "%.1f %%", 100 * r->mde);
    return text_grid_add(g, "%-12s %s", mark(r), r->row ? r->row->cell : "all cells") || text_grid_add(g, "%s", r->metric) ||
           text_grid_add(g, "%s", change) || text_grid_add(g, "%s", range) || text_grid_add(g, "%.4g %%", 100 * r->tolerance) ||
           text_grid_add(g, "%s", p) || text_grid_add(g, "%s", mde);
}

static void print_grid(const struct gate_report *r, bool markdown, FILE *out)
{
    struct text_grid g = {.columns = 7};
    int rc = text_grid_add(&g, "%-12s cell", "verdict") || text_grid_add(&g, "metric") || text_grid_add(&g, "change") ||
             text_grid_add(&g, "interval") || text_grid_add(&g, "tolerance") || text_grid_add(&g, "p (Holm)") ||
             text_grid_add(&g, "could find");
    for (size_t i = 0; i < r->n && !rc; i++)
        rc = add_row(&g, &r->rows[i]);
    text_grid_print(&g, out, markdown);
    text_grid_free(&g);
}

static void print_reasons(const struct gate_report *r, bool markdown, FILE *out)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->rows[i].verdict > GATE_IMPROVE && r->rows[i].reason[0])
            fprintf(out, "%s%s: %s%s%s: %s\n", markdown ? "- " : "  ", mark(&r->rows[i]), r->rows[i].metric,
                    r->rows[i].row ? " of " : "", r->rows[i].row ? r->rows[i].row->cell : "", r->rows[i].reason);
}

static const char explanation[] =
    "change: of the metric, new against base. regress: p, adjusted for all gated rows, is below alpha and the whole interval is "
    "beyond the "
    "tolerance. pass: the interval excludes that it is worse than the tolerance. inconclusive: neither is shown. could find: the "
    "smallest change that would be seen in 4 of 5 such runs.";

static void print_head(const struct gate_report *r, const struct gate_names *names, bool markdown, FILE *out)
{
    size_t count[GATE_FAILED + 1] = {0};
    for (size_t i = 0; i < r->n; i++)
        if (!r->rows[i].inform)
            count[r->rows[i].verdict]++;
    fprintf(out, markdown ? "### bitjoule gate: **%s**%s\n\n" : "gate: %s%s\n", gate_verdict_name(r->verdict),
            r->verdict == GATE_INCONCLUSIVE && names->warn_only ? " (a warning)" : "");
    fprintf(out, markdown ? "`%s` against `%s`: " : "%s against %s: ", names->fresh, names->base);
    fprintf(out, "%zu regress, %zu improve, %zu pass, %zu inconclusive, %zu failed\n", count[GATE_REGRESS], count[GATE_IMPROVE],
            count[GATE_PASS], count[GATE_INCONCLUSIVE], count[GATE_FAILED]);
    if (r->unfit)
        fprintf(out, "%s\n", r->unfit_reason);
    fputc('\n', out);
}

void gate_print_text(const struct gate_report *r, const struct gate_names *names, FILE *out)
{
    print_head(r, names, false, out);
    print_grid(r, false, out);
    fputc('\n', out);
    print_reasons(r, false, out);
}

void gate_print_markdown(const struct gate_report *r, const struct gate_names *names, FILE *out)
{
    print_head(r, names, true, out);
    print_reasons(r, true, out);
    fputs("\n<details><summary>all rows</summary>\n\n", out);
    print_grid(r, true, out);
    fprintf(out, "\n%s alpha = %g.\n\n</details>\n", explanation, names->alpha);
}
