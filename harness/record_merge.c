/* Copies of the parts' members, renamed where there are several machines. The parts themselves are not changed. */
#include "harness/record_merge.h"

#include <stdio.h>
#include <string.h>

#include "harness/machine_keys.h"
#include "harness/saved_record.h"

enum { NAME_LEN = 512, DESCRIPTION_LEN = 4096 };

static void folder_name(const char *path, char out[MERGE_LABEL_LEN])
{
    char text[NAME_LEN];
    snprintf(text, sizeof text, "%s", path);
    size_t len = strlen(text);
    const char *const file = "/results.json";
    if (len > strlen(file) && !strcmp(text + len - strlen(file), file))
        text[len -= strlen(file)] = 0;
    while (len > 1 && text[len - 1] == '/')
        text[--len] = 0;
    const char *slash = strrchr(text, '/');
    snprintf(out, MERGE_LABEL_LEN, "%.50s", slash && slash[1] ? slash + 1 : text);
}

static bool same_machine(const json_t *a, const json_t *b)
{
    char x[DESCRIPTION_LEN], y[DESCRIPTION_LEN];
    machine_description(a, x, sizeof x);
    machine_description(b, y, sizeof y);
    return !strcmp(x, y);
}

size_t merge_label(struct merge_part *parts, size_t n, bool fleet)
{
    size_t machines = 0;
    for (size_t i = 0; i < n; i++) {
        size_t like = i, taken = 0;
        folder_name(parts[i].path, parts[i].label);
        for (size_t k = i; k-- > 0;) {
            like = !fleet && same_machine(parts[i].record, parts[k].record) ? k : like;
            taken += !strcmp(parts[i].label, parts[k].label);
        }
        if (like < i)
            memcpy(parts[i].label, parts[like].label, MERGE_LABEL_LEN);
        else if (taken)
            snprintf(parts[i].label + strlen(parts[i].label), MERGE_LABEL_LEN - strlen(parts[i].label), "-%zu", taken + 1);
        machines += like == i;
    }
    return machines;
}

/* member of a copy of an object: its text with "@LABEL" behind */
static void rename_member(json_t *object, const char *member, const char *label)
{
    char name[NAME_LEN];
    if (!saved_text(object, member)[0])
        return;
    snprintf(name, sizeof name, "%.400s@%s", saved_text(object, member), label);
    json_object_set_new(object, member, json_string(name));
}

static bool has_id(const json_t *cells, const char *id)
{
    size_t i;
    const json_t *c;
    json_array_foreach(cells, i, c)
    {
        if (!strcmp(saved_text(c, "id"), id))
            return true;
    }
    return false;
}

/* Appends copies of an array's objects, renaming the members named in `names` unless label is NULL. */
static int take_all(json_t *to, const json_t *from, const char *const *names, const char *label)
{
    size_t i;
    const json_t *o;
    json_array_foreach(from, i, o)
    {
        json_t *copy = json_copy((json_t *)o);
        if (!copy)
            return -1;
        for (const char *const *m = names; label && *m; m++)
            rename_member(copy, *m, label);
        if (!strcmp(names[0], "id") && has_id(to, saved_text(copy, "id"))) {
            json_decref(copy);
            return -1;
        }
        json_array_append_new(to, copy);
    }
    return 0;
}

static json_t *host_entry(const struct merge_part *p)
{
    json_t *o = json_pack("{s:s, s:s}", "label", p->label, "path", p->path);
    static const char *const members[] = {"host", "build", "tool", "run", "peaks", "warnings"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        json_t *v = json_object_get(p->record, members[i]);
        json_object_set(o, members[i], v ? v : json_null());
    }
    return o;
}

/* The first machine's host, without what the others do not share, and with all CPU models. */
static json_t *common_host(struct merge_part *parts, size_t n)
{
    json_t *host = json_copy(json_object_get(parts[0].record, "host"));
    const char *key;
    json_t *value;
    void *next;
    char cpus[NAME_LEN] = "";
    json_object_foreach_safe(host, next, key, value)
    {
        for (size_t i = 1; i < n; i++)
            if (!json_equal(value, json_object_get(json_object_get(parts[i].record, "host"), key))) {
                json_object_set_new(host, key, json_null());
                break;
            }
    }
    for (size_t i = 0; i < n; i++) {
        const char *model = saved_text(json_object_get(parts[i].record, "host"), "cpu_model");
        bool said = false;
        for (size_t k = 0; k < i; k++)
            said = said || !strcmp(parts[k].label, parts[i].label);
        if (!said)
            snprintf(cpus + strlen(cpus), sizeof cpus - strlen(cpus), "%s%s: %.100s", cpus[0] ? "; " : "", parts[i].label, model);
    }
    json_object_set_new(host, "cpu_model", json_string(cpus));
    return host;
}

/* Earliest start, latest end, sum of the durations. */
static json_t *run_json(struct merge_part *parts, size_t n)
{
    json_t *run = json_copy(json_object_get(parts[0].record, "run")), *merged = json_array();
    double seconds = 0;
    bool interrupted = false;
    for (size_t i = 0; i < n; i++) {
        const json_t *r = json_object_get(parts[i].record, "run");
        const double s = saved_number(r, "duration_s");
        seconds += s > 0 ? s : 0;
        interrupted = interrupted || json_is_true(json_object_get(r, "interrupted"));
        if (strcmp(saved_text(r, "started_utc"), saved_text(run, "started_utc")) < 0)
            json_object_set(run, "started_utc", json_object_get(r, "started_utc"));
        if (strcmp(saved_text(r, "ended_utc"), saved_text(run, "ended_utc")) > 0)
            json_object_set(run, "ended_utc", json_object_get(r, "ended_utc"));
        json_array_append_new(
            merged, json_pack("{s:s, s:s, s:s}", "id", saved_text(r, "id"), "label", parts[i].label, "path", parts[i].path));
    }
    json_object_set_new(run, "duration_s", json_real(seconds));
    json_object_set_new(run, "interrupted", json_boolean(interrupted));
    json_object_set_new(run, "merged", merged);
    return run;
}

json_t *merge_records(struct merge_part *parts, size_t n, char err[MERGE_ERR_LEN])
{
    static const char *const cell_names[] = {"id", "model", NULL}, *const comparison_names[] = {"base", "cell", NULL},
                             *const none[] = {"", NULL};
    bool several = false;
    for (size_t i = 1; i < n; i++)
        several = several || strcmp(parts[i].label, parts[0].label);
    json_t *root = json_copy(parts[0].record), *cells = json_array(), *comparisons = json_array(), *inputs = json_array(),
           *warnings = json_array(), *hosts = json_array();
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        const char *label = several ? parts[i].label : NULL;
        rc = take_all(cells, json_object_get(parts[i].record, "cells"), cell_names, label);
        if (rc)
            snprintf(err, MERGE_ERR_LEN,
                     "%.300s has a cell that another record of the same machine has too: merge shards, not repeats", parts[i].path);
        take_all(comparisons, json_object_get(parts[i].record, "comparisons"), comparison_names, label);
        take_all(warnings, json_object_get(parts[i].record, "warnings"), none, NULL);
        take_all(inputs, json_object_get(parts[i].record, "inputs"), none, NULL);
        json_array_append_new(hosts, host_entry(&parts[i]));
    }
    if (several) { /* of one machine only, and then in "hosts" */
        json_object_set_new(root, "peaks", json_array());
        json_object_set_new(root, "host", common_host(parts, n));
        json_object_del(root, "energy");
    }
    json_object_del(root, "contests");
    json_object_set_new(root, "run", run_json(parts, n));
    json_object_set_new(root, "cells", cells);
    json_object_set_new(root, "comparisons", comparisons);
    json_object_set_new(root, "warnings", warnings);
    json_object_set_new(root, "inputs", inputs);
    json_object_set_new(root, "hosts", hosts);
    if (!rc)
        return root;
    json_decref(root);
    return NULL;
}
