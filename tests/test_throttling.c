/* Heat: a CPU that was slowed down inside of a window voids its joules, and doctor tells what happened since boot. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "profiles/energy_attribution.h"
#include "profiles/host_info.h"
#include "profiles/sw_counters.h"
#include "tests/metric_checks.h"
#include "tests/sim_sysfs.h"

#define FILE_OF(what) "devices/system/cpu/cpu0/thermal_throttle/" what "_throttle_count"

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
    metric_set(&seen[0], "energy_pkg_j", "J", METRIC_MEASURED, 100, "x");
    struct metric machine[8];
    const size_t n = sw_machine_metrics(&a, &b, machine, 8);
    seen[1] = machine[n - 1]; /* heat alone: the load of the machine that tests this is its own */
    n_seen = energy_attribute(seen, 2, SEEN_MAX, 10, 4);
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
    metric_set(&seen[0], "energy_pkg_j", "J", METRIC_MEASURED, 100, "x");
    struct metric machine[8];
    const size_t n = sw_machine_metrics(&a, &a, machine, 8);
    seen[1] = machine[n - 1];
    n_seen = energy_attribute(seen, 2, SEEN_MAX, 10, 4);
    check_lost("thermal_throttles", "no thermal_throttle");
    check_value("energy_pkg_j", 100);
    sim_free(s);
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
    check_message(list, "mitigations", "info", "2 weaknesses of this CPU (meltdown, spectre_v2)");
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
    check_message(list, "mitigations", "info", "no workarounds");
    json_decref(list);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(throttling_voids_a_window),
        cmocka_unit_test(machines_without_the_counts_lose_nothing),
        cmocka_unit_test(checks_of_a_hot_machine),
    };
    return cmocka_run_group_tests_name("throttling", tests, NULL, NULL);
}
