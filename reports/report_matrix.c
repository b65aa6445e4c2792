/* Reading order and groups of cells. Speed-ups are in report_speedup.c. */
#include "reports/report_matrix.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Okabe & Ito's palette for colour-blind readers; the two look-up formats share one colour, they never run on the same machine. */
static const struct {
    const char *format, *colour;
    int point;
} looks[] = {
    {"i2_s", "#0072B2", 7}, {"tl2", "#000000", 9},  {"tl1", "#000000", 11},  {"tq1_0", "#56B4E9", 13}, {"tq2_0", "#CC79A7", 15},
    {"f16", "#D55E00", 5},  {"q8_0", "#E69F00", 9}, {"q4_0", "#009E73", 11}, {"f32", "#F0E442", 4},    {"q6_k", "#999999", 13},
};
enum { N_LOOKS = sizeof(looks) / sizeof(looks[0]) };

size_t report_format_rank(const char *format)
{
    size_t i = 0;
    while (i < N_LOOKS && strcmp(looks[i].format, format) != 0)
        i++;
    return i;
}

const char *report_format_colour(const char *format)
{
    const size_t i = report_format_rank(format);
    return i < N_LOOKS ? looks[i].colour : "#999999";
}

int report_format_point(const char *format)
{
    const size_t i = report_format_rank(format);
    return i < N_LOOKS ? looks[i].point : 6;
}

bool report_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool report_is_decode(const char *test)
{
    return strncmp(test, "tg", 2) == 0;
}

bool report_is_speed(const char *test)
{
    return report_is_decode(test) || (strncmp(test, "pp", 2) == 0 && strncmp(test, "ppl", 3) != 0);
}

static int order_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int order_count(long long a, long long b)
{
    return (a > b) - (a < b);
}

static int order_test(const char *a, const char *b)
{
    const int ra = report_is_decode(a) ? 1 : report_is_speed(a) ? 0 : 2;
    const int rb = report_is_decode(b) ? 1 : report_is_speed(b) ? 0 : 2;
    if (ra != rb)
        return ra - rb;
    const int by_size = ra < 2 ? order_count(strtoll(a + 2, NULL, 10), strtoll(b + 2, NULL, 10)) : 0; /* pp64 before pp128 */
    return by_size ? by_size : strcmp(a, b);
}

static int order_format(const char *a, const char *b)
{
    const int by_rank = order_count((long long)report_format_rank(a), (long long)report_format_rank(b));
    return by_rank ? by_rank : strcmp(a, b);
}

/* What makes a group; `run` is the position in the set. */
static int order_group(const struct report_cell *a, const struct report_cell *b)
{
    const double pa = isnan(a->params) ? 0.0 : a->params, pb = isnan(b->params) ? 0.0 : b->params;
    if (a->run != b->run)
        return a->run->number < b->run->number ? -1 : 1;
    if (pa != pb)
        return pa < pb ? -1 : 1;
    int d = strcmp(a->model, b->model);
    if (!d)
        d = order_test(a->test, b->test);
    if (!d)
        d = order_count(a->depth, b->depth);
    if (!d)
        d = order_count(a->batch, b->batch);
    return d ? d : order_text(a->kv, b->kv);
}

static int order_row(const struct report_cell *a, const struct report_cell *b)
{
    const int d = order_format(a->format, b->format);
    return d ? d : order_text(a->embedding, b->embedding);
}

static int order_key(const struct report_cell *a, const struct report_cell *b)
{
    int d = order_group(a, b);
    if (!d)
        d = order_row(a, b);
    return d ? d : order_count(a->threads, b->threads);
}

static int order_cells(const void *pa, const void *pb)
{
    const struct report_cell *a = *(struct report_cell *const *)pa, *b = *(struct report_cell *const *)pb;
    const int d = order_key(a, b);
    return d ? d : (a->index > b->index) - (a->index < b->index);
}

/* A skipped cell may come without its shape: every cell of a model gets the parameters that any of them has. */
static int order_by_model(const void *pa, const void *pb)
{
    const struct report_cell *a = *(struct report_cell *const *)pa, *b = *(struct report_cell *const *)pb;
    if (a->run != b->run)
        return a->run->number < b->run->number ? -1 : 1;
    const int d = strcmp(a->model, b->model);
    return d ? d : (a->index > b->index) - (a->index < b->index);
}

static void spread_params(struct report_cell **cells, size_t n)
{
    qsort(cells, n, sizeof(struct report_cell *), order_by_model);
    for (size_t i = 0, end; i < n; i = end) {
        double params = NAN;
        for (end = i; end < n && cells[end]->run == cells[i]->run && strcmp(cells[end]->model, cells[i]->model) == 0; end++)
            if (isnan(params) || cells[end]->params > params)
                params = cells[end]->params;
        for (size_t k = i; k < end; k++)
            cells[k]->params = params;
    }
}

/* Of cells with the same key the last one counts: a repeated cell replaces the first attempt. Returns how many are left. */
static size_t drop_repeated(struct report_set *set, struct report_cell **cells, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && order_key(cells[i], cells[i + 1]) == 0)
            report_notice(set, arena_fmt(&set->arena,
                                         "Cell %s is in the record more than once; the tables show the last one, "
                                         "results.csv has all.",
                                         cells[i]->id));
        else
            cells[kept++] = cells[i];
    }
    return kept;
}

static const char *group_title(struct arena *a, const struct report_cell *c)
{
    const char *s = c->test;
    if (c->depth > 0)
        s = arena_fmt(a, "%s @ d%lld", s, c->depth);
    if (c->batch > 1)
        s = arena_fmt(a, "%s, batch %lld", s, c->batch);
    if (c->kv && strcmp(c->kv, "f16") != 0)
        s = arena_fmt(a, "%s, KV cache %s", s, c->kv);
    return s;
}

static void cut_groups(struct report_set *set, struct report_matrix *m)
{
    struct arena *a = &set->arena;
    for (size_t i = 0, end; i < m->n_cells; i = end) {
        for (end = i + 1; end < m->n_cells && order_group(m->cells[i], m->cells[end]) == 0;)
            end++;
        m->groups = arena_grow(a, m->groups, m->n_groups, sizeof(*m->groups));
        if (!m->groups)
            return;
        const struct report_cell *c = m->cells[i];
        const char *model = set->n_runs > 1 ? arena_fmt(a, "run %zu: %s", c->run->number, c->model) : c->model;
        m->groups[m->n_groups++] = (struct report_group){c->run, m->cells + i, end - i, group_title(a, c), model};
    }
}

int report_matrix_build(struct report_set *set, struct report_matrix *m, char err[REPORT_ERR_LEN])
{
    size_t n = 0;
    for (size_t r = 0; r < set->n_runs; r++)
        n += set->runs[r]->n_cells;
    *m = (struct report_matrix){.set = set, .cells = arena_alloc(&set->arena, (n ? n : 1) * sizeof(struct report_cell *))};
    for (size_t r = 0; m->cells && r < set->n_runs; r++)
        for (size_t i = 0; i < set->runs[r]->n_cells; i++)
            m->cells[m->n_cells++] = &set->runs[r]->cells[i];
    if (m->cells) {
        spread_params(m->cells, m->n_cells);
        qsort(m->cells, m->n_cells, sizeof(struct report_cell *), order_cells);
        m->n_cells = drop_repeated(set, m->cells, m->n_cells);
        cut_groups(set, m);
    }
    int rc = 0;
    for (size_t r = 0; r < set->n_runs && rc == 0 && !set->arena.oom; r++)
        rc = report_speedup_resolve(&set->arena, set->runs[r], m, err);
    if (rc == 0 && set->arena.oom) {
        snprintf(err, REPORT_ERR_LEN, "out of memory while sorting the cells");
        rc = -ENOMEM;
    }
    return rc;
}

size_t report_row_end(const struct report_group *g, size_t i)
{
    size_t end = i + 1;
    while (end < g->n && order_row(g->cells[i], g->cells[end]) == 0)
        end++;
    return end;
}

static int order_ll(const void *a, const void *b)
{
    return order_count(*(const long long *)a, *(const long long *)b);
}

const long long *report_group_threads(struct arena *a, const struct report_group *g, size_t *n_threads)
{
    *n_threads = 0;
    long long *t = arena_alloc(a, g->n * sizeof(*t));
    if (!t)
        return NULL;
    for (size_t i = 0; i < g->n; i++)
        t[i] = g->cells[i]->threads;
    qsort(t, g->n, sizeof(*t), order_ll);
    for (size_t i = 0; i < g->n; i++)
        if (i == 0 || t[i] != t[i - 1])
            t[(*n_threads)++] = t[i];
    return t;
}

struct report_cell *report_row_cell(const struct report_group *g, size_t from, size_t to, long long threads)
{
    for (size_t i = from; i < to; i++)
        if (g->cells[i]->threads == threads)
            return g->cells[i];
    return NULL;
}

double report_group_params(const struct report_group *g)
{
    return g->cells[0]->params;
}

size_t report_model_end(const struct report_matrix *m, size_t first)
{
    const struct report_cell *c = m->groups[first].cells[0];
    size_t end = first + 1;
    while (end < m->n_groups && m->groups[end].run == c->run && strcmp(m->groups[end].cells[0]->model, c->model) == 0)
        end++;
    return end;
}

static size_t count_memory(const struct report_group *g, long long threads)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++)
        if (g->cells[i]->threads == threads && g->cells[i]->ok && !isnan(report_metric_value(g->cells[i], "weights_bytes")))
            n++;
    return n;
}

struct memory_pick report_memory_pick(const struct report_matrix *m, size_t first)
{
    struct memory_pick pick = {NULL, 0};
    size_t most = 0;
    for (size_t g = first; g < report_model_end(m, first); g++) {
        const bool decode = report_is_decode(m->groups[g].cells[0]->test);
        for (size_t i = 0; i < m->groups[g].n; i++) {
            const long long threads = m->groups[g].cells[i]->threads;
            const size_t n = count_memory(&m->groups[g], threads);
            const bool had_decode = pick.g && report_is_decode(pick.g->cells[0]->test);
            if (n == 0 || n < most || (n == most && decode < had_decode))
                continue;
            if (n > most || decode > had_decode || threads > pick.threads) {
                pick = (struct memory_pick){&m->groups[g], threads};
                most = n;
            }
        }
    }
    return pick;
}
