/* Sections "Memory" and "Latency": what a result cost. */
#include "reports/report_sections.h"

#include <math.h>
#include <string.h>

/* The f16 cell of a memory pick, preferring an f16 embedding, or NULL. */
static const struct report_cell *memory_base(const struct memory_pick *p)
{
    const struct report_cell *base = NULL;
    for (size_t i = 0; i < p->g->n; i++) {
        const struct report_cell *c = p->g->cells[i];
        if (c->ok && c->threads == p->threads && strcmp(c->format, "f16") == 0 && (!base || report_equal(c->embedding, "f16")))
            base = c;
    }
    return base;
}

static double model_bytes(const struct report_cell *c)
{
    return report_metric_value(c, "weights_bytes") + report_metric_value(c, "embedding_bytes");
}

void put_share(struct doc *d, struct doc_table *t, double value, double base)
{
    if (isnan(value) || isnan(base) || base <= 0.0)
        table_missing(d, t, "no base", "There is no f16 figure under the same condition to divide by.");
    else
        table_cell(d, t, number_sig(d->arena, value / base, 3));
}

static void memory_row(struct doc *d, struct doc_table *t, const struct memory_pick *p, const struct report_cell *c)
{
    static const char *const names[] = {"weights_bytes", "embedding_bytes", "kv_bytes", "scratch_bytes", "rss_peak_bytes"};
    enum { N = sizeof(names) / sizeof(names[0]) };
    const struct report_cell *base = memory_base(p);
    table_cell(d, t, p->g->model);
    table_cell(d, t, c->format);
    table_cell(d, t, c->embedding);
    for (size_t i = 0; i < N; i++)
        if (c->ok)
            put_metric(d, t, c, names[i], true);
        else
            put_missing(d, t, c);
    if (!c->ok) {
        put_missing(d, t, c);
        put_missing(d, t, c);
    } else {
        put_share(d, t, model_bytes(c), base ? model_bytes(base) : NAN);
        put_share(d, t, report_metric_value(c, "rss_peak_bytes"), base ? report_metric_value(base, "rss_peak_bytes") : NAN);
    }
    table_cell(d, t, arena_fmt(d->arena, "%s, %s", p->g->title, text_threads(d->arena, p->threads)));
}

void section_memory(struct report *r)
{
    struct doc *d = &r->doc;
    struct doc_table *t = NULL;
    static const char *const heads[] = {
        "Weights", "Embedding", "KV cache", "Scratch", "Peak RSS", "weights + embedding / f16", "peak RSS / f16"};
    doc_heading(d, 2, "Memory");
    for (size_t g = 0; g < r->matrix->n_groups; g = report_model_end(r->matrix, g)) {
        const struct memory_pick p = report_memory_pick(r->matrix, g);
        if (!p.g)
            continue;
        if (!t) {
            t = doc_table(d, NULL);
            table_column(d, t, "Model", COLUMN_TEXT);
            table_column(d, t, "Format", COLUMN_FORMAT);
            table_column(d, t, "Embedding format", COLUMN_TEXT);
            for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
                table_column(d, t, heads[i], COLUMN_NUMBER);
            table_column(d, t, "Measured in", COLUMN_TEXT);
        }
        for (size_t i = 0; i < p.g->n; i++)
            if (p.g->cells[i]->threads == p.threads)
                memory_row(d, t, &p, p.g->cells[i]);
    }
    if (!t)
        doc_paragraph(d, "No cell recorded its memory.");
    put_plots(r, PLOT_MEMORY);
}

/* ---- latency ------------------------------------------------------------------------------------------------------------------ */

static bool has_latency(const struct report_cell *c)
{
    return c->ok && !isnan(c->latency_median);
}

static bool has_ttft(const struct report_cell *c)
{
    return c->ok && !isnan(c->ttft.mid);
}

bool any_cell(const struct report_group *g, bool (*has)(const struct report_cell *c))
{
    for (size_t i = 0; i < g->n; i++)
        if (has(g->cells[i]))
            return true;
    return false;
}

static void put_ms(struct doc *d, struct doc_table *t, double seconds)
{
    table_cell(d, t, isnan(seconds) ? "-" : number_sig(d->arena, 1e3 * seconds, 3));
}

static void put_who(struct doc *d, struct doc_table *t, const struct report_group *g, const struct report_cell *c)
{
    table_cell(d, t, g->model);
    table_cell(d, t, g->title);
    table_cell(d, t, c->format);
    table_cell(d, t, c->embedding);
    table_cell(d, t, arena_fmt(d->arena, "%lld", c->threads));
}

static void put_ttft(struct doc *d, struct doc_table *t, const struct report_cell *c)
{
    if (has_ttft(c))
        table_cell(d, t, text_interval(d->arena, c->ttft, 1e3));
    else
        put_missing(d, t, c);
}

static void latency_row(struct doc *d, struct doc_table *t, const struct report_cell *c)
{
    struct arena *a = d->arena;
    if (!has_latency(c)) {
        for (size_t i = 0; i < 5; i++)
            put_missing(d, t, c);
        return;
    }
    table_cell(d, t, isnan(c->latency_n) ? "-" : number_exact(a, c->latency_n));
    put_ms(d, t, c->latency_median);
    put_ms(d, t, c->latency_p95);
    if (c->latency_n < 100 && !isnan(c->latency_p99))
        table_missing(d, t, number_sig(a, 1e3 * c->latency_p99, 3),
                      "Fewer than 100 tokens: the 99th percentile is decided by the slowest one.");
    else
        put_ms(d, t, c->latency_p99);
    put_ms(d, t, c->latency_max);
}

/* A table with a row for every cell: the first columns say which, `heads` name the rest. */
static struct doc_table *cell_table(struct doc *d, const char *caption, const char *const heads[], size_t n)
{
    struct doc_table *t = doc_table(d, caption);
    table_column(d, t, "Model", COLUMN_TEXT);
    table_column(d, t, "Test", COLUMN_TEXT);
    table_column(d, t, "Format", COLUMN_FORMAT);
    table_column(d, t, "Embedding", COLUMN_TEXT);
    table_column(d, t, "Threads", COLUMN_NUMBER);
    for (size_t i = 0; i < n; i++)
        table_column(d, t, heads[i], COLUMN_NUMBER);
    return t;
}

/* Time to the first token: of prefill cells, and of decode cells in records that time it there. */
static bool ttft_table(struct report *r)
{
    static const char *const heads[] = {"TTFT ms"};
    struct doc_table *t = NULL;
    for (size_t i = 0; i < r->matrix->n_groups; i++) {
        const struct report_group *g = &r->matrix->groups[i];
        if (!any_cell(g, has_ttft))
            continue;
        t = t ? t : cell_table(&r->doc, "Time to the first token", heads, 1);
        for (size_t k = 0; k < g->n; k++) {
            put_who(&r->doc, t, g, g->cells[k]);
            put_ttft(&r->doc, t, g->cells[k]);
        }
    }
    return t != NULL;
}

static bool token_table(struct report *r)
{
    static const char *const heads[] = {"Tokens", "median ms", "p95 ms", "p99 ms", "max ms"};
    struct doc_table *t = NULL;
    for (size_t i = 0; i < r->matrix->n_groups; i++) {
        const struct report_group *g = &r->matrix->groups[i];
        if (!any_cell(g, has_latency))
            continue;
        t = t ? t : cell_table(&r->doc, "Time per token in decode", heads, 5);
        for (size_t k = 0; k < g->n; k++) {
            put_who(&r->doc, t, g, g->cells[k]);
            latency_row(&r->doc, t, g->cells[k]);
        }
    }
    return t != NULL;
}

void section_latency(struct report *r)
{
    doc_heading(&r->doc, 2, "Latency");
    const bool tokens = token_table(r), first = ttft_table(r);
    if (!tokens && !first)
        doc_paragraph(&r->doc, "No cell recorded the time of single tokens.");
    put_plots(r, PLOT_LATENCY);
}
