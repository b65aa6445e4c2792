/* The rules for one counter; see energy_counter.h for what they protect from. */
#include "profiles/energy_counter.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* No package or DRAM domain of a shipping CPU draws this much, peaks of a millisecond included; no board with CPUs only the
 * other. */
static const double max_chip_w = 2000.0, max_board_w = 20000.0;
/* Jitter of the updates and of our own reads. */
static const double slack_s = 0.01;

static double max_power_w(const struct energy_channel *ch)
{
    return ch->domain == ENERGY_BOARD || ch->domain == ENERGY_PSYS ? max_board_w : max_chip_w;
}

double energy_counter_safe_gap_s(const struct energy_channel *ch)
{
    if (ch->max_count == UINT64_MAX)
        return (double)INFINITY;
    return ch->unit_j * (double)ch->max_count / max_power_w(ch);
}

__attribute__((format(printf, 3, 4))) static void fail(struct energy_counter *k, const struct energy_channel *ch, const char *fmt,
                                                       ...)
{
    if (k->failure[0])
        return;
    int n = snprintf(k->failure, sizeof k->failure, "%s (%s): ", ch->label, ch->name);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(k->failure + n, sizeof k->failure - (size_t)n, fmt, ap);
    va_end(ap);
}

void energy_counter_start(struct energy_counter *k, const struct energy_channel *ch, int rc, uint64_t count, double t)
{
    *k = (struct energy_counter){.last = count, .last_s = t, .first_s = t};
    if (rc && !ch->problem[0])
        fail(k, ch, "the counter became unreadable: %s", strerror(-rc));
}

void energy_counter_advance(struct energy_counter *k, const struct energy_channel *ch, int rc, uint64_t count, double t,
                            double grid_s)
{
    if (ch->problem[0] || k->failure[0])
        return;
    if (rc) {
        fail(k, ch, "the counter became unreadable: %s", strerror(-rc));
        return;
    }
    const double gap_s = t - k->last_s, max_w = max_power_w(ch), safe_s = energy_counter_safe_gap_s(ch);
    if (gap_s > safe_s) {
        fail(k, ch, "not read for %.3g s; it may have wrapped unseen, as %g W pass its range in %.3g s. Measure in shorter windows",
             gap_s, max_w, safe_s);
        return;
    }
    /* modulo max_count + 1; last <= max_count, so nothing overflows. A 64-bit counter that goes back gives a huge step. */
    const uint64_t step = count >= k->last ? count - k->last : count + (ch->max_count - k->last) + 1;
    if (ch->unit_j * (double)step > max_w * (gap_s + slack_s + 2 * grid_s)) {
        fail(k, ch, "the counter was reset or jumped: %.10g to %.10g J in %.3g s is no possible power",
             ch->unit_j * (double)k->last, ch->unit_j * (double)count, gap_s);
        return;
    }
    k->sum += step;
    k->last = count;
    k->last_s = t;
}

double energy_counter_joules(const struct energy_counter *k, const struct energy_channel *ch)
{
    return ch->unit_j * (double)k->sum;
}
