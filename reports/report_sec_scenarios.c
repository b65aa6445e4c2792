/* Sections "Requests" and "Scenarios": what users who send requests wait for, and what a model delivers on a class of machine, where the
 * record has such tests. */
#include "reports/report_sections.h"

#include <math.h>
#include <string.h>

static void put_number(struct doc *d, struct doc_table *t, double x)
{
    table_cell(d, t, isnan(x) ? "-" : number_sig(d->arena, x, 3));
}

/* ---- requests ----------------------------------------------------------------------------------------------------------------- */

static const json_t *request_of(const struct report_cell *c)
{
    const json_t *x = json_object_get(json_array_get(json_object_get(c->run->root, "cells"), c->index), "request");
    return c->ok && json_is_object(x) ? x : NULL;
}

static void request_row(struct doc *d, struct doc_table *t, const struct report_group *g, const struct report_cell *c)
{
    static const char *const parts[] = {"ttft_s", "tpot_s", "e2e_s"};
    const json_t *x = request_of(c);
    table_cell(d, t, g->model);
    table_cell(d, t, g->title);
    table_cell(d, t, c->format);
    table_cell(d, t, arena_fmt(d->arena, "%lld", c->threads));
    for (size_t i = 0; i < 3; i++) {
        const json_t *p = json_object_get(x, parts[i]);
        put_number(d, t, 1e3 * report_number_at(p, "median"));
        put_number(d, t, 1e3 * report_number_at(p, "p95"));
    }
}

void section_requests(struct report *r)
{
    static const char *const heads[] = {"Threads", "TTFT ms", "p95", "TPOT ms", "p95", "end to end ms", "p95"};
    struct doc *d = &r->doc;
    struct doc_table *t = NULL;
    for (size_t i = 0; i < r->matrix->n_groups; i++)
        for (size_t k = 0; k < r->matrix->groups[i].n; k++) {
            const struct report_cell *c = r->matrix->groups[i].cells[k];
            if (!request_of(c))
                continue;
            if (!t) {
                doc_heading(d, 2, "Requests");
                doc_paragraph(
                    d, "A prompt and its answer as one request, without tokenizer and network: time to the first token, time per "
                       "further token, and both together. End to end = TTFT + (tokens - 1) x TPOT.");
                t = doc_table(d, NULL);
                table_column(d, t, "Model", COLUMN_TEXT);
                table_column(d, t, "Test", COLUMN_TEXT);
                table_column(d, t, "Format", COLUMN_FORMAT);
                for (size_t h = 0; h < sizeof(heads) / sizeof(heads[0]); h++)
                    table_column(d, t, heads[h], COLUMN_NUMBER);
            }
            request_row(d, t, &r->matrix->groups[i], c);
        }
}

/* ---- scenarios ---------------------------------------------------------------------------------------------------------------- */

static const char *alerts_of(struct arena *a, const json_t *s)
{
    const json_t *list = json_object_get(s, "alerts");
    const char *all = "";
    for (size_t i = 0; i < json_array_size(list); i++)
        all = arena_fmt(a, "%s%s%s", all, i ? "; " : "", report_text_at(json_array_get(list, i), "message"));
    return *all ? all : "none";
}

static void scenario_row(struct doc *d, struct doc_table *t, const json_t *s)
{
    const json_t *x = json_object_get(s, "delivers"), *fits = json_object_get(s, "fits");
    table_cell(d, t, report_text_at(s, "scenario"));
    table_cell(d, t, report_text_at(s, "model"));
    table_cell(d, t, report_text_at(s, "format"));
    table_cell(d, t, json_is_true(fits) ? "yes" : json_is_false(fits) ? "no" : "unknown");
    if (json_is_object(x)) {
        put_number(d, t, report_number_at(x, "output_tokens_per_s"));
        put_number(d, t, report_number_at(x, "p95_latency_s"));
        put_number(d, t, report_number_at(x, "server_rate"));
        put_number(d, t, report_number_at(x, "joules_per_token"));
    } else
        for (int i = 0; i < 4; i++)
            table_missing(d, t, report_text_at(s, "status"),
                          text_reason(d->arena, json_string_value(json_object_get(s, "reason"))));
    table_cell(d, t, alerts_of(d->arena, s));
    const char *verdict = json_string_value(json_object_get(s, "verdict"));
    table_cell(d, t, verdict ? verdict : "-");
}

void section_scenarios(struct report *r)
{
    static const char *const heads[] = {"tokens/s", "p95 latency s", "requests/s", "J/token"};
    struct doc *d = &r->doc;
    struct doc_table *t = NULL;
    for (size_t i = 0; i < r->matrix->set->n_runs; i++) {
        const json_t *list = json_object_get(r->matrix->set->runs[i]->root, "scenarios");
        for (size_t k = 0; k < json_array_size(list); k++) {
            if (!t) {
                doc_heading(d, 2, "Scenarios");
                doc_paragraph(d, "What each format delivers within the limits of a class of machine. tokens/s: of all sequences at "
                                 "once; p95 latency: of one "
                                 "request after the other; requests/s: the highest rate of random arrivals that met the targets.");
                t = doc_table(d, NULL);
                table_column(d, t, "Scenario", COLUMN_TEXT);
                table_column(d, t, "Model", COLUMN_TEXT);
                table_column(d, t, "Format", COLUMN_FORMAT);
                table_column(d, t, "Fits", COLUMN_TEXT);
                for (size_t h = 0; h < sizeof(heads) / sizeof(heads[0]); h++)
                    table_column(d, t, heads[h], COLUMN_NUMBER);
                table_column(d, t, "Alerts", COLUMN_TEXT);
                table_column(d, t, "In one sentence", COLUMN_TEXT);
            }
            scenario_row(d, t, json_array_get(list, k));
        }
    }
}
