/* Metrics that a test read, and checks of single ones by name. */
#ifndef BITJOULE_METRIC_CHECKS_H
#define BITJOULE_METRIC_CHECKS_H

#include <stddef.h>

#include "profiles/probe.h"

enum { SEEN_MAX = 4 * PROBE_MAX_METRICS };

extern struct metric seen[SEEN_MAX];
extern size_t n_seen;

const struct metric *seen_find(const char *name);      /* fails the test when it is not there */
void check_value(const char *name, double value);      /* available and equal to a millionth */
void check_lost(const char *name, const char *reason); /* unavailable, with this in its reason */

#endif
