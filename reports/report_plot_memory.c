/* Plot of memory: a panel per model, a bar per format, stacked from weights, embedding, KV cache and scratch; the dash is the
 * peak RSS of the process. Linear from 0, because only then do the lengths compare. */
#include "reports/report_plots.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Half way to white: the embedding beside the weights of the same format. */
static unsigned lighter(unsigned rgb)
{
    unsigned out = 0;
    for (unsigned shift = 0; shift < 24; shift += 8)
        out |= ((((rgb >> shift) & 0xffu) + 0xffu) / 2) << shift;
    return out;
}

static double known(double v)
{
    return isnan(v) ? 0.0 : v;
}

static void put_bar(struct figure *f, size_t x, const struct report_cell *c, double unit, const char *label)
{
    struct arena *a = f->arena;
    const double weights = known(report_metric_value(c, "weights_bytes")) / unit;
    const double embedding = known(report_metric_value(c, "embedding_bytes")) / unit;
    const double rest = (known(report_metric_value(c, "kv_bytes")) + known(report_metric_value(c, "scratch_bytes"))) / unit;
    const double rss = report_metric_value(c, "rss_peak_bytes") / unit;
    const unsigned colour = (unsigned)strtoul(report_format_colour(c->format) + 1, NULL, 16);
    textbuf_addf(&f->tsv, "%zu\t%s\t%s\t%s\t", x, number_exact(a, weights), number_exact(a, weights + embedding),
                 number_exact(a, weights + embedding + rest));
    textbuf_addf(&f->tsv, "%s\t%u\t%u\t", isnan(rss) ? "NaN" : number_exact(a, rss), colour, lighter(colour));
    figure_field(f, c->model, "\t");
    figure_field(f, label, "\n");
}

static double largest(const struct memory_pick *pick)
{
    double max = 0.0;
    for (size_t i = 0; i < pick->g->n; i++)
        if (pick->g->cells[i]->threads == pick->threads)
            max = fmax(max, fmax(known(report_metric_value(pick->g->cells[i], "weights_bytes")),
                                 known(report_metric_value(pick->g->cells[i], "rss_peak_bytes"))));
    return max;
}

static void memory_panel(struct figure *f, const struct memory_pick *pick)
{
    const bool giga = largest(pick) >= 1e9;
    size_t n = 0;
    textbuf_add(&f->gp, "set title ");
    escape_gnuplot(&f->gp, pick->g->model);
    textbuf_addf(&f->gp, " noenhanced\nunset xlabel\nset ylabel '%s'\nset yrange [0:*]\nset xtics (", giga ? "GB" : "MB");
    figure_series(f);
    for (size_t i = 0; i < pick->g->n; i++) {
        const struct report_cell *c = pick->g->cells[i];
        if (c->threads != pick->threads || !c->ok || isnan(report_metric_value(c, "weights_bytes")))
            continue;
        const char *label = figure_label(f->arena, pick->g, c);
        put_bar(f, n, c, giga ? 1e9 : 1e6, label);
        textbuf_add(&f->gp, n ? "," : "");
        escape_gnuplot(&f->gp, label);
        textbuf_addf(&f->gp, " %zu", n++);
    }
    textbuf_addf(&f->gp, ") noenhanced\nset xrange [-0.6:%zu.6]\n", n > 3 ? n - 1 : 2);
    const size_t index = f->n_series - 1;
    textbuf_addf(&f->gp,
                 "plot '%s.tsv' index %zu using 1:4 with boxes fs solid 1 noborder lc rgb '#b8b8b8' notitle, \\\n"
                 "  '' index %zu using 1:3:7 with boxes fs solid 1 noborder lc rgb variable notitle, \\\n"
                 "  '' index %zu using 1:2:6 with boxes fs solid 1 noborder lc rgb variable notitle, \\\n"
                 "  '' index %zu using 1:5:(0.38) with xerrorbars lw 2.5 ps 0 lc rgb 'black' title 'peak RSS', \\\n",
                 f->name, index, index, index, index);
    textbuf_add(&f->gp, "  NaN with boxes fs solid 1 noborder lc rgb '#505050' title 'weights', \\\n"
                        "  NaN with boxes fs solid 1 noborder lc rgb '#888888' title 'embedding', \\\n"
                        "  NaN with boxes fs solid 1 noborder lc rgb '#b8b8b8' title 'KV, scratch'\n");
}

static int memory_figure(const struct report_matrix *m, struct report_plots *p, const struct memory_pick *picks, size_t n,
                         size_t part)
{
    struct arena *a = &m->set->arena;
    struct figure f = {.plots = p, .arena = a};
    const char *run = m->set->n_runs > 1 ? arena_fmt(a, "-run%zu", picks->g->run->number) : "";
    figure_begin(&f, PLOT_MEMORY, part ? arena_fmt(a, "memory%s-part%zu", run, part + 1) : arena_fmt(a, "memory%s", run),
                 "Memory by format and model", n,
                 "position\tweights\tplus embedding\tplus KV cache and scratch\tpeak RSS\tcolour\tlighter\tmodel\tformat");
    textbuf_add(&f.gp, "set boxwidth 0.7\nset grid noxtics\nset offsets 0, 0, graph 0.06, 0\n");
    for (size_t i = 0; i < n; i++)
        memory_panel(&f, &picks[i]);
    return figure_end(&f);
}

int plot_memory(const struct report_matrix *m, struct report_plots *p)
{
    struct memory_pick picks[FIGURE_PANELS];
    size_t n = 0, part = 0;
    int rc = 0;
    for (size_t g = 0; g < m->n_groups && rc == 0; g = report_model_end(m, g)) {
        const struct memory_pick pick = report_memory_pick(m, g);
        if (n == FIGURE_PANELS || (n && pick.g && picks[0].g->run != pick.g->run)) {
            rc = memory_figure(m, p, picks, n, part++);
            n = 0;
            if (pick.g && picks[0].g->run != pick.g->run)
                part = 0;
        }
        if (pick.g)
            picks[n++] = pick;
    }
    return rc == 0 && n ? memory_figure(m, p, picks, n, part) : rc;
}
