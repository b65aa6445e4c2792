/* Plots of energy, where it was read: the ratio to f16 as time x power (bars on a log axis, so that the two bars add up to the third), and
 * watts over the time of the run from the windows of its blocks. */
#include "reports/report_plots.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "reports/report_sections.h"

/* Factors of a cell's energy over its base, from the record's comparison. */
struct factors {
    double energy, lo, hi, time, power;
};

static double field(const json_t *obj, const char *name, const char *key)
{
    const json_t *v = json_object_get(json_object_get(obj, name), key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static bool factors_of(const struct report_cell *c, struct factors *out)
{
    const json_t *list = json_object_get(c->run->root, "comparisons");
    const struct report_cell *base = c->vs_f16.base;
    for (size_t i = 0; base && base != c && i < json_array_size(list); i++) {
        const json_t *x = json_array_get(list, i), *e = json_object_get(x, "energy");
        const char *id = json_string_value(json_object_get(x, "cell")), *of = json_string_value(json_object_get(x, "base"));
        if (!id || !of || strcmp(id, c->id) != 0 || strcmp(of, base->id) != 0)
            continue;
        *out = (struct factors){field(e, "energy_ratio", "value"), field(e, "energy_ratio", "lo"), field(e, "energy_ratio", "hi"),
                                field(e, "time_ratio", "value"), field(e, "power_ratio", "value")};
        return out->energy > 0.0 && out->time > 0.0 && out->power > 0.0;
    }
    return false;
}

static long long most_threads(const struct report_group *g)
{
    struct factors x;
    long long most = 0;
    for (size_t i = 0; i < g->n; i++)
        if (g->cells[i]->threads > most && factors_of(g->cells[i], &x))
            most = g->cells[i]->threads;
    return most;
}

static bool has_factors(const struct report_group *g)
{
    return g->cells[0]->depth == 0 && most_threads(g) > 0;
}

/* A bar from 1 to column `at`, and its number beyond the end, or the ends of its interval in columns lo and hi */
static void put_factor(struct figure *f, const char *x, int at, int lo, int hi, const char *colour, const char *title)
{
    textbuf_addf(&f->gp,
                 "'%s.tsv' index %zu using (%s):(1):(0):($%d-1) with vectors nohead lw 12 lc rgb '%s' title '%s', \\\n"
                 "  '' index %zu using (%s):($%d<1?$%d/1.15:$%d*1.15):(sprintf('%%.2f',$%d)) with labels font ',9' notitle, \\\n  ",
                 f->name, f->n_series - 1, x, at, colour, title, f->n_series - 1, x, at, lo, hi, at);
}

static void factor_panel(struct figure *f, const struct report_group *g)
{
    const long long threads = most_threads(g);
    size_t n = 0;
    struct factors x;
    textbuf_add(&f->gp, "set title ");
    escape_gnuplot(&f->gp, arena_fmt(f->arena, "%s, %s", g->model, text_threads(f->arena, threads)));
    textbuf_add(&f->gp, " noenhanced\nunset xlabel\nset ylabel 'of f16, log scale'\nset logscale y 2\nset yrange [0.0625:4]\n"
                        "set grid noxtics\nset boxwidth 0.24\nset style fill solid 1\nset xtics (");
    figure_series(f);
    for (size_t i = 0; i < g->n; i++) {
        const struct report_cell *c = g->cells[i];
        if (c->threads != threads || !factors_of(c, &x))
            continue;
        const bool bars = !isnan(x.lo) && !isnan(x.hi);
        textbuf_addf(&f->tsv, "%zu\t%s\t%s\t%s\t%s\t%s\t", n, number_exact(f->arena, x.time), number_exact(f->arena, x.power),
                     number_exact(f->arena, x.energy), number_exact(f->arena, bars ? x.lo : x.energy),
                     number_exact(f->arena, bars ? x.hi : x.energy));
        figure_field(f, c->format, "\t");
        figure_field(f, c->model, "\n");
        textbuf_add(&f->gp, n ? "," : "");
        escape_gnuplot(&f->gp, figure_label(f->arena, g, c));
        textbuf_addf(&f->gp, " %zu", n++);
    }
    /* boxes on a log axis start at the bottom; thick lines from 1 show a factor as what it is */
    const double room = n < 3 ? (3.0 - (double)n) / 2.0 + 0.6 : 0.6;
    textbuf_addf(&f->gp, ") noenhanced\nset xrange [%g:%g]\nplot ", -room, (double)n - 1.0 + room);
    put_factor(f, "$1-0.25", 2, 2, 2, "#56B4E9", "time");
    put_factor(f, "$1", 3, 3, 3, "#E69F00", "power");
    put_factor(f, "$1+0.25", 4, 5, 6, "#009E73", "energy");
    textbuf_addf(&f->gp,
                 "'%s.tsv' index %zu using ($1+0.25):5:(0):($6-$5) with vectors heads size graph 0.005,90 lw 1.5 lc rgb 'black' "
                 "notitle, \\\n"
                 "  1 with lines lw 1 lc rgb 'black' notitle\nunset logscale y\n",
                 f->name, f->n_series - 1);
}

int plot_energy(const struct report_matrix *m, struct report_plots *p)
{
    static const struct sweep s = {
        PLOT_ENERGY, "energy-factors", "Energy over f16 = time x power", "position\ttime\tpower\tenergy\tlo\thi\tformat\tmodel",
        has_factors, factor_panel};
    return figure_sweep(m, p, &s);
}

/* ---- watts over time ---------------------------------------------------------------------------------------------------------- */

/* Joules over seconds of a block; NAN: not read, or void. */
static double block_watts(const json_t *block)
{
    const json_t *j = json_object_get(block, "energy_j"), *s = json_object_get(block, "energy_s");
    const bool counts = json_is_null(json_object_get(block, "void")) || !json_object_get(block, "void");
    return counts && json_is_number(j) && json_number_value(s) > 0.0 ? json_number_value(j) / json_number_value(s) : (double)NAN;
}

static size_t put_watts(struct figure *f, const struct report_cell *c)
{
    const json_t *blocks =
        c->run->root ? json_object_get(json_array_get(json_object_get(c->run->root, "cells"), c->index), "blocks") : NULL;
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(blocks); i++) {
        const json_t *b = json_array_get(blocks, i), *start = json_object_get(b, "start_s");
        const double w = block_watts(b);
        if (isnan(w) || !json_is_number(start))
            continue;
        textbuf_addf(&f->tsv, "%s\t%s\t", number_exact(f->arena, json_number_value(start)), number_exact(f->arena, w));
        figure_field(f, c->id, "\n");
        n++;
    }
    return n;
}

/* One data set per format of the run: where it begins in the file is only known once a point is there. */
static size_t put_format(struct figure *f, const struct report_matrix *m, const struct report_run *run, const char *format)
{
    size_t n = 0;
    const size_t before = f->tsv.len;
    figure_series(f);
    for (size_t i = 0; i < m->n_cells; i++)
        if (m->cells[i]->run == run && strcmp(m->cells[i]->format, format) == 0)
            n += put_watts(f, m->cells[i]);
    if (n == 0) { /* nothing: take the mark of the data set back */
        f->tsv.len = before;
        if (f->tsv.s)
            f->tsv.s[before] = '\0';
        f->n_series--;
    }
    return n;
}

static bool first_of_format(const struct report_matrix *m, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (m->cells[i]->run == m->cells[at]->run && strcmp(m->cells[i]->format, m->cells[at]->format) == 0)
            return false;
    return true;
}

/* What the watch saw of the whole run: a sample every interval */
static const json_t *watch_series(const struct report_run *run, const char *name)
{
    return json_object_get(json_object_get(json_object_get(run->root, "watch"), "series"), name);
}

static size_t put_watch(struct figure *f, const struct report_run *run, size_t lines)
{
    const json_t *at = watch_series(run, "at_s"), *watts = watch_series(run, "power_w");
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(watts); i++) {
        const json_t *x = json_array_get(at, i), *w = json_array_get(watts, i);
        if (!json_is_number(x) || !json_is_number(w))
            continue;
        if (n++ == 0)
            figure_series(f);
        textbuf_addf(&f->tsv, "%s\t%s\tsampled\n", number_exact(f->arena, json_number_value(x)),
                     number_exact(f->arena, json_number_value(w)));
    }
    if (n)
        textbuf_addf(&f->gp, "%s'%s.tsv' index %zu using 1:2 with lines lw 1 lc rgb '#808080' title 'sampled'",
                     lines++ ? ", \\\n  " : "", f->name, f->n_series - 1);
    return lines;
}

static bool run_has_watts(const struct report_run *run)
{
    const json_t *cells = json_object_get(run->root, "cells"), *watts = watch_series(run, "power_w");
    for (size_t i = 0; i < json_array_size(watts); i++)
        if (json_is_number(json_array_get(watts, i)))
            return true;
    for (size_t i = 0; i < json_array_size(cells); i++) {
        const json_t *blocks = json_object_get(json_array_get(cells, i), "blocks");
        for (size_t k = 0; k < json_array_size(blocks); k++)
            if (!isnan(block_watts(json_array_get(blocks, k))))
                return true;
    }
    return false;
}

int plot_power(const struct report_matrix *m, struct report_plots *p)
{
    struct arena *a = &m->set->arena;
    int rc = 0;
    for (size_t r = 0; r < m->set->n_runs && rc == 0; r++) {
        const struct report_run *run = m->set->runs[r];
        size_t lines = 0;
        if (!run_has_watts(run))
            continue;
        struct figure f = {.plots = p, .arena = a};
        figure_begin(&f, PLOT_POWER, m->set->n_runs > 1 ? arena_fmt(a, "power-run%zu", run->number) : "power",
                     "Power over the time of the run, a point per block", 1, "seconds since the start\twatts\tcell");
        textbuf_add(&f.gp, "set xlabel 'seconds since the start'\nset ylabel 'W'\nset yrange [0:*]\nplot ");
        lines = put_watch(&f, run, lines);
        for (size_t i = 0; i < m->n_cells; i++) {
            const char *format = m->cells[i]->format;
            if (m->cells[i]->run != run || !first_of_format(m, i) || put_format(&f, m, run, format) == 0)
                continue;
            textbuf_addf(&f.gp, "%s'%s.tsv' index %zu using 1:2 with points ps 0.8 pt %d lc rgb '%s' title ",
                         lines++ ? ", \\\n  " : "", f.name, f.n_series - 1, report_format_point(format),
                         report_format_colour(format));
            escape_gnuplot(&f.gp, format);
        }
        textbuf_add(&f.gp, "\n");
        rc = figure_end(&f);
    }
    return rc;
}
