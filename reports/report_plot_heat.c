/* Heat map: speed-up of i2_s over f16 by threads and model size, a panel for every test of a run. Drawn when there are two thread counts
 * and two models at least. A missing cell stays empty. */
#include "reports/report_plots.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const char arm[] = "i2_s";
enum { INTERVAL_COLUMNS = 8 }; /* with more the intervals would touch */

static const struct report_cell *cell_at(const struct report_group *g, long long threads)
{
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->cells[i]->format, arm) == 0 && g->cells[i]->threads == threads && !isnan(g->cells[i]->vs_f16.x.mid))
            return g->cells[i];
    return NULL;
}

static bool has_any(const struct report_group *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->cells[i]->format, arm) == 0 && !isnan(g->cells[i]->vs_f16.x.mid))
            return true;
    return false;
}

/* All groups of one map. */
struct map {
    const struct report_group **groups;
    size_t n;
    long long threads[64];
    size_t n_threads;
};

static void note_threads(struct map *s, const struct report_group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        const long long t = g->cells[i]->threads;
        size_t at = 0;
        while (at < s->n_threads && s->threads[at] < t)
            at++;
        if ((at < s->n_threads && s->threads[at] == t) || s->n_threads == 64 || !cell_at(g, t))
            continue;
        memmove(s->threads + at + 1, s->threads + at, (s->n_threads - at) * sizeof(s->threads[0]));
        s->threads[at] = t;
        s->n_threads++;
    }
}

static void put_tics(struct figure *f, const struct map *s)
{
    textbuf_add(&f->gp, "set xtics (");
    for (size_t i = 0; i < s->n; i++) {
        textbuf_add(&f->gp, i ? "," : "");
        escape_gnuplot(&f->gp, s->groups[i]->cells[0]->model);
        textbuf_addf(&f->gp, " %zu", i);
    }
    textbuf_add(&f->gp, ") noenhanced\nset ytics (");
    for (size_t k = 0; k < s->n_threads; k++)
        textbuf_addf(&f->gp, "%s'%lld' %zu", k ? "," : "", s->threads[k], k);
    textbuf_addf(&f->gp, ")\nset xrange [-0.5:%zu.5]\nset yrange [-0.5:%zu.5]\n", s->n - 1, s->n_threads - 1);
}

/* "[4.67, 5.59]", or " " */
static const char *ends_text(struct arena *a, const struct report_interval *x)
{
    if (isnan(x->lo) || isnan(x->hi))
        return " ";
    return arena_fmt(a, "[%s, %s]", number_sig(a, x->lo, 3), number_sig(a, x->hi, 3));
}

/* One colour scale for all readers: light to dark blue, so that more is darker in grey too. */
static void draw_map(struct figure *f, const struct map *s)
{
    double top = 2.0;
    figure_series(f);
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->n_threads; k++) {
            const struct report_cell *c = cell_at(s->groups[i], s->threads[k]);
            if (!c)
                continue;
            top = fmax(top, c->vs_f16.x.mid);
            textbuf_addf(&f->tsv, "%zu\t%zu\t%s\t%s\t", i, k, number_exact(f->arena, c->vs_f16.x.mid),
                         number_sig(f->arena, c->vs_f16.x.mid, 3));
            textbuf_addf(&f->tsv, "%lld\t", c->threads);
            figure_field(f, c->model, "\t");
            figure_field(f, ends_text(f->arena, &c->vs_f16.x), "\n");
        }
    put_tics(f, s);
    textbuf_addf(&f->gp,
                 "unset key\nunset grid\nset xlabel 'model'\nset ylabel 'threads'\nset cblabel 'times as fast as f16'\n"
                 "set palette defined (0 '#f7fbff', 0.5 '#6baed6', 1 '#08306b')\nset cbrange [0:%g]\nset style fill solid 1\n"
                 "plot '%s.tsv' index 0 using 1:2:(0.48):(0.48):3 with boxxyerror fc palette notitle, \\\n"
                 "  '' index 0 using 1:2:4:($3 > %g ? 0xffffff : 0x202020) with labels font ',12' tc rgb variable notitle",
                 top, f->name, 0.55 * top);
    if (s->n <= INTERVAL_COLUMNS)
        textbuf_addf(&f->gp,
                     ", \\\n  '' index 0 using 1:2:7:($3 > %g ? 0xffffff : 0x202020) with labels offset 0,-1.2 font ',9' tc rgb "
                     "variable notitle",
                     0.55 * top);
    textbuf_add(&f->gp, "\n");
}

int plot_heat(const struct report_matrix *m, struct report_plots *p)
{
    struct arena *a = &m->set->arena;
    int rc = 0;
    for (size_t first = 0; first < m->n_groups && rc == 0; first++) {
        struct map s = {.groups = arena_alloc(a, m->n_groups * sizeof(*s.groups))};
        if (!s.groups)
            return -ENOMEM;
        if (figure_seen(m, first) || !report_is_speed(m->groups[first].cells[0]->test) || m->groups[first].cells[0]->depth > 0)
            continue;
        for (size_t i = first; i < m->n_groups; i++)
            if (figure_same(&m->groups[i], &m->groups[first]) && has_any(&m->groups[i])) {
                s.groups[s.n++] = &m->groups[i];
                note_threads(&s, &m->groups[i]);
            }
        if (s.n < 2 || s.n_threads < 2)
            continue;
        struct figure f = {.plots = p, .arena = a};
        figure_begin(&f, PLOT_HEAT, figure_name(a, m, "heat", &m->groups[first], 0),
                     arena_fmt(a, "Speed-up of i2_s over f16 by threads and model, %s", m->groups[first].title), 1,
                     "column\trow\tspeedup\tlabel\tthreads\tmodel\tinterval");
        draw_map(&f, &s);
        rc = figure_end(&f);
    }
    return rc;
}
