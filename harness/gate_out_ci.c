/* JUnit XML, GitHub annotations, JSON and benchmark-action JSON of a gate's report. */
#include <math.h>
#include <string.h>

#include "harness/comparison_out.h"
#include "harness/gate_out.h"
#include "harness/json_util.h"

static const char *cell_of(const struct gate_row *r)
{
    return r->row ? r->row->cell : "all";
}

/* Text for XML attributes and content; control characters, which XML 1.0 has no place for, become blanks. */
static void xml_text(const char *text, FILE *out)
{
    for (const char *p = text; *p; p++) {
        const char *as = *p == '&' ? "&amp;" : *p == '<' ? "&lt;" : *p == '>' ? "&gt;" : *p == '"' ? "&quot;" : NULL;
        if (as)
            fputs(as, out);
        else
            fputc((unsigned char)*p < 0x20 ? ' ' : *p, out);
    }
}

static const char *junit_element(const struct gate_row *r, const struct gate_names *names)
{
    if (r->inform || r->verdict <= GATE_IMPROVE)
        return NULL;
    return r->verdict == GATE_FAILED ? "error" : r->verdict == GATE_INCONCLUSIVE && names->warn_only ? "skipped" : "failure";
}

void gate_print_junit(const struct gate_report *r, const struct gate_names *names, FILE *out)
{
    size_t failures = 0, errors = 0, skipped = 0;
    for (size_t i = 0; i < r->n; i++) {
        const char *element = junit_element(&r->rows[i], names);
        failures += element && !strcmp(element, "failure");
        errors += element && !strcmp(element, "error");
        skipped += element && !strcmp(element, "skipped");
    }
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"bitjoule gate\" tests=\"%zu\" "
            "failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n",
            r->n, failures, errors, skipped);
    for (size_t i = 0; i < r->n; i++) {
        const struct gate_row *row = &r->rows[i];
        const char *element = junit_element(row, names);
        fputs("  <testcase classname=\"", out);
        xml_text(row->metric, out);
        fputs("\" name=\"", out);
        xml_text(cell_of(row), out);
        fputs(element ? "\">\n" : "\"/>\n", out);
        if (!element)
            continue;
        fprintf(out, "    <%s %s%s%smessage=\"", element, strcmp(element, "skipped") ? "type=\"" : "",
                strcmp(element, "skipped") ? gate_verdict_name(row->verdict) : "", strcmp(element, "skipped") ? "\" " : "");
        xml_text(row->reason, out);
        fputs("\"/>\n  </testcase>\n", out);
    }
    fputs("</testsuite>\n</testsuites>\n", out);
}

/* Data of a workflow command. */
static void command_text(const char *text, FILE *out)
{
    for (const char *p = text; *p; p++)
        if (*p == '%')
            fputs("%25", out);
        else if (*p == '\r' || *p == '\n')
            fputs(*p == '\r' ? "%0D" : "%0A", out);
        else
            fputc(*p, out);
}

void gate_print_annotations(const struct gate_report *r, const struct gate_names *names, FILE *out)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct gate_row *row = &r->rows[i];
        if (row->inform || row->verdict <= GATE_IMPROVE)
            continue;
        const bool warning = row->verdict == GATE_INCONCLUSIVE && names->warn_only;
        fprintf(out, "::%s title=bitjoule gate: %s::", warning ? "warning" : "error", gate_verdict_name(row->verdict));
        command_text(row->metric, out);
        fputs(" of ", out);
        command_text(cell_of(row), out);
        fputs(": ", out);
        command_text(row->reason, out);
        fputc('\n', out);
    }
    if (r->verdict <= GATE_IMPROVE)
        fprintf(out, "::notice title=bitjoule gate::%s: %zu metrics\n", gate_verdict_name(r->verdict), r->n);
}

static void dump(json_t *root, FILE *out)
{
    json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    fputc('\n', out);
    json_decref(root);
}

json_t *gate_json(const struct gate_report *r, const struct gate_names *names)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < r->n; i++) {
        const struct gate_row *row = &r->rows[i];
        json_array_append_new(
            rows, json_pack("{s:s, s:s, s:s, s:b, s:f, s:o, s:o, s:o, s:o, s:o}", "metric", row->metric, "cell", cell_of(row),
                            "verdict", gate_verdict_name(row->verdict), "inform", (int)row->inform, "tolerance", row->tolerance,
                            "p_holm", json_number_or_null(row->p_holm), "minimum_detectable", json_number_or_null(row->mde),
                            "rounds_needed", row->rounds ? json_integer((json_int_t)row->rounds) : json_null(), "reason",
                            json_text_or_null(row->reason), "comparison", row->row ? comparison_row_json(row->row) : json_null()));
    }
    return json_pack("{s:i, s:s, s:s, s:s, s:f, s:b, s:o, s:o}", "schema", 1, "verdict", gate_verdict_name(r->verdict), "base",
                     names->base, "new", names->fresh, "alpha", names->alpha, "inconclusive_warns", (int)names->warn_only, "unfit",
                     json_text_or_null(r->unfit_reason), "rows", rows);
}

void gate_print_json(const struct gate_report *r, const struct gate_names *names, FILE *out)
{
    dump(gate_json(r, names), out);
}

/* One entry; speeds as their reciprocal, so that smaller is better. NULL: the row has no value. */
static json_t *action_entry(const struct gate_row *row)
{
    char name[COMPARISON_CELL_LEN + 64], range[64] = "";
    if (!row->row || isnan(row->row->fresh_mid.value))
        return NULL;
    const struct interval *i = &row->row->fresh_mid;
    const bool speed = row->row->metric->more_is_better;
    const double value = speed ? 1 / i->value : i->value;
    if (!isnan(i->lo))
        snprintf(range, sizeof range, "%.4g - %.4g", speed ? 1 / i->hi : i->lo, speed ? 1 / i->lo : i->hi);
    snprintf(name, sizeof name, "%s %s", row->row->cell, speed ? "seconds_per_token" : row->metric);
    return json_pack("{s:s, s:s, s:f, s:s, s:s}", "name", name, "unit", speed ? "s" : row->row->metric->unit, "value", value,
                     "range", range, "extra", gate_verdict_name(row->verdict));
}

void gate_print_benchmark_action(const struct gate_report *r, const struct gate_names *names, FILE *out)
{
    json_t *list = json_array();
    (void)names;
    for (size_t i = 0; i < r->n; i++) {
        json_t *entry = action_entry(&r->rows[i]);
        if (entry)
            json_array_append_new(list, entry);
    }
    dump(list, out);
}
