/* Plots of speed: tokens per second by threads (a panel per model), and speed-up over f16 by model size. */
#include "reports/claims_judge.h"
#include "reports/report_plots.h"

#include <errno.h>
#include <math.h>
#include <string.h>

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

/* Rows [from, to): the points of one format; with `limit` what the roofline allows instead, where the record has it. Returns how many. */
static size_t put_row(struct figure *f, const struct report_group *g, size_t from, size_t to, bool limit)
{
    size_t n = 0;
    for (size_t k = from; k < to; k++) {
        const struct report_cell *c = g->cells[k];
        const struct report_interval bound = {c->limit_tps, (double)NAN, (double)NAN}, y = limit ? bound : c->tps;
        if (!c->ok || isnan(y.mid)) {
            if (n)
                figure_gap(f);
            continue;
        }
        if (n++ == 0)
            figure_series(f);
        figure_point(f, (double)c->threads, y);
        figure_field(f, c->model, "\t");
        figure_field(f, c->format, "\t");
        figure_field(f, c->embedding, "\t");
        figure_field(f, limit ? "limit" : "measured", "\n");
    }
    return n;
}

static size_t count_rows(const struct report_group *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n; i = report_row_end(g, i))
        n++;
    return n;
}

/* The first column, moved by this share of the axis of put_thread_axis(). */
static const char *shifted_threads(struct arena *a, const struct report_group *g, double share)
{
    size_t n;
    const long long *t = report_group_threads(a, g, &n);
    if (!t)
        return "$1";
    const double lo = (double)t[0], hi = (double)t[n - 1];
    return hi > 8 ? arena_fmt(a, "$1*%.4f", exp(share * log(1.69 * hi / lo))) : arena_fmt(a, "$1+%.4f", share * (hi - lo + 1.0));
}

static long long most_threads(struct arena *a, const struct report_group *g)
{
    size_t n;
    const long long *t = report_group_threads(a, g, &n);
    return t ? t[n - 1] : 0;
}

static void throughput_panel(struct figure *f, const struct report_group *g)
{
    size_t lines = 0;
    textbuf_add(&f->gp, "set title ");
    escape_gnuplot(&f->gp, g->model);
    textbuf_add(&f->gp, " noenhanced\nset xlabel 'threads'\nset ylabel 'tokens/s'\nset yrange [0:*]\n");
    put_thread_axis(f, g);
    textbuf_add(&f->gp, "plot ");
    const size_t n_rows = count_rows(g);
    /* Through one point there is no line; the axis of put_thread_axis() has logarithms from 9 threads on. */
    const char *dash = most_threads(f->arena, g) > 8 ? "($1/1.2):2:($1*0.36):(0) with vectors nohead"
                                                     : "($1-0.35):2:(0.7):(0) with vectors nohead";
    for (size_t i = 0, end, row = 0; i < g->n; i = end, row++) {
        const char *format = g->cells[i]->format;
        end = report_row_end(g, i);
        const size_t limits = put_row(f, g, i, end, true);
        if (limits)
            textbuf_addf(&f->gp, "%s'%s.tsv' index %zu using %s lw 1.2 dt 3 lc rgb '%s' notitle", lines++ ? ", \\\n  " : "",
                         f->name, f->n_series - 1, limits > 1 ? "1:2 with lines" : dash, report_format_colour(format));
        if (!put_row(f, g, i, end, false))
            continue;
        textbuf_addf(&f->gp, "%s'%s.tsv' index %zu using (%s):2:3:4", lines++ ? ", \\\n  " : "", f->name, f->n_series - 1,
                     shifted_threads(f->arena, g, figure_shift(row, n_rows)));
        figure_style(f, format, figure_label(f->arena, g, g->cells[i]));
    }
    textbuf_add(&f->gp, ", \\\n  NaN with lines lw 1.2 dt 3 lc rgb '#808080' title 'roofline'\n");
}

int plot_throughput(const struct report_matrix *m, struct report_plots *p)
{
    static const struct sweep s = {
        PLOT_THROUGHPUT,
        "throughput",
        "Tokens per second by threads (dotted: roofline; formats with the same one share a line)",
        "threads\ttokens_per_s\tlo\thi\tmodel\tformat\tembedding\twhat (lo = hi where there is no interval)",
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
    double lo, hi;     /* parameters at the ends of the axis */
    const struct claim_registry *claims;
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

static double size_of(const struct claim_registry *reg, const char *model)
{
    for (size_t i = 0; i < reg->n_models; i++)
        if (strcmp(reg->models[i].name, model) == 0)
            return reg->models[i].params;
    return (double)NAN;
}

/* A claim of the published speed tables: a ternary arm, one size, the same kind of CPU, the same rule for threads */
static bool in_tables(const struct claim *c, const struct sizes *s, long long threads)
{
    const char *arch = json_string_value(json_object_get(json_object_get(s->groups[0]->run->root, "host"), "arch"));
    return c->models.n == 1 && c->arms.n > 1 && c->base.n == 1 && strcmp(c->base.v[0], "f16") == 0 && c->threads == threads &&
           report_is_decode(s->groups[0]->cells[0]->test) == report_is_decode(c->test) && arch && strcmp(c->arch, arch) == 0;
}

static bool on_curve(const struct claim *c, const struct sizes *s, long long threads)
{
    return c->metric == CLAIM_SPEEDUP && c->value.lo == c->value.hi && in_tables(c, s, threads);
}

/* One grey line per published table. */
static size_t put_published(struct figure *f, const struct sizes *s, long long threads, size_t lines)
{
    const struct claim_registry *reg = s->claims;
    const struct claim *table = NULL;
    for (size_t i = 0; reg && i < reg->n; i++) {
        const struct claim *c = reg->claims[i];
        const double x = on_curve(c, s, threads) ? size_of(reg, c->models.v[0]) : (double)NAN;
        if (isnan(x))
            continue;
        if (!table || c->table != table) {
            figure_series(f);
            textbuf_addf(&f->gp, "%s'%s.tsv' index %zu using 1:2 with linespoints lw 1.5 dt 2 pt 1 ps 0.7 lc rgb '#808080' title ",
                         lines++ ? ", \\\n  " : "", f->name, f->n_series - 1);
            escape_gnuplot(&f->gp, "published");
        }
        table = c->table;
        figure_point(f, x, (struct report_interval){c->value.lo, (double)NAN, (double)NAN});
        textbuf_addf(&f->tsv, "%lld\t", threads);
        figure_field(f, c->models.v[0], "\t");
        figure_field(f, c->id, "\n");
    }
    return lines;
}

/* What bytes alone allow over f16, for the sizes of the published tables: drawn, never counted. */
static size_t put_bound(struct figure *f, const struct sizes *s, long long threads, size_t lines)
{
    static const char format[] = "i2_s";
    const struct claim_registry *reg = s->claims;
    bool any = false;
    for (size_t i = 0; reg && i < reg->n; i++) {
        const struct claim *c = reg->claims[i];
        if ((c->metric != CLAIM_SPEEDUP && c->metric != CLAIM_TOKENS_PER_S) || !in_tables(c, s, threads))
            continue;
        const double y = claim_token_bytes(reg, c->models.v[0], "f16") / claim_token_bytes(reg, c->models.v[0], format);
        if (isnan(y))
            continue;
        if (!any)
            figure_series(f);
        any = true;
        figure_point(f, size_of(reg, c->models.v[0]), (struct report_interval){y, (double)NAN, (double)NAN});
        textbuf_add(&f->tsv, "-1\t");
        figure_field(f, c->models.v[0], "\t");
        figure_field(f, "bytes of f16 / bytes of i2_s", "\n");
    }
    if (any)
        textbuf_addf(&f->gp, "%s'%s.tsv' index %zu using 1:2 smooth unique with lines lw 1.5 dt 3 lc rgb '%s' title 'bound'",
                     lines++ ? ", \\\n  " : "", f->name, f->n_series - 1, report_format_colour(format));
    return lines;
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
            figure_point(f, report_group_params(s->groups[i]), r.x);
            textbuf_addf(&f->tsv, "%lld\t", threads);
            figure_field(f, s->groups[i]->model, "\t");
            figure_field(f, s->formats[k], "\n");
        }
        if (!any)
            continue;
        textbuf_addf(&f->gp, "%s'%s.tsv' index %zu using ($1*%.4f):2:3:4", lines++ ? ", \\\n  " : "", f->name, f->n_series - 1,
                     exp(figure_shift(k, s->n_formats) * log(s->hi / s->lo)));
        figure_style(f, s->formats[k], s->formats[k]);
    }
    lines = put_published(f, s, threads, lines);
    if (report_is_decode(s->groups[0]->cells[0]->test))
        lines = put_bound(f, s, threads, lines);
    textbuf_addf(&f->gp, "%s1 with lines lw 1 dt 2 lc rgb '%s' title 'f16'\n", lines ? ", \\\n  " : "",
                 report_format_colour("f16"));
}

/* A tick unless it would touch the one before; sizes come in ascending order. */
static void put_size_tick(struct figure *f, const struct sizes *s, double x, double *last)
{
    if (*last > 0.0 && log(x / *last) < 0.13 * log(s->hi / s->lo))
        return;
    const bool giga = x >= 999.5e6;
    const double shown = x / (giga ? 1e9 : 1e6);
    textbuf_addf(&f->gp, "%s'%s%s' %s", *last > 0.0 ? "," : "",
                 shown == floor(shown) ? number_exact(f->arena, shown) : number_sig(f->arena, shown, giga ? 2 : 3),
                 giga ? "B" : "M", number_exact(f->arena, x));
    *last = x;
}

/* The sizes that were measured; for decode, where there are published curves, all that were published too. */
static void put_size_axis(struct figure *f, struct sizes *s)
{
    const bool published = s->claims && s->claims->n_models && report_is_decode(s->groups[0]->cells[0]->test);
    double last = 0.0;
    s->lo = report_group_params(s->groups[0]);
    s->hi = report_group_params(s->groups[s->n - 1]);
    for (size_t i = 0; published && i < s->claims->n_models; i++) {
        s->lo = fmin(s->lo, s->claims->models[i].params);
        s->hi = fmax(s->hi, s->claims->models[i].params);
    }
    s->lo /= 1.6;
    s->hi *= 1.6;
    textbuf_addf(&f->gp, "set logscale x\nset xrange [%g:%g]\nset xtics (", s->lo, s->hi);
    if (published)
        for (int power = 8; pow(10.0, power) < s->hi; power++)
            put_size_tick(f, s, pow(10.0, power), &last);
    else
        for (size_t i = 0; i < s->n; i++)
            put_size_tick(f, s, report_group_params(s->groups[i]), &last);
    textbuf_add(&f->gp, ")\n");
}

/* What the grey lines of decode figures are. */
static const char *published_note(const struct report_matrix *m, const struct report_group *g)
{
    const char *arch = json_string_value(json_object_get(json_object_get(g->run->root, "host"), "arch"));
    for (size_t i = 0; arch && m->claims && report_is_decode(g->cells[0]->test) && i < m->claims->n; i++) {
        const struct claim *c = m->claims->claims[i];
        if (c->metric == CLAIM_SPEEDUP && c->arms.n > 1 && c->models.n == 1 && c->cpu && strcmp(c->arch, arch) == 0)
            return arena_fmt(&m->set->arena, " (dashed: published, %s; dotted: bytes alone, not measured)", c->cpu);
    }
    return "";
}

int plot_speedup(const struct report_matrix *m, struct report_plots *p)
{
    static const char head[] = "parameters\tspeedup_over_f16\tlo\thi\tthreads (0: each arm at its best)\tmodel\tformat";
    struct arena *a = &m->set->arena;
    int rc = 0;
    for (size_t first = 0; first < m->n_groups && rc == 0; first++) {
        const struct report_group *g0 = &m->groups[first];
        if (figure_seen(m, first) || !report_is_speed(g0->cells[0]->test) || g0->cells[0]->depth > 0)
            continue;
        struct sizes s = {.groups = arena_alloc(a, m->n_groups * sizeof(*s.groups))};
        if (!s.groups)
            return -ENOMEM;
        for (size_t i = first; i < m->n_groups; i++)
            if (figure_same(&m->groups[i], g0) && has_speed(&m->groups[i]) && report_group_params(&m->groups[i]) > 0.0)
                note_group(a, &s, &m->groups[i]);
        if (s.n_formats == 0)
            continue;
        s.claims = m->claims;
        struct figure f = {.plots = p, .arena = a};
        figure_begin(&f, PLOT_SPEEDUP, figure_name(a, m, "speedup", g0, 0),
                     arena_fmt(a, "Speed-up over f16 by model size, %s%s", g0->title, published_note(m, g0)), s.several ? 2 : 1,
                     head);
        put_size_axis(&f, &s);
        if (s.several)
            speedup_panel(&f, &s, 0);
        speedup_panel(&f, &s, s.threads);
        rc = figure_end(&f);
    }
    return rc;
}
