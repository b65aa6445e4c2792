/* Sums of counts to metrics by the group's formulas, and the tables made of them.
 *
 * time_s of a formula is the operation's mean time over the threads, as for GMAC/s, in the repetition without counters. */
#include "harness/op_counters.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "harness/json_util.h"
#include "profiles/metric_out.h"

enum { MAX_METRICS = 24, MAX_COLUMNS = 6 };

_Static_assert((int)OP_COUNTS == (int)LAPS_EVENTS, "a count per event");

void op_counters_join(struct op_profile *p, struct counter_laps *l)
{
    const struct op_counters calls = {.attach = counter_laps_attach, .read = counter_laps_read, .of = l};
    op_profile_count(p, &calls);
}

/* ---- the record ---- */

/* Metrics that the operation has not yet from a group before; the share of the time is the whole group's. */
static int append(json_t *list, const struct metric *m, size_t n, bool of_group)
{
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        const bool share = !strncmp(m[i].name, "counters_share.", 15);
        if (metric_json_find(list, m[i].name) || (share && !of_group))
            continue;
        json_t *o = metric_json(&m[i]);
        if (!of_group)
            json_object_del(o, "source");
        rc = json_array_append_new(list, o);
    }
    return rc ? -ENOMEM : 0;
}

static json_t *array_in(json_t *o, const char *key)
{
    json_t *a = json_object_get(o, key);
    if (!json_is_array(a)) {
        json_object_set_new(o, key, json_array());
        a = json_object_get(o, key);
    }
    return a;
}

static const struct op_row *row_of(const struct op_row rows[OP_KINDS], const char *op)
{
    for (size_t i = 0; i < OP_KINDS; i++)
        if (op && !strcmp(rows[i].op, op))
            return &rows[i];
    return NULL;
}

int op_counters_add(json_t *answer, const struct op_profile *timed, const struct op_profile *counted, const struct counter_laps *l,
                    size_t group, double time_s)
{
    struct op_row when[OP_KINDS], what[OP_KINDS];
    struct metric m[MAX_METRICS];
    double all[OP_COUNTS] = {0}, all_s = 0, reads = 0;
    size_t i;
    json_t *op, *of_group = json_array(), *read_counts = json_array();
    int rc = 0;
    op_profile_rows(timed, when);
    op_profile_rows(counted, what);
    json_array_foreach(json_object_get(answer, "ops"), i, op)
    {
        const char *name = json_string_value(json_object_get(op, "op"));
        const struct op_row *t = row_of(when, name), *k = row_of(what, name);
        if (!t || !k) /* outside of the passes: nothing is read there */
            continue;
        const size_t n = counter_laps_metrics(l, k->count, k->calls, t->lap_s, m, MAX_METRICS);
        rc = rc ? rc : append(array_in(op, "counters"), m, n, false);
        for (size_t e = 0; e < OP_COUNTS; e++)
            all[e] += k->count[e];
        all_s += t->lap_s;
        reads += k->calls;
    }
    rc = rc ? rc : append(of_group, m, counter_laps_metrics(l, all, reads, all_s, m, MAX_METRICS), true);
    rc = rc ? rc : append(read_counts, m, counter_laps_read_counts(l, m, MAX_METRICS), true);
    json_t *entry = json_pack("{s:s, s:f, s:I, s:o, s:o, s:o}", "group", counter_laps_name(l, group), "time_s", time_s, "reads",
                              (json_int_t)reads, "read_s", json_number_or_null(counter_laps_read_s(l)), "read_counts", read_counts,
                              "metrics", of_group);
    return json_array_append_new(array_in(answer, "counters"), entry) || rc ? -ENOMEM : 0; /* takes the entry in any case */
}

/* ---- the tables ---- */

static const char *text_in(const json_t *o, const char *key)
{
    const char *t = json_string_value(json_object_get(o, key));
    return t ? t : "";
}

static const char *short_name(const json_t *metric)
{
    const char *name = text_in(metric, "name");
    return strncmp(name, "events_", 7) ? name : name + 7;
}

static bool has_number(const json_t *metric)
{
    return json_is_number(json_object_get(metric, "value"));
}

/* The metrics of a group that have a number, formulas first; the share is said in words. */
static size_t pick_columns(const json_t *metrics, const json_t *column[MAX_COLUMNS])
{
    size_t n = 0, i;
    const json_t *m;
    json_array_foreach(metrics, i, m) if (n < MAX_COLUMNS && has_number(m) &&
                                          strncmp(text_in(m, "name"), "counters_share.", 15) != 0) column[n++] = m;
    return n;
}

static void print_rows(FILE *f, const json_t *ops, const json_t *const column[MAX_COLUMNS], size_t n)
{
    size_t i;
    const json_t *op;
    const char *why = "";
    fprintf(f, "  %-12s", "operation");
    for (size_t k = 0; k < n; k++)
        fprintf(f, " %11s", short_name(column[k]));
    fputc('\n', f);
    json_array_foreach(ops, i, op)
    {
        const json_t *own = json_object_get(op, "counters");
        if (!own)
            continue;
        fprintf(f, "  %-12s", text_in(op, "op"));
        for (size_t k = 0; k < n; k++) {
            const json_t *m = metric_json_find(own, text_in(column[k], "name"));
            const int width = (int)strlen(short_name(column[k])), w = width < 11 ? 11 : width;
            if (m && has_number(m))
                fprintf(f, " %*.4g", w, json_number_value(json_object_get(m, "value")));
            else
                fprintf(f, " %*s", w, "-");
            if (m && !has_number(m))
                why = text_in(m, "reason");
        }
        fputc('\n', f);
    }
    if (why[0]) {
        fputs("  -: ", f);
        print_wrapped(f, 5, 5, why);
    }
}

/* Each reason once, with all it holds for. */
static void print_lost(FILE *f, const json_t *metrics)
{
    size_t i, k;
    const json_t *m, *other;
    json_array_foreach(metrics, i, m)
    {
        bool said = has_number(m);
        for (k = 0; k < i && !said; k++)
            said = !strcmp(text_in(json_array_get(metrics, k), "reason"), text_in(m, "reason"));
        if (said)
            continue;
        fputs("  unavailable:", f);
        json_array_foreach(metrics, k, other)
        {
            if (!has_number(other) && !strcmp(text_in(other, "reason"), text_in(m, "reason")))
                fprintf(f, " %s", short_name(other));
        }
        fputs("\n    ", f);
        print_wrapped(f, 4, 4, text_in(m, "reason"));
    }
}

static void print_group(FILE *f, const json_t *ops, const json_t *entry)
{
    const json_t *column[MAX_COLUMNS], *metrics = json_object_get(entry, "metrics"), *m;
    const size_t n = pick_columns(metrics, column);
    const double read_s = json_number_value(json_object_get(entry, "read_s"));
    size_t i;
    fprintf(f, "\n  counters, group %s", text_in(entry, "group"));
    if (n) {
        fprintf(f, " (a repetition of %.4g s of its own: %lld reads of %.2f us",
                json_number_value(json_object_get(entry, "time_s")), (long long)json_integer_value(json_object_get(entry, "reads")),
                1e6 * read_s);
        json_array_foreach(json_object_get(entry, "read_counts"), i, m)
        {
            const double v = json_number_value(json_object_get(m, "value"));
            if (v > 0)
                fprintf(f, "; %.4g %s each, taken off", v, short_name(m));
        }
        fputs(")\n", f);
        print_rows(f, ops, column, n);
    } else {
        fputc('\n', f);
    }
    print_lost(f, metrics);
}

void op_counters_print(FILE *f, const json_t *ops, const json_t *profile)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(profile, "counters"), i, entry)
    {
        print_group(f, ops, entry);
    }
}
