/* Record files: finds results.json or results.jsonl, parses and checks the top level, and makes runs of them.
 *
 * A .jsonl is the stream of a run: header, peaks, cells, footer, one object a line. It is assembled into the same object as
 * results.json. A last line without an end is what a killed run leaves: it is dropped with a notice; damage anywhere else is an
 * error. Cells are parsed in report_cells.c. Nothing is written here. */
#include "reports/report_record.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int fail(char err[REPORT_ERR_LEN], int rc, const char *path, const char *what)
{
    snprintf(err, REPORT_ERR_LEN, "%.330s: %.170s", path, what);
    return rc;
}

void report_notice(struct report_set *set, const char *text)
{
    const char **n = arena_grow(&set->arena, set->notices, set->n_notices, sizeof(*n));
    if (!n)
        return;
    n[set->n_notices++] = text;
    set->notices = n;
}

/* The file to read: `path` itself, or the record inside the directory `path`. */
static int find_record(struct arena *a, const char *path, const char **file, char err[REPORT_ERR_LEN])
{
    struct stat st;
    if (stat(path, &st) != 0)
        return fail(err, -errno, path, strerror(errno));
    *file = path;
    if (!S_ISDIR(st.st_mode))
        return 0;
    static const char *const names[] = {"results.json", "results.jsonl"};
    for (size_t i = 0; i < 2; i++) {
        *file = arena_fmt(a, "%s/%s", path, names[i]);
        if (stat(*file, &st) == 0)
            return 0;
    }
    return fail(err, -ENOENT, path, "directory holds neither results.json nor results.jsonl; give the output directory of a run");
}

static json_t *load_json(const char *file, char err[REPORT_ERR_LEN])
{
    json_error_t je;
    json_t *root = json_load_file(file, JSON_REJECT_DUPLICATES, &je);
    if (!root && je.line < 0)
        snprintf(err, REPORT_ERR_LEN, "%s: %s", file, je.text);
    else if (!root)
        snprintf(err, REPORT_ERR_LEN, "%s:%d: not valid JSON: %.300s", file, je.line, je.text);
    return root;
}

/* Puts the fields of `from` into `to`; objects merge one level deep (the footer completes the header's "run"). */
static int merge(json_t *to, json_t *from)
{
    const char *key;
    json_t *value;
    json_object_foreach(from, key, value)
    {
        json_t *old = json_object_get(to, key);
        if (strcmp(key, "type") == 0)
            continue;
        if (json_is_object(old) && json_is_object(value) ? json_object_update(old, value) : json_object_set(to, key, value))
            return -ENOMEM;
    }
    return 0;
}

/* One line of the stream into the record. `line` is taken over. */
static int take_line(json_t *root, json_t *line, const char *where, bool *ended, char err[REPORT_ERR_LEN])
{
    const char *type = json_string_value(json_object_get(line, "type"));
    static const char *const lists[][2] = {
        {"peak", "peaks"}, {"cell", "cells"}, {"scenario", "scenarios"}, {"lossless", "lossless"}};
    const char *list = NULL;
    for (size_t i = 0; type && i < sizeof(lists) / sizeof(lists[0]); i++)
        if (strcmp(type, lists[i][0]) == 0)
            list = lists[i][1];
    int rc = 0;
    if (!type)
        rc = fail(err, -EINVAL, where, "object without \"type\"; expected header, peak, cell or footer");
    else if (list) {
        json_object_del(line, "type");
        if (!json_object_get(root, list))
            json_object_set_new(root, list, json_array());
        rc = json_array_append(json_object_get(root, list), line) ? -ENOMEM : 0;
    } else if (strcmp(type, "header") == 0 || strcmp(type, "footer") == 0) {
        *ended = type[0] == 'f';
        rc = merge(root, line);
    } /* other types are free for later versions */
    if (rc == -ENOMEM)
        fail(err, rc, where, "out of memory");
    json_decref(line);
    return rc;
}

/* Reads the stream line by line. A torn last line is counted in *torn. */
static int read_lines(FILE *f, const char *file, json_t *root, bool *ended, size_t *torn, char err[REPORT_ERR_LEN])
{
    char *line = NULL, where[REPORT_ERR_LEN];
    size_t cap = 0, number = 0;
    ssize_t len;
    int rc = 0;
    while (rc == 0 && (len = getline(&line, &cap, f)) > 0) {
        snprintf(where, sizeof(where), "%.400s:%zu", file, ++number);
        if (strspn(line, " \t\r\n") == (size_t)len)
            continue;
        json_error_t je;
        json_t *obj = json_loadb(line, (size_t)len, JSON_REJECT_DUPLICATES, &je);
        if (!obj && line[len - 1] != '\n')
            *torn = number;
        else if (!json_is_object(obj)) {
            rc = fail(err, -EINVAL, where, obj ? "not a JSON object" : je.text);
            json_decref(obj);
        } else
            rc = take_line(root, obj, where, ended, err);
    }
    if (rc == 0 && ferror(f))
        rc = fail(err, -EIO, file, "read error");
    free(line);
    return rc;
}

static json_t *load_stream(struct report_set *set, const char *file, char err[REPORT_ERR_LEN])
{
    bool ended = false;
    size_t torn = 0;
    int rc = -ENOMEM;
    FILE *f = fopen(file, "r");
    if (!f) {
        fail(err, -errno, file, strerror(errno));
        return NULL;
    }
    json_t *root = json_pack("{s:[], s:[]}", "peaks", "cells");
    if (root)
        rc = read_lines(f, file, root, &ended, &torn, err);
    else
        fail(err, rc, file, "out of memory");
    fclose(f);
    if (rc != 0) {
        json_decref(root);
        return NULL;
    }
    const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    if (torn)
        report_notice(set, arena_fmt(&set->arena, "%s: line %zu is torn (the run was stopped while writing it) and was left out.",
                                     base, torn));
    if (!ended)
        report_notice(set, arena_fmt(&set->arena,
                                     "%s: the run did not end: there is no footer, so cells after the last one written "
                                     "are missing.",
                                     base));
    return root;
}

static int check_top(const json_t *root, const char *file, char err[REPORT_ERR_LEN])
{
    static const char *const objects[] = {"run", "host"};
    static const char *const arrays[] = {"comparisons", "peaks", "warnings", "inputs", "scenarios", "lossless"};
    char what[160];
    if (!json_is_object(root))
        return fail(err, -EINVAL, file, "not a bitjoule record: the top level is not an object");
    const json_t *schema = json_object_get(root, "schema");
    if (!json_is_integer(schema))
        return fail(err, -EINVAL, file, "not a bitjoule record: no integer \"schema\" at the top");
    if (json_integer_value(schema) != REPORT_SCHEMA) {
        snprintf(what, sizeof(what), "schema %lld is unknown, this program reads schema %d; use the bitjoule that wrote it",
                 (long long)json_integer_value(schema), REPORT_SCHEMA);
        return fail(err, -EINVAL, file, what);
    }
    for (size_t i = 0; i < 2; i++) {
        snprintf(what, sizeof(what), "\"%s\" is missing or not an object", objects[i]);
        if (!json_is_object(json_object_get(root, objects[i])))
            return fail(err, -EINVAL, file, what);
    }
    if (!json_is_array(json_object_get(root, "cells")))
        return fail(err, -EINVAL, file, "\"cells\" is missing or not an array");
    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
        const json_t *v = json_object_get(root, arrays[i]);
        snprintf(what, sizeof(what), "\"%s\" is not an array", arrays[i]);
        if (v && !json_is_null(v) && !json_is_array(v))
            return fail(err, -EINVAL, file, what);
    }
    return 0;
}

static const char *run_id(const json_t *root)
{
    return json_string_value(json_object_get(json_object_get(root, "run"), "id"));
}

static bool known_run(const struct report_set *set, const json_t *root)
{
    const char *id = run_id(root);
    for (size_t i = 0; id && i < set->n_runs; i++) {
        const char *other = run_id(set->runs[i]->root);
        if (other && strcmp(other, id) == 0)
            return true;
    }
    return false;
}

/* Takes over root. */
static int add_run(struct report_set *set, json_t *root, const char *file, char err[REPORT_ERR_LEN])
{
    int rc = check_top(root, file, err);
    if (rc == 0 && set->n_runs == sizeof(set->runs) / sizeof(set->runs[0]))
        rc = fail(err, -E2BIG, file, "too many records, at most 64 fit into one report");
    if (rc == 0 && known_run(set, root)) {
        report_notice(set, arena_fmt(&set->arena, "Run %s was given more than once; it is shown once.", run_id(root)));
        json_decref(root);
        return 0;
    }
    struct report_run *run = rc == 0 ? arena_alloc(&set->arena, sizeof(*run)) : NULL;
    if (rc == 0 && !run)
        rc = fail(err, -ENOMEM, file, "out of memory");
    if (rc != 0) {
        json_decref(root);
        return rc;
    }
    *run = (struct report_run){.root = root, .path = file, .number = set->n_runs + 1};
    set->runs[set->n_runs++] = run; /* from here the set frees root */
    return report_cells_parse(&set->arena, run, err);
}

int report_set_add(struct report_set *set, const char *path, char err[REPORT_ERR_LEN])
{
    const char *file = NULL;
    int rc = find_record(&set->arena, path, &file, err);
    if (rc != 0)
        return rc;
    file = arena_fmt(&set->arena, "%s", file);
    const size_t len = strlen(file);
    const bool streamed = len > 6 && strcmp(file + len - 6, ".jsonl") == 0;
    json_t *root = streamed ? load_stream(set, file, err) : load_json(file, err);
    return root ? add_run(set, root, file, err) : -EINVAL;
}

double report_number_at(const json_t *obj, const char *key)
{
    const json_t *v = json_object_get(obj, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

const char *report_text_at(const json_t *obj, const char *key)
{
    const char *s = json_string_value(json_object_get(obj, key));
    return s ? s : "-";
}

void report_set_free(struct report_set *set)
{
    for (size_t i = 0; i < set->n_runs; i++)
        json_decref(set->runs[i]->root);
    for (size_t i = 0; i < set->n_pairs; i++) {
        json_decref(set->pairs[i].table);
        json_decref(set->pairs[i].gate);
    }
    arena_free(&set->arena);
    *set = (struct report_set){0};
}
