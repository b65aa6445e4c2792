/* The record for github-action-benchmark: a flat list of values of which a smaller one is better. */
#include <math.h>
#include <string.h>

#include "reports/record_export.h"

/* One value of a cell. `range`: its interval, or NULL. */
static void put_value(struct report_set *set, json_t *list, const struct report_cell *c, const char *what, const char *unit,
                      double value, const char *range)
{
    struct arena *a = &set->arena;
    const char *cpu = json_string_value(json_object_get(json_object_get(c->run->root, "host"), "cpu_model"));
    if (!isfinite(value))
        return;
    const char *name =
        set->n_runs > 1 ? arena_fmt(a, "run %zu: %s %s", c->run->number, c->id, what) : arena_fmt(a, "%s %s", c->id, what);
    const char *extra = arena_fmt(a, "%s; repetitions: %s; %s", cpu ? cpu : "unknown CPU", number_exact(a, c->repetitions),
                                  c->method ? c->method : "no interval");
    json_t *o = json_pack("{s:s, s:s, s:f, s:s}", "name", name, "unit", unit, "value", value, "extra", extra);
    if (o && range)
        json_object_set_new(o, "range", json_string(range));
    json_array_append_new(list, o);
}

void export_benchmark_action(struct report_set *set, struct textbuf *out, size_t *left_out)
{
    struct arena *a = &set->arena;
    json_t *list = json_array();
    for (size_t r = 0; r < set->n_runs; r++)
        for (size_t i = 0; i < set->runs[r]->n_cells; i++) {
            const struct report_cell *c = &set->runs[r]->cells[i];
            if (!c->ok)
                continue;
            if (!strcmp(c->test, "ppl") || !(c->tps.mid > 0)) {
                ++*left_out;
                continue;
            }
            const bool interval = c->tps.lo > 0 && c->tps.hi > 0;
            const char *best = number_sig(a, 1e3 / c->tps.hi, 4), *worst = number_sig(a, 1e3 / c->tps.lo, 4);
            const char *range = interval ? arena_fmt(a, "%s - %s", best, worst) : NULL;
            put_value(set, list, c, "time", "ms/token", 1e3 / c->tps.mid, range);
            put_value(set, list, c, "energy", "J/token", report_metric_value(c, "joules_per_token"), NULL);
            put_value(set, list, c, "peak memory", "MB", report_metric_value(c, "rss_peak_bytes") / 1e6, NULL);
        }
    export_put_json(out, list);
}
