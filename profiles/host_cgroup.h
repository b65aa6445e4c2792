/* What the control groups of this process allow: memory and CPU time. */
#ifndef BITJOULE_HOST_CGROUP_H
#define BITJOULE_HOST_CGROUP_H

#include "profiles/probe.h"

struct cgroup_limits {
    double mem_limit_bytes;     /* the tightest memory limit of the group and its parents; INFINITY: none */
    double mem_available_bytes; /* what is left below the limits; INFINITY: no limit */
    double cpus;                /* CPU time quota / period; INFINITY: none */
    double throttled_s;         /* that the group, or a parent, was stopped for its quota since it exists; 0: never, or not known */
};

/* Understands version 2, version 1, and both side by side. */
void cgroup_limits_read(const struct probe_env *env, struct cgroup_limits *out);

#endif
