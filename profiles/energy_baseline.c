/* Idle windows and the arithmetic on them; see energy_baseline.h. */
#include "profiles/energy_baseline.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "profiles/energy.h"
#include "profiles/energy_attribution.h"
#include "profiles/energy_source.h"
#include "profiles/metric_out.h"
#include "profiles/sw_counters.h"

/* Sleeps and keeps the counters alive. */
static void idle_for(void *energy_state, double seconds)
{
    const struct probe_env *env = energy_env(energy_state);
    const double end_s = energy_now_s(env) + seconds;
    double left_s = seconds;
    while (left_s > 0) {
        const double safe_s = 0.5 * probe_energy.keep_alive(energy_state);
        energy_sleep_s(env, fmax(fmin(left_s, safe_s), 0.001));
        left_s = end_s - energy_now_s(env);
    }
}

/* Others used the machine between two snapshots, so it was not idle; a build beside it would make the net energy too small. */
static bool was_busy(const struct sw_snapshot *a, const struct sw_snapshot *b, double length_s, char reason[METRIC_REASON_LEN])
{
    struct metric m[8];
    char fault[METRIC_REASON_LEN];
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    const size_t n = sw_machine_metrics(a, b, m, sizeof m / sizeof m[0]);
    if (!energy_attribution_fault(m, n, length_s, cpus > 0 ? (unsigned)cpus : 1, fault))
        return false;
    snprintf(reason, METRIC_REASON_LEN, "idle window %s", fault);
    return true;
}

void energy_baseline_measure(void *energy_state, double seconds, struct energy_baseline *b)
{
    const struct probe_env *env = energy_env(energy_state);
    const bool load_counts = energy_attribution_applies(env);
    if (!b->reason[0])
        snprintf(b->reason, sizeof b->reason, "%s", energy_why_not(energy_state));
    for (int i = 0; i < ENERGY_BASELINE_WINDOWS && b->n < ENERGY_BASELINE_MAX && !b->reason[0]; i++) {
        struct sw_snapshot before, after;
        double joules, length_s;
        sw_snapshot_take(&before, env, RUSAGE_SELF);
        probe_energy.start(energy_state);
        idle_for(energy_state, seconds / ENERGY_BASELINE_WINDOWS);
        probe_energy.stop(energy_state);
        sw_snapshot_take(&after, env, RUSAGE_SELF);
        if (!energy_headline_joules(energy_state, &joules, &length_s, b->reason) ||
            (load_counts && was_busy(&before, &after, length_s, b->reason)))
            break;
        b->joules[b->n] = joules;
        b->seconds[b->n++] = length_s;
    }
}

struct energy_interval energy_baseline_watts(const struct energy_baseline *b)
{
    struct energy_interval w = {(double)NAN, (double)NAN, (double)NAN};
    double joules = 0, seconds = 0;
    if (b->n < 2)
        return w;
    for (size_t i = 0; i < b->n; i++) {
        const double p = b->joules[i] / b->seconds[i];
        joules += b->joules[i];
        seconds += b->seconds[i];
        w.lo = fmin(p, w.lo); /* fmin and fmax pass over NAN */
        w.hi = fmax(p, w.hi);
    }
    w.value = joules / seconds;
    return w;
}

double energy_baseline_confidence(const struct energy_baseline *b)
{
    return b->n < 2 ? (double)NAN : 1 - ldexp(1, 1 - (int)b->n);
}

struct energy_interval energy_gross(double joules, double quantisation)
{
    const double error_j = isfinite(quantisation) ? quantisation * joules : (double)NAN;
    return (struct energy_interval){joules, joules - error_j, joules + error_j};
}

struct energy_interval energy_net(struct energy_interval gross, struct energy_interval idle_w, double window_s)
{
    return (struct energy_interval){gross.value - idle_w.value * window_s, gross.lo - idle_w.hi * window_s,
                                    gross.hi - idle_w.lo * window_s};
}

json_t *energy_interval_json(struct energy_interval x)
{
    return json_pack("{s:o, s:o, s:o}", "value", number_json(x.value), "lo", number_json(x.lo), "hi", number_json(x.hi));
}

json_t *energy_baseline_json(const struct energy_baseline *b)
{
    json_t *list = json_array();
    for (size_t i = 0; i < b->n; i++)
        json_array_append_new(list, json_pack("{s:f, s:f}", "joules", b->joules[i], "seconds", b->seconds[i]));
    return list;
}

bool energy_baseline_from_json(const json_t *list, struct energy_baseline *b)
{
    size_t i;
    json_t *w;
    if (!json_is_array(list))
        return false;
    json_array_foreach(list, i, w)
    {
        const double j = json_number_value(json_object_get(w, "joules")), s = json_number_value(json_object_get(w, "seconds"));
        if (b->n == ENERGY_BASELINE_MAX || !(s > 0) || !(j >= 0))
            return false;
        b->joules[b->n] = j;
        b->seconds[b->n++] = s;
    }
    return true;
}
