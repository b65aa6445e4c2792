/* What the kernel counts in software: page faults, context switches, CPU time, time stolen by the hypervisor, pressure stalls. */
#ifndef BITJOULE_SW_COUNTERS_H
#define BITJOULE_SW_COUNTERS_H

#include <stddef.h>
#include <sys/resource.h>

#include "profiles/probe.h"
#include "profiles/throttling.h"

/* All counters at one moment. NAN where the kernel has no such file. */
struct sw_snapshot {
    struct rusage ru;      /* of this process or its waited-for children */
    double machine_busy_s; /* CPU time of all processes, all CPUs: user + nice + system + irq + softirq */
    double steal_s;        /* CPU time that the hypervisor gave to others, all CPUs */
    double psi_s[3];       /* time in which something waited for cpu, memory, io ("some") */
    struct throttle_state throttle;
};

/* who: RUSAGE_SELF or RUSAGE_CHILDREN. */
void sw_snapshot_take(struct sw_snapshot *s, const struct probe_env *env, int who);

/* Metrics of the process (CPU time, faults, switches) between two snapshots; returns how many, at most cap. */
size_t sw_process_metrics(const struct sw_snapshot *a, const struct sw_snapshot *b, struct metric *out, size_t cap);
/* Metrics of the whole machine (steal, busy, the share of others, pressure, throttling). */
size_t sw_machine_metrics(const struct sw_snapshot *a, const struct sw_snapshot *b, struct metric *out, size_t cap);

#endif
