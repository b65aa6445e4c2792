/* One energy counter over a window: differences in its native width, and every way in which they can be wrong.
 *
 * Pure arithmetic on (count, time) pairs. A wrap is undone modulo max_count + 1. That holds only while less than one whole range
 * can pass between two reads, so a gap longer than range / max power loses the window, as does any step that would need more
 * than that power (a reset counter looks like a wrap). A reset that a wrap could explain within the gap is not noticed. */
#ifndef BITJOULE_ENERGY_COUNTER_H
#define BITJOULE_ENERGY_COUNTER_H

#include "profiles/energy_source.h"

struct energy_counter {
    uint64_t last;                   /* at the last read */
    double last_s;                   /* when that was */
    double first_s;                  /* start of the window */
    uint64_t sum;                    /* counts since then */
    char failure[METRIC_REASON_LEN]; /* why the window is lost; the first failure stays */
};

/* The longest time that may pass between two reads, s; INFINITY for a counter that never wraps. */
double energy_counter_safe_gap_s(const struct energy_channel *ch);
void energy_counter_start(struct energy_counter *k, const struct energy_channel *ch, int rc, uint64_t count, double t);
/* One more read; rc: of the source's count(). grid_s: a step may hold what was used up to that long before. */
void energy_counter_advance(struct energy_counter *k, const struct energy_channel *ch, int rc, uint64_t count, double t,
                            double grid_s);
double energy_counter_joules(const struct energy_counter *k, const struct energy_channel *ch);

#endif
