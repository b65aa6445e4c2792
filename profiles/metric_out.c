/* Metrics as JSON and as aligned text.
 *
 * Numbers are printed with six digits; an unavailable one as a dash, never as 0. Does not sort and does not convert units. */
#include "profiles/metric_out.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { COLUMNS = 100 };

json_t *text_json(const char *text)
{
    json_t *s = json_string(text);
    if (s)
        return s;
    char ascii[METRIC_REASON_LEN];
    snprintf(ascii, sizeof ascii, "%s", text);
    for (char *c = ascii; *c; c++)
        if ((unsigned char)*c > 126)
            *c = '?';
    return json_string(ascii);
}

json_t *number_json(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *metric_json(const struct metric *m)
{
    json_t *value = m->status == METRIC_UNAVAILABLE ? json_null() : json_real(m->value);
    json_t *reason = m->reason[0] ? text_json(m->reason) : json_null();
    return json_pack("{s:s, s:o, s:s, s:s, s:o, s:o}", "name", m->name, "value", value, "unit", m->unit, "status",
                     metric_status_name(m->status), "source", text_json(m->source), "reason", reason);
}

json_t *metrics_json(const struct metric *m, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, metric_json(&m[i]));
    return list;
}

void print_wrapped(FILE *f, size_t at, size_t indent, const char *text)
{
    bool first = true;
    for (const char *word = text + strspn(text, " "); *word; word += strspn(word, " ")) {
        size_t n = strcspn(word, " ");
        if (!first && at + 1 + n > COLUMNS) {
            fprintf(f, "\n%*s", (int)indent, "");
            at = indent;
            first = true;
        }
        fprintf(f, "%s%.*s", first ? "" : " ", (int)n, word);
        at += n + !first;
        first = false;
        word += n;
    }
    fputc('\n', f);
}

void metrics_print(FILE *f, const struct metric *m, size_t n)
{
    enum { INDENT = 6 };
    for (size_t i = 0; i < n; i++) {
        const char *status = metric_status_name(m[i].status);
        if (m[i].status == METRIC_UNAVAILABLE)
            fprintf(f, "  %-26s %14s %-6s %-12s ", m[i].name, "-", m[i].unit, status);
        else
            fprintf(f, "  %-26s %14.6g %-6s %-12s ", m[i].name, m[i].value, m[i].unit, status);
        print_wrapped(f, 64, INDENT, m[i].source);
        const bool same_below = i + 1 < n && m[i].status == METRIC_UNAVAILABLE && m[i + 1].status == METRIC_UNAVAILABLE &&
                                !strcmp(m[i].reason, m[i + 1].reason);
        if (m[i].reason[0] && !same_below) {
            fprintf(f, "%*s", INDENT, "");
            print_wrapped(f, INDENT, INDENT, m[i].reason);
        }
    }
}
