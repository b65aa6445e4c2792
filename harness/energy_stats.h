/* How an energy ratio splits into time and power: pure functions.
 *
 * Two cells that shared round i give, per repetition, joules e and seconds t of their windows, and watts p = e / t. Since both do the same
 * work, e_cell / e_base is also the ratio of their J/token. With geometric means over the rounds
 *
 *     energy ratio = mean of e_cell / e_base = mean of t_cell / t_base * mean of p_cell / p_base = time ratio * power ratio
 *
 * holds exactly, and what changes from round to round (clock, temperature, neighbours) cancels. Below 1 is better. At equal power the
 * saving is 1 - 1 / speed-up, which is only the speed-up told again: the power ratio alone is the engine's own merit. Each factor has
 * the t interval of the logs of its ratios (stats.h), so that the factor whose interval holds 1 shows nothing. */
#ifndef BITJOULE_ENERGY_STATS_H
#define BITJOULE_ENERGY_STATS_H

#include <jansson.h>
#include <stddef.h>

#include "harness/stats.h"

/* Per repetition: joules and seconds between the two boundary reads; all positive. */
struct energy_of_round {
    double base_j, base_s, cell_j, cell_s;
};

struct energy_factors {
    struct interval energy, time, power; /* cell over base */
    size_t rounds;
    double shortest_s; /* of all windows; the caller's */
};

/* 0; -ENODATA without rounds; -EINVAL with one that is not positive; -ENOMEM. */
int energy_stats_factors(const struct energy_of_round *v, size_t n, struct energy_factors *out);

/* The record's object: {"energy_ratio", "time_ratio", "power_ratio": {"value", "lo", "hi"}, "rounds", "confidence", "method", "caveat"}.
 * `caveat`: one that the caller has, or NULL. New reference. */
json_t *energy_factors_json(const struct energy_factors *f, const char *caveat);

#endif
