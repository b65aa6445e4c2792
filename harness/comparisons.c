/* Speed of every cell against its base, round by round: same model, threads, test, depth and batch, so that only the weights differ, or
 * with two programs only these. Cells that shared no round are not compared. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cell_result.h"
#include "harness/json_util.h"
#include "harness/paired.h"

enum { WHY_LEN = 320 };

static bool no_joules(const struct plan *p, size_t cell, const struct cell_result *results, char why[WHY_LEN])
{
    if (cell_energy_metric(&results[cell]))
        return false;
    const char *reason = cell_no_energy_reason(&results[cell]);
    snprintf(why, WHY_LEN, "%.40s: %.240s", p->groups[p->cells[cell].group].format->name, reason ? reason : "no energy was read");
    return true;
}

static const char *domain(const struct cell_result *r)
{
    return json_string_value(json_object_get(cell_energy_metric(r), "name"));
}

/* Energy of both sides, split into time and power; NULL and the reason where there is no such ratio. A void window has no joules,
 * whatever its repetitions show. */
static json_t *energy_of(const struct plan *p, size_t base, size_t cell, const struct cell_result *results, char why[WHY_LEN])
{
    struct energy_factors f;
    if (no_joules(p, base, results, why) || no_joules(p, cell, results, why))
        return NULL;
    if (strcmp(domain(&results[base]), domain(&results[cell])) != 0) {
        snprintf(why, WHY_LEN, "joules of different domains: %s and %s", domain(&results[base]), domain(&results[cell]));
        return NULL;
    }
    if (paired_energy(&results[base], &results[cell], &f)) {
        snprintf(why, WHY_LEN, "no round has joules of both");
        return NULL;
    }
    return energy_factors_json(&f,
                               p->groups[p->cells[cell].group].external ? "the other program's joules include its loading" : NULL);
}

/* The ratio in each pass; null when there was one pass only, and for a pass that has none. */
static json_t *pass_ratios(const struct cell_result *base, const struct cell_result *cell)
{
    const unsigned passes = paired_last_pass(cell);
    double *ratio = passes > 1 ? malloc(passes * sizeof *ratio) : NULL;
    if (!ratio || paired_pass_ratios(base, cell, passes, ratio)) {
        free(ratio);
        return json_null();
    }
    json_t *list = json_array();
    for (unsigned i = 0; i < passes; i++)
        json_array_append_new(list, json_number_or_null(ratio[i]));
    free(ratio);
    return list;
}

static json_t *comparison(const struct plan *p, size_t base, size_t cell, const struct cell_result *results)
{
    struct interval x;
    size_t rounds;
    char base_id[PLAN_ID_LEN], id[PLAN_ID_LEN], why[WHY_LEN] = "";
    if (paired_ratio(&results[base], &results[cell], &x, &rounds))
        return NULL;
    plan_cell_id(p, &p->cells[base], base_id);
    plan_cell_id(p, &p->cells[cell], id);
    json_t *energy = energy_of(p, base, cell, results, why);
    return json_pack("{s:s, s:s, s:f, s:o, s:o, s:o, s:s, s:I, s:o, s:o, s:o}", "base", base_id, "cell", id, "ratio", x.value, "lo",
                     json_number_or_null(x.lo), "hi", json_number_or_null(x.hi), "confidence", json_number_or_null(x.confidence),
                     "method", x.method, "rounds", (json_int_t)rounds, "passes", pass_ratios(&results[base], &results[cell]),
                     "energy", energy ? energy : json_null(), "energy_reason", json_text_or_null(why));
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
