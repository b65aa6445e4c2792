/* Energy of this machine: the best source that can be read, or the one that was asked for, behind the probe `energy`.
 *
 * The sources are tried in the order of energy_sources[]: counters before sampled power, and among counters those first in which
 * the kernel keeps the units and undoes the wraps. A source with a package beats one without. What was tried, why it failed and
 * what to do about it can be listed. */
#ifndef BITJOULE_ENERGY_H
#define BITJOULE_ENERGY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "profiles/probe.h"

/* All sources, best first, NULL-terminated. */
struct energy_source;
extern const struct energy_source *const energy_sources[];

/* The place in energy_sources of "NAME" or "NAME:ARGUMENT", or that of the NULL; *argument: what follows the colon, or NULL. */
size_t energy_source_find(const char *value, const char **argument);
/* Checks a --source value ("powercap", "meter:FILE.csv"): NULL, or what is wrong with it, in static text. */
const char *energy_source_error(const char *value);
void energy_source_names(char *out, size_t len); /* "perf, powercap, ..." */

/* ---- of the state that probe_energy.open() made ---- */

/* The record's "energy_source": name, kind, domains with unit, range and resolution, what was tried. New reference. */
json_t *energy_describe(const void *state);
/* "pkg", "psys", "board", "pmic": what the headline joules are of; NULL: no source. */
const char *energy_headline_name(const void *state);
/* Joules of the headline since the start of the window and the time of that reading (s); NAN: none. Reads the source. */
void energy_so_far(void *state, double *joules, double *at_s);
/* Headline joules of the last window and its length; false: none, see reason (METRIC_REASON_LEN). */
bool energy_headline_joules(const void *state, double *joules, double *length_s, char *reason);
/* Bound of the relative error of the last window by the update grid; NAN: not known. */
double energy_quantisation(const void *state);
const struct probe_env *energy_env(const void *state);
/* Why there is no headline; empty when there is one. */
const char *energy_why_not(const void *state);
/* Median time of the boundary reads of one window, s; NAN without a source. The wait for an update is outside of the work. */
double energy_cost_s(void *state);

/* Opens every source, measures all of them over the same interval and prints, or returns as JSON, what each gave and where counters
 * disagree by more than 2 %. 0 or -ENOMEM. */
int energy_list(const struct probe_env *env, double seconds, FILE *f, json_t **json);

#endif
