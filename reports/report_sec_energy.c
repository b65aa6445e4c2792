/* Section "Energy": joules of every cell, an energy ratio as time ratio times power ratio, and what is left net of idling.
 *
 * Only measured and derived joules are results. A number with the status `estimated` is never shown here and never compared. */
#include "reports/report_sections.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_LEN = 64 };

/* A metric of what the joules of the cell's run are of: "energy_" or "power_", then pkg, or board, ... of a machine whose packages
 * have no counter, then "_j" or "_w". */
static const char *headline_name(const struct report_cell *c, const char *before, const char *after, char out[NAME_LEN])
{
    const json_t *source = json_object_get(json_object_get(c->run->root, "energy"), "source");
    const char *domain = json_string_value(json_object_get(source, "headline"));
    snprintf(out, NAME_LEN, "%s%.16s%s", before, domain ? domain : "pkg", after);
    return out;
}

const struct report_metric *energy_metric(const struct report_cell *c)
{
    char name[NAME_LEN];
    const struct report_metric *per_token = report_metric_find(c, "joules_per_token");
    return per_token ? per_token : report_metric_find(c, headline_name(c, "energy_", "_j", name));
}

double energy_per_token(const struct report_cell *c)
{
    const struct report_metric *m = c->ok ? report_metric_find(c, "joules_per_token") : NULL;
    return m && !report_equal(m->status, "estimated") ? m->value : NAN;
}

static bool has_energy(const struct report_cell *c)
{
    return !isnan(energy_per_token(c));
}

/* The f16 cell beside c with an energy figure, or NULL. */
static const struct report_cell *energy_base(const struct report_group *g, const struct report_cell *c)
{
    const struct report_cell *base = NULL;
    for (size_t i = 0; i < g->n; i++) {
        const struct report_cell *b = g->cells[i];
        if (strcmp(b->format, "f16") == 0 && b->threads == c->threads && has_energy(b) &&
            (!base || report_equal(b->embedding, "f16")))
            base = b;
    }
    return base;
}

/* A measured or derived metric; an estimate is not shown as if it were one. */
static void put_result(struct doc *d, struct doc_table *t, const struct report_cell *c, const char *name)
{
    const struct report_metric *m = report_metric_find(c, name);
    if (m && report_equal(m->status, "estimated"))
        table_missing(d, t, "estimated", "An estimate is no result; it stays in the record.");
    else
        put_metric(d, t, c, name, false);
}

static void energy_row(struct doc *d, struct doc_table *t, const struct report_group *g, const struct report_cell *c)
{
    char watts[NAME_LEN], joules[NAME_LEN];
    const char *const names[] = {"joules_per_token", headline_name(c, "power_", "_w", watts),
                                 headline_name(c, "energy_", "_j", joules)};
    const struct report_cell *base = energy_base(g, c);
    const struct report_metric *m = energy_metric(c);
    table_cell(d, t, g->model);
    table_cell(d, t, g->title);
    table_cell(d, t, c->format);
    table_cell(d, t, arena_fmt(d->arena, "%lld", c->threads));
    for (size_t i = 0; i < 3; i++)
        if (c->ok)
            put_result(d, t, c, names[i]);
        else
            put_missing(d, t, c);
    if (!c->ok)
        put_missing(d, t, c);
    else
        put_share(d, t, energy_per_token(c), base ? energy_per_token(base) : NAN);
    table_cell(d, t,
               m && m->status ? arena_fmt(d->arena, "%s, %s", m->status, m->source ? m->source : "source not recorded") : "-");
}

/* One line for every way in which energy could not be had. */
static void energy_reasons(struct report *r)
{
    struct doc *d = &r->doc;
    const char **seen = NULL;
    size_t n = 0;
    for (size_t i = 0; i < r->matrix->n_cells; i++) {
        const struct report_cell *c = r->matrix->cells[i];
        const struct report_metric *m = c->ok ? energy_metric(c) : NULL;
        size_t k = 0;
        while (m && k < n && !report_equal(seen[k], m->reason))
            k++;
        const char **bigger = m && k == n ? arena_grow(d->arena, seen, n, sizeof(*seen)) : NULL;
        if (!bigger)
            continue;
        seen = bigger;
        seen[n++] = m->reason;
        doc_paragraph(d, arena_fmt(d->arena, "Energy: unavailable (%s): %s.", m->source ? m->source : "no source",
                                   text_reason(d->arena, m->reason)));
    }
    if (n == 0)
        doc_paragraph(d, "Energy: unavailable: the record has no energy metric.");
}

/* ---- energy ratio = time ratio * power ratio ---- */

static struct report_interval interval_of(const json_t *object, const char *key)
{
    static const char *const names[] = {"value", "lo", "hi"};
    double v[3];
    for (size_t i = 0; i < 3; i++) {
        const json_t *x = json_object_get(json_object_get(object, key), names[i]);
        v[i] = json_is_number(x) ? json_number_value(x) : NAN;
    }
    return (struct report_interval){v[0], v[1], v[2]};
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "?";
}

static const char *factor_text(struct arena *a, const json_t *energy, const char *key)
{
    const struct report_interval x = interval_of(energy, key);
    return isnan(x.mid) ? "n/a" : text_interval(a, x, 1);
}

/* The record's energy comparisons; false: it has none. */
static bool factor_table(struct doc *d, const struct report_run *run)
{
    static const char *const heads[] = {"Energy / f16", "= time / f16", "x power / f16"};
    static const char *const keys[] = {"energy_ratio", "time_ratio", "power_ratio"};
    const json_t *list = json_object_get(run->root, "comparisons");
    struct doc_table *t = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *x = json_array_get(list, i), *energy = json_object_get(x, "energy");
        if (!json_is_object(energy))
            continue;
        if (!t) {
            t = doc_table(
                d, "Energy of a repetition, split: the first factor is the speed-up told again, the second is the format's own");
            table_column(d, t, "Cell", COLUMN_TEXT);
            for (size_t k = 0; k < 3; k++)
                table_column(d, t, heads[k], COLUMN_NUMBER);
        }
        const char *caveat = json_string_value(json_object_get(energy, "caveat")), *id = text_of(x, "cell");
        table_cell(d, t, caveat ? arena_fmt(d->arena, "%s (%zu)", id, table_note(d, t, caveat)) : id);
        for (size_t k = 0; k < 3; k++)
            table_cell(d, t, factor_text(d->arena, energy, keys[k]));
    }
    return t != NULL;
}

/* ---- net of the idle machine ---- */

static void net_table(struct doc *d, const struct report_run *run)
{
    static const char *const heads[] = {"Gross J", "Idle J", "Net J", "Net J/token"};
    static const char *const keys[] = {"gross_j", "baseline_j", "net_j", "net_joules_per_token"};
    const json_t *energy = json_object_get(run->root, "energy"), *baseline = json_object_get(energy, "baseline"),
                 *cells = json_object_get(energy, "cells");
    const struct report_interval idle = interval_of(baseline, "idle_w");
    if (isnan(idle.mid) || json_array_size(cells) == 0)
        return;
    const json_t *confidence = json_object_get(baseline, "confidence");
    struct doc_table *t =
        doc_table(d, arena_fmt(d->arena, "Without the idle machine, which drew %s W before and after (%s %% confidence)",
                               text_interval(d->arena, idle, 1), number_sig(d->arena, 100 * json_number_value(confidence), 3)));
    table_column(d, t, "Cell", COLUMN_TEXT);
    for (size_t k = 0; k < 4; k++)
        table_column(d, t, heads[k], COLUMN_NUMBER);
    for (size_t i = 0; i < json_array_size(cells); i++) {
        table_cell(d, t, text_of(json_array_get(cells, i), "id"));
        for (size_t k = 0; k < 4; k++)
            table_cell(d, t, factor_text(d->arena, json_array_get(cells, i), keys[k]));
    }
    const char *lost = json_string_value(json_object_get(baseline, "reason"));
    if (lost)
        doc_paragraph(d, arena_fmt(d->arena, "A part of the idle windows is missing: %s.", text_reason(d->arena, lost)));
}

static void source_line(struct doc *d, const struct report_run *run)
{
    const json_t *s = json_object_get(json_object_get(run->root, "energy"), "source");
    const double step_s = json_number_value(json_object_get(s, "resolution_s"));
    if (!json_is_string(json_object_get(s, "name")))
        return;
    doc_paragraph(d, arena_fmt(d->arena, "Energy source: %s (%s) of %s%s%s.", text_of(s, "name"), text_of(s, "kind"),
                               text_of(s, "headline"), step_s > 0 ? ", updated every " : "",
                               step_s > 0 ? arena_fmt(d->arena, "%s s", number_sig(d->arena, step_s, 3)) : ""));
}

static void run_tables(struct report *r)
{
    struct doc *d = &r->doc;
    for (size_t i = 0; i < r->matrix->set->n_runs; i++) {
        const struct report_run *run = r->matrix->set->runs[i];
        source_line(d, run);
        if (factor_table(d, run))
            doc_paragraph(
                d, "At equal power the saving would be 1 - 1 / speed-up; a power factor whose interval contains 1 shows no saving "
                   "beyond that. Below 1 is better.");
        net_table(d, run);
    }
}

void section_energy(struct report *r)
{
    static const char *const heads[] = {"Threads", "J/token", "W", "J in all", "J/token / f16"};
    struct doc *d = &r->doc;
    struct doc_table *t = NULL;
    doc_heading(d, 2, "Energy");
    for (size_t i = 0; i < r->matrix->n_groups; i++) {
        const struct report_group *g = &r->matrix->groups[i];
        if (!any_cell(g, has_energy))
            continue;
        if (!t) {
            t = doc_table(d, NULL);
            table_column(d, t, "Model", COLUMN_TEXT);
            table_column(d, t, "Test", COLUMN_TEXT);
            table_column(d, t, "Format", COLUMN_FORMAT);
            for (size_t k = 0; k < sizeof(heads) / sizeof(heads[0]); k++)
                table_column(d, t, heads[k], COLUMN_NUMBER);
            table_column(d, t, "Status and source", COLUMN_TEXT);
        }
        for (size_t k = 0; k < g->n; k++)
            energy_row(d, t, g, g->cells[k]);
    }
    if (!t)
        energy_reasons(r);
    run_tables(r);
    put_plots(r, PLOT_ENERGY);
    put_plots(r, PLOT_PARETO_ENERGY);
    put_plots(r, PLOT_POWER);
}
