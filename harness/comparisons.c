/* Speed of every cell against its base, round by round: same model, threads, test, depth and batch, so that only the weights differ, or
 * with two programs only these. Cells that shared no round are not compared. */
#include <string.h>

#include "harness/cell_result.h"
#include "harness/energy_stats.h"
#include "harness/json_util.h"
#include "harness/paired.h"

/* Energy of both sides, split into time and power; null where a side has no joules that count. */
static json_t *energy_of(const struct cell_result *base, const struct cell_result *cell)
{
    const struct energy_samples b = {base->energy_j.v, base->energy_s.v, base->energy_j.n, base->shortest_energy_s};
    const struct energy_samples c = {cell->energy_j.v, cell->energy_s.v, cell->energy_j.n, cell->shortest_energy_s};
    struct energy_factors f;
    /* a void window has no joules, whatever its repetitions show */
    if (!cell_energy_metric(base) || !cell_energy_metric(cell) || energy_stats_factors(b, c, &f))
        return json_null();
    return energy_factors_json(&f);
}

static json_t *comparison(const struct plan *p, size_t base, size_t cell, const struct cell_result *results)
{
    struct interval x;
    size_t rounds;
    char base_id[PLAN_ID_LEN], id[PLAN_ID_LEN];
    if (paired_ratio(&results[base], &results[cell], &x, &rounds))
        return NULL;
    plan_cell_id(p, &p->cells[base], base_id);
    plan_cell_id(p, &p->cells[cell], id);
    return json_pack("{s:s, s:s, s:f, s:o, s:o, s:o, s:s, s:I, s:o}", "base", base_id, "cell", id, "ratio", x.value, "lo",
                     json_number_or_null(x.lo), "hi", json_number_or_null(x.hi), "confidence", json_number_or_null(x.confidence),
                     "method", x.method, "rounds", (json_int_t)rounds, "energy", energy_of(&results[base], &results[cell]));
}

json_t *comparisons_json(const struct plan *p, const struct cell_result *results)
{
    json_t *list = json_array();
    for (size_t c = 0; c < p->n_cells; c++) {
        const size_t base = plan_base_cell(p, c);
        if (results[c].status != CELL_OK || p->cells[c].quality || base == p->n_cells || results[base].status != CELL_OK)
            continue;
        json_t *one = comparison(p, base, c, results);
        if (one)
            json_array_append_new(list, one);
    }
    return list;
}
