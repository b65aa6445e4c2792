/* History: speed of the same cell in several runs of one machine, in the order in which they began, by commit. Drawn when runs of one
 * CPU model come from two commits at least; a panel per model, of decode on the most threads. */
#include "reports/report_plots.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/report_sections.h"

static const char *text_of(const struct report_run *run, const char *object, const char *key)
{
    const char *s = json_string_value(json_object_get(json_object_get(run->root, object), key));
    return s ? s : "";
}

/* Runs of one machine, oldest first. */
struct history {
    const struct report_run *runs[64];
    size_t n, commits;
};

static int order_runs(const void *pa, const void *pb)
{
    const struct report_run *a = *(const struct report_run *const *)pa, *b = *(const struct report_run *const *)pb;
    const int d = strcmp(text_of(a, "run", "started_utc"), text_of(b, "run", "started_utc"));
    return d ? d : (a->number > b->number) - (a->number < b->number);
}

static struct history history_of(const struct report_set *set, const char *cpu)
{
    struct history h = {.n = 0};
    for (size_t i = 0; i < set->n_runs; i++)
        if (strcmp(text_of(set->runs[i], "host", "cpu_model"), cpu) == 0)
            h.runs[h.n++] = set->runs[i];
    qsort(h.runs, h.n, sizeof(h.runs[0]), order_runs);
    for (size_t i = 0; i < h.n; i++)
        h.commits += i == 0 || strcmp(text_of(h.runs[i], "tool", "commit"), text_of(h.runs[i - 1], "tool", "commit")) != 0;
    return h;
}

/* The cell of a run that has the key of another */
static const struct report_cell *same_cell(const struct report_run *run, const struct report_cell *like)
{
    for (size_t i = 0; i < run->n_cells; i++) {
        const struct report_cell *c = &run->cells[i];
        if (c->ok && !isnan(c->tps.mid) && strcmp(c->model, like->model) == 0 && strcmp(c->test, like->test) == 0 &&
            strcmp(c->format, like->format) == 0 && c->threads == like->threads && c->depth == like->depth &&
            c->batch == like->batch && report_equal(c->embedding, like->embedding) && report_equal(c->kv, like->kv))
            return c;
    }
    return NULL;
}

static size_t put_line(struct figure *f, const struct history *h, const struct report_cell *like, size_t lines)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        const struct report_cell *c = same_cell(h->runs[i], like);
        if (!c)
            continue;
        if (n++ == 0)
            figure_series(f);
        figure_point(f, (double)i, c->tps);
        figure_field(f, text_of(h->runs[i], "tool", "commit"), "\t");
        figure_field(f, text_of(h->runs[i], "run", "started_utc"), "\t");
        figure_field(f, c->id, "\n");
    }
    if (n == 0)
        return lines;
    textbuf_addf(&f->gp, "%s'%s.tsv' index %zu using 1:2:3:4", lines ? ", \\\n  " : "plot ", f->name, f->n_series - 1);
    figure_style(f, like->format, like->format);
    return lines + 1;
}

static void history_panel(struct figure *f, const struct history *h, const struct report_group *g)
{
    size_t lines = 0;
    long long threads = 0;
    for (size_t i = 0; i < g->n; i++)
        if (g->cells[i]->threads > threads)
            threads = g->cells[i]->threads;
    textbuf_add(&f->gp, "set title ");
    escape_gnuplot(&f->gp, arena_fmt(f->arena, "%s, %s, %s", g->cells[0]->model, g->title, text_threads(f->arena, threads)));
    textbuf_addf(&f->gp,
                 " noenhanced\nset xlabel 'commit'\nset ylabel 'tokens/s'\nset yrange [0:*]\nset xrange [-0.5:%zu.5]\nset xtics (",
                 h->n - 1);
    for (size_t i = 0; i < h->n; i++) {
        textbuf_add(&f->gp, i ? "," : "");
        escape_gnuplot(&f->gp, arena_fmt(f->arena, "%.7s", text_of(h->runs[i], "tool", "commit")));
        textbuf_addf(&f->gp, " %zu", i);
    }
    textbuf_addf(&f->gp, ") noenhanced%s\n", h->n > 4 ? " rotate by -45" : "");
    for (size_t i = 0; i < g->n; i++)
        if (g->cells[i]->threads == threads)
            lines = put_line(f, h, g->cells[i], lines);
    if (lines)
        textbuf_add(&f->gp, "\n");
}

static int draw_history(const struct report_matrix *m, struct report_plots *p, const struct history *h, size_t number)
{
    struct arena *a = &m->set->arena;
    const struct report_group *panels[FIGURE_PANELS];
    size_t n = 0;
    for (size_t i = 0; i < m->n_groups && n < FIGURE_PANELS; i++)
        if (m->groups[i].run == h->runs[h->n - 1] && report_is_decode(m->groups[i].cells[0]->test) &&
            m->groups[i].cells[0]->depth == 0)
            panels[n++] = &m->groups[i];
    if (n == 0)
        return 0;
    struct figure f = {.plots = p, .arena = a};
    figure_begin(&f, PLOT_HISTORY, number ? arena_fmt(a, "history-%zu", number + 1) : "history",
                 "Decode by commit, oldest run first", n, "position\ttokens_per_s\tlo\thi\tcommit\tstarted\tcell");
    for (size_t i = 0; i < n; i++)
        history_panel(&f, h, panels[i]);
    return figure_end(&f);
}

int plot_history(const struct report_matrix *m, struct report_plots *p)
{
    size_t number = 0;
    int rc = 0;
    for (size_t r = 0; r < m->set->n_runs && rc == 0; r++) {
        const char *cpu = text_of(m->set->runs[r], "host", "cpu_model");
        bool seen = false;
        for (size_t k = 0; k < r; k++)
            seen |= strcmp(text_of(m->set->runs[k], "host", "cpu_model"), cpu) == 0;
        const struct history h = history_of(m->set, cpu);
        if (!seen && h.commits > 1)
            rc = draw_history(m, p, &h, number++);
    }
    return rc;
}
