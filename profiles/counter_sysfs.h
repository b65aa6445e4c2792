/* PMUs as sysfs describes them (bus/event_source/devices/PMU): events by their files or by terms, and the units of a PMU that a
 * socket has several of. Internal to profiles/.
 *
 *     /cas_count_read/          the file events/cas_count_read, which holds terms
 *     /event=0x0a,rdwrmask=1/   terms; format/TERM tells the bits of each
 * Sources: Documentation/ABI/testing/sysfs-bus-event_source-devices-{events,format}, and perf's rule for units: the name, or the name,
 * '_' and a number. */
#ifndef BITJOULE_COUNTER_SYSFS_H
#define BITJOULE_COUNTER_SYSFS_H

#include "profiles/counter_event.h"

/* 0, or -ENOENT and a reason. pmu: NULL, none is here. */
int counter_encode_sysfs(const struct counter_tables *t, const char *pmu, const char *name, struct counter_code *out,
                         char reason[METRIC_REASON_LEN]);

/* One unit of a PMU, and one CPU of its cpumask: where its counts are opened, one a package (or die). */
struct counter_unit {
    char pmu[64];
    int cpu;
};

/* All units of the first of these PMUs that is here, sorted by name, each with each CPU of its cpumask. Free *out. Returns how many; 0:
 * none is here; -ENOMEM; -ENODATA: one has no cpumask that can be read, and so cannot be summed. */
int counter_units(const struct probe_env *env, const struct counter_pmus *pmus, struct counter_unit **out);

/* True when one of the PMUs is here and its first unit has every event of the group. */
bool counter_uncore_fits(const struct counter_tables *t, const struct counter_group *g);

#endif
