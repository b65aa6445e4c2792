/* Plots of speed: tokens per second by threads (a panel per model), and speed-up over f16 by model size. */
#include "reports/report_plots.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* One row of the .tsv. Without an interval the bar has no length. */
static void put_point(struct figure *f, double x, struct report_interval y)
{
    struct arena *a = f->arena;
    const bool bars = !isnan(y.lo) && !isnan(y.hi);
    textbuf_addf(&f->tsv, "%s\t%s\t%s\t%s\t", number_exact(a, x), number_exact(a, y.mid), number_exact(a, bars ? y.lo : y.mid),
                 number_exact(a, bars ? y.hi : y.mid));
}

static void put_series_style(struct figure *f, const char *format, const char *label)
{
    textbuf_addf(&f->gp, " with yerrorlines lw 1.5 ps 0.7 pt %d lc rgb '%s' title ", report_format_point(format),
                 report_format_colour(format));
    escape_gnuplot(&f->gp, label);
}

static bool has_speed(const struct report_group *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->cells[i]->ok && !isnan(g->cells[i]->tps.mid))
            return report_is_speed(g->cells[i]->test);
    return false;
}

static void put_thread_axis(struct figure *f, const struct report_group *g)
{
    size_t n;
    const long long *t = report_group_threads(f->arena, g, &n);
    if (!t)
        return;
    if (t[n - 1] > 8)
        textbuf_addf(&f->gp, "set logscale x 2\nset xrange [%g:%g]\n", (double)t[0] / 1.3, (double)t[n - 1] * 1.3);
    else
        textbuf_addf(&f->gp, "unset logscale x\nset xrange [%g:%g]\n", (double)t[0] - 0.5, (double)t[n - 1] + 0.5);
    textbuf_add(&f->gp, "set xtics (");
    const size_t step = n > 8 ? (n + 7) / 8 : 1;
    for (size_t i = 0; i < n; i += step)
        textbuf_addf(&f->gp, "%s%lld", i ? "," : "", t[i]);
    textbuf_add(&f->gp, ")\n");
}

static void throughput_panel(struct figure *f, const struct report_group *g)
{
    size_t lines = 0;
    textbuf_add(&f->gp, "set title ");
    escape_gnuplot(&f->gp, g->model);
    textbuf_add(&f->gp, " noenhanced\nset xlabel 'threads'\nset ylabel 'tokens/s'\nset yrange [0:*]\n");
    put_thread_axis(f, g);
    textbuf_add(&f->gp, "plot ");
    for (size_t i = 0, end; i < g->n; i = end) {
        bool any = false;
        end = report_row_end(g, i);
        for (size_t k = i; k < end; k++) {
            const struct report_cell *c = g->cells[k];
            if (!c->ok || isnan(c->tps.mid)) {
                if (any)
                    figure_gap(f);
                continue;
            }
            if (!any)
                figure_series(f);
            any = true;
            put_point(f, (double)c->threads, c->tps);
            figure_field(f, c->model, "\t");
            figure_field(f, c->format, "\t");
            figure_field(f, c->embedding, "\n");
        }
        if (!any)
            continue;
        textbuf_addf(&f->gp, "%s'%s.tsv' index %zu using 1:2:3:4", lines++ ? ", \\\n  " : "", f->name, f->n_series - 1);
        put_series_style(f, g->cells[i]->format, figure_label(f->arena, g, g->cells[i]));
    }
    textbuf_add(&f->gp, "\n");
}

int plot_throughput(const struct report_matrix *m, struct report_plots *p)
{
    static const struct sweep s = {PLOT_THROUGHPUT,
                                   "throughput",
                                   "Tokens per second by threads",
                                   "threads\ttokens_per_s\tlo\thi\tmodel\tformat\tembedding (lo = hi where there is no interval)",
                                   has_speed,
                                   throughput_panel};
    return figure_sweep(m, p, &s);
}

/* ---- speed-up by model size -------------------------------------------------------------------------------------------------- */

/* The speed-up of a format in a group: at `threads`, or each arm at its best when threads is 0. The best of a sweep with holes
 * could be anything but the best: it is left out. */
static struct report_ratio speedup_of(const struct report_group *g, const char *format, long long threads)
{
    struct report_ratio none = {.state = RATIO_NONE, .x = {NAN, NAN, NAN}};
    if (threads == 0) {
        const struct report_cell *c = report_best(g, format), *base = report_best(g, "f16");
        return c && base && report_sweep_complete(g, c) && report_sweep_complete(g, base) ? report_ratio_of(c, base) : none;
    }
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->cells[i]->format, format) == 0 && g->cells[i]->threads == threads && !isnan(g->cells[i]->vs_f16.x.mid))
            return g->cells[i]->vs_f16;
    return none;
}

/* All groups of one figure, and what they have in common. */
struct sizes {
    const struct report_group **groups; /* with known parameters */
    size_t n;
    const char **formats; /* but f16 */
    size_t n_formats;
    long long threads; /* the largest at which a speed-up is known; 0: none */
    bool several;      /* more than one thread count */
};

static void note_format(struct arena *a, struct sizes *s, const char *format)
{
    size_t i = 0;
    while (i < s->n_formats && strcmp(s->formats[i], format) != 0)
        i++;
    if (i < s->n_formats)
        return;
    const char **list = arena_grow(a, s->formats, s->n_formats, sizeof(*list));
    if (!list)
        return;
    s->formats = list;
    s->formats[s->n_formats++] = format;
}

static void note_group(struct arena *a, struct sizes *s, const struct report_group *g)
{
    s->groups[s->n++] = g;
    for (size_t i = 0; i < g->n; i++) {
        const struct report_cell *c = g->cells[i];
        s->several |= c->threads != g->cells[0]->threads;
        if (strcmp(c->format, "f16") == 0 || isnan(c->vs_f16.x.mid))
            continue;
        note_format(a, s, c->format);
        if (c->threads > s->threads)
            s->threads = c->threads;
    }
}

static void speedup_panel(struct figure *f, const struct sizes *s, long long threads)
{
    size_t lines = 0;
    textbuf_addf(&f->gp, "set title ");
    escape_gnuplot(&f->gp, threads ? arena_fmt(f->arena, "both at %lld thread%s", threads, threads > 1 ? "s" : "")
                                   : "each at its best thread count");
    textbuf_add(&f->gp,
                " noenhanced\nset xlabel 'parameters of the model'\nset ylabel 'speed-up over f16'\nset yrange [0:*]\nplot ");
    for (size_t k = 0; k < s->n_formats; k++) {
        bool any = false;
        for (size_t i = 0; i < s->n; i++) {
            const struct report_ratio r = speedup_of(s->groups[i], s->formats[k], threads);
            if (isnan(r.x.mid)) {
                if (any)
                    figure_gap(f);
                continue;
            }
            if (!any)
                figure_series(f);
            any = true;
            put_point(f, report_group_params(s->groups[i]), r.x);
            textbuf_addf(&f->tsv, "%lld\t", threads);
            figure_field(f, s->groups[i]->model, "\t");
            figure_field(f, s->formats[k], "\n");
        }
        if (!any)
            continue;
        textbuf_addf(&f->gp, "%s'%s.tsv' index %zu using 1:2:3:4", lines++ ? ", \\\n  " : "", f->name, f->n_series - 1);
        put_series_style(f, s->formats[k], s->formats[k]);
    }
    textbuf_addf(&f->gp, "%s1 with lines lw 1 dt 2 lc rgb '%s' title 'f16'\n", lines ? ", \\\n  " : "",
                 report_format_colour("f16"));
}

static void put_size_axis(struct figure *f, const struct sizes *s)
{
    const double lo = report_group_params(s->groups[0]), hi = report_group_params(s->groups[s->n - 1]);
    textbuf_addf(&f->gp, "set logscale x\nset xrange [%g:%g]\nset xtics (", lo / 1.6, hi * 1.6);
    double last = 0.0;
    bool any = false;
    for (size_t i = 0; i < s->n; i++) { /* smallest first; labels closer than a fifth of the axis would touch */
        const double x = report_group_params(s->groups[i]);
        if (any && log(x / last) < 0.2 * log(hi / lo * 2.56))
            continue;
        const bool giga = x >= 999.5e6;
        textbuf_addf(&f->gp, "%s'%s%s' %s", any ? "," : "", number_sig(f->arena, x / (giga ? 1e9 : 1e6), giga ? 2 : 3),
                     giga ? "B" : "M", number_exact(f->arena, x));
        last = x;
        any = true;
    }
    textbuf_add(&f->gp, ")\n");
}

int plot_speedup(const struct report_matrix *m, struct report_plots *p)
{
    static const char head[] = "parameters\tspeedup_over_f16\tlo\thi\tthreads (0: each arm at its best)\tmodel\tformat";
    struct arena *a = &m->set->arena;
    int rc = 0;
    for (size_t first = 0; first < m->n_groups && rc == 0; first++) {
        const struct report_group *g0 = &m->groups[first];
        if (figure_seen(m, first) || !report_is_speed(g0->cells[0]->test))
            continue;
        struct sizes s = {.groups = arena_alloc(a, m->n_groups * sizeof(*s.groups))};
        if (!s.groups)
            return -ENOMEM;
        for (size_t i = first; i < m->n_groups; i++)
            if (figure_same(&m->groups[i], g0) && has_speed(&m->groups[i]) && report_group_params(&m->groups[i]) > 0.0)
                note_group(a, &s, &m->groups[i]);
        if (s.n_formats == 0)
            continue;
        struct figure f = {.plots = p, .arena = a};
        figure_begin(&f, PLOT_SPEEDUP, figure_name(a, m, "speedup", g0, 0),
                     arena_fmt(a, "Speed-up over f16 by model size, %s", g0->title), s.several ? 2 : 1, head);
        put_size_axis(&f, &s);
        if (s.several)
            speedup_panel(&f, &s, 0);
        speedup_panel(&f, &s, s.threads);
        rc = figure_end(&f);
    }
    return rc;
}
