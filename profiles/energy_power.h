/* Power readings over a window, integrated by the trapezoid rule. The result is "integrated power": what happened between two
 * samples is a guess, so it is never compared with what a counter counted.
 *
 *     E = sum over samples of (w[i-1] + w[i]) / 2 * (t[i] - t[i-1]),  first and last sample at the ends of the window */
#ifndef BITJOULE_ENERGY_POWER_H
#define BITJOULE_ENERGY_POWER_H

#include "profiles/energy_source.h"

struct energy_power {
    double first_s, last_s, last_w, joules;
    unsigned samples, changes; /* changes: samples that differ from the one before */
    char failure[METRIC_REASON_LEN];
};

void energy_power_start(struct energy_power *p, const struct energy_channel *ch, int rc, double watts, double t);
/* period_s: of sampling; a gap of more than a second and five periods loses the window. */
void energy_power_add(struct energy_power *p, const struct energy_channel *ch, int rc, double watts, double t, double period_s);

#endif
