/* Pareto plots: tokens per second against peak resident memory, and against joules per token where energy was read. A point per
 * format and thread count, a panel per model; right of and below a point is better, and the line joins the points that none beats. */
#include "reports/report_plots.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/report_sections.h"

typedef double (*cost_of)(const struct report_cell *c);

static double memory_cost(const struct report_cell *c)
{
    return report_metric_value(c, "rss_peak_bytes") / 1e9;
}

static bool is_point(const struct report_cell *c, cost_of cost)
{
    return c->ok && c->tps.mid > 0.0 && cost(c) > 0.0;
}

static size_t count_points(const struct report_group *g, cost_of cost)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++)
        n += is_point(g->cells[i], cost);
    return n;
}

static bool has_memory(const struct report_group *g)
{
    return report_is_speed(g->cells[0]->test) && g->cells[0]->depth == 0 && count_points(g, memory_cost) > 1;
}

static bool has_energy(const struct report_group *g)
{
    return report_is_speed(g->cells[0]->test) && g->cells[0]->depth == 0 && count_points(g, energy_per_token) > 1;
}

/* True if no other cell is at least as fast and as cheap, and better in one */
static bool undominated(const struct report_group *g, const struct report_cell *c, cost_of cost)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct report_cell *o = g->cells[i];
        if (o != c && is_point(o, cost) && o->tps.mid >= c->tps.mid && cost(o) <= cost(c) &&
            (o->tps.mid > c->tps.mid || cost(o) < cost(c)))
            return false;
    }
    return true;
}

static int order_speed(const void *pa, const void *pb)
{
    const struct report_cell *a = *(const struct report_cell *const *)pa, *b = *(const struct report_cell *const *)pb;
    return (a->tps.mid > b->tps.mid) - (a->tps.mid < b->tps.mid);
}

static size_t put_front(struct figure *f, const struct report_group *g, cost_of cost)
{
    const struct report_cell **front = arena_alloc(f->arena, g->n * sizeof(*front));
    size_t n = 0;
    for (size_t i = 0; front && i < g->n; i++)
        if (is_point(g->cells[i], cost) && undominated(g, g->cells[i], cost))
            front[n++] = g->cells[i];
    if (n < 2)
        return 0;
    qsort(front, n, sizeof(*front), order_speed);
    figure_series(f);
    for (size_t i = 0; i < n; i++) {
        textbuf_addf(&f->tsv, "%s\t%s\t%lld\t", number_exact(f->arena, front[i]->tps.mid), number_exact(f->arena, cost(front[i])),
                     front[i]->threads);
        figure_field(f, front[i]->format, "\tfront\n");
    }
    textbuf_addf(&f->gp, "'%s.tsv' index %zu using 1:2 with lines lw 1.2 dt 2 lc rgb '#808080' title 'none better'", f->name,
                 f->n_series - 1);
    return 1;
}

/* Both axes, over all points and the intervals of their speed. */
static void put_axes(struct figure *f, const struct report_group *g, cost_of cost)
{
    double lo[2] = {INFINITY, INFINITY}, hi[2] = {0.0, 0.0};
    for (size_t i = 0; i < g->n; i++) {
        const struct report_cell *c = g->cells[i];
        if (!is_point(c, cost))
            continue;
        lo[0] = fmin(lo[0], c->tps.lo > 0.0 ? c->tps.lo : c->tps.mid);
        hi[0] = fmax(hi[0], isnan(c->tps.hi) ? c->tps.mid : c->tps.hi);
        lo[1] = fmin(lo[1], cost(c));
        hi[1] = fmax(hi[1], cost(c));
    }
    figure_log_axis(f, 'x', lo[0], hi[0]);
    figure_log_axis(f, 'y', lo[1], hi[1] * 1.2); /* room for the numbers above the points */
}

/* Speed, cost, threads, names, and the ends of the speed's interval. */
static void put_point(struct figure *f, const struct report_cell *c, double cost, const char *label)
{
    const bool bars = c->tps.lo > 0.0 && !isnan(c->tps.hi);
    textbuf_addf(&f->tsv, "%s\t%s\t%lld\t", number_exact(f->arena, c->tps.mid), number_exact(f->arena, cost), c->threads);
    figure_field(f, c->format, "\t");
    figure_field(f, label, "\t");
    textbuf_addf(&f->tsv, "%s\t%s\n", number_exact(f->arena, bars ? c->tps.lo : c->tps.mid),
                 number_exact(f->arena, bars ? c->tps.hi : c->tps.mid));
}

static void pareto_panel(struct figure *f, const struct report_group *g, cost_of cost, const char *what)
{
    textbuf_add(&f->gp, "set title ");
    escape_gnuplot(&f->gp, g->model);
    textbuf_addf(&f->gp, " noenhanced\nset xlabel 'tokens/s, more is better'\nset ylabel '%s, less is better'\n", what);
    put_axes(f, g, cost);
    textbuf_add(&f->gp, "plot ");
    size_t lines = put_front(f, g, cost);
    for (size_t i = 0, end; i < g->n; i = end) {
        bool any = false;
        const char *label = figure_label(f->arena, g, g->cells[i]);
        end = report_row_end(g, i);
        for (size_t k = i; k < end; k++) {
            const struct report_cell *c = g->cells[k];
            if (!is_point(c, cost))
                continue;
            if (!any)
                figure_series(f);
            any = true;
            put_point(f, c, cost(c), label);
        }
        if (!any)
            continue;
        textbuf_addf(&f->gp, "%s'%s.tsv' index %zu using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt %d lc rgb '%s' title ",
                     lines++ ? ", \\\n  " : "", f->name, f->n_series - 1, report_format_point(g->cells[i]->format),
                     report_format_colour(g->cells[i]->format));
        escape_gnuplot(&f->gp, label);
        textbuf_addf(&f->gp, ", \\\n  '' index %zu using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle",
                     f->n_series - 1);
    }
    textbuf_add(&f->gp, "\nunset logscale\n");
}

static void memory_panel(struct figure *f, const struct report_group *g)
{
    pareto_panel(f, g, memory_cost, "peak resident GB");
}

static void energy_panel(struct figure *f, const struct report_group *g)
{
    pareto_panel(f, g, energy_per_token, "J/token");
}

int plot_pareto(const struct report_matrix *m, struct report_plots *p)
{
    static const struct sweep memory = {PLOT_PARETO,
                                        "pareto-memory",
                                        "Speed against memory (numbers: threads)",
                                        "tokens_per_s\tpeak resident GB\tthreads\tformat\tlabel\tlo\thi",
                                        has_memory,
                                        memory_panel};
    static const struct sweep energy = {PLOT_PARETO_ENERGY,
                                        "pareto-energy",
                                        "Speed against energy (numbers: threads)",
                                        "tokens_per_s\tJ/token\tthreads\tformat\tlabel\tlo\thi",
                                        has_energy,
                                        energy_panel};
    const int rc = figure_sweep(m, p, &memory);
    return rc ? rc : figure_sweep(m, p, &energy);
}
