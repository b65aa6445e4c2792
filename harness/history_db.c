/* Tables, and writing into them. */
#include "harness/history_db.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/comparison.h"
#include "harness/machine_keys.h"
#include "harness/saved_record.h"
#include "harness/sha256.h"

static const char schema[] = "CREATE TABLE IF NOT EXISTS run (id TEXT PRIMARY KEY, started TEXT, version TEXT, commit_id TEXT, "
                             "dirty INTEGER, setup TEXT, cpu TEXT,"
                             " path TEXT);"
                             "CREATE TABLE IF NOT EXISTS value (run TEXT REFERENCES run(id), cell TEXT, metric TEXT, value REAL, "
                             "lo REAL, hi REAL, n INTEGER,"
                             " PRIMARY KEY (run, cell, metric));"
                             "CREATE TABLE IF NOT EXISTS mark (run TEXT REFERENCES run(id), cells TEXT, text TEXT);";

static int fail(sqlite3 *db, const char *what, char err[HISTORY_ERR_LEN])
{
    snprintf(err, HISTORY_ERR_LEN, "%.200s: %.300s", what, sqlite3_errmsg(db));
    return -EIO;
}

int history_open(const char *path, sqlite3 **db, char err[HISTORY_ERR_LEN])
{
    int rc = sqlite3_open(path, db) != SQLITE_OK || sqlite3_exec(*db, schema, NULL, NULL, NULL) != SQLITE_OK ? -EIO : 0;
    if (rc) {
        fail(*db, path, err);
        sqlite3_close(*db);
        *db = NULL;
        return rc;
    }
    sqlite3_busy_timeout(*db, 5000);
    return 0;
}

static void bind_real(sqlite3_stmt *s, int at, double x)
{
    if (isnan(x))
        sqlite3_bind_null(s, at);
    else
        sqlite3_bind_double(s, at, x);
}

static bool done(sqlite3_stmt *s)
{
    const bool ok = sqlite3_step(s) == SQLITE_DONE;
    sqlite3_finalize(s);
    return ok;
}

static int add_run(sqlite3 *db, const json_t *record, const char *path)
{
    char text[4096], hex[SHA256_HEX_LEN];
    const json_t *tool = json_object_get(record, "tool"), *run = json_object_get(record, "run");
    sqlite3_stmt *s;
    machine_description(record, text, sizeof text);
    sha256_bytes(text, strlen(text), hex);
    hex[HISTORY_SETUP_LEN - 1] = 0;
    if (sqlite3_prepare_v2(db, "INSERT INTO run VALUES (?,?,?,?,?,?,?,?)", -1, &s, NULL) != SQLITE_OK)
        return -EIO;
    const char *columns[] = {saved_text(run, "id"),
                             saved_text(run, "started_utc"),
                             saved_text(tool, "version"),
                             saved_text(tool, "commit"),
                             NULL,
                             hex,
                             saved_text(json_object_get(record, "host"), "cpu_model"),
                             path};
    for (int i = 0; i < 8; i++)
        if (columns[i])
            sqlite3_bind_text(s, i + 1, columns[i], -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(s, 5, json_is_true(json_object_get(tool, "dirty")));
    return done(s) ? 0 : -EIO;
}

/* Every row of the record compared with itself has its value and interval. */
static int add_values(sqlite3 *db, const json_t *record)
{
    struct comparison_table t;
    int rc = comparison_make(record, record, 0.95, &t);
    if (rc)
        return rc;
    for (size_t i = 0; i < t.n && !rc; i++) {
        const struct comparison_row *r = &t.rows[i];
        sqlite3_stmt *s;
        if (r->reason[0])
            continue;
        if (sqlite3_prepare_v2(db, "INSERT INTO value VALUES (?,?,?,?,?,?,?)", -1, &s, NULL) != SQLITE_OK) {
            rc = -EIO;
            break;
        }
        sqlite3_bind_text(s, 1, saved_text(json_object_get(record, "run"), "id"), -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(s, 2, r->cell, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(s, 3, r->metric->name, -1, SQLITE_STATIC);
        bind_real(s, 4, r->fresh_mid.value);
        bind_real(s, 5, r->fresh_mid.lo);
        bind_real(s, 6, r->fresh_mid.hi);
        sqlite3_bind_int64(s, 7, (sqlite3_int64)r->n_fresh);
        rc = done(s) ? 0 : -EIO;
    }
    comparison_free(&t);
    return rc;
}

static int count_runs(sqlite3 *db, const char *pattern, char id[64])
{
    sqlite3_stmt *s;
    int n = 0;
    if (sqlite3_prepare_v2(db, "SELECT id FROM run WHERE id GLOB ?", -1, &s, NULL) != SQLITE_OK)
        return -1;
    sqlite3_bind_text(s, 1, pattern, -1, SQLITE_TRANSIENT);
    for (; sqlite3_step(s) == SQLITE_ROW; n++)
        snprintf(id, 64, "%s", (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    return n;
}

int history_add(sqlite3 *db, const json_t *record, const char *path, char err[HISTORY_ERR_LEN])
{
    const char *id = saved_text(json_object_get(record, "run"), "id");
    char known[64];
    if (!id[0] || comparison_has_arms(record)) {
        snprintf(err, HISTORY_ERR_LEN, "%.300s: %s", path,
                 id[0] ? "a run of two programs is no point of a history" : "the run has no id");
        return -EINVAL;
    }
    if (count_runs(db, id, known) > 0)
        return 1;
    if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        return fail(db, "BEGIN", err);
    int rc = add_run(db, record, path);
    rc = rc ? rc : add_values(db, record);
    if (rc)
        fail(db, path, err);
    if (sqlite3_exec(db, rc ? "ROLLBACK" : "COMMIT", NULL, NULL, NULL) != SQLITE_OK && !rc)
        rc = fail(db, "COMMIT", err);
    return rc;
}

int history_mark(sqlite3 *db, const char *run, const char *cells, const char *text, char err[HISTORY_ERR_LEN])
{
    char pattern[80], id[64];
    sqlite3_stmt *s;
    snprintf(pattern, sizeof pattern, "%.60s*", run);
    const int n = count_runs(db, pattern, id);
    if (n != 1) {
        snprintf(err, HISTORY_ERR_LEN, "%d runs have an id that begins with '%.60s'; bitjoule history list shows them", n, run);
        return -ENOENT;
    }
    if (sqlite3_prepare_v2(db, "INSERT INTO mark VALUES (?,?,?)", -1, &s, NULL) != SQLITE_OK)
        return fail(db, "mark", err);
    sqlite3_bind_text(s, 1, id, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(s, 2, cells, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(s, 3, text, -1, SQLITE_TRANSIENT);
    return done(s) ? 0 : fail(db, "mark", err);
}
