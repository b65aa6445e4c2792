/* Sections "Published claims": the headlines with verdict and reason near the top, every other figure by table near the end. */
#include "reports/report_sections.h"

#include <math.h>
#include <string.h>

#include "reports/claims.h"

static const char *published(struct arena *a, const struct claim *c)
{
    return arena_fmt(a, "%s %s%s", c->value.as, claims_unit(c->metric),
                     c->kind == CLAIM_MEASURED ? "" : arena_fmt(a, " (%s)", claims_kind_name(c->kind)));
}

static const char *measured(struct arena *a, const struct claim_judgement *j)
{
    const struct claim_result *r = &j->overall;
    return isnan(r->measured.mid) ? "-" : arena_fmt(a, "%s %s", text_interval(a, r->measured, 1.0), claims_unit(j->claim->metric));
}

static void claims_row(struct doc *d, struct doc_table *t, const struct claim_judgement *j, const char *first)
{
    struct arena *a = d->arena;
    table_cell(d, t, first);
    table_cell(d, t, published(a, j->claim));
    table_cell(d, t, measured(a, j));
    table_cell(d, t, claims_verdict_text(a, &j->overall));
    const char *why = j->overall.reason, *note = j->claim->note ? j->claim->note : "";
    table_cell(d, t, *why || *note ? arena_fmt(a, "%s%s%s", why, *why && *note ? " " : "", note) : "-");
}

static struct doc_table *claims_table(struct doc *d, const char *caption, const char *first)
{
    struct doc_table *t = doc_table(d, caption);
    table_column(d, t, first, COLUMN_TEXT);
    table_column(d, t, "Published", COLUMN_NUMBER);
    table_column(d, t, "Measured here", COLUMN_NUMBER);
    table_column(d, t, "Verdict", COLUMN_VERDICT);
    table_column(d, t, "Why", COLUMN_TEXT);
    return t;
}

static const char *counts_text(struct arena *a, const struct claim_judgement *all, size_t n)
{
    size_t counts[N_VERDICTS] = {0};
    const char *s = "";
    for (size_t i = 0; i < n; i++)
        counts[all[i].overall.verdict]++;
    for (size_t v = 0; v < N_VERDICTS; v++)
        s = arena_fmt(a, "%s%s%s: %zu", s, v ? ", " : "", claims_verdict_name((enum claim_verdict)v), counts[v]);
    return arena_fmt(
        a,
        "Verdicts on %zu published figures, on this machine: %s. A figure from another CPU is asked whether it holds here. A "
        "speed-up, a speed or a saving is met by as much or more, with its whole interval; one whose interval contains the figure "
        "holds in part. Lengths of prompt and answer are those that ran here, as the reasons name them, and fewer threads than "
        "published "
        "may meet a figure. What did not run is never counted as holding.",
        n, s);
}

/* "speed over fp16 on x86 CPUs (arXiv 2410.16144v2, abstract; Intel i7-13700H)". A place that names its source stands alone. */
static const char *headline_text(struct arena *a, const struct claim *c)
{
    const bool named = strncmp(c->where, "arXiv", 5) == 0;
    return arena_fmt(a, "%s (%s%s%s%s%s)", c->says, named ? "" : c->source->ref, named ? "" : ", ", c->where, c->cpu ? "; " : "",
                     c->cpu ? c->cpu : "");
}

/* What a reader looks for first: what this machine can decide, then what no machine could, then the rest. */
static int headline_rank(enum claim_verdict v)
{
    return v == VERDICT_NOT_TESTABLE ? 2 : v == VERDICT_NOT_MEASURED ? 1 : 0;
}

void section_claims(struct report *r)
{
    struct doc *d = &r->doc;
    if (!r->claims)
        return;
    doc_heading(d, 2, "Published claims");
    doc_paragraph(d, counts_text(d->arena, r->claims, r->n_claims));
    struct doc_table *t = claims_table(d, NULL, "Claim");
    for (int rank = 0; rank < 3; rank++)
        for (size_t i = 0; i < r->n_claims; i++)
            if (r->claims[i].claim->headline && headline_rank(r->claims[i].overall.verdict) == rank)
                claims_row(d, t, &r->claims[i], headline_text(d->arena, r->claims[i].claim));
}

/* ---- all other figures -------------------------------------------------------------------------------------------------------- */

/* End of the claims that share a table with the one at i. */
static size_t table_end(const struct report *r, size_t i)
{
    size_t end = i + 1;
    while (end < r->n_claims && r->claims[end].claim->table == r->claims[i].claim->table && r->claims[i].claim->table)
        end++;
    return end;
}

/* The one verdict that all of a table have and none could be tested, or NULL. */
static const char *common_verdict(struct arena *a, const struct report *r, size_t from, size_t to)
{
    const struct claim_result *first = &r->claims[from].overall;
    for (size_t i = from; i < to; i++) {
        const struct claim_result *x = &r->claims[i].overall;
        if (x->verdict != VERDICT_NOT_TESTABLE || *x->reason || strcmp(x->detail, first->detail) != 0)
            return NULL;
    }
    return claims_verdict_text(a, first);
}

void section_figures(struct report *r)
{
    struct doc *d = &r->doc;
    struct arena *a = d->arena;
    if (!r->claims)
        return;
    doc_heading(d, 2, "Every published figure");
    for (size_t i = 0, end; i < r->n_claims; i = end) {
        end = table_end(r, i);
        const struct claim *c = r->claims[i].claim;
        const char *common = common_verdict(a, r, i, end);
        if (c->headline && end == i + 1)
            continue; /* already above */
        if (common)
            doc_item(d, arena_fmt(a, "%s, %zu figures: %s", c->title ? c->title : c->says, end - i, common));
    }
    for (size_t i = 0, end; i < r->n_claims; i = end) {
        struct doc_table *t = NULL;
        end = table_end(r, i);
        const struct claim *c = r->claims[i].claim;
        for (size_t k = i; k < end && !common_verdict(a, r, i, end); k++) {
            const struct claim *x = r->claims[k].claim;
            if (x->headline)
                continue;
            t = t ? t : claims_table(d, arena_fmt(a, "%s (%s)", c->title ? c->title : c->says, c->source->ref), "Row");
            const bool same = c->table && c->table->says && strcmp(x->says, c->table->says) == 0;
            claims_row(d, t, &r->claims[k], x->row ? (same ? x->row : arena_fmt(a, "%s: %s", x->row, x->says)) : x->says);
        }
    }
}
