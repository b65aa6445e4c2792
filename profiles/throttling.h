/* Was the clock held down for heat or power? Three witnesses, as far as a machine has them:
 *
 *     counts     x86: thermal_throttle/core_throttle_count and package_throttle_count of each CPU, since boot
 *     limits     cpufreq: scaling_max_freq of each policy, which the kernel lowers when its thermal zones get hot; and the state of the
 *                cooling devices that slow the processor down
 *     firmware   Raspberry Pi: vcgencmd get_throttled, else get_throttled in sysfs
 * Internal to profiles/. */
#ifndef BITJOULE_THROTTLING_H
#define BITJOULE_THROTTLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profiles/probe.h"

enum { THROTTLE_CPUS = 1024, THROTTLE_METRICS = 2 };

/* All of them at one moment. */
struct throttle_state {
    const char *sysfs; /* where it was read */
    int n_cpus;
    bool counts; /* some CPU has them; the others are 0 */
    uint32_t core[THROTTLE_CPUS], package[THROTTLE_CPUS];
    double limit_khz; /* sum over the policies; NAN: no cpufreq */
    int cooling;      /* state of the device that slows down most, 0: none does; -1: there is no such device */
    char device[32];  /* its type */
    int64_t firmware; /* bits of get_throttled; -1: there is no such firmware */
};

void throttle_read(struct throttle_state *s, const struct probe_env *env);

/* Metrics of the time between two states: thermal_throttles, times that a core or package was slowed down, and clock_capped, 1 when
 * its limit moved, was held down at one of the ends, or the firmware says so. Returns THROTTLE_METRICS. */
size_t throttle_metrics(const struct throttle_state *a, const struct throttle_state *b, struct metric out[THROTTLE_METRICS]);

/* Times that a core was slowed down for heat since boot; NAN: not told. */
double throttle_total(const struct throttle_state *s);

#endif
