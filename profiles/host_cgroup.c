/* Control group limits: memory and CPU quota, version 2 and version 1.
 *
 * /proc/self/cgroup names the groups, one line per hierarchy: "0::/a/b" is version 2, "4:memory:/a/b" version 1. A limit of any
 * parent binds too, so all are read up to the root. Inside a container the path may be one of the host that is not mounted;
 * then only the root, which is the container's own group, answers. Of the memory in use, inactive file cache counts as free. */
#include "profiles/host_cgroup.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profiles/sysfile.h"

/* Version 1 writes "no limit" as a number near 2^63. */
static const double no_limit_bytes = 1152921504606846976.0; /* 2^60 */

struct hierarchy {
    const char *mount; /* below sysfs */
    const char *mem_limit, *mem_usage, *inactive_key;
};

static const struct hierarchy v2 = {"fs/cgroup", "memory.max", "memory.current", "inactive_file "};
static const struct hierarchy v2_beside_v1 = {"fs/cgroup/unified", "memory.max", "memory.current", "inactive_file "};
static const struct hierarchy v1_memory = {"fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                                           "total_inactive_file "};
static const struct hierarchy v1_cpu = {"fs/cgroup/cpu", NULL, NULL, NULL};

/* Value of "KEY NUMBER" at the start of a line of memory.stat; 0 when absent. */
static double inactive_bytes(const char *sysfs, const struct hierarchy *h, const char *group)
{
    char text[8192], key[32];
    unsigned long long v = 0;
    if (sysfile_text(text + 1, sizeof text - 1, sysfs, "%s%s/memory.stat", h->mount, group) < 0)
        return 0.0;
    text[0] = '\n';
    snprintf(key, sizeof key, "\n%s", h->inactive_key);
    const char *p = strstr(text, key);
    return p && sscanf(p + strlen(key), "%llu", &v) == 1 ? (double)v : 0.0;
}

static void read_memory(const char *sysfs, const struct hierarchy *h, const char *group, struct cgroup_limits *out)
{
    uint64_t limit, usage;
    if (!h->mem_limit || sysfile_u64(&limit, sysfs, "%s%s/%s", h->mount, group, h->mem_limit) || (double)limit >= no_limit_bytes)
        return; /* "max" is no number */
    out->mem_limit_bytes = fmin(out->mem_limit_bytes, (double)limit);
    if (sysfile_u64(&usage, sysfs, "%s%s/%s", h->mount, group, h->mem_usage))
        usage = 0;
    double used = fmax((double)usage - inactive_bytes(sysfs, h, group), 0.0);
    out->mem_available_bytes = fmin(out->mem_available_bytes, fmax((double)limit - used, 0.0));
}

/* cpu.max: "QUOTA PERIOD" or "max PERIOD"; version 1 has a file for each, quota -1 for none. Both in microseconds. */
static void read_cpu(const char *sysfs, const struct hierarchy *h, const char *group, struct cgroup_limits *out)
{
    char text[64];
    double quota;
    uint64_t quota_us, period_us = 0;
    if (sysfile_text(text, sizeof text, sysfs, "%s%s/cpu.max", h->mount, group) > 0) {
        unsigned long long period;
        if (sscanf(text, "%lf %llu", &quota, &period) == 2 && period > 0)
            out->cpus = fmin(out->cpus, quota / (double)period);
    } else if (!sysfile_u64(&quota_us, sysfs, "%s%s/cpu.cfs_quota_us", h->mount, group) &&
               !sysfile_u64(&period_us, sysfs, "%s%s/cpu.cfs_period_us", h->mount, group) && period_us > 0) {
        out->cpus = fmin(out->cpus, (double)quota_us / (double)period_us);
    }
}

/* cpu.stat: "throttled_usec N" (version 2) or "throttled_time NANOSECONDS" (version 1) */
static void read_throttling(const char *sysfs, const struct hierarchy *h, const char *group, struct cgroup_limits *out)
{
    char text[1024];
    unsigned long long v;
    if (sysfile_text(text, sizeof text, sysfs, "%s%s/cpu.stat", h->mount, group) <= 0)
        return;
    const char *us = strstr(text, "throttled_usec "), *ns = strstr(text, "throttled_time ");
    const char *at = us ? us : ns;
    if (at && sscanf(at + strlen("throttled_usec "), "%llu", &v) == 1)
        out->throttled_s = fmax(out->throttled_s, (us ? 1e-6 : 1e-9) * (double)v);
}

/* The group and all its parents; `group` is cut on the way. */
static void read_upwards(const char *sysfs, const struct hierarchy *h, char *group, struct cgroup_limits *out)
{
    if (strstr(group, "..") || strcmp(group, "/") == 0)
        group[0] = '\0'; /* a group outside of the mounted part */
    for (;;) {
        read_memory(sysfs, h, group, out);
        read_cpu(sysfs, h, group, out);
        read_throttling(sysfs, h, group, out);
        char *slash = strrchr(group, '/');
        if (!slash)
            return;
        *slash = '\0';
    }
}

static bool lists(const char *controllers, const char *name)
{
    char list[128], key[32];
    snprintf(list, sizeof list, ",%s,", controllers);
    snprintf(key, sizeof key, ",%s,", name);
    return strstr(list, key) != NULL;
}

static void read_line(const char *sysfs, char *line, struct cgroup_limits *out)
{
    char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
    uint64_t unused;
    char text[64];
    if (!group)
        return;
    *controllers++ = '\0';
    *group++ = '\0';
    if (!*controllers && parse_u64(line, &unused) == 0) {
        bool pure = sysfile_text(text, sizeof text, sysfs, "fs/cgroup/cgroup.controllers") >= 0;
        read_upwards(sysfs, pure ? &v2 : &v2_beside_v1, group, out);
    } else if (lists(controllers, "memory")) {
        read_upwards(sysfs, &v1_memory, group, out);
    } else if (lists(controllers, "cpu")) {
        read_upwards(sysfs, &v1_cpu, group, out);
    }
}

void cgroup_limits_read(const struct probe_env *env, struct cgroup_limits *out)
{
    *out = (struct cgroup_limits){(double)INFINITY, (double)INFINITY, (double)INFINITY, 0};
    char *text = sysfile_all(env_procfs(env), "self/cgroup"), *rest;
    if (!text)
        return;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        read_line(env_sysfs(env), line, out);
    free(text);
}
