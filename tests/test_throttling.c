/* Heat: a CPU that was slowed down inside of a window voids its joules, and doctor tells what happened since boot. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "profiles/energy_attribution.h"
#include "profiles/host_info.h"
#include "profiles/sw_counters.h"
#include "tests/metric_checks.h"
#include "tests/sim_sysfs.h"

#define FILE_OF(what) "devices/system/cpu/cpu0/thermal_throttle/" what "_throttle_count"

/* 100 J in 10 s are judged by heat alone: the load of the machine that tests this is its own. */
static void judge(const struct sw_snapshot *a, const struct sw_snapshot *b)
{
    struct metric machine[8];
    const size_t n = sw_machine_metrics(a, b, machine, 8);
    metric_set(&seen[0], "energy_pkg_j", "J", METRIC_MEASURED, 100, "x");
    n_seen = 1;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(machine[i].name, "thermal_throttles") || !strcmp(machine[i].name, "clock_capped"))
            seen[n_seen++] = machine[i];
    assert_int_equal(n_seen, 3);
    n_seen = energy_attribute(seen, n_seen, SEEN_MAX, 10, 4);
}

/* A window in which the counts move from the first pair (core, package) to the second; then 100 J in 10 s are judged. */
static void window(struct sim *s, const unsigned from[2], const unsigned to[2])
{
    const struct probe_env env = {.sysfs = sim_root(s)};
    struct sw_snapshot a, b;
    sim_write(s, FILE_OF("core"), "%u\n", from[0]);
    sim_write(s, FILE_OF("package"), "%u\n", from[1]);
    sw_snapshot_take(&a, &env, RUSAGE_SELF);
    sim_write(s, FILE_OF("core"), "%u\n", to[0]);
    sim_write(s, FILE_OF("package"), "%u\n", to[1]);
    sw_snapshot_take(&b, &env, RUSAGE_SELF);
    judge(&a, &b);
}

static void throttling_voids_a_window(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    window(s, (const unsigned[]){7, 3}, (const unsigned[]){7, 3});
    check_value("thermal_throttles", 0);
    check_value("energy_pkg_j", 100);
    window(s, (const unsigned[]){7, 3}, (const unsigned[]){8, 5});
    check_value("thermal_throttles", 3);
    check_lost("energy_pkg_j", "void: the CPU was slowed down for heat 3 times");
    check_value("energy_void_j", 100);
    sim_free(s);
}

static void machines_without_the_counts_lose_nothing(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const struct probe_env env = {.sysfs = sim_root(s)};
    struct sw_snapshot a;
    sw_snapshot_take(&a, &env, RUSAGE_SELF);
    judge(&a, &a);
    check_lost("thermal_throttles", "no thermal_throttle");
    check_lost("clock_capped", "no cpufreq");
    check_value("energy_pkg_j", 100);
    sim_free(s);
}

/* Two sockets of two cores with two siblings each; siblings show the count of their core, all CPUs that of their package. */
static void siblings_count_once(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const struct probe_env env = {.sysfs = sim_root(s)};
    struct sw_snapshot a, b;
    char path[96];
    sim_write(s, "devices/system/cpu/present", "0-7\n");
    for (int later = 0; later < 2; later++) {
        for (int cpu = 0; cpu < 8; cpu++) {
            const int socket = cpu / 2 % 2, core = cpu / 4;
            snprintf(path, sizeof path, "devices/system/cpu/cpu%d/topology/physical_package_id", cpu);
            sim_write(s, path, "%d\n", socket);
            snprintf(path, sizeof path, "devices/system/cpu/cpu%d/topology/core_id", cpu);
            sim_write(s, path, "%d\n", core);
            snprintf(path, sizeof path, "devices/system/cpu/cpu%d/thermal_throttle/core_throttle_count", cpu);
            sim_write(s, path, "%d\n", 10 + (later && core == 1 ? 3 : 0)); /* one core of each socket: 3 times */
            snprintf(path, sizeof path, "devices/system/cpu/cpu%d/thermal_throttle/package_throttle_count", cpu);
            sim_write(s, path, "%d\n", 20 * (socket + 1) + (later && socket == 1 ? 5 : 0)); /* one package: 5 times */
        }
        sw_snapshot_take(later ? &b : &a, &env, RUSAGE_SELF);
    }
    judge(&a, &b);
    check_value("thermal_throttles", 2 * 3 + 5);
    assert_true(throttle_total(&a.throttle) == 4 * 10);
    sim_free(s);
}

/* What the clock's limits say of a window between two contents of one file. */
static void capped(const char *path, const char *from, const char *to, const char *reason)
{
    struct sim *s = sim_new();
    const struct probe_env env = {.sysfs = sim_root(s)};
    struct sw_snapshot a, b;
    sim_write(s, "devices/system/cpu/cpufreq/policy0/scaling_max_freq", "2400000\n");
    sim_write(s, "devices/system/cpu/cpufreq/policy4/scaling_max_freq", "2800000\n");
    sim_write(s, "class/thermal/cooling_device0/type", "Fan\n");
    sim_write(s, "class/thermal/cooling_device0/cur_state", "3\n");
    sim_write(s, "class/thermal/cooling_device1/type", "cpufreq-cpu0\n");
    sim_write(s, "class/thermal/cooling_device1/cur_state", "0\n");
    sim_write(s, "class/thermal/cooling_device2/type", "cpufreq-cpu4\n");
    sim_write(s, "class/thermal/cooling_device2/cur_state", "0\n");
    sim_write(s, "firmware/devicetree/base/model", "%s", strstr(path, "get_throttled") ? "Raspberry Pi 4 Model B" : "Other");
    sim_write(s, path, "%s\n", from);
    sw_snapshot_take(&a, &env, RUSAGE_SELF);
    sim_write(s, path, "%s\n", to);
    sw_snapshot_take(&b, &env, RUSAGE_SELF);
    judge(&a, &b);
    check_value("clock_capped", reason ? 1 : 0);
    if (reason) {
        check_lost("energy_pkg_j", "void: the ");
        check_lost("energy_pkg_j", reason);
    } else {
        check_value("energy_pkg_j", 100);
    }
    sim_free(s);
}

static void a_clock_that_is_held_down_voids(void **state)
{
    (void)state;
    static const char limit[] = "devices/system/cpu/cpufreq/policy4/scaling_max_freq",
                      fan[] = "class/thermal/cooling_device0/cur_state", heat[] = "class/thermal/cooling_device2/cur_state",
                      pi[] = "devices/platform/soc/soc:firmware/get_throttled";
    setenv("PATH", "/nonexistent", 1); /* no vcgencmd: the file in sysfs is read */
    capped(limit, "2800000", "2800000", NULL);
    capped(limit, "1400000", "1400000", NULL); /* a limit that somebody set and that stays is the machine's */
    capped(limit, "2800000", "1400000", "moved by -1400 MHz");
    capped(limit, "1400000", "2800000", "moved by +1400 MHz"); /* it was held down before */
    capped(fan, "0", "5", NULL);
    capped(heat, "0", "2", "cooling device cpufreq-cpu4 in state 2");
    capped(heat, "1", "0", "cooling device cpufreq-cpu4 in state 1");
    capped(pi, "0", "0", NULL);
    capped(pi, "50000", "50000", NULL); /* long ago */
    capped(pi, "0", "2", "(frequency capped)");
    capped(pi, "50005", "50000", "(under-voltage, throttled)");
    capped(pi, "50000", "d0000", "(soft temperature limit)"); /* came and went inside of the window */
}

/* The message of a check; NULL: it found nothing. */
static const char *message(const json_t *list, const char *check, const char *severity)
{
    size_t i;
    json_t *w;
    json_array_foreach(list, i, w) if (!strcmp(json_string_value(json_object_get(w, "check")), check))
    {
        assert_string_equal(json_string_value(json_object_get(w, "severity")), severity);
        return json_string_value(json_object_get(w, "message"));
    }
    return NULL;
}

static void check_message(const json_t *list, const char *check, const char *severity, const char *part)
{
    const char *text = message(list, check, severity);
    if (!text || !strstr(text, part))
        fail_msg("%s: '%s' lacks '%s'", check, text ? text : "(none)", part);
}

/* Checks of doctor that the simulated machine answers; each file changed must change its line. */
static void checks_of_a_hot_machine(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const struct probe_env env = {.sysfs = sim_root(s), .procfs = sim_root(s)};
    sim_write(s, FILE_OF("core"), "12\n");
    sim_write(s, "class/powercap/intel-rapl:0/name", "package-0\n");
    sim_write(s, "class/powercap/intel-rapl:0/constraint_0_power_limit_uw", "45000000\n");
    sim_write(s, "class/powercap/intel-rapl:0/constraint_0_time_window_us", "27983872\n");
    sim_write(s, "class/powercap/intel-rapl:0/constraint_1_power_limit_uw", "115000000\n");
    sim_write(s, "class/powercap/intel-rapl:0/constraint_1_time_window_us", "2440\n");
    sim_write(s, "devices/system/cpu/vulnerabilities/meltdown", "Mitigation: PTI\n");
    sim_write(s, "devices/system/cpu/vulnerabilities/l1tf", "Not affected\n");
    sim_write(s, "devices/system/cpu/vulnerabilities/spectre_v2", "Mitigation: IBRS\n");
    sim_write(s, "sys/kernel/nmi_watchdog", "1\n");
    sim_write(s, "self/cgroup", "0::/a/b\n");
    sim_write(s, "fs/cgroup/cgroup.controllers", "cpu\n");
    sim_write(s, "fs/cgroup/a/cpu.stat", "usage_usec 5\nnr_throttled 4\nthrottled_usec 2500000\n");
    json_t *list = host_warnings_json(&env);
    check_message(list, "throttling", "info", "12 times since boot");
    check_message(list, "power_limit", "info", "package-0: 45 W over 28 s, 115 W over 0.00244 s");
    check_message(list, "mitigations", "info", "2 weaknesses of this CPU (meltdown, spectre_v2), which costs time at system calls");
    check_message(list, "nmi_watchdog", "info", "kernel.nmi_watchdog=0");
    check_message(list, "cgroup_throttled", "warn", "for 2.5 s in all");
    json_decref(list);
    sim_write(s, FILE_OF("core"), "0\n");
    sim_write(s, "devices/system/cpu/vulnerabilities/meltdown", "Vulnerable\n");
    sim_write(s, "devices/system/cpu/vulnerabilities/spectre_v2", "Vulnerable\n");
    sim_write(s, "sys/kernel/nmi_watchdog", "0\n");
    sim_write(s, "fs/cgroup/a/cpu.stat", "throttled_usec 0\n");
    list = host_warnings_json(&env);
    assert_null(message(list, "throttling", "info"));
    assert_null(message(list, "nmi_watchdog", "info"));
    assert_null(message(list, "cgroup_throttled", "warn"));
    check_message(list, "mitigations", "info", "no workarounds for weaknesses of the CPU are on; open to 2 more");
    check_message(list, "mitigations", "info", "(meltdown, spectre_v2)");
    json_decref(list);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(throttling_voids_a_window),       cmocka_unit_test(siblings_count_once),
        cmocka_unit_test(a_clock_that_is_held_down_voids), cmocka_unit_test(machines_without_the_counts_lose_nothing),
        cmocka_unit_test(checks_of_a_hot_machine),
    };
    return cmocka_run_group_tests_name("throttling", tests, NULL, NULL);
}
