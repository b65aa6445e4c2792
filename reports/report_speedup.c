/* Speed-up of a cell over the f16 cell with the same model, threads, test, depth, batch and KV type.
 *
 * The record's own comparison is used where there is one: it pairs the repetitions of a round. Where there is none (a run that
 * was interrupted, a ratio of two different thread counts) the ratio of the medians stands with an interval from the ends,
 * [lo / base hi, hi / base lo]. When each interval holds with 95 %, both hold with at least 90 %, and so does the ratio's. */
#include "reports/report_matrix.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct id_entry {
    const char *id;
    struct report_cell *cell;
};

static int order_ids(const void *pa, const void *pb)
{
    const struct id_entry *a = pa, *b = pb;
    const int d = strcmp(a->id, b->id);
    return d ? d : (a->cell->index > b->cell->index) - (a->cell->index < b->cell->index);
}

/* The last cell with this id: the one that the tables show. */
static struct report_cell *find_id(const struct id_entry *ids, size_t n, const char *id)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (strcmp(ids[mid].id, id) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 && strcmp(ids[lo - 1].id, id) == 0 ? ids[lo - 1].cell : NULL;
}

static double number_or_nan(const json_t *obj, const char *key)
{
    const json_t *v = json_object_get(obj, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static int take_comparison(const struct report_run *run, size_t i, const json_t *x, const struct id_entry *ids,
                           char err[REPORT_ERR_LEN])
{
    const char *base_id = json_string_value(json_object_get(x, "base")), *id = json_string_value(json_object_get(x, "cell"));
    struct report_cell *base = base_id ? find_id(ids, run->n_cells, base_id) : NULL;
    struct report_cell *cell = id ? find_id(ids, run->n_cells, id) : NULL;
    if (!base || !cell) {
        snprintf(err, REPORT_ERR_LEN, "%s: comparisons[%zu]: \"base\" and \"cell\" must be ids of cells of this record", run->path,
                 i);
        return -EINVAL;
    }
    const struct report_interval r = {number_or_nan(x, "ratio"), number_or_nan(x, "lo"), number_or_nan(x, "hi")};
    if (strcmp(base->format, "f16") == 0 && cell->ok && base->ok && !isnan(r.mid))
        cell->vs_f16 = (struct report_ratio){RATIO_RECORDED, r, base, json_string_value(json_object_get(x, "method"))};
    return 0;
}

struct report_ratio report_ratio_of(const struct report_cell *c, const struct report_cell *base)
{
    if (!base->ok || isnan(base->tps.mid) || base->tps.mid <= 0.0)
        return (struct report_ratio){.state = RATIO_BASE_LOST, .x = {NAN, NAN, NAN}, .base = base};
    if (!c->ok || isnan(c->tps.mid))
        return (struct report_ratio){.state = RATIO_NONE, .x = {NAN, NAN, NAN}, .base = base};
    if (c->vs_f16.state == RATIO_RECORDED && c->vs_f16.base == base)
        return c->vs_f16;
    struct report_interval x = {c->tps.mid / base->tps.mid, NAN, NAN};
    if (c->tps.lo > 0.0 && base->tps.lo > 0.0) {
        x.lo = c->tps.lo / base->tps.hi;
        x.hi = c->tps.hi / base->tps.lo;
    }
    return (struct report_ratio){RATIO_ENDS, x, base, NULL};
}

/* The f16 cell beside c; one with an f16 embedding if there are several. */
static struct report_cell *base_of(const struct report_group *g, const struct report_cell *c)
{
    struct report_cell *base = NULL;
    for (size_t i = 0; i < g->n; i++) {
        struct report_cell *b = g->cells[i];
        if (strcmp(b->format, "f16") == 0 && b->threads == c->threads && (!base || report_equal(b->embedding, "f16")))
            base = b;
    }
    return base;
}

static void resolve_group(const struct report_group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        struct report_cell *c = g->cells[i];
        if (c->vs_f16.state == RATIO_RECORDED)
            continue;
        struct report_cell *base = base_of(g, c);
        if (!c->ok || isnan(c->tps.mid))
            c->vs_f16.state = RATIO_NONE;
        else if (base == c)
            c->vs_f16 = (struct report_ratio){.state = RATIO_BASE, .x = {1.0, NAN, NAN}, .base = c};
        else if (!base)
            c->vs_f16.state = RATIO_NO_BASE;
        else
            c->vs_f16 = report_ratio_of(c, base);
        if (c->vs_f16.state == RATIO_NONE || c->vs_f16.state == RATIO_NO_BASE)
            c->vs_f16.x = (struct report_interval){NAN, NAN, NAN};
    }
}

int report_speedup_resolve(struct arena *a, struct report_run *run, struct report_matrix *m, char err[REPORT_ERR_LEN])
{
    const json_t *list = json_object_get(run->root, "comparisons");
    struct id_entry *ids = arena_alloc(a, (run->n_cells ? run->n_cells : 1) * sizeof(*ids));
    if (!ids)
        return 0; /* the caller looks at the arena */
    for (size_t i = 0; i < run->n_cells; i++)
        ids[i] = (struct id_entry){run->cells[i].id, &run->cells[i]};
    qsort(ids, run->n_cells, sizeof(*ids), order_ids);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
        rc = take_comparison(run, i, json_array_get(list, i), ids, err);
    for (size_t g = 0; rc == 0 && g < m->n_groups; g++)
        if (m->groups[g].run == run && report_is_speed(m->groups[g].cells[0]->test))
            resolve_group(&m->groups[g]);
    return rc;
}

struct report_cell *report_best(const struct report_group *g, const char *format)
{
    struct report_cell *best = NULL;
    for (size_t i = 0; i < g->n; i++) {
        struct report_cell *c = g->cells[i];
        if (c->ok && strcmp(c->format, format) == 0 && !isnan(c->tps.mid) && (!best || c->tps.mid > best->tps.mid))
            best = c;
    }
    return best;
}

bool report_sweep_complete(const struct report_group *g, const struct report_cell *c)
{
    for (size_t i = 0; i < g->n; i++) {
        bool found = false;
        for (size_t k = 0; k < g->n && !found; k++) {
            const struct report_cell *x = g->cells[k];
            found = x->threads == g->cells[i]->threads && strcmp(x->format, c->format) == 0 &&
                    report_equal(x->embedding, c->embedding) && x->ok && !isnan(x->tps.mid);
        }
        if (!found)
            return false;
    }
    return true;
}
