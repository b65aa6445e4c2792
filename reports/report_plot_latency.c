/* Plot of decode latency: the share of tokens that took at most so long, a panel per model, a step line per format. All formats of
 * a panel have the same thread count: the one for which the most have samples, of equals the largest. */
#include "reports/report_plots.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_STEPS = 500 }; /* per line; more samples are drawn as this many quantiles */

static bool has_samples(const struct report_cell *c)
{
    return c->ok && json_array_size(c->latency_samples) > 0;
}

static bool has_latency(const struct report_group *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (has_samples(g->cells[i]))
            return true;
    return false;
}

static long long pick_threads(const struct report_group *g)
{
    long long best = 0;
    size_t most = 0;
    for (size_t i = 0; i < g->n; i++) {
        size_t n = 0;
        for (size_t k = 0; k < g->n; k++)
            n += g->cells[k]->threads == g->cells[i]->threads && has_samples(g->cells[k]);
        if (n > most || (n == most && g->cells[i]->threads > best)) {
            most = n;
            best = g->cells[i]->threads;
        }
    }
    return best;
}

static int order_double(const void *pa, const void *pb)
{
    const double a = *(const double *)pa, b = *(const double *)pb;
    return (a > b) - (a < b);
}

static void put_steps(struct figure *f, const struct report_cell *c, const char *label)
{
    const size_t n = json_array_size(c->latency_samples);
    double *t = n ? arena_alloc(f->arena, n * sizeof(*t)) : NULL;
    if (!t)
        return;
    for (size_t i = 0; i < n; i++)
        t[i] = json_number_value(json_array_get(c->latency_samples, i));
    qsort(t, n, sizeof(*t), order_double);
    const size_t steps = n < MAX_STEPS ? n : MAX_STEPS;
    for (size_t s = 0; s <= steps; s++) { /* s = 0: where the line leaves the axis */
        const size_t rank = s * n / steps;
        textbuf_addf(&f->tsv, "%s\t%s\t%lld\t", number_exact(f->arena, 1e3 * t[rank ? rank - 1 : 0]),
                     number_sig(f->arena, 100.0 * (double)rank / (double)n, 6), c->threads);
        figure_field(f, c->model, "\t");
        figure_field(f, label, "\n");
    }
}

static void put_axis(struct figure *f, const struct report_group *g, long long threads)
{
    double lo = INFINITY, hi = 0.0;
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = 0;
             g->cells[i]->threads == threads && has_samples(g->cells[i]) && k < json_array_size(g->cells[i]->latency_samples);
             k++) {
            const double ms = 1e3 * json_number_value(json_array_get(g->cells[i]->latency_samples, k));
            lo = fmin(lo, ms);
            hi = fmax(hi, ms);
        }
    figure_log_axis(f, 'x', lo, hi);
}

static void latency_panel(struct figure *f, const struct report_group *g)
{
    const long long threads = pick_threads(g);
    size_t lines = 0;
    textbuf_add(&f->gp, "set title ");
    escape_gnuplot(&f->gp, arena_fmt(f->arena, "%s, %lld thread%s", g->model, threads, threads == 1 ? "" : "s"));
    textbuf_add(&f->gp, " noenhanced\nset xlabel 'ms per token'\nset ylabel '% of tokens'\nset yrange [0:100]\n");
    put_axis(f, g, threads);
    textbuf_add(&f->gp, "plot ");
    for (size_t i = 0; i < g->n; i++) {
        const struct report_cell *c = g->cells[i];
        if (c->threads != threads || !has_samples(c))
            continue;
        const char *label = figure_label(f->arena, g, c);
        figure_series(f);
        put_steps(f, c, label);
        textbuf_addf(&f->gp, "%s'%s.tsv' index %zu using 1:2 with steps lw 2 lc rgb '%s' title ", lines++ ? ", \\\n  " : "",
                     f->name, f->n_series - 1, report_format_colour(c->format));
        escape_gnuplot(&f->gp, label);
    }
    textbuf_add(&f->gp, "\n");
}

int plot_latency(const struct report_matrix *m, struct report_plots *p)
{
    static const struct sweep s = {PLOT_LATENCY,
                                   "latency",
                                   "Decode latency, share of tokens that took at most x ms",
                                   "ms_per_token\tpercent_of_tokens\tthreads\tmodel\tformat",
                                   has_latency,
                                   latency_panel};
    return figure_sweep(m, p, &s);
}
