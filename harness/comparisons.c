/* Speed of every format against f16, cell by cell: same model, threads, test, depth and batch, so that only the weights differ. */
#include <string.h>

#include "harness/cell_result.h"
#include "harness/energy_stats.h"
#include "harness/json_util.h"

static const char base_format[] = "f16";

static bool is_base_of(const struct plan *p, const struct cell *base, const struct cell *c)
{
    const struct group *b = &p->groups[base->group], *g = &p->groups[c->group];
    return !strcmp(b->format->name, base_format) && !strcmp(b->spec, g->spec) && base->quality == c->quality &&
           base->threads == c->threads && base->depth == c->depth && base->batch == c->batch && !strcmp(base->test, c->test);
}

/* Energy of both sides, split into time and power; null where a side has no joules that count. */
static json_t *energy_of(const struct cell_result *base, const struct cell_result *cell)
{
    const struct energy_samples b = {base->energy_j.v, base->energy_s.v, base->energy_j.n};
    const struct energy_samples c = {cell->energy_j.v, cell->energy_s.v, cell->energy_j.n};
    struct energy_factors f;
    /* a void window has no joules, whatever its repetitions show */
    if (!cell_energy_metric(base) || !cell_energy_metric(cell) || energy_stats_factors(b, c, &f))
        return json_null();
    return energy_factors_json(&f);
}

static json_t *comparison(const struct plan *p, size_t base, size_t cell, const struct cell_result *results)
{
    struct interval x;
    char base_id[PLAN_ID_LEN], id[PLAN_ID_LEN];
    const struct samples *b = &results[base].time_s, *c = &results[cell].time_s;
    stats_speed_ratio(b->v, b->n, c->v, c->n, &x);
    plan_cell_id(p, &p->cells[base], base_id);
    plan_cell_id(p, &p->cells[cell], id);
    return json_pack("{s:s, s:s, s:f, s:o, s:o, s:o, s:s, s:o}", "base", base_id, "cell", id, "ratio", x.value, "lo",
                     json_number_or_null(x.lo), "hi", json_number_or_null(x.hi), "confidence", json_number_or_null(x.confidence),
                     "method", x.method, "energy", energy_of(&results[base], &results[cell]));
}

json_t *comparisons_json(const struct plan *p, const struct cell_result *results)
{
    json_t *list = json_array();
    for (size_t c = 0; c < p->n_cells; c++) {
        if (results[c].status != CELL_OK || p->cells[c].quality)
            continue;
        for (size_t b = 0; b < p->n_cells; b++)
            if (b != c && results[b].status == CELL_OK && is_base_of(p, &p->cells[b], &p->cells[c])) {
                json_array_append_new(list, comparison(p, b, c, results));
                break;
            }
    }
    return list;
}
