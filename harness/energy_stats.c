/* The factors of an energy ratio; see energy_stats.h. */
#include "harness/energy_stats.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/json_util.h"

/* Shorter windows are measured, but their single values are rough: a package counter moves about once per millisecond. */
static const double short_s = 2.0;

static bool usable(struct energy_samples s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.joules[i] > 0 && s.seconds[i] > 0 && isfinite(s.joules[i]) && isfinite(s.seconds[i])))
            return false;
    return s.n > 0;
}

int energy_stats_factors(struct energy_samples base, struct energy_samples cell, struct energy_factors *out)
{
    if (!usable(base) || !usable(cell))
        return -EINVAL;
    double *watts = malloc((base.n + cell.n) * sizeof *watts);
    if (!watts)
        return -ENOMEM;
    for (size_t i = 0; i < base.n; i++)
        watts[i] = base.joules[i] / base.seconds[i];
    for (size_t i = 0; i < cell.n; i++)
        watts[base.n + i] = cell.joules[i] / cell.seconds[i];
    /* stats_speed_ratio(a, b) is a / b: here cell over base */
    stats_speed_ratio(cell.joules, cell.n, base.joules, base.n, &out->energy);
    stats_speed_ratio(cell.seconds, cell.n, base.seconds, base.n, &out->time);
    stats_speed_ratio(watts + base.n, cell.n, watts, base.n, &out->power);
    out->shortest_s = fmin(base.shortest_s, cell.shortest_s);
    free(watts);
    return 0;
}

static json_t *ratio_json(const struct interval *x)
{
    return json_pack("{s:f, s:o, s:o}", "value", x->value, "lo", json_number_or_null(x->lo), "hi", json_number_or_null(x->hi));
}

json_t *energy_factors_json(const struct energy_factors *f)
{
    char caveat[128] = "";
    if (f->shortest_s < short_s)
        snprintf(caveat, sizeof caveat, "windows down to %.3g s (at least %g s is wanted)", f->shortest_s, short_s);
    return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o}", "energy_ratio", ratio_json(&f->energy), "time_ratio", ratio_json(&f->time),
                     "power_ratio", ratio_json(&f->power), "confidence", json_number_or_null(f->energy.confidence), "method",
                     "cell over base, geometric means; Welch t interval of the logs", "caveat", json_text_or_null(caveat));
}
