/* Sections "Quality" (perplexity by format) and "Skipped and failed". */
#include "reports/report_sections.h"

#include <math.h>
#include <string.h>

static const struct report_cell *quality_base(const struct report_group *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->cells[i]->ok && strcmp(g->cells[i]->format, "f16") == 0 && !isnan(report_metric_value(g->cells[i], "perplexity")))
            return g->cells[i];
    return NULL;
}

static bool has_quality(const struct report_group *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->cells[i]->test, "ppl") == 0 || report_metric_find(g->cells[i], "perplexity"))
            return true;
    return false;
}

/* With five digits, as formats differ in the fourth; the interval is that of the text, which all formats share. */
static const char *perplexity_text(struct arena *a, const struct report_cell *c, double ppl)
{
    const double lo = report_metric_value(c, "perplexity_lo"), hi = report_metric_value(c, "perplexity_hi");
    if (isnan(lo) || isnan(hi))
        return number_sig(a, ppl, 5);
    return arena_fmt(a, "%s [%s, %s]", number_sig(a, ppl, 5), number_sig(a, lo, 3), number_sig(a, hi, 3));
}

static void quality_row(struct doc *d, struct doc_table *t, const struct report_group *g, const struct report_cell *c)
{
    struct arena *a = d->arena;
    const struct report_cell *base = quality_base(g);
    const double ppl = report_metric_value(c, "perplexity"), ref = base ? report_metric_value(base, "perplexity") : NAN;
    table_cell(d, t, g->model);
    table_cell(d, t, g->title);
    table_cell(d, t, c->format);
    table_cell(d, t, c->embedding);
    table_cell(d, t, arena_fmt(a, "%lld", c->threads));
    if (!c->ok) {
        put_missing(d, t, c);
        put_missing(d, t, c);
    } else {
        if (isnan(ppl))
            put_metric(d, t, c, "perplexity", false);
        else
            table_cell(d, t, perplexity_text(a, c, ppl));
        if (isnan(ppl) || isnan(ref) || ref <= 0.0)
            table_missing(d, t, "no base", "There is no f16 perplexity of this model to compare with.");
        else
            table_cell(d, t, c == base ? "base" : arena_fmt(a, "%+.2f %%", 100.0 * (ppl / ref - 1.0)));
    }
    table_cell(d, t, c->output_sha256 ? arena_fmt(a, "%.12s", c->output_sha256) : "-");
}

void section_quality(struct report *r)
{
    static const char *const heads[] = {"Threads", "Perplexity", "against f16"};
    struct doc *d = &r->doc;
    struct doc_table *t = NULL;
    doc_heading(d, 2, "Quality");
    for (size_t i = 0; i < r->matrix->n_groups; i++) {
        const struct report_group *g = &r->matrix->groups[i];
        if (!has_quality(g))
            continue;
        if (!t) {
            t = doc_table(d, "Perplexity on held-out text; lower is better. The interval is over stretches of the text: it says "
                             "how far another text may be from "
                             "this one. All formats read the same text, so differences between them are much surer than it.");
            table_column(d, t, "Model", COLUMN_TEXT);
            table_column(d, t, "Test", COLUMN_TEXT);
            table_column(d, t, "Format", COLUMN_FORMAT);
            table_column(d, t, "Embedding", COLUMN_TEXT);
            for (size_t k = 0; k < 3; k++)
                table_column(d, t, heads[k], COLUMN_NUMBER);
            table_column(d, t, "Output SHA-256 (start)", COLUMN_TEXT);
        }
        for (size_t k = 0; k < g->n; k++)
            quality_row(d, t, g, g->cells[k]);
    }
    if (!t)
        doc_paragraph(d, "The record has no perplexity: this run says nothing about the quality of the output.");
}

/* ---- skipped and failed ------------------------------------------------------------------------------------------------------ */

/* Cells that were lost in the same way share a row. */
struct loss {
    const char *status, *reason;
    size_t n;
    struct textbuf ids;
};

enum { IDS_SHOWN = 8 };

static size_t collect(struct arena *a, const struct report_matrix *m, struct loss *losses)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_cells; i++) {
        const struct report_cell *c = m->cells[i];
        if (c->ok)
            continue;
        const char *reason = text_reason(a, c->reason);
        size_t k = 0;
        while (k < n && (strcmp(losses[k].status, c->status) != 0 || strcmp(losses[k].reason, reason) != 0))
            k++;
        if (k == n)
            losses[n++] = (struct loss){.status = c->status, .reason = reason};
        if (losses[k].n++ < IDS_SHOWN)
            textbuf_addf(&losses[k].ids, "%s%s%s", losses[k].n > 1 ? ", " : "",
                         m->set->n_runs > 1 ? arena_fmt(a, "run %zu: ", c->run->number) : "", c->id);
    }
    return n;
}

void section_missing(struct report *r)
{
    struct doc *d = &r->doc;
    struct arena *a = d->arena;
    struct loss *losses = arena_alloc(a, (r->matrix->n_cells + 1) * sizeof(*losses));
    const size_t n = losses ? collect(a, r->matrix, losses) : 0;
    doc_heading(d, 2, "Skipped and failed");
    if (n == 0) {
        doc_paragraph(d, "Every cell of the record ended ok.");
        return;
    }
    struct doc_table *t = doc_table(d, NULL);
    table_column(d, t, "Status", COLUMN_TEXT);
    table_column(d, t, "Why", COLUMN_TEXT);
    table_column(d, t, "Cells", COLUMN_NUMBER);
    table_column(d, t, "Which", COLUMN_TEXT);
    for (size_t i = 0; i < n; i++) {
        const char *ids = losses[i].ids.s && !losses[i].ids.oom ? losses[i].ids.s : "";
        table_cell(d, t, losses[i].status);
        table_cell(d, t, losses[i].reason);
        table_cell(d, t, arena_fmt(a, "%zu", losses[i].n));
        table_cell(d, t,
                   losses[i].n > IDS_SHOWN ? arena_fmt(a, "%s and %zu more, see results.csv", ids, losses[i].n - IDS_SHOWN)
                                           : arena_fmt(a, "%s", ids));
        a->oom |= losses[i].ids.oom;
        textbuf_free(&losses[i].ids);
    }
}
