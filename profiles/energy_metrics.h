/* What is reported of a window: sums over sockets, watts, the error of the update grid. Internal to profiles/. */
#ifndef BITJOULE_ENERGY_METRICS_H
#define BITJOULE_ENERGY_METRICS_H

#include "profiles/energy_window.h"

/* The domain that a result is about: the package if the source has it, else the platform, the board, the power chip.
 * ENERGY_DOMAINS: the source has none of them that can be read. */
enum energy_domain energy_headline(const struct energy_window *w);
/* Joules of a domain, all sockets together; NAN and a reason when a part of it is lost. */
double energy_domain_joules(struct energy_window *w, enum energy_domain d, char reason[METRIC_REASON_LEN]);
double energy_length_s(const struct energy_window *w); /* of the window */
/* All metrics of the window; returns how many, at most cap. `why`: what to say where the source has nothing at all. */
size_t energy_metrics(struct energy_window *w, const char *why, struct metric *out, size_t cap);

#endif
