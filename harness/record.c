/* The stream and the final file. Every line is flushed to the kernel at once, so that it survives a crash of this process. */
#include "harness/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "profiles/time_clock.h"

/* 12 digits: below a nanosecond for anything that runs less than a quarter of an hour. */
enum { DIGITS = JSON_REAL_PRECISION(12), PATH_LEN = 4096, LOCK_TRIES = 250 };

static int fail(struct record *r, int rc, const char *file, const char *what)
{
    if (!r->rc) {
        r->rc = rc;
        snprintf(r->err, sizeof r->err, "%.300s/%s: %s", r->dir, file, what);
    }
    return r->rc;
}

/* ---- opening -------------------------------------------------------------------------------------------------------- */

static int make_dirs(const char *dir)
{
    char path[PATH_LEN];
    if (snprintf(path, sizeof path, "%s", dir) >= (int)sizeof path)
        return -ENAMETOOLONG;
    for (char *p = path + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            if (mkdir(path, 0777) && errno != EEXIST)
                return -errno;
            *p = '/';
        }
    return mkdir(path, 0777) && errno != EEXIST ? -errno : 0;
}

/* What an earlier run left goes to previous/, replacing what was there. */
static int move_aside(const struct record *r)
{
    static const char *const names[] = {"results.jsonl", "results.json", "results.csv", "report.md", "report.html"};
    char from[PATH_LEN], to[PATH_LEN];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(from, sizeof from, "%s/%s", r->dir, names[i]);
        snprintf(to, sizeof to, "%s/previous", r->dir);
        if (access(from, F_OK))
            continue;
        if (mkdir(to, 0777) && errno != EEXIST)
            return -errno;
        snprintf(to, sizeof to, "%s/previous/%s", r->dir, names[i]);
        if (rename(from, to))
            return -errno;
    }
    return 0;
}

static int lock_dir(struct record *r)
{
    r->lock_fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return r->lock_fd < 0 || flock(r->lock_fd, LOCK_EX | LOCK_NB) ? -errno : 0;
}

static int open_stream(struct record *r)
{
    char path[PATH_LEN];
    int rc = lock_dir(r);
    if (!rc)
        rc = move_aside(r);
    if (rc)
        return rc;
    snprintf(path, sizeof path, "%s/results.jsonl", r->dir);
    r->stream = fopen(path, "wxe");
    return r->stream ? 0 : -errno;
}

int record_open(const char *dir, struct record *out, char err[RECORD_ERR_LEN])
{
    *out = (struct record){.dir = strdup(dir), .lock_fd = -1, .root = json_pack("{s:i}", "schema", 1)};
    int rc = out->dir && out->root ? (strlen(dir) < PATH_LEN - 64 ? 0 : -ENAMETOOLONG) : -ENOMEM;
    if (!rc)
        rc = make_dirs(dir);
    if (!rc)
        rc = open_stream(out);
    if (rc) {
        snprintf(err, RECORD_ERR_LEN, "-o %.300s: %s", dir,
                 rc == -EWOULDBLOCK ? "another run is writing its results there" : strerror(-rc));
        record_close(out);
    }
    return rc;
}

int record_need_space(const struct record *r, double bytes, char err[RECORD_ERR_LEN])
{
    struct statvfs fs;
    if (statvfs(r->dir, &fs) || (double)fs.f_bavail * (double)fs.f_frsize >= bytes)
        return 0;
    snprintf(err, RECORD_ERR_LEN, "-o %.300s: %.0f MB are free, the record may take %.0f MB", r->dir,
             (double)fs.f_bavail * (double)fs.f_frsize / 1e6, bytes / 1e6);
    return -ENOSPC;
}

/* ---- going on ------------------------------------------------------------------------------------------------------- */

/* The lines of a stream. What follows the last newline was being written when the run was cut off. */
static int read_lines(FILE *f, json_t *lines, size_t *number)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    int rc = 0;
    while (!rc && (len = getline(&line, &cap, f)) > 0) {
        ++*number;
        if (line[len - 1] != '\n')
            break;
        json_t *o = json_loadb(line, (size_t)len, JSON_REJECT_DUPLICATES, NULL);
        rc = json_is_object(o) && json_is_string(json_object_get(o, "type")) ? 0 : -EINVAL;
        if (rc)
            json_decref(o);
        else
            rc = json_array_append_new(lines, o) ? -ENOMEM : 0;
    }
    free(line);
    return rc;
}

int record_reopen(const char *dir, struct record *out, json_t **lines, char err[RECORD_ERR_LEN])
{
    char path[PATH_LEN];
    size_t number = 0;
    *out = (struct record){.dir = strdup(dir), .lock_fd = -1, .root = json_pack("{s:i}", "schema", 1)};
    *lines = json_array();
    int rc = out->dir && out->root && *lines ? (strlen(dir) < PATH_LEN - 64 ? 0 : -ENAMETOOLONG) : -ENOMEM;
    if (!rc)
        rc = lock_dir(out);
    for (int i = 0; rc == -EWOULDBLOCK && i < LOCK_TRIES; i++) { /* workers of a run that was killed are dying */
        close(out->lock_fd);
        usleep(20000);
        rc = lock_dir(out);
    }
    snprintf(path, sizeof path, "%.4000s/results.jsonl", dir);
    FILE *f = rc ? NULL : fopen(path, "re");
    if (!rc && !f)
        rc = -errno;
    if (f) {
        rc = read_lines(f, *lines, &number);
        fclose(f);
        const char *type = json_string_value(json_object_get(json_array_get(*lines, 0), "type"));
        if (!rc && !(type && !strcmp(type, "header")))
            rc = -ENODATA;
    }
    if (rc == -EINVAL)
        snprintf(err, RECORD_ERR_LEN, "--resume: %.300s:%zu: damaged: not a line of a record", path, number);
    else if (rc)
        snprintf(err, RECORD_ERR_LEN, "--resume %.300s: %s", dir,
                 rc == -EWOULDBLOCK ? "a run is writing its results there"
                 : rc == -ENODATA   ? "results.jsonl has no header: that run had not begun"
                                    : strerror(-rc));
    if (rc) {
        json_decref(*lines);
        *lines = NULL;
        record_close(out);
    }
    return rc;
}

static int replace_stream(struct record *r, const json_t *lines)
{
    char path[PATH_LEN], tmp[PATH_LEN];
    size_t i;
    json_t *line;
    snprintf(path, sizeof path, "%s/results.jsonl", r->dir);
    snprintf(tmp, sizeof tmp, "%s/results.jsonl.tmp", r->dir);
    r->stream = fopen(tmp, "we");
    bool ok = r->stream != NULL;
    errno = r->stream ? 0 : errno;
    json_array_foreach(lines, i, line)
    {
        ok = ok && !json_dumpf(line, r->stream, JSON_COMPACT | DIGITS) && fputc('\n', r->stream) != EOF;
    }
    ok = ok && !fflush(r->stream) && !fsync(fileno(r->stream)) && !rename(tmp, path);
    return ok ? 0 : errno ? -errno : -EIO;
}

/* ---- the stream ----------------------------------------------------------------------------------------------------- */

static int write_line(struct record *r, const char *type, const json_t *object)
{
    json_t *line = json_pack("{s:s}", "type", type);
    if (!line || !object || json_object_update(line, (json_t *)object)) {
        json_decref(line);
        return fail(r, -ENOMEM, "results.jsonl", "a line cannot be made: out of memory, or a number that JSON cannot hold");
    }
    errno = 0;
    const bool ok = !json_dumpf(line, r->stream, JSON_COMPACT | DIGITS) && fputc('\n', r->stream) != EOF && !fflush(r->stream);
    json_decref(line);
    if (ok && time_now_s() - r->synced_s > 1) {
        fdatasync(fileno(r->stream)); /* where that is not possible, the line is in the kernel all the same */
        r->synced_s = time_now_s();
    }
    return ok ? 0 : fail(r, errno ? -errno : -EIO, "results.jsonl", errno ? strerror(errno) : "cannot be written");
}

/* Puts the fields of `from` into the root; an object there already is completed, not replaced. */
static int merge(struct record *r, json_t *from)
{
    const char *key;
    json_t *value;
    json_object_foreach(from, key, value)
    {
        json_t *old = json_object_get(r->root, key);
        if (json_is_object(old) && json_is_object(value) ? json_object_update(old, value) : json_object_set(r->root, key, value))
            return fail(r, -ENOMEM, "results.json", "out of memory");
    }
    return 0;
}

/* The list of results.json that lines of this type go to; NULL: only the stream has them. */
static const char *list_of(const char *type)
{
    static const struct {
        const char *type, *list;
    } lists[] = {{"peak", "peaks"},       {"cell", "cells"},        {"contest", "contests"},  {"resume", "resumes"},
                 {"warning", "warnings"}, {"lossless", "lossless"}, {"scenario", "scenarios"}};
    const char *list = NULL;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        list = strcmp(type, lists[i].type) ? list : lists[i].list;
    return list;
}

/* The list of results.json for lines of this type, made where it is not there yet; borrowed; NULL: none. */
static json_t *list_for(struct record *r, const char *type)
{
    const char *list = list_of(type);
    if (list && !json_object_get(r->root, list))
        json_object_set_new(r->root, list, json_array());
    return list ? json_object_get(r->root, list) : NULL;
}

static void take_header(struct record *r, json_t *header)
{
    merge(r, header);
    json_object_del(r->root, "type");
    json_object_set_new(r->root, "peaks", json_array()); /* after the header: the file reads from the top */
    json_object_set_new(r->root, "resumes", json_array());
    json_object_set_new(r->root, "contests", json_array());
    json_object_set_new(r->root, "cells", json_array());
}

int record_continue(struct record *r, const json_t *lines)
{
    size_t i;
    json_t *line;
    const int rc = replace_stream(r, lines);
    if (rc)
        return fail(r, rc, "results.jsonl.tmp", strerror(-rc));
    take_header(r, json_array_get(lines, 0));
    json_array_foreach(lines, i, line)
    {
        json_t *list = list_for(r, json_string_value(json_object_get(line, "type"))), *plain = list ? json_copy(line) : NULL;
        json_object_del(plain, "type");
        if (list)
            json_array_append_new(list, plain);
    }
    return 0;
}

int record_header(struct record *r, json_t *header)
{
    if (header)
        json_object_set_new(header, "schema", json_integer(1));
    const int rc = r->rc ? r->rc : write_line(r, "header", header);
    if (!rc)
        take_header(r, header);
    json_decref(header);
    return r->rc;
}

int record_line(struct record *r, const char *type, json_t *object)
{
    const int rc = r->rc ? r->rc : write_line(r, type, object);
    json_t *list = rc ? NULL : list_for(r, type);
    if (list)
        json_array_append(list, object);
    json_decref(object);
    return r->rc;
}

/* ---- the end -------------------------------------------------------------------------------------------------------- */

static int write_final(struct record *r)
{
    char path[PATH_LEN], tmp[PATH_LEN];
    snprintf(path, sizeof path, "%s/results.json", r->dir);
    snprintf(tmp, sizeof tmp, "%s/results.json.tmp", r->dir);
    FILE *f = fopen(tmp, "we");
    if (!f)
        return fail(r, -errno, "results.json.tmp", strerror(errno));
    errno = 0;
    bool ok = !json_dumpf(r->root, f, JSON_INDENT(1) | DIGITS) && fputc('\n', f) != EOF && !fflush(f) && !fsync(fileno(f));
    const int e = errno ? errno : EIO;
    ok = !fclose(f) && ok;
    if (ok && !rename(tmp, path))
        return 0;
    const int rc = -(ok ? errno : e);
    unlink(tmp);
    return fail(r, rc, "results.json", strerror(-rc));
}

int record_finish(struct record *r, json_t *footer)
{
    int rc = r->rc ? r->rc : write_line(r, "footer", footer);
    if (!rc)
        rc = merge(r, footer);
    json_decref(footer);
    return rc ? rc : write_final(r);
}

void record_close(struct record *r)
{
    if (r->stream)
        fclose(r->stream);
    if (r->lock_fd >= 0)
        close(r->lock_fd);
    json_decref(r->root);
    free(r->dir);
    r->stream = NULL;
    r->root = NULL;
    r->dir = NULL;
    r->lock_fd = -1;
}
