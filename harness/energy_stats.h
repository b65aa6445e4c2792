/* How an energy ratio splits into time and power: pure functions.
 *
 * Of repetition i of a cell the window gives joules e[i] and seconds t[i]; p[i] = e[i] / t[i]. With geometric means
 *
 *     energy ratio = E_cell / E_base = (t_cell / t_base) * (p_cell / p_base) = time ratio * power ratio
 *
 * holds exactly. Below 1 is better. At equal power the saving is 1 - 1 / speed-up, which is only the speed-up told again: the power
 * ratio alone is the engine's own merit. Each factor has a Welch t interval of the log values (stats.h), so that the factor whose
 * interval holds 1 shows nothing. */
#ifndef BITJOULE_ENERGY_STATS_H
#define BITJOULE_ENERGY_STATS_H

#include <jansson.h>
#include <stddef.h>

#include "harness/stats.h"

/* Energy of the repetitions of one cell: joules and seconds of the windows between two boundary reads; all positive. */
struct energy_samples {
    const double *joules, *seconds;
    size_t n;
    double shortest_s; /* window that such a pair was taken from; a window may hold many repetitions */
};

struct energy_factors {
    struct interval energy, time, power; /* cell over base */
    double shortest_s;                   /* of all windows */
};

/* 0; -EINVAL without samples on a side or with one that is not positive; -ENOMEM. */
int energy_stats_factors(struct energy_samples base, struct energy_samples cell, struct energy_factors *out);

/* The record's object: {"energy_ratio", "time_ratio", "power_ratio": {"value", "lo", "hi"}, "method", "caveat"}. New reference. */
json_t *energy_factors_json(const struct energy_factors *f);

#endif
