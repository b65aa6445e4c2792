/* Section "Side by side": the same test on several machines or in several runs, each format at its best thread count. */
#include "reports/report_sections.h"

#include <math.h>
#include <string.h>

/* The group of another run that has the same model and test, or NULL. */
static const struct report_group *same_group(const struct report_matrix *m, const struct report_run *run,
                                             const struct report_group *like)
{
    for (size_t i = 0; i < m->n_groups; i++)
        if (m->groups[i].run == run && strcmp(m->groups[i].title, like->title) == 0 &&
            strcmp(m->groups[i].cells[0]->model, like->cells[0]->model) == 0)
            return &m->groups[i];
    return NULL;
}

/* First group with this model and test, and found in another run too */
static bool is_shared(const struct report_matrix *m, size_t at)
{
    const struct report_group *g = &m->groups[at];
    size_t n = 0;
    if (!report_is_speed(g->cells[0]->test))
        return false;
    for (size_t r = 0; r < m->set->n_runs; r++) {
        const struct report_group *o = same_group(m, m->set->runs[r], g);
        if (o && o < g)
            return false;
        n += o != NULL;
    }
    return n > 1;
}

static void put_run(struct doc *d, struct doc_table *t, const struct report_group *g, const char *format)
{
    struct arena *a = d->arena;
    const struct report_cell *c = g ? report_best(g, format) : NULL, *base = g ? report_best(g, "f16") : NULL;
    if (!c) {
        table_cell(d, t, "-");
        table_cell(d, t, "-");
        return;
    }
    table_cell(d, t, arena_fmt(a, "%s (%lld)", text_interval(a, c->tps, 1.0), c->threads));
    const struct report_ratio x =
        base ? report_ratio_of(c, base) : (struct report_ratio){.x = {(double)NAN, (double)NAN, (double)NAN}};
    table_cell(d, t, c == base ? "1 (base)" : isnan(x.x.mid) ? "no base" : text_interval(a, x.x, 1.0));
}

static bool any_best(const struct report_matrix *m, const struct report_group *g, const char *format)
{
    for (size_t r = 0; r < m->set->n_runs; r++) {
        const struct report_group *o = same_group(m, m->set->runs[r], g);
        if (o && report_best(o, format))
            return true;
    }
    return false;
}

/* True if no earlier row of the groups that share g's test has this format */
static bool first_with_format(const struct report_matrix *m, const struct report_group *g, const struct report_cell *c)
{
    for (size_t r = 0; r < m->set->n_runs; r++) {
        const struct report_group *o = same_group(m, m->set->runs[r], g);
        for (size_t i = 0; o && i < o->n; i++) {
            if (o->cells[i] == c)
                return true;
            if (strcmp(o->cells[i]->format, c->format) == 0)
                return false;
        }
    }
    return true;
}

static void put_rows(struct doc *d, struct doc_table *t, const struct report_matrix *m, const struct report_group *g)
{
    for (size_t r = 0; r < m->set->n_runs; r++) {
        const struct report_group *o = same_group(m, m->set->runs[r], g);
        for (size_t i = 0; o && i < o->n; i++) {
            const struct report_cell *c = o->cells[i];
            if (!first_with_format(m, g, c) || !any_best(m, g, c->format))
                continue;
            table_cell(d, t, g->cells[0]->model);
            table_cell(d, t, g->title);
            table_cell(d, t, c->format);
            for (size_t k = 0; k < m->set->n_runs; k++)
                put_run(d, t, same_group(m, m->set->runs[k], g), c->format);
        }
    }
}

void section_hosts(struct report *r)
{
    const struct report_matrix *m = r->matrix;
    const struct report_set *set = m->set;
    struct doc *d = &r->doc;
    struct arena *a = d->arena;
    struct doc_table *t = NULL;
    for (size_t i = 0; i < m->n_groups && set->n_runs > 1; i++) {
        if (!is_shared(m, i))
            continue;
        if (!t) {
            doc_heading(d, 2, "Side by side");
            doc_paragraph(
                d, "The same tests in every record, each format at its best thread count (in brackets behind the speed). Speeds of "
                   "two machines compare the machines; the speed-ups over f16 compare the formats on each.");
            t = doc_table(d, NULL);
            table_column(d, t, "Model", COLUMN_TEXT);
            table_column(d, t, "Test", COLUMN_TEXT);
            table_column(d, t, "Format", COLUMN_FORMAT);
            for (size_t k = 0; k < set->n_runs; k++) {
                const json_t *host = json_object_get(set->runs[k]->root, "host");
                table_column(d, t,
                             arena_fmt(a, "run %zu, %s %s: tokens/s", set->runs[k]->number, report_text_at(host, "cpu_model"),
                                       report_text_at(host, "arch")),
                             COLUMN_NUMBER);
                table_column(d, t, "over f16", COLUMN_NUMBER);
            }
        }
        put_rows(d, t, m, &m->groups[i]);
    }
}
