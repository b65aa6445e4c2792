/* The attribution rule; see energy_attribution.h. The limits are choices: a machine that idles stays far below them, and energy
 * that a few percent of foreign load use is about as large as the effects that are looked for. */
#include "profiles/energy_attribution.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "profiles/energy_source.h"

/* shares of the time of all CPUs (others, steal) or of the window (pressure) */
static const double others_limit = 0.05, steal_limit = 0.005, psi_cpu_limit = 0.25, psi_memory_limit = 0.05, psi_io_limit = 0.25;
/* /proc/stat counts in steps of 10 ms per CPU, on both ends of the window. */
static const double tick_s = 0.02;

bool energy_attribution_applies(const struct probe_env *env)
{
    const bool real_proc = !env->procfs || strcmp(env->procfs, "/proc") == 0;
    return energy_env_is_real(env) == real_proc;
}

static const struct metric *find(const struct metric *m, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(m[i].name, name) == 0)
            return &m[i];
    return NULL;
}

bool energy_slowed_down(const struct metric *m, size_t n, char reason[METRIC_REASON_LEN])
{
    const struct metric *throttles = find(m, n, "thermal_throttles"), *capped = find(m, n, "clock_capped");
    if (throttles && throttles->value > 0) { /* false for NAN */
        snprintf(reason, METRIC_REASON_LEN, "void: the CPU was slowed down for heat %.0f times: let it cool down, look at the fan",
                 throttles->value);
        return true;
    }
    if (capped && capped->value > 0) {
        snprintf(reason, METRIC_REASON_LEN, "void: %.*s", METRIC_REASON_LEN - 8, capped->reason);
        return true;
    }
    return false;
}

/* The first limit that is passed, in words. What is not known voids nothing. */
bool energy_attribution_fault(const struct metric *m, size_t n, double window_s, unsigned n_cpus, char reason[METRIC_REASON_LEN])
{
    const struct {
        const char *metric, *what;
        double limit, cpus;
    } rules[] = {
        {"cpu_others_s", "other programs used %.1f %% of the CPUs (limit %.3g %%): stop them", others_limit, n_cpus},
        {"steal_s", "the hypervisor took %.1f %% of the CPUs away (limit %.3g %%): measure on a quiet host", steal_limit, n_cpus},
        {"psi_cpu_some_s", "work waited for a CPU %.1f %% of the time (limit %.3g %%): use fewer threads", psi_cpu_limit, 1},
        {"psi_memory_some_s", "work waited for memory %.1f %% of the time (limit %.3g %%): a smaller model, or more memory",
         psi_memory_limit, 1},
        {"psi_io_some_s", "work waited for the disk %.1f %% of the time (limit %.3g %%): repeat with a warm cache", psi_io_limit,
         1},
    };
    if (energy_slowed_down(m, n, reason))
        return true;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const struct metric *of = find(m, n, rules[i].metric);
        const double s = of ? of->value : (double)NAN, all_s = window_s * rules[i].cpus;
        if (!(s > rules[i].limit * all_s + tick_s * rules[i].cpus))
            continue;
        const int used = snprintf(reason, METRIC_REASON_LEN, "void: ");
        // NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): the formats are the constants above
        snprintf(reason + used, METRIC_REASON_LEN - (size_t)used, rules[i].what, 100 * s / all_s, 100 * rules[i].limit);
        return true;
    }
    return false;
}

static bool is_energy(const struct metric *m)
{
    const bool named = strncmp(m->name, "energy_", 7) == 0 || strncmp(m->name, "power_", 6) == 0;
    return named && m->status != METRIC_UNAVAILABLE && m->status != METRIC_ESTIMATED && strcmp(m->name, "energy_quantisation") != 0;
}

size_t energy_attribute(struct metric *m, size_t n, size_t cap, double window_s, unsigned n_cpus)
{
    char reason[METRIC_REASON_LEN];
    double gross = (double)NAN;
    enum metric_status status = METRIC_MEASURED;
    char gross_of[METRIC_NAME_LEN] = "", source[METRIC_SOURCE_LEN] = "";
    if (!energy_attribution_fault(m, n, window_s, n_cpus, reason))
        return n;
    for (size_t i = 0; i < n; i++) {
        if (!is_energy(&m[i]))
            continue;
        if (isnan(gross) && strcmp(m[i].unit, "J") == 0) { /* the headline comes first */
            gross = m[i].value;
            status = m[i].status;
            snprintf(gross_of, sizeof gross_of, "%s", m[i].name);
            snprintf(source, sizeof source, "%s", m[i].source);
        }
        m[i].status = METRIC_UNAVAILABLE;
        m[i].value = (double)NAN;
        snprintf(m[i].reason, sizeof m[i].reason, "%s", reason);
    }
    if (!isnan(gross) && n < cap) {
        metric_set(&m[n], "energy_void_j", "J", status, gross, source);
        snprintf(m[n].reason, sizeof m[n].reason, "what %s showed in a window that is %s", gross_of, reason);
        n++;
    }
    return n;
}
