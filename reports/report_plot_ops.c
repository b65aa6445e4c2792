/* Plot of where the time goes: stacked bars, one per format, a panel per model and test, at the largest profiled thread count. Small
 * operations are taken together: the figure is for what matters, the table has all. */
#include "reports/report_plots.h"

#include <math.h>
#include <string.h>

/* Operations in the order of the stack; what is in none of them is "rest". Okabe-Ito colours and greys. */
static const struct {
    const char *name, *members, *colour;
} parts[] = {
    {"qkv", " qkv ", "#0072B2"},
    {"attention", " attention rope+cache ", "#56B4E9"},
    {"attn_output", " attn_output ", "#009E73"},
    {"gate+up", " gate+up ", "#E69F00"},
    {"down", " down ", "#D55E00"},
    {"lm_head", " lm_head ", "#CC79A7"},
    {"wait", " wait ", "#404040"},
    {"rest", "", "#b8b8b8"},
};
enum { N_PARTS = sizeof(parts) / sizeof(parts[0]) };

static size_t part_of(const char *op)
{
    char word[64];
    for (size_t i = 0; i + 1 < N_PARTS; i++)
        if (snprintf(word, sizeof(word), " %s ", op) > 0 && strstr(parts[i].members, word))
            return i;
    return N_PARTS - 1;
}

static long long most_threads(const struct report_group *g)
{
    long long most = 0;
    for (size_t i = 0; i < g->n; i++)
        if (g->cells[i]->n_ops && g->cells[i]->threads > most)
            most = g->cells[i]->threads;
    return most;
}

static bool has_ops(const struct report_group *g)
{
    return most_threads(g) > 0;
}

static void put_bar(struct figure *f, const struct report_cell *c, const char *label)
{
    double share[N_PARTS] = {0};
    for (size_t i = 0; i < c->n_ops; i++)
        share[part_of(c->ops[i].name)] += 100.0 * c->ops[i].share;
    figure_field(f, label, "\t");
    for (size_t i = 0; i < N_PARTS; i++)
        textbuf_addf(&f->tsv, "%s\t", number_sig(f->arena, share[i], 4));
    figure_field(f, c->model, "\n");
}

static void ops_panel(struct figure *f, const struct report_group *g)
{
    const long long threads = most_threads(g);
    textbuf_add(&f->gp, "set title ");
    escape_gnuplot(&f->gp, arena_fmt(f->arena, "%s, %lld thread%s", g->model, threads, threads == 1 ? "" : "s"));
    textbuf_add(&f->gp, " noenhanced\nunset xlabel\nset ylabel '% of the time'\nset yrange [0:100]\n");
    figure_series(f);
    for (size_t i = 0; i < g->n; i++)
        if (g->cells[i]->n_ops && g->cells[i]->threads == threads)
            put_bar(f, g->cells[i], figure_label(f->arena, g, g->cells[i]));
    textbuf_add(&f->gp, "plot ");
    for (size_t i = 0; i < N_PARTS; i++)
        textbuf_addf(&f->gp, "%s'%s.tsv' index %zu using %zu:xtic(1) lc rgb '%s' title '%s'", i ? ", \\\n  " : "", f->name,
                     f->n_series - 1, i + 2, parts[i].colour, parts[i].name);
    textbuf_add(&f->gp, "\n");
}

/* The frame of bars comes before the panels. */
static void first_panel(struct figure *f, const struct report_group *g)
{
    if (f->n_series == 0)
        textbuf_add(&f->gp,
                    "set style data histograms\nset style histogram rowstacked\nset style fill solid 1 border lc rgb 'white'\n"
                    "set boxwidth 0.75\nset grid noxtics\nset xtics noenhanced\n");
    ops_panel(f, g);
}

int plot_ops(const struct report_matrix *m, struct report_plots *p)
{
    static const struct sweep s = {PLOT_OPS,
                                   "ops",
                                   "Share of the time by operation",
                                   "format\tqkv\tattention\tattn_output\tgate+up\tdown\tlm_head\twait\trest\tmodel",
                                   has_ops,
                                   first_panel};
    return figure_sweep(m, p, &s);
}
