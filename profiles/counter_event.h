/* From the name of an event to what perf_event_open() takes. Internal to profiles/.
 *
 *     cycles, LLC-load-misses, task-clock     names that the kernel knows for every CPU, as `perf list` writes them
 *     /l1d_cache_refill/, /event=7,umask=8/   of the group's PMU in sysfs (counter_sysfs.h)
 *     L1D:REPLACEMENT                         any other: libpfm4's, of the group's PMU
 * libpfm4 is loaded at run time when it is installed. */
#ifndef BITJOULE_COUNTER_EVENT_H
#define BITJOULE_COUNTER_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profiles/counter_group.h"
#include "profiles/probe.h"

struct counter_code {
    uint32_t type;
    uint64_t config, config1, config2;
    bool software;  /* counted by the kernel, needs no PMU */
    bool in_kernel; /* happens in the kernel only: counting user mode alone would give 0 */
};

/* What is used of libpfm4, so that a test can stand in for it. */
struct pfm_api {
    bool (*has_pmu)(const char *pmu);                          /* of this machine */
    int (*encode)(const char *name, struct counter_code *out); /* "PMU::EVENT:UMASK"; 0, or libpfm4's negative code */
    const char *(*error)(int code);
};

/* NULL: not installed, or not built with it; *why then says so. */
const struct pfm_api *counter_pfm(const char **why);

/* Where names are looked up. pfm may be NULL. */
struct counter_tables {
    const struct pfm_api *pfm;
    const struct probe_env *env;
};

/* The one of `pmus` that this machine has, by libpfm4 or in sysfs; NULL: none. */
const char *counter_pmu_here(const struct counter_tables *t, const struct counter_pmus *pmus);

/* pmu: of the group, NULL when it has none. 0, or -ENOENT and a reason with the remedy. */
int counter_encode(const struct counter_tables *t, const char *pmu, const char *name, struct counter_code *out,
                   char reason[METRIC_REASON_LEN]);

/* True when the kernel itself knows the name. */
bool counter_is_kernel_name(const char *name);

#endif
