/* Reads one series after the other, cuts it at the accepted marks, and looks for steps between them. */
#include "harness/history_show.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/comparison.h"
#include "harness/json_util.h"
#include "harness/stats_step.h"
#include "harness/text_grid.h"

enum { MOST_STEPS = 64, TEXT_LEN = 256 };

struct point {
    char run[TEXT_LEN], when[TEXT_LEN], commit[TEXT_LEN], mark[TEXT_LEN];
    double value, lo, hi;
    const struct stats_step *step; /* that begins here; NULL: none */
};

struct series {
    char setup[TEXT_LEN], cell[TEXT_LEN], cpu[TEXT_LEN];
    struct point *points;
    size_t n, cap;
    struct stats_step steps[MOST_STEPS];
    size_t n_steps;
};

static void column(sqlite3_stmt *s, int at, char out[TEXT_LEN])
{
    const char *text = (const char *)sqlite3_column_text(s, at);
    snprintf(out, TEXT_LEN, "%s", text ? text : "");
}

static double column_real(sqlite3_stmt *s, int at)
{
    return sqlite3_column_type(s, at) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(s, at);
}

int history_list(sqlite3 *db, FILE *out)
{
    struct text_grid g = {.columns = 6};
    sqlite3_stmt *s;
    int rc = text_grid_add(&g, "run") || text_grid_add(&g, "started") || text_grid_add(&g, "commit") ||
             text_grid_add(&g, "setup") || text_grid_add(&g, "values") || text_grid_add(&g, "path");
    if (sqlite3_prepare_v2(
            db,
            "SELECT id, started, commit_id || CASE dirty WHEN 1 THEN '+' ELSE '' END, setup, (SELECT count(*) FROM value "
            "WHERE run = id), path FROM run ORDER BY started, id",
            -1, &s, NULL) != SQLITE_OK)
        return -EIO;
    while (!rc && sqlite3_step(s) == SQLITE_ROW)
        for (int i = 0; i < 6 && !rc; i++) {
            char text[TEXT_LEN];
            column(s, i, text);
            rc = text_grid_add(&g, "%s", text);
        }
    sqlite3_finalize(s);
    text_grid_print(&g, out, false);
    text_grid_free(&g);
    return rc ? -ENOMEM : 0;
}

/* ---- one series ------------------------------------------------------------------------------------------------------ */

/* Steps of points from .. to - 1, which no mark cuts. */
static int find_steps(struct series *s, size_t from, size_t to, double alpha)
{
    size_t found = 0;
    double *x = malloc((to - from + 1) * sizeof *x);
    if (!x)
        return -ENOMEM;
    for (size_t i = from; i < to; i++)
        x[i - from] = s->points[i].value;
    const int rc = stats_steps(x, to - from, alpha, s->steps + s->n_steps, MOST_STEPS - s->n_steps, &found);
    for (size_t i = 0; i < found; i++) {
        struct stats_step *step = &s->steps[s->n_steps + i];
        step->at += from;
        s->points[step->at].step = step;
    }
    s->n_steps += found;
    free(x);
    return rc;
}

static int judge(struct series *s, double alpha)
{
    int rc = 0;
    size_t from = 0;
    for (size_t i = 1; i <= s->n && !rc; i++)
        if (i == s->n || s->points[i].mark[0]) {
            rc = find_steps(s, from, i, alpha);
            from = i;
        }
    return rc;
}

static bool is_worse(const struct stats_step *step, const struct compared_metric *m)
{
    return m && (step->ratio < 1) == m->more_is_better;
}

static void print_series(const struct series *s, const struct history_view *v, FILE *out)
{
    struct text_grid g = {.columns = 4};
    int rc = text_grid_add(&g, "started") || text_grid_add(&g, "commit") || text_grid_add(&g, "%s", v->metric) ||
             text_grid_add(&g, "%s", "");
    for (size_t i = 0; i < s->n && !rc; i++) {
        const struct point *p = &s->points[i];
        char note[2 * TEXT_LEN] = "", range[64] = "";
        if (!isnan(p->lo))
            snprintf(range, sizeof range, " [%.4g, %.4g]", p->lo, p->hi);
        if (p->mark[0])
            snprintf(note, sizeof note, "accepted: %s", p->mark);
        else if (p->step)
            snprintf(note, sizeof note, "step %+.2f %%, p = %.3f, %s", 100 * (p->step->ratio - 1), p->step->p,
                     is_worse(p->step, compared_metric_find(v->metric)) ? "worse" : "better");
        rc = text_grid_add(&g, "%s", p->when) || text_grid_add(&g, "%s", p->commit) ||
             text_grid_add(&g, "%.5g%s", p->value, range) || text_grid_add(&g, "%s", note);
    }
    fprintf(out, "%s on setup %s (%s)\n", s->cell, s->setup, s->cpu);
    text_grid_print(&g, out, false);
    fputc('\n', out);
    text_grid_free(&g);
}

static json_t *series_json(const struct series *s, const struct history_view *v)
{
    json_t *points = json_array();
    for (size_t i = 0; i < s->n; i++) {
        const struct point *p = &s->points[i];
        json_array_append_new(points,
                              json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "run", p->run, "started_utc", p->when, "commit",
                                        p->commit, "value", json_number_or_null(p->value), "lo", json_number_or_null(p->lo), "hi",
                                        json_number_or_null(p->hi), "step",
                                        p->step ? json_pack("{s:f, s:f}", "ratio", p->step->ratio, "p", p->step->p) : json_null(),
                                        "accepted", json_text_or_null(p->mark)));
    }
    return json_pack("{s:s, s:s, s:s, s:o}", "setup", s->setup, "cell", s->cell, "metric", v->metric, "points", points);
}

static int finish(struct series *s, const struct history_view *v, FILE *out, json_t *list, size_t *worse)
{
    const int rc = s->n ? judge(s, v->alpha) : 0;
    for (size_t i = 0; i < s->n_steps; i++)
        *worse += is_worse(&s->steps[i], compared_metric_find(v->metric));
    if (s->n && !rc && v->json)
        json_array_append_new(list, series_json(s, v));
    else if (s->n && !rc)
        print_series(s, v, out);
    s->n = s->n_steps = 0;
    return rc;
}

static int take_point(struct series *s, sqlite3_stmt *q)
{
    if (s->n == s->cap) {
        const size_t cap = s->cap ? 2 * s->cap : 64;
        struct point *grown = realloc(s->points, cap * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        s->points = grown;
        s->cap = cap;
    }
    struct point *p = &s->points[s->n++];
    *p = (struct point){.value = column_real(q, 6), .lo = column_real(q, 7), .hi = column_real(q, 8)};
    column(q, 3, p->run);
    column(q, 4, p->when);
    column(q, 5, p->commit);
    column(q, 9, p->mark);
    return 0;
}

static const char query[] = "SELECT setup, cell, cpu, run.id, started, commit_id || CASE dirty WHEN 1 THEN '+' ELSE '' END, value, "
                            "lo, hi, (SELECT group_concat("
                            "text, '; ') FROM mark WHERE mark.run = run.id AND cell GLOB cells) FROM value JOIN run ON run.id = "
                            "value.run WHERE metric = ? AND "
                            "cell GLOB ? AND value > 0 ORDER BY setup, cell, started, run.id";

int history_show(sqlite3 *db, const struct history_view *v, FILE *out, size_t *worse)
{
    struct series *s = calloc(1, sizeof *s);
    sqlite3_stmt *q;
    json_t *list = json_array();
    int rc = s && list ? 0 : -ENOMEM;
    *worse = 0;
    if (!rc && sqlite3_prepare_v2(db, query, -1, &q, NULL) != SQLITE_OK)
        rc = -EIO;
    if (!rc) {
        sqlite3_bind_text(q, 1, v->metric, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(q, 2, v->cells, -1, SQLITE_TRANSIENT);
        while (!rc && sqlite3_step(q) == SQLITE_ROW) {
            char setup[TEXT_LEN], cell[TEXT_LEN];
            column(q, 0, setup);
            column(q, 1, cell);
            if (strcmp(setup, s->setup) || strcmp(cell, s->cell))
                rc = finish(s, v, out, list, worse);
            memcpy(s->setup, setup, sizeof setup);
            memcpy(s->cell, cell, sizeof cell);
            column(q, 2, s->cpu);
            rc = rc ? rc : take_point(s, q);
        }
        sqlite3_finalize(q);
        rc = rc ? rc : finish(s, v, out, list, worse);
    }
    if (!rc && v->json) {
        json_dumpf(list, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        fputc('\n', out);
    }
    json_decref(list);
    free(s ? s->points : NULL);
    free(s);
    return rc;
}
