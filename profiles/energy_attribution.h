/* Was the energy of a window really used by what was measured? Counters see the whole machine.
 *
 * A window is void when others used the CPU, when the hypervisor took it away, or when the work stood still for lack of CPU, memory
 * or disk. The joules of a void window become unavailable with that reason; what the counters showed is kept under the name
 * energy_void_j, so that nothing is hidden and nobody takes it for a result. */
#ifndef BITJOULE_ENERGY_ATTRIBUTION_H
#define BITJOULE_ENERGY_ATTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>

#include "profiles/probe.h"

/* Looks at thermal_throttles, clock_capped, cpu_others_s, steal_s and psi_*_some_s among m and, when one is over its limit in a
 * window of window_s on n_cpus, voids the energy and power metrics among m and adds energy_void_j. Returns the new number of
 * metrics, at most cap. */
size_t energy_attribute(struct metric *m, size_t n, size_t cap, double window_s, unsigned n_cpus);
/* The check alone: true when one of them is over its limit; the reason begins with "void: ". */
bool energy_attribution_fault(const struct metric *m, size_t n, double window_s, unsigned n_cpus, char reason[METRIC_REASON_LEN]);
/* Heat and clock limits alone, which meet whoever runs. */
bool energy_slowed_down(const struct metric *m, size_t n, char reason[METRIC_REASON_LEN]);
/* False where load says nothing about the energy: sysfs is a simulated tree and procfs this machine's, or the other way round. */
bool energy_attribution_applies(const struct probe_env *env);

#endif
