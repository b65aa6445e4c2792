/* Section "Speed": a comparison table for every model and test, and the helpers that all sections share. */
#include "reports/report_sections.h"

#include <math.h>
#include <string.h>

enum { THREADS_PER_TABLE = 3, FEW_REPETITIONS = 5 };

const char *text_interval_digits(struct arena *a, struct report_interval x, int digits)
{
    const char *mid = number_sig(a, x.mid, digits);
    if (isnan(x.lo) || isnan(x.hi))
        return mid;
    return arena_fmt(a, "%s [%s, %s]", mid, number_sig(a, x.lo, digits), number_sig(a, x.hi, digits));
}

const char *text_interval(struct arena *a, struct report_interval x, double scale)
{
    return text_interval_digits(a, (struct report_interval){x.mid * scale, x.lo * scale, x.hi * scale}, 3);
}

struct report_interval interval_at(const json_t *obj, const char *key)
{
    const json_t *x = json_object_get(obj, key);
    return (struct report_interval){report_number_at(x, "value"), report_number_at(x, "lo"), report_number_at(x, "hi")};
}

const char *text_threads(struct arena *a, long long n)
{
    return arena_fmt(a, "%lld thread%s", n, n == 1 ? "" : "s");
}

const char *text_reason(struct arena *a, const char *reason)
{
    size_t n = reason ? strlen(reason) : 0;
    while (n && (reason[n - 1] == '.' || reason[n - 1] == '\n' || reason[n - 1] == ' '))
        n--;
    return n ? arena_fmt(a, "%.*s", (int)n, reason) : "no reason recorded";
}

void put_missing(struct doc *d, struct doc_table *t, const struct report_cell *c)
{
    if (!c)
        table_missing(d, t, "not run",
                      "Not in the record: the suite does not have this combination, or the run stopped before it.");
    else if (!c->ok)
        table_missing(d, t, c->status, text_reason(d->arena, c->reason));
    else
        table_missing(d, t, "no value", "The cell ended without error but the record has no number for it.");
}

void put_metric(struct doc *d, struct doc_table *t, const struct report_cell *c, const char *name, bool bytes)
{
    const struct report_metric *m = report_metric_find(c, name);
    if (!m)
        table_missing(d, t, "not recorded", arena_fmt(d->arena, "The record has no metric %s for this cell.", name));
    else if (isnan(m->value))
        table_missing(d, t, "unavailable", text_reason(d->arena, m->reason));
    else
        table_cell(d, t, bytes ? number_bytes(d->arena, m->value) : number_sig(d->arena, m->value, 3));
}

void put_plots(struct report *r, enum plot_kind kind)
{
    for (size_t i = 0; i < r->plots->n; i++)
        if (r->plots->list[i].kind == kind && r->plots->list[i].drawn)
            doc_plot(&r->doc, arena_fmt(r->doc.arena, "plots/%s", r->plots->list[i].name), r->plots->list[i].text);
}

/* "28.4 [28.1, 28.6]", with n where there were few repetitions. An interval from a single repetition says nothing: left out. */
static void put_speed(struct doc *d, struct doc_table *t, const struct report_cell *c)
{
    struct arena *a = d->arena;
    if (!c || !c->ok || isnan(c->tps.mid)) {
        put_missing(d, t, c);
        return;
    }
    struct report_interval x = c->tps;
    if (c->repetitions < 2)
        x.lo = x.hi = NAN;
    const char *s = text_interval(a, x, 1.0);
    table_cell(d, t, c->repetitions < FEW_REPETITIONS ? arena_fmt(a, "%s n=%g", s, c->repetitions) : s);
}

static void put_speedup(struct doc *d, struct doc_table *t, const struct report_cell *c)
{
    struct arena *a = d->arena;
    const enum ratio_state state = c ? c->vs_f16.state : RATIO_NONE;
    const struct report_cell *base = c ? c->vs_f16.base : NULL;
    const char *x = c ? text_interval(a, c->vs_f16.x, 1.0) : "";
    switch (state) {
    case RATIO_NONE: put_missing(d, t, c); break;
    case RATIO_BASE: table_cell(d, t, "1 (base)"); break;
    case RATIO_RECORDED: table_cell(d, t, x); break;
    case RATIO_ENDS:
        table_missing(d, t, x,
                      "Ratio of the medians; the interval comes from the ends of the two intervals, because the record has "
                      "no comparison of this pair.");
        break;
    case RATIO_NO_BASE:
        table_missing(d, t, "no base", "The record has no f16 cell of this model and test with as many threads.");
        break;
    case RATIO_BASE_LOST:
        table_missing(d, t, arena_fmt(a, "f16 %s", base->ok ? "has no value" : base->status),
                      arena_fmt(a, "The f16 cell to compare with: %s", text_reason(a, base->reason)));
        break;
    }
}

static void put_roofline(struct doc *d, struct doc_table *t, const struct report_cell *c)
{
    if (!c || !c->ok) {
        put_missing(d, t, c);
        return;
    }
    const struct report_interval x = {c->share, c->share_lo, c->share_hi};
    const bool known = !isnan(x.lo) && !isnan(x.hi);
    const char *ends =
        known ? arena_fmt(d->arena, " [%s, %s]", number_sig(d->arena, 100.0 * x.lo, 2), number_sig(d->arena, 100.0 * x.hi, 2)) : "";
    const char *share =
        arena_fmt(d->arena, "%s%s %% %s", number_sig(d->arena, 100.0 * x.mid, 2), ends, c->bound ? c->bound : "peak");
    if (isnan(c->share))
        table_missing(d, t, "unknown", "The record has no roofline for this cell; see the peaks below.");
    else if (c->share > 1.0 && x.lo < 1.0)
        table_missing(d, t, share, "At the roofline as far as this run can tell: the interval contains 100 %.");
    else if (c->share > 1.0)
        table_missing(
            d, t, share,
            "Above 100 %: the cell was faster than the peak that was measured. Either something disturbed the measurement "
            "of the peak, or the weights stayed in a cache; the share says nothing here.");
    else
        table_cell(d, t, share);
}

/* What the row's cells ran; all cells of a row have the same unless the CPU was limited. */
static const char *row_kernel(struct arena *a, const struct report_group *g, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const struct report_cell *c = g->cells[i];
        if (!c->isa)
            continue;
        const bool other = c->kernel_format && strcmp(c->kernel_format, c->format) != 0;
        const char *s = other ? arena_fmt(a, "%s %s", c->kernel_format, c->isa) : c->isa;
        return c->head_isa && strcmp(c->head_isa, c->isa) != 0 ? arena_fmt(a, "%s, head %s", s, c->head_isa) : s;
    }
    return "-";
}

static double row_bits(const struct report_group *g, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (!isnan(g->cells[i]->bits))
            return g->cells[i]->bits;
    return NAN;
}

static void speed_table(struct report *r, const struct report_group *g, const long long *threads, size_t n_threads)
{
    struct doc *d = &r->doc;
    struct arena *a = d->arena;
    struct doc_table *t = doc_table(d, NULL);
    table_column(d, t, "Format", COLUMN_FORMAT);
    for (size_t i = 0; i < n_threads; i++) {
        table_column(d, t, arena_fmt(a, "%s: tokens/s", text_threads(a, threads[i])), COLUMN_NUMBER);
        table_column(d, t, arena_fmt(a, "%s: speed-up over f16", text_threads(a, threads[i])), COLUMN_NUMBER);
        table_column(d, t, arena_fmt(a, "%s: of roofline", text_threads(a, threads[i])), COLUMN_NUMBER);
    }
    table_column(d, t, "Bits/weight", COLUMN_NUMBER);
    table_column(d, t, "Embedding", COLUMN_TEXT);
    table_column(d, t, "Kernel", COLUMN_TEXT);
    for (size_t i = 0, end; i < g->n; i = end) {
        end = report_row_end(g, i);
        const double bits = row_bits(g, i, end);
        table_cell(d, t, g->cells[i]->format);
        for (size_t k = 0; k < n_threads; k++) {
            const struct report_cell *c = report_row_cell(g, i, end, threads[k]);
            put_speed(d, t, c);
            put_speedup(d, t, c);
            put_roofline(d, t, c);
        }
        table_cell(d, t, isnan(bits) ? "-" : number_sig(a, bits, 3));
        table_cell(d, t, g->cells[i]->embedding);
        table_cell(d, t, row_kernel(a, g, i, end));
    }
}

void section_speed(struct report *r)
{
    struct doc *d = &r->doc;
    bool any = false;
    doc_heading(d, 2, "Speed");
    for (size_t i = 0; i < r->matrix->n_groups; i++) {
        const struct report_group *g = &r->matrix->groups[i];
        size_t n;
        const long long *threads = report_group_threads(d->arena, g, &n);
        if (!threads || !report_is_speed(g->cells[0]->test))
            continue;
        any = true;
        doc_heading(d, 3, arena_fmt(d->arena, "%s, %s", g->model, g->title));
        for (size_t k = 0; k < n; k += THREADS_PER_TABLE)
            speed_table(r, g, threads + k, n - k < THREADS_PER_TABLE ? n - k : THREADS_PER_TABLE);
    }
    if (!any)
        doc_paragraph(d, "The record has no speed test.");
    put_plots(r, PLOT_THROUGHPUT);
    put_plots(r, PLOT_SPEEDUP);
    put_plots(r, PLOT_HEAT);
    put_plots(r, PLOT_DEPTH);
    put_plots(r, PLOT_PARETO);
}
