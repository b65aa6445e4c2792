/* Everything known about the machine, as plain values: filled by host_cpu.c, host_topo.c, host_power.c and host_os.c, written
 * as JSON by host_info.c, judged by host_checks.c. Internal to profiles/. */
#ifndef BITJOULE_HOST_FACTS_H
#define BITJOULE_HOST_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profiles/probe.h"

/* What was not found: this for integers, an empty string for text, NAN for doubles. It becomes null, never a default. */
#define HOST_UNKNOWN INT64_MIN

enum { HOST_MAX_CACHES = 32, HOST_MAX_KINDS = 8 };

struct host_cache {
    int level;
    const char *type; /* "data", "instruction", "unified" */
    uint64_t bytes;
    unsigned line_bytes; /* 0: not told */
    unsigned count;
};

/* Cores that differ from others: big and LITTLE, P and E */
struct host_core_kind {
    char cpus[96];    /* "0-3" */
    int64_t capacity; /* of the kernel's cpu_capacity, at most 1024 */
    int64_t frequency_max_mhz;
};

struct host_facts {
    /* CPU */
    char arch[72], cpu_model[160], vendor[48], microcode[32], cpu_features[512];
    int64_t family, model, stepping;
    bool emulated; /* the CPU of cpuinfo cannot run this program: a user-mode emulator does */
    /* topology */
    int64_t sockets, cores, threads, numa_nodes;
    int64_t smt; /* 0 or 1 */
    struct host_cache caches[HOST_MAX_CACHES];
    size_t n_caches;
    struct host_core_kind kinds[HOST_MAX_KINDS]; /* fastest first */
    size_t n_kinds;                              /* 0: one kind only, or not known */
    int64_t allowed_threads;                     /* that this process may run on */
    /* clock, power, temperature */
    char governor[96];                    /* one name, or several joined by '+' */
    int64_t turbo;                        /* 0 or 1 */
    int64_t freq_max_khz, freq_limit_khz; /* what the CPU can do, what the policy allows */
    int64_t on_battery;                   /* 0 or 1 */
    double cpu_temp_c;                    /* the hottest CPU sensor */
    int64_t throttle_events;              /* thermal, of all cores since boot */
    char power_limits[160];               /* what the package may draw: "package-0: 45 W over 28 s, 65 W over 0.00244 s" */
    char hypervisor[64];
    /* memory and system */
    int64_t mem_total_bytes, swap_total_bytes, swap_free_bytes, page_bytes;
    char thp_enabled[32], thp_defrag[32], kernel[96], os[96], clocksource[32];
    double load1, steal_share; /* steal_share: of all CPU time spent since boot */
    int64_t aslr, perf_event_paranoid;
    int64_t nmi_watchdog, numa_balancing; /* 0 or 1 */
    int64_t mitigations;                  /* weaknesses of the CPU that the kernel works around */
    char mitigated[160];                  /* their names, as many as fit */
    int64_t vulnerable;                   /* weaknesses that it does not work around, or only in part */
    char open_to[160];                    /* likewise */
};

void host_facts_read(const struct probe_env *env, struct host_facts *f); /* all of the below */
void host_cpu_read(const struct probe_env *env, struct host_facts *f);
void host_topo_read(const struct probe_env *env, struct host_facts *f);
void host_power_read(const struct probe_env *env, struct host_facts *f);
void host_os_read(const struct probe_env *env, struct host_facts *f);

/* Name of an ARM core by the implementer and part fields of its MIDR register, "Arm Neoverse-N1"; unknown ones as numbers.
 * vendor gets the implementer's name, empty when unknown. */
void host_midr_name(unsigned implementer, unsigned part, char *name, size_t len, char *vendor, size_t vendor_len);

#endif
