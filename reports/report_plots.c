/* Figures: what all plots share - file names, the frame of a script, panels - and the loop that draws them. */
#include "reports/report_plots.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Every script draws the same figure twice. Names from the record appear only inside escape_gnuplot() quotes. */
static void put_frame(struct figure *f, const char *title, size_t n_panels)
{
    const size_t columns = n_panels > 1 ? 2 : 1, rows = (n_panels + columns - 1) / columns;
    const size_t height = rows * 320 + 50;
    textbuf_addf(&f->gp,
                 "# Redraws %s.svg and %s.png from %s.tsv: gnuplot %s.gp\n"
                 "set encoding utf8\n"
                 "set datafile separator tab\n"
                 "if (!exists('formats')) formats = 'svg png'\n"
                 "do for [ext in formats] {\n"
                 "if (ext eq 'svg') { set terminal svg size 800,%zu dynamic background '#ffffff' font 'sans-serif,13' }\n"
                 "if (ext eq 'png') { if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) { set terminal pngcairo size 1600,%zu font "
                 "'Sans,13' fontscale 1.5 linewidth 2 pointscale 1.8 } else { set terminal png size 800,%zu } }\n"
                 "set output '%s.'.ext\n",
                 f->name, f->name, f->name, f->name, height, 2 * height, height, f->name);
    textbuf_addf(&f->gp, "set multiplot layout %zu,%zu title ", rows, columns);
    escape_gnuplot(&f->gp, title);
    textbuf_add(&f->gp, " noenhanced\n"
                        "set key below horizontal noenhanced samplen 1.5 maxrows 3 font ',10'\n"
                        "set bmargin 5.8\n"
                        "set xlabel offset 0,0.4\n"
                        "set grid lw 0.5 lc rgb '#c0c0c0' lt 1\n"
                        "set border 3\n"
                        "set tics nomirror font ',10'\n");
}

void figure_begin(struct figure *f, enum plot_kind kind, const char *name, const char *title, size_t n_panels, const char *tsv_head)
{
    struct report_plots *p = f->plots;
    struct report_plot *list = arena_grow(f->arena, p->list, p->n, sizeof(*list));
    if (list) {
        p->list = list;
        p->list[p->n++] = (struct report_plot){.kind = kind, .name = name, .text = title};
    }
    f->name = name;
    f->tsv = f->gp = (struct textbuf){0};
    f->n_series = 0;
    textbuf_addf(&f->tsv, "# %s\n", tsv_head);
    put_frame(f, title, n_panels);
}

void figure_series(struct figure *f)
{
    if (f->n_series++)
        textbuf_add(&f->tsv, f->tsv.s && f->tsv.s[f->tsv.len - 2] == '\n' ? "\n" : "\n\n"); /* two empty lines: the next index */
}

void figure_gap(struct figure *f)
{
    if (f->tsv.len > 1 && f->tsv.s[f->tsv.len - 2] != '\n') /* one empty line: a gap; two would begin a data set */
        textbuf_add(&f->tsv, "\n");
}

void figure_field(struct figure *f, const char *text, const char *end)
{
    for (const char *s = text ? text : ""; *s; s++)
        textbuf_put(&f->tsv, (unsigned char)*s < 0x20 || *s == '"' || *s == 0x7f ? " " : s, 1);
    textbuf_add(&f->tsv, end);
}

void figure_point(struct figure *f, double x, struct report_interval y)
{
    struct arena *a = f->arena;
    const bool bars = !isnan(y.lo) && !isnan(y.hi);
    textbuf_addf(&f->tsv, "%s\t%s\t%s\t%s\t", number_exact(a, x), number_exact(a, y.mid), number_exact(a, bars ? y.lo : y.mid),
                 number_exact(a, bars ? y.hi : y.mid));
}

void figure_style(struct figure *f, const char *format, const char *label)
{
    textbuf_addf(&f->gp, " with yerrorlines lw 1.5 ps 0.7 pt %d lc rgb '%s' title ", report_format_point(format),
                 report_format_colour(format));
    escape_gnuplot(&f->gp, label);
}

enum { DECADE_TICS = 7 };

/* Tics of a decade, filled up with 0, so that a range of hi / lo gets two to eight. gnuplot would give less than a decade one or none. */
static const double *decade_tics(double ratio)
{
    static const double tics[][DECADE_TICS] = {{1, 1.5, 2, 3, 4, 5, 7}, {1, 2, 3, 5, 7}, {1, 2, 5}, {1}};
    return tics[ratio < 6.0 ? 0 : ratio < 12.0 ? 1 : ratio < 200.0 ? 2 : 3];
}

void figure_log_axis(struct figure *f, char axis, double lo, double hi)
{
    lo = fmax(fmin(lo, 1e300) / 1.25, 1e-6);     /* a logarithmic axis ends above 0 */
    hi = fmax(fmin(hi, 1e300) * 1.25, 2.6 * lo); /* two tics lie 1.5 apart at most */
    textbuf_addf(&f->gp, "set logscale %c\nset %crange [%g:%g]\nset %ctics (", axis, axis, lo, hi, axis);
    const double *tics = decade_tics(hi / lo);
    size_t n = 0;
    for (int e = (int)floor(log10(lo)); pow(10.0, e) <= hi; e++)
        for (size_t i = 0; i < DECADE_TICS && tics[i] > 0.0; i++) {
            const double at = pow(10.0, e) * tics[i];
            if (at >= lo && at <= hi)
                textbuf_addf(&f->gp, "%s%.10g", n++ ? "," : "", at);
        }
    textbuf_add(&f->gp, ")\n");
}

double figure_shift(size_t k, size_t n)
{
    return 0.009 * ((double)k - ((double)n - 1.0) / 2.0);
}

int figure_end(struct figure *f)
{
    textbuf_add(&f->gp, "unset multiplot\nset output\n}\n");
    const char *stem = arena_fmt(f->arena, "%s/plots/%s", f->plots->dir, f->name);
    int rc = write_text_file(arena_fmt(f->arena, "%s.tsv", stem), &f->tsv);
    if (rc == 0)
        rc = write_text_file(arena_fmt(f->arena, "%s.gp", stem), &f->gp);
    textbuf_free(&f->tsv);
    textbuf_free(&f->gp);
    return f->arena->oom ? -ENOMEM : rc;
}

bool figure_same(const struct report_group *a, const struct report_group *b)
{
    return a->run == b->run && strcmp(a->title, b->title) == 0;
}

bool figure_seen(const struct report_matrix *m, size_t g)
{
    for (size_t i = 0; i < g; i++)
        if (figure_same(&m->groups[i], &m->groups[g]))
            return true;
    return false;
}

int figure_sweep(const struct report_matrix *m, struct report_plots *p, const struct sweep *s)
{
    struct arena *a = &m->set->arena;
    const struct report_group **panels = arena_alloc(a, (m->n_groups + 1) * sizeof(*panels));
    if (!panels)
        return -ENOMEM;
    int rc = 0;
    for (size_t first = 0; first < m->n_groups && rc == 0; first++) {
        size_t n = 0;
        if (figure_seen(m, first))
            continue;
        for (size_t i = first; i < m->n_groups; i++)
            if (figure_same(&m->groups[i], &m->groups[first]) && s->want(&m->groups[i]))
                panels[n++] = &m->groups[i];
        for (size_t k = 0; k < n && rc == 0; k += FIGURE_PANELS) {
            struct figure f = {.plots = p, .arena = a};
            const size_t end = k + FIGURE_PANELS < n ? k + FIGURE_PANELS : n;
            figure_begin(&f, s->kind, figure_name(a, m, s->what, panels[k], k / FIGURE_PANELS),
                         arena_fmt(a, "%s, %s", s->subject, panels[k]->title), end - k, s->tsv_head);
            for (size_t i = k; i < end; i++)
                s->panel(&f, panels[i]);
            rc = figure_end(&f);
        }
    }
    return rc;
}

/* Two titles may give one slug ("a b", "a-b"): the position of the group makes it unique. */
static bool slug_clash(struct arena *a, const struct report_matrix *m, const struct report_group *g, const char *slug)
{
    for (const struct report_group *o = m->groups; o < g; o++)
        if (o->run == g->run && strcmp(o->title, g->title) != 0 && strcmp(text_slug(a, o->title), slug) == 0)
            return true;
    return false;
}

const char *figure_name(struct arena *a, const struct report_matrix *m, const char *what, const struct report_group *g, size_t part)
{
    const char *slug = text_slug(a, g->title);
    const char *name = arena_fmt(a, "%s-%s", what, slug);
    if (slug_clash(a, m, g, slug))
        name = arena_fmt(a, "%s-g%zu", name, (size_t)(g - m->groups));
    if (m->set->n_runs > 1)
        name = arena_fmt(a, "%s-run%zu", name, g->run->number);
    return part ? arena_fmt(a, "%s-part%zu", name, part + 1) : name;
}

const char *figure_label(struct arena *a, const struct report_group *g, const struct report_cell *c)
{
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->cells[i]->format, c->format) == 0 && !report_equal(g->cells[i]->embedding, c->embedding))
            return arena_fmt(a, "%s, emb. %s", c->format, c->embedding ? c->embedding : "?");
    return c->format;
}

/* Runs gnuplot over the scripts; stops at the first that fails and says so. */
static void draw_all(struct arena *a, struct report_plots *p)
{
    char err[REPORT_ERR_LEN];
    const char *gnuplot = p->n ? gnuplot_find(a) : NULL;
    const char *dir = arena_fmt(a, "%s/plots", p->dir);
    if (p->n && !gnuplot)
        p->problem =
            "gnuplot is not installed, so this report has tables only. Install it (Debian: gnuplot-nox) and run the report "
            "again; data and scripts are in plots/.";
    for (size_t i = 0; gnuplot && i < p->n; i++) {
        if (gnuplot_run(gnuplot, dir, arena_fmt(a, "%s.gp", p->list[i].name), p->no_png, err) != 0) {
            p->problem = arena_fmt(a, "Plots are missing: %s", err);
            p->broken = true;
            return;
        }
        p->list[i].drawn = true;
    }
}

/* Removes what an earlier report left here: an old picture must not stand in for one that this record does not have or that could
 * not be drawn. Only files with the names of this program are touched. */
static int remove_old(struct arena *a, const char *plots)
{
    static const char *const starts[] = {"throughput-", "speedup-", "memory",  "latency-", "ops-",   "depth",
                                         "pareto-",     "heat-",    "energy-", "power",    "history"};
    static const char *const ends[] = {".svg", ".png", ".tsv", ".gp"};
    DIR *dir = opendir(plots);
    if (!dir)
        return -errno;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        const char *dot = strrchr(e->d_name, '.');
        bool start = false, end = false;
        for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
            start |= strncmp(e->d_name, starts[i], strlen(starts[i])) == 0;
        for (size_t i = 0; i < 4; i++)
            end |= dot && strcmp(dot, ends[i]) == 0;
        if (start && end)
            unlink(arena_fmt(a, "%s/%s", plots, e->d_name));
    }
    closedir(dir);
    return 0;
}

int report_plots_make(const struct report_matrix *m, const char *dir, bool no_png, struct report_plots *p, char err[REPORT_ERR_LEN])
{
    static int (*const makers[])(const struct report_matrix *, struct report_plots *) = {
        plot_throughput, plot_speedup, plot_heat,   plot_pareto, plot_memory, plot_latency,
        plot_depth,      plot_ops,     plot_energy, plot_power,  plot_history};
    struct arena *a = &m->set->arena;
    *p = (struct report_plots){.dir = dir, .no_png = no_png};
    int rc = remove_old(a, arena_fmt(a, "%s/plots", dir));
    for (size_t i = 0; rc == 0 && i < sizeof(makers) / sizeof(makers[0]); i++)
        rc = makers[i](m, p);
    if (rc == 0)
        draw_all(a, p);
    else
        snprintf(err, REPORT_ERR_LEN, "%s/plots: %s", dir, strerror(-rc));
    return rc;
}
