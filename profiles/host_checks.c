/* The environment checks: what on this machine makes measurements noisy, incomparable or meaningless.
 *
 * Each check looks at the facts and adds at most one line {severity, check, message}. What cannot be known adds nothing.
 * Nothing is changed: the messages say what to type. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "profiles/host_cgroup.h"
#include "profiles/host_facts.h"
#include "profiles/host_info.h"
#include "profiles/metric_out.h"

static const double load_warn_per_cpu = 0.1;
static const double steal_warn = 0.005;
static const double temp_warn_c = 85.0;

/* Sanitizers multiply run times by two to five and an unoptimised build by ten. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW_BUILD "a sanitizer build"
#elif !defined(__OPTIMIZE__)
#define SLOW_BUILD "a build without optimisation"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SLOW_BUILD "a sanitizer build"
#endif
#endif
#ifndef SLOW_BUILD
#define SLOW_BUILD ""
#endif

__attribute__((format(printf, 4, 5))) static void add(json_t *list, const char *severity, const char *check, const char *fmt, ...)
{
    char message[480] = "";
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "severity", severity, "check", check, "message", text_json(message)));
}

static void check_build(json_t *list, const struct host_facts *f)
{
    if (SLOW_BUILD[0])
        add(list, "block", "build", "this is %s: its times say nothing. Rebuild with plain `make`", SLOW_BUILD);
    if (f->emulated)
        add(list, "block", "emulation", "a user-mode emulator runs this %s program: its times say nothing about any CPU", f->arch);
}

static void check_clock(json_t *list, const struct host_facts *f)
{
    if (f->governor[0] && strcmp(f->governor, "performance") != 0)
        add(list, "warn", "governor",
            "CPU frequency governor is %s: the clock follows the load. As root: cpupower frequency-set -g performance",
            f->governor);
    if (f->turbo == 1)
        add(list, "warn", "turbo",
            "turbo is on: the clock depends on temperature and on how many cores are busy, which favours short runs");
    if (f->freq_max_khz != HOST_UNKNOWN && f->freq_limit_khz != HOST_UNKNOWN && f->freq_limit_khz < f->freq_max_khz)
        add(list, "warn", "frequency_cap", "the clock is limited to %.2f GHz of %.2f GHz (scaling_max_freq)",
            1e-6 * (double)f->freq_limit_khz, 1e-6 * (double)f->freq_max_khz);
    if (f->on_battery == 1)
        add(list, "warn", "battery", "running on battery: power limits and clock differ from those on mains. Plug in");
    if (f->cpu_temp_c >= temp_warn_c)
        add(list, "warn", "temperature", "the CPU is at %.0f degrees C already: it will throttle. Let it cool down", f->cpu_temp_c);
    else if (!isnan(f->cpu_temp_c))
        add(list, "info", "temperature", "the CPU is at %.0f degrees C", f->cpu_temp_c);
    if (f->throttle_events > 0)
        add(list, "info", "throttling", "cores were slowed down for heat %lld times since boot: watch temperature and fan",
            (long long)f->throttle_events);
    if (f->power_limits[0])
        add(list, "info", "power_limit", "%s: bursts draw more than can be kept up, so measure for longer than the first window",
            f->power_limits);
    if (!strcmp(f->clocksource, "hpet") || !strcmp(f->clocksource, "acpi_pm") || !strcmp(f->clocksource, "jiffies"))
        add(list, "warn", "clocksource", "clock source is %s: reading the time is slow and coarse", f->clocksource);
}

static void check_topology(json_t *list, const struct host_facts *f)
{
    if (f->smt == 1)
        add(list, "info", "smt", "cores have SMT siblings (%lld threads on %lld cores): use one thread per core for stable numbers",
            (long long)f->threads, (long long)f->cores);
    if (f->allowed_threads != HOST_UNKNOWN && f->threads != HOST_UNKNOWN && f->allowed_threads < f->threads)
        add(list, "info", "affinity", "this process may run on %lld of %lld CPUs only", (long long)f->allowed_threads,
            (long long)f->threads);
}

static void check_others(json_t *list, const struct host_facts *f)
{
    double cpus = f->threads != HOST_UNKNOWN ? (double)f->threads : 1.0;
    if (f->load1 > load_warn_per_cpu * cpus) /* false for NAN */
        add(list, "warn", "load", "other programs are running: load average %.2f on %.0f CPUs (limit %.2f). Stop them or wait",
            f->load1, cpus, load_warn_per_cpu * cpus);
    if (f->steal_share > steal_warn)
        add(list, "warn", "steal", "the hypervisor took %.1f %% of the CPU time used since boot for other guests (limit %.1f %%)",
            100.0 * f->steal_share, 100.0 * steal_warn);
    if (f->hypervisor[0])
        add(list, "warn", "virtual_machine",
            "virtual machine (%s): neighbours share caches, memory and power, and counters may be hidden", f->hypervisor);
}

static void check_memory(json_t *list, const struct host_facts *f)
{
    if (f->swap_total_bytes != HOST_UNKNOWN && f->swap_free_bytes != HOST_UNKNOWN && f->swap_free_bytes < f->swap_total_bytes)
        add(list, "warn", "swap", "%.0f MiB of swap are in use: pages may have to be read back while measuring",
            (double)(f->swap_total_bytes - f->swap_free_bytes) / 1048576.0);
    if (strcmp(f->thp_enabled, "never") == 0)
        add(list, "info", "thp", "transparent huge pages are off: large weights need more TLB entries than on most machines");
    else if (f->thp_enabled[0])
        add(list, "info", "thp", "transparent huge pages: %s", f->thp_enabled);
    if (f->aslr > 0)
        add(list, "info", "aslr", "address randomisation is on: runs differ in memory layout, which repeated runs average out");
    else if (f->aslr == 0)
        add(list, "info", "aslr", "address randomisation is off: all runs share one memory layout, and its luck");
}

static void check_kernel(json_t *list, const struct host_facts *f)
{
    char open_to[240] = "";
    if (f->vulnerable > 0)
        snprintf(open_to, sizeof open_to, "; open to %lld more, or covered in part (%s)", (long long)f->vulnerable, f->open_to);
    if (f->mitigations > 0)
        add(list, "info", "mitigations",
            "the kernel works around %lld weaknesses of this CPU (%s), which costs time at system calls%s",
            (long long)f->mitigations, f->mitigated, open_to);
    else if (f->mitigations == 0)
        add(list, "info", "mitigations", "no workarounds for weaknesses of the CPU are on%s", open_to);
    if (f->nmi_watchdog == 1)
        add(list, "info", "nmi_watchdog",
            "the NMI watchdog keeps one hardware counter for itself. As root: sysctl "
            "kernel.nmi_watchdog=0");
    if (f->numa_balancing == 1 && f->numa_nodes > 1)
        add(list, "info", "numa_balancing",
            "the kernel moves pages between memory nodes while programs run. As root: sysctl "
            "kernel.numa_balancing=0");
}

static void check_cgroup(json_t *list, const struct host_facts *f, const struct probe_env *env)
{
    struct cgroup_limits limits;
    cgroup_limits_read(env, &limits);
    double cpus = f->threads != HOST_UNKNOWN ? (double)f->threads : 1.0;
    if (limits.cpus < cpus)
        add(list, limits.cpus < 1.0 ? "block" : "warn", "cgroup_cpu",
            "a control group limits CPU time to %.2f CPUs of %.0f: more threads are stopped in mid-run", limits.cpus, cpus);
    if (limits.throttled_s > 0)
        add(list, "warn", "cgroup_throttled",
            "a control group has stopped this process or its neighbours for %.1f s in all, to keep "
            "its CPU limit",
            limits.throttled_s);
    if (!isinf(limits.mem_limit_bytes))
        add(list, "info", "cgroup_memory", "a control group limits memory to %.2f GiB, %.2f GiB of it free",
            limits.mem_limit_bytes / 1073741824.0, limits.mem_available_bytes / 1073741824.0);
}

json_t *host_warnings_json(const struct probe_env *env)
{
    struct host_facts f;
    host_facts_read(env, &f);
    json_t *list = json_array();
    check_build(list, &f);
    check_clock(list, &f);
    check_topology(list, &f);
    check_others(list, &f);
    check_memory(list, &f);
    check_kernel(list, &f);
    check_cgroup(list, &f, env);
    return list;
}
