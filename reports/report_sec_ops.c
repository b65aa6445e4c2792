/* Section "Where the time goes": the share of each operation in the time per token, for cells that ran with a profile. A table per
 * comparison group; rows are operations in the order of a pass, columns are cells. Without a profile in the record there is no
 * section. */
#include "reports/report_sections.h"

#include <math.h>

static bool has_ops(const struct report_cell *c)
{
    return c->ok && c->n_ops > 0;
}

static const struct report_op *find_op(const struct report_cell *c, const char *name)
{
    for (size_t i = 0; i < c->n_ops; i++)
        if (report_equal(c->ops[i].name, name))
            return &c->ops[i];
    return NULL;
}

/* A row of a value that every profiled cell of the group has. */
static void put_row(struct doc *d, struct doc_table *t, const struct report_group *g, const char *label,
                    double (*value)(const struct report_cell *))
{
    table_cell(d, t, label);
    for (size_t i = 0; i < g->n; i++)
        if (has_ops(g->cells[i]))
            table_cell(d, t, isnan(value(g->cells[i])) ? "-" : number_sig(d->arena, value(g->cells[i]), 3));
}

static double us_per_token(const struct report_cell *c)
{
    double sum = 0.0;
    for (size_t i = 0; i < c->n_ops; i++)
        sum += 1e6 * c->ops[i].s_per_token;
    return sum;
}

static double overhead(const struct report_cell *c)
{
    return c->profile_overhead;
}

static void put_op(struct doc *d, struct doc_table *t, const struct report_group *g, const char *name)
{
    table_cell(d, t, name);
    for (size_t i = 0; i < g->n; i++) {
        if (!has_ops(g->cells[i]))
            continue;
        const struct report_op *op = find_op(g->cells[i], name);
        table_cell(d, t, op ? arena_fmt(d->arena, "%.2f %%", 100.0 * op->share) : "-");
    }
}

static bool seen_before(const struct report_group *g, size_t cell, size_t op)
{
    const char *name = g->cells[cell]->ops[op].name;
    for (size_t i = 0; i < cell; i++)
        if (has_ops(g->cells[i]) && find_op(g->cells[i], name))
            return true;
    return false;
}

static void group_table(struct doc *d, const struct report_group *g)
{
    struct doc_table *t = doc_table(d, arena_fmt(d->arena, "%s, %s", g->model, g->title));
    table_column(d, t, "Operation", COLUMN_TEXT);
    for (size_t i = 0; i < g->n; i++) {
        const struct report_cell *c = g->cells[i];
        const char *threads = text_threads(d->arena, c->threads), *embedding = c->embedding ? c->embedding : "-";
        if (has_ops(c))
            table_column(d, t, arena_fmt(d->arena, "%s (%s), %s", c->format, embedding, threads), COLUMN_NUMBER);
    }
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = 0; has_ops(g->cells[i]) && k < g->cells[i]->n_ops; k++)
            if (!seen_before(g, i, k))
                put_op(d, t, g, g->cells[i]->ops[k].name);
    put_row(d, t, g, "microseconds per token", us_per_token);
    put_row(d, t, g, "time / median of the samples", overhead);
}

void section_ops(struct report *r)
{
    struct doc *d = &r->doc;
    bool any = false;
    for (size_t i = 0; i < r->matrix->n_groups; i++) {
        const struct report_group *g = &r->matrix->groups[i];
        bool here = false;
        for (size_t k = 0; k < g->n; k++)
            here |= has_ops(g->cells[k]);
        if (!here)
            continue;
        if (!any) {
            doc_heading(d, 2, "Where the time goes");
            doc_paragraph(d, "Shares of the wall time of one more repetition, which ran with the engine's profile on and is none "
                             "of the samples. An operation's time is the mean over the threads; wait is the time of threads at "
                             "barriers, other what lies outside the engine's passes (the choice of the next token).");
        }
        any = true;
        group_table(d, g);
    }
    if (any)
        put_plots(r, PLOT_OPS);
}
