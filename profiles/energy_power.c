/* The integrator for power readings. Knows nothing of threads and files. */
#include "profiles/energy_power.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* More than any rail or computer that this program runs on takes; above it a sensor returned rubbish. */
static const double max_w = 20000.0;

static bool good_sample(struct energy_power *p, const struct energy_channel *ch, int rc, double watts)
{
    if (ch->problem[0] || p->failure[0])
        return false;
    if (rc)
        snprintf(p->failure, sizeof p->failure, "%s (%s): the power became unreadable: %s", ch->label, ch->name, strerror(-rc));
    else if (!(watts >= 0 && watts <= max_w))
        snprintf(p->failure, sizeof p->failure, "%s (%s): a reading of %g W is no possible power", ch->label, ch->name, watts);
    return !p->failure[0];
}

void energy_power_start(struct energy_power *p, const struct energy_channel *ch, int rc, double watts, double t)
{
    *p = (struct energy_power){.first_s = t, .last_s = t, .last_w = watts};
    p->samples = good_sample(p, ch, rc, watts);
}

void energy_power_add(struct energy_power *p, const struct energy_channel *ch, int rc, double watts, double t, double period_s)
{
    if (!good_sample(p, ch, rc, watts))
        return;
    const double gap_s = t - p->last_s, limit_s = fmax(1.0, 5 * period_s);
    if (gap_s > limit_s) {
        snprintf(p->failure, sizeof p->failure,
                 "%s (%s): not sampled for %.3g s (limit %.3g s), so the power in between is not known; is the machine overloaded?",
                 ch->label, ch->name, gap_s, limit_s);
        return;
    }
    p->joules += 0.5 * (p->last_w + watts) * gap_s;
    p->changes += watts < p->last_w || watts > p->last_w;
    p->samples++;
    p->last_w = watts;
    p->last_s = t;
}
