/* The factors of an energy ratio; see energy_stats.h. */
#include "harness/energy_stats.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/json_util.h"

/* Shorter windows are measured, but their single values are rough: a package counter moves about once per millisecond. */
static const double short_s = 2.0;

static bool usable(const struct energy_of_round *x)
{
    return x->base_j > 0 && x->base_s > 0 && x->cell_j > 0 && x->cell_s > 0 &&
           isfinite(x->base_j + x->base_s + x->cell_j + x->cell_s);
}

int energy_stats_factors(const struct energy_of_round *v, size_t n, struct energy_factors *out)
{
    if (n == 0)
        return -ENODATA;
    for (size_t i = 0; i < n; i++)
        if (!usable(&v[i]))
            return -EINVAL;
    double *ratio = malloc(3 * n * sizeof *ratio);
    if (!ratio)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        ratio[i] = v[i].cell_j / v[i].base_j;
        ratio[n + i] = v[i].cell_s / v[i].base_s;
        ratio[2 * n + i] = ratio[i] / ratio[n + i];
    }
    stats_geomean(ratio, n, &out->energy);
    stats_geomean(ratio + n, n, &out->time);
    stats_geomean(ratio + 2 * n, n, &out->power);
    out->rounds = n;
    free(ratio);
    return 0;
}

static json_t *ratio_json(const struct interval *x)
{
    return json_pack("{s:f, s:o, s:o}", "value", x->value, "lo", json_number_or_null(x->lo), "hi", json_number_or_null(x->hi));
}

json_t *energy_factors_json(const struct energy_factors *f, const char *caveat)
{
    char text[256] = "";
    if (f->shortest_s < short_s)
        snprintf(text, sizeof text, "windows down to %.3g s (at least %g s is wanted)", f->shortest_s, short_s);
    if (caveat) {
        const size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%s", len ? "; " : "", caveat);
    }
    return json_pack("{s:o, s:o, s:o, s:I, s:o, s:s, s:o}", "energy_ratio", ratio_json(&f->energy), "time_ratio",
                     ratio_json(&f->time), "power_ratio", ratio_json(&f->power), "rounds", (json_int_t)f->rounds, "confidence",
                     json_number_or_null(f->energy.confidence), "method",
                     "cell over base in the same round, geometric means; t interval of the logs", "caveat",
                     json_text_or_null(text));
}
