/* Plot of decode by depth: tokens per second against the tokens that are in the cache before, a panel per model, a line per format, at
 * the largest thread count. Drawn when a model was decoded at two depths at least. */
#include "reports/report_plots.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "reports/report_sections.h"

/* Groups of one model that differ in depth only. */
struct depths {
    const struct report_group **groups;
    size_t n;
    long long threads;
};

static bool same_but_depth(const struct report_group *a, const struct report_group *b)
{
    const struct report_cell *x = a->cells[0], *y = b->cells[0];
    return a->run == b->run && strcmp(x->model, y->model) == 0 && strcmp(x->test, y->test) == 0 && x->batch == y->batch &&
           report_equal(x->kv, y->kv);
}

static long long most_threads(const struct depths *d)
{
    long long most = 0;
    for (size_t i = 0; i < d->n; i++)
        for (size_t k = 0; k < d->groups[i]->n; k++)
            if (d->groups[i]->cells[k]->ok && d->groups[i]->cells[k]->threads > most)
                most = d->groups[i]->cells[k]->threads;
    return most;
}

static const struct report_cell *row_at(const struct report_group *g, const struct report_cell *like, long long threads)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct report_cell *c = g->cells[i];
        if (c->ok && !isnan(c->tps.mid) && c->threads == threads && strcmp(c->format, like->format) == 0 &&
            report_equal(c->embedding, like->embedding))
            return c;
    }
    return NULL;
}

static size_t put_line(struct figure *f, const struct depths *d, const struct report_cell *like, size_t lines)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++) {
        const struct report_cell *c = row_at(d->groups[i], like, d->threads);
        if (!c)
            continue;
        if (n++ == 0)
            figure_series(f);
        figure_point(f, (double)c->depth, c->tps);
        figure_field(f, c->model, "\t");
        figure_field(f, c->format, "\n");
    }
    if (n == 0)
        return lines;
    textbuf_addf(&f->gp, "%s'%s.tsv' index %zu using 1:2:3:4", lines ? ", \\\n  " : "plot ", f->name, f->n_series - 1);
    figure_style(f, like->format, figure_label(f->arena, d->groups[0], like));
    return lines + 1;
}

/* The depths themselves, but those that would touch the one before. */
static void put_tics(struct figure *f, const struct depths *d)
{
    const long long most = d->groups[d->n - 1]->cells[0]->depth;
    long long last = -most;
    bool any = false;
    for (size_t i = 0; i < d->n; i++) {
        const long long x = d->groups[i]->cells[0]->depth;
        if (x - last < most / 7 && i + 1 < d->n)
            continue;
        textbuf_addf(&f->gp, "%s%lld", any ? "," : "", x);
        last = x;
        any = true;
    }
    textbuf_addf(&f->gp, ")\nset xrange [%g:%g]\n", -0.04 * (double)most, 1.04 * (double)most);
}

static void depth_panel(struct figure *f, const struct depths *d)
{
    const struct report_group *g = d->groups[0];
    size_t lines = 0;
    textbuf_add(&f->gp, "set title ");
    escape_gnuplot(&f->gp, arena_fmt(f->arena, "%s, %s, %s", g->model, g->cells[0]->test, text_threads(f->arena, d->threads)));
    textbuf_add(&f->gp, " noenhanced\nset xlabel 'tokens in the cache'\nset ylabel 'tokens/s'\nset yrange [0:*]\nset xtics (");
    put_tics(f, d);
    for (size_t i = 0, end; i < g->n; i = end) {
        end = report_row_end(g, i);
        lines = put_line(f, d, g->cells[i], lines);
    }
    if (lines)
        textbuf_add(&f->gp, "\n");
}

int plot_depth(const struct report_matrix *m, struct report_plots *p)
{
    struct arena *a = &m->set->arena;
    struct depths *all = arena_alloc(a, (m->n_groups + 1) * sizeof(*all));
    size_t n = 0;
    int rc = 0;
    for (size_t i = 0; all && i < m->n_groups; i++) {
        const struct report_group *g = &m->groups[i];
        if (!report_is_decode(g->cells[0]->test) || (i && same_but_depth(&m->groups[i - 1], g)))
            continue;
        struct depths d = {arena_alloc(a, m->n_groups * sizeof(*d.groups)), 0, 0};
        for (size_t k = i; d.groups && k < m->n_groups && same_but_depth(g, &m->groups[k]); k++)
            d.groups[d.n++] = &m->groups[k];
        d.threads = d.groups ? most_threads(&d) : 0;
        if (d.n > 1 && d.threads)
            all[n++] = d;
    }
    for (size_t k = 0; k < n && rc == 0; k += FIGURE_PANELS) {
        struct figure f = {.plots = p, .arena = a};
        const size_t end = k + FIGURE_PANELS < n ? k + FIGURE_PANELS : n;
        figure_begin(&f, PLOT_DEPTH, k ? arena_fmt(a, "depth-part%zu", k / FIGURE_PANELS + 1) : "depth",
                     "Decode by the number of tokens in the cache", end - k, "depth\ttokens_per_s\tlo\thi\tmodel\tformat");
        for (size_t i = k; i < end; i++)
            depth_panel(&f, &all[i]);
        rc = figure_end(&f);
    }
    return all ? rc : -ENOMEM;
}
