/* What the idle machine draws, and what is left of a measured energy when that is taken off.
 *
 *     gross    = joules of the window
 *     baseline = mean idle watts * length of the window;  idle watts = sum of joules / sum of seconds over all idle windows
 *     net      = gross - baseline
 * The interval of the idle watts runs from the smallest to the largest window: of k windows it holds the median idle power with a
 * confidence of 1 - 2^(1-k), whatever the distribution (k = 6: 96.9 %). The gross joules carry the error of the update grid;
 * the net carries both. Idle windows of before and after the work are kept apart in the record and pooled here. */
#ifndef BITJOULE_ENERGY_BASELINE_H
#define BITJOULE_ENERGY_BASELINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "profiles/probe.h"

enum { ENERGY_BASELINE_MAX = 64, ENERGY_BASELINE_WINDOWS = 4 };

struct energy_interval {
    double value, lo, hi; /* NAN: not known */
};

struct energy_baseline {
    double joules[ENERGY_BASELINE_MAX], seconds[ENERGY_BASELINE_MAX];
    size_t n;
    char reason[METRIC_REASON_LEN]; /* why a window failed; the first one */
};

/* Idles for `seconds` in ENERGY_BASELINE_WINDOWS windows of the opened energy probe's source and adds them. A window without a
 * number, or one in which others used the machine (energy_attribution.h), leaves its reason and ends it; without a source it
 * does not idle at all. */
void energy_baseline_measure(void *energy_state, double seconds, struct energy_baseline *b);

/* Mean idle watts; NAN with fewer than two windows. */
struct energy_interval energy_baseline_watts(const struct energy_baseline *b);
double energy_baseline_confidence(const struct energy_baseline *b);
/* quantisation: relative error bound of `joules`. */
struct energy_interval energy_gross(double joules, double quantisation);
struct energy_interval energy_net(struct energy_interval gross, struct energy_interval idle_w, double window_s);

/* {"value", "lo", "hi"}, null for what is not known. New reference. */
json_t *energy_interval_json(struct energy_interval x);
/* [{"joules", "seconds"}, ...] and back; false: no such list. New reference. */
json_t *energy_baseline_json(const struct energy_baseline *b);
bool energy_baseline_from_json(const json_t *list, struct energy_baseline *b);

#endif
