/* The machine description and the environment checks, on simulated machines and on this one.
 *
 * A simulated machine is a folder with the few files that matter; what is not there must come out as null. The topology is hwloc's,
 * told a synthetic machine through its environment variable. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "profiles/host_facts.h"
#include "profiles/host_info.h"
#include "profiles/sysfile.h"
#include "tests/sim_sysfs.h"

struct machine {
    struct sim *sys, *proc;
    struct probe_env env;
};

static struct machine machine_new(void)
{
    struct machine m = {.sys = sim_new(), .proc = sim_new()};
    m.env.sysfs = sim_root(m.sys);
    m.env.procfs = sim_root(m.proc);
    return m;
}

static void machine_free(struct machine *m)
{
    sim_free(m->sys);
    sim_free(m->proc);
}

static const char *text_of(const json_t *host, const char *key)
{
    const char *s = json_string_value(json_object_get(host, key));
    if (!s)
        fail_msg("%s is no text", key);
    return s;
}

static json_int_t int_of(const json_t *host, const char *key)
{
    const json_t *v = json_object_get(host, key);
    if (!json_is_integer(v))
        fail_msg("%s is no integer", key);
    return json_integer_value(v);
}

static void check_null(const json_t *host, const char *key)
{
    if (!json_is_null(json_object_get(host, key)))
        fail_msg("%s is not null", key);
}

/* The severity of a check, or NULL when it said nothing. */
static const char *severity(const json_t *warnings, const char *check)
{
    size_t i;
    json_t *w;
    json_array_foreach(warnings, i, w) if (strcmp(text_of(w, "check"), check) == 0) return text_of(w, "severity");
    return NULL;
}

static void check_severity(const json_t *warnings, const char *check, const char *expected)
{
    const char *got = severity(warnings, check);
    if (!got || strcmp(got, expected) != 0)
        fail_msg("check %s: %s, expected %s", check, got ? got : "silent", expected);
}

static void check_silent(const json_t *warnings, const char *check)
{
    const char *got = severity(warnings, check);
    if (got)
        fail_msg("check %s: %s, expected nothing", check, got);
}

static const char *const host_keys[] = {
    "arch",
    "cpu_model",
    "vendor",
    "family",
    "model",
    "stepping",
    "microcode",
    "sockets",
    "cores",
    "threads",
    "smt",
    "caches",
    "core_kinds",
    "numa_nodes",
    "mem_total_bytes",
    "mem_available_bytes",
    "swap_total_bytes",
    "page_bytes",
    "thp_enabled",
    "thp_defrag",
    "governor",
    "turbo",
    "freq_max_khz",
    "hypervisor",
    "kernel",
    "os",
    "load1",
    "aslr",
    "perf_event_paranoid",
    "clocksource",
    "mitigations",
    "cpu_features",
};

static void this_machine_has_every_key(void **state)
{
    (void)state;
    json_t *host = host_info_json(NULL), *warnings = host_warnings_json(NULL);
    for (size_t i = 0; i < sizeof host_keys / sizeof host_keys[0]; i++)
        assert_non_null(json_object_get(host, host_keys[i]));
    assert_int_equal(json_object_size(host), sizeof host_keys / sizeof host_keys[0]);
    assert_true(int_of(host, "threads") >= 1 && int_of(host, "mem_total_bytes") > 0 && int_of(host, "page_bytes") >= 4096);
    assert_true(int_of(host, "mem_available_bytes") <= int_of(host, "mem_total_bytes"));
    assert_true(strlen(text_of(host, "arch")) > 0 && strlen(text_of(host, "kernel")) > 0);
    size_t i;
    json_t *w;
    json_array_foreach(warnings, i, w)
    {
        const char *s = text_of(w, "severity");
        assert_true(!strcmp(s, "info") || !strcmp(s, "warn") || !strcmp(s, "block"));
        assert_true(strlen(text_of(w, "check")) > 0 && strlen(text_of(w, "message")) > 0);
    }
    json_decref(host);
    json_decref(warnings);
}

static void unknown_is_null(void **state)
{
    (void)state;
    struct machine m = machine_new();
    json_t *host = host_info_json(&m.env), *warnings = host_warnings_json(&m.env);
    static const char *const from_files[] = {"cpu_model",
                                             "vendor",
                                             "family",
                                             "model",
                                             "stepping",
                                             "microcode",
                                             "mem_total_bytes",
                                             "mem_available_bytes",
                                             "swap_total_bytes",
                                             "thp_enabled",
                                             "thp_defrag",
                                             "governor",
                                             "turbo",
                                             "freq_max_khz",
                                             "hypervisor",
                                             "kernel",
                                             "load1",
                                             "aslr",
                                             "perf_event_paranoid",
                                             "clocksource",
                                             "mitigations",
                                             "cpu_features"};
    for (size_t i = 0; i < sizeof from_files / sizeof from_files[0]; i++)
        check_null(host, from_files[i]);
    assert_int_equal(json_object_size(host), sizeof host_keys / sizeof host_keys[0]);
    static const char *const silent[] = {"governor",  "turbo",         "battery",         "load",       "steal",         "swap",
                                         "thp",       "temperature",   "virtual_machine", "cgroup_cpu", "cgroup_memory", "aslr",
                                         "emulation", "frequency_cap", "clocksource"};
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
        check_silent(warnings, silent[i]);
    assert_int_equal(host_mem_available(&m.env), 0);
    json_decref(host);
    json_decref(warnings);
    machine_free(&m);
}

static const char intel_cpuinfo[] =
    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 106\nmodel name\t: Intel(R) Xeon(R) Gold 6338 CPU @ "
    "2.00GHz\n"
    "stepping\t: 6\nmicrocode\t: 0xd0003b9\nflags\t\t: fpu sse2 avx2 fma f16c avx512f avx512_vnni avx512vbmi\n"
    "vmx flags\t: vnmi avx\n\nprocessor\t: 1\nvendor_id\t: GenuineIntel\nmicrocode\t: 0xffffff\n\n";

static void write_server(const struct machine *m)
{
    sim_write(m->proc, "cpuinfo", "%s", intel_cpuinfo);
    sim_write(m->proc, "meminfo",
              "MemTotal:       1000000 kB\nMemFree: 1 kB\nMemAvailable:    600000 kB\nSwapTotal: 2048 kB\nSwapFree: 1024 kB\n");
    sim_write(m->proc, "loadavg", "3.50 2.00 1.00 2/345 6789\n");
    sim_write(m->proc, "stat", "cpu  900 0 50 5000 5 20 10 20 0 0\n");
    sim_write(m->proc, "sys/kernel/osrelease", "6.1.0-13-amd64\n");
    sim_write(m->proc, "sys/kernel/randomize_va_space", "0\n");
    sim_write(m->proc, "sys/kernel/perf_event_paranoid", "-1\n");
    sim_write(m->sys, "devices/system/cpu/cpufreq/policy0/scaling_governor", "powersave\n");
    sim_write(m->sys, "devices/system/cpu/cpufreq/policy1/scaling_governor", "powersave\n");
    sim_write(m->sys, "devices/system/cpu/cpufreq/policy0/cpuinfo_max_freq", "3200000\n");
    sim_write(m->sys, "devices/system/cpu/cpufreq/policy0/scaling_max_freq", "2000000\n");
    sim_write(m->sys, "devices/system/cpu/intel_pstate/no_turbo", "0\n");
    sim_write(m->sys, "devices/system/cpu/smt/active", "1\n");
    sim_write(m->sys, "devices/system/cpu/vulnerabilities/meltdown", "Not affected\n");
    sim_write(m->sys, "devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
    sim_write(m->sys, "kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
    sim_write(m->sys, "kernel/mm/transparent_hugepage/defrag", "always defer defer+madvise [madvise] never\n");
    sim_write(m->sys, "class/power_supply/BAT0/type", "Battery\n");
    sim_write(m->sys, "class/power_supply/BAT0/status", "Discharging\n");
    sim_write(m->sys, "class/hwmon/hwmon3/name", "coretemp\n");
    sim_write(m->sys, "class/hwmon/hwmon3/temp1_input", "91000\n");
    sim_write(m->sys, "class/thermal/thermal_zone0/type", "acpitz\n");
    sim_write(m->sys, "class/thermal/thermal_zone0/temp", "99000\n");
}

static void describes_an_intel_server(void **state)
{
    (void)state;
    struct machine m = machine_new();
    write_server(&m);
    setenv("HWLOC_SYNTHETIC", "pack:2 l3:1(size=33554432) core:4 l1d:1(size=32768) pu:2", 1);
    json_t *host = host_info_json(&m.env);
    unsetenv("HWLOC_SYNTHETIC");
    assert_string_equal(text_of(host, "cpu_model"), "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz");
    assert_string_equal(text_of(host, "vendor"), "GenuineIntel");
    assert_int_equal(int_of(host, "family"), 6);
    assert_int_equal(int_of(host, "model"), 106);
    assert_int_equal(int_of(host, "stepping"), 6);
    assert_string_equal(text_of(host, "microcode"), "0xd0003b9");
    assert_string_equal(text_of(host, "cpu_features"), "avx2,fma,f16c,avx512f,avx512_vnni");
    assert_int_equal(int_of(host, "sockets"), 2);
    assert_int_equal(int_of(host, "cores"), 8);
    assert_int_equal(int_of(host, "threads"), 16);
    assert_true(json_is_true(json_object_get(host, "smt")));
    assert_true(json_is_true(json_object_get(host, "turbo")));
    const json_t *caches = json_object_get(host, "caches");
    assert_int_equal(json_array_size(caches), 2);
    assert_string_equal(text_of(json_array_get(caches, 0), "type"), "data");
    assert_int_equal(int_of(json_array_get(caches, 0), "count"), 8);
    assert_int_equal(int_of(json_array_get(caches, 1), "level"), 3);
    assert_int_equal(int_of(json_array_get(caches, 1), "bytes"), 33554432);
    assert_string_equal(text_of(host, "governor"), "powersave");
    assert_int_equal(int_of(host, "freq_max_khz"), 3200000);
    assert_int_equal(int_of(host, "mem_total_bytes"), 1024000000);
    assert_int_equal(int_of(host, "mem_available_bytes"), 614400000);
    assert_string_equal(text_of(host, "thp_enabled"), "never");
    assert_string_equal(text_of(host, "thp_defrag"), "madvise");
    assert_string_equal(text_of(host, "kernel"), "6.1.0-13-amd64");
    assert_int_equal(int_of(host, "perf_event_paranoid"), -1);
    assert_int_equal(int_of(host, "aslr"), 0);
    assert_true(json_real_value(json_object_get(host, "load1")) == 3.5);
    assert_string_equal(text_of(json_object_get(host, "mitigations"), "meltdown"), "Not affected");
    check_null(host, "hypervisor"); /* no such flag in this cpuinfo */
    json_decref(host);
    machine_free(&m);
}

static void warns_about_a_bad_server(void **state)
{
    (void)state;
    struct machine m = machine_new();
    write_server(&m);
    setenv("HWLOC_SYNTHETIC", "pack:2 core:4 pu:2", 1);
    json_t *w = host_warnings_json(&m.env);
    static const char *const warn[] = {"governor",    "turbo", "frequency_cap", "battery", "temperature",
                                       "clocksource", "load",  "steal",         "swap"};
    for (size_t i = 0; i < sizeof warn / sizeof warn[0]; i++)
        check_severity(w, warn[i], "warn");
    check_severity(w, "smt", "info");
    check_severity(w, "thp", "info");
    check_severity(w, "aslr", "info");
    json_decref(w);

    sim_write(m.sys, "devices/system/cpu/cpufreq/policy0/scaling_governor", "performance\n");
    sim_write(m.sys, "devices/system/cpu/cpufreq/policy1/scaling_governor", "performance\n");
    sim_write(m.sys, "devices/system/cpu/cpufreq/policy0/scaling_max_freq", "3200000\n");
    sim_write(m.sys, "devices/system/cpu/intel_pstate/no_turbo", "1\n");
    sim_write(m.sys, "class/power_supply/BAT0/status", "Charging\n");
    sim_write(m.sys, "class/hwmon/hwmon3/temp1_input", "45000\n");
    sim_write(m.sys, "devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    sim_write(m.sys, "devices/system/cpu/smt/active", "0\n");
    sim_write(m.proc, "loadavg", "1.60 0.00 0.00 1/100 5\n");             /* 0.1 per CPU: just allowed */
    sim_write(m.proc, "stat", "cpu  9000 0 500 5000 5 200 255 45 0 0\n"); /* 0.45 % */
    sim_write(m.proc, "meminfo", "MemTotal: 1000 kB\nMemAvailable: 600 kB\nSwapTotal: 2048 kB\nSwapFree: 2048 kB\n");
    w = host_warnings_json(&m.env);
    unsetenv("HWLOC_SYNTHETIC");
    static const char *const quiet[] = {"governor", "turbo", "frequency_cap", "battery", "clocksource",
                                        "load",     "steal", "swap",          "smt"};
    for (size_t i = 0; i < sizeof quiet / sizeof quiet[0]; i++)
        check_silent(w, quiet[i]);
    check_severity(w, "temperature", "info");
    json_decref(w);
    machine_free(&m);
}

static const char arm_cpuinfo[] =
    "processor\t: 0\nBogoMIPS\t: 100.00\nFeatures\t: fp asimd aes asimdhp asimddp sve i8mm sve2x\nCPU implementer\t: 0x41\n"
    "CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd05\nCPU revision\t: 0\n\n"
    "processor\t: 1\nFeatures\t: fp\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n\n"
    "processor\t: 2\nFeatures\t: fp\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n\n";

static void names_arm_cores(void **state)
{
    (void)state;
    struct machine m = machine_new();
    sim_write(m.proc, "cpuinfo", "%s", arm_cpuinfo);
    json_t *host = host_info_json(&m.env);
    assert_string_equal(text_of(host, "cpu_model"), "Arm Cortex-A55 + Arm Cortex-A76");
    assert_string_equal(text_of(host, "vendor"), "Arm");
    assert_string_equal(text_of(host, "cpu_features"), "asimd,asimdhp,asimddp,i8mm,sve");
    check_null(host, "family");
    check_null(host, "microcode");
    json_decref(host);
    machine_free(&m);
    char name[96], vendor[48];
    host_midr_name(0xc0, 0xac3, name, sizeof name, vendor, sizeof vendor);
    assert_string_equal(name, "Ampere Ampere-1");
    host_midr_name(0x41, 0xfff, name, sizeof name, vendor, sizeof vendor);
    assert_string_equal(name, "Arm implementer 0x41 part 0xfff");
    host_midr_name(0x99, 0x001, name, sizeof name, vendor, sizeof vendor);
    assert_string_equal(name, "implementer 0x99 part 0x001");
    assert_string_equal(vendor, "");
}

/* cpuinfo of the other architecture: only an emulator explains it. */
static void finds_user_mode_emulation(void **state)
{
    (void)state;
    struct machine m = machine_new();
    const char *own = intel_cpuinfo, *foreign = arm_cpuinfo;
#if defined(__aarch64__)
    own = arm_cpuinfo;
    foreign = intel_cpuinfo;
#endif
    sim_write(m.proc, "cpuinfo", "%s", foreign);
    json_t *w = host_warnings_json(&m.env);
    check_severity(w, "emulation", "block");
    json_decref(w);
    sim_write(m.proc, "cpuinfo", "%s", own);
    w = host_warnings_json(&m.env);
    check_silent(w, "emulation");
    json_decref(w);
    machine_free(&m);
}

static void finds_a_virtual_machine(void **state)
{
    (void)state;
    struct machine m = machine_new();
    sim_write(m.proc, "cpuinfo",
              "vendor_id : GenuineIntel\nflags : fpu hypervisor avx2\nCPU implementer : 0x41\nCPU part : 0xd0c\n");
    sim_write(m.sys, "hypervisor/type", "xen\n");
    json_t *host = host_info_json(&m.env), *w = host_warnings_json(&m.env);
    assert_true(strlen(text_of(host, "hypervisor")) > 0); /* the name is that of the real CPU's signature, or "unknown" */
    check_severity(w, "virtual_machine", "warn");
    json_decref(host);
    json_decref(w);
    machine_free(&m);
}

static void write_memory(const struct machine *m, const char *cgroup)
{
    sim_write(m->proc, "meminfo", "MemTotal: 8000000 kB\nMemAvailable: 4000000 kB\n");
    sim_write(m->proc, "self/cgroup", "%s", cgroup);
}

static void cgroup_v2_limits_memory_and_cpu(void **state)
{
    (void)state;
    struct machine m = machine_new();
    write_memory(&m, "0::/a.slice/b.scope\n");
    sim_write(m.sys, "fs/cgroup/cgroup.controllers", "cpu memory\n");
    sim_write(m.sys, "fs/cgroup/a.slice/memory.max", "max\n");
    assert_int_equal(host_mem_available(&m.env), 4096000000);
    sim_write(m.sys, "fs/cgroup/a.slice/memory.max", "1000000000\n"); /* the parent's limit binds */
    sim_write(m.sys, "fs/cgroup/a.slice/memory.current", "700000000\n");
    sim_write(m.sys, "fs/cgroup/a.slice/memory.stat", "anon 1\nactive_file 5\ninactive_file 100000000\n");
    sim_write(m.sys, "fs/cgroup/a.slice/b.scope/memory.max", "2000000000\n");
    sim_write(m.sys, "fs/cgroup/a.slice/b.scope/cpu.max", "50000 100000\n");
    sim_write(m.sys, "fs/cgroup/a.slice/cpu.max", "max 100000\n");
    assert_int_equal(host_mem_available(&m.env), 400000000);
    setenv("HWLOC_SYNTHETIC", "pack:1 core:4 pu:1", 1);
    json_t *w = host_warnings_json(&m.env);
    check_severity(w, "cgroup_cpu", "block"); /* half a CPU */
    check_severity(w, "cgroup_memory", "info");
    json_decref(w);
    sim_write(m.sys, "fs/cgroup/a.slice/b.scope/cpu.max", "200000 100000\n");
    w = host_warnings_json(&m.env);
    check_severity(w, "cgroup_cpu", "warn"); /* two of four */
    json_decref(w);
    sim_write(m.sys, "fs/cgroup/a.slice/b.scope/cpu.max", "400000 100000\n");
    w = host_warnings_json(&m.env);
    unsetenv("HWLOC_SYNTHETIC");
    check_silent(w, "cgroup_cpu");
    json_decref(w);
    sim_write(m.sys, "fs/cgroup/a.slice/memory.current", "2000000000\n");
    assert_int_equal(host_mem_available(&m.env), 0); /* over its limit: nothing is left */
    machine_free(&m);
}

static void cgroup_v1_limits_memory_and_cpu(void **state)
{
    (void)state;
    struct machine m = machine_new();
    write_memory(&m, "9:name=systemd:/x\n4:memory:/job/1\n3:cpu,cpuacct:/job/1\n0::/x\n");
    sim_write(m.sys, "fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(host_mem_available(&m.env), 4096000000);
    sim_write(m.sys, "fs/cgroup/memory/job/memory.limit_in_bytes", "500000000\n");
    sim_write(m.sys, "fs/cgroup/memory/job/memory.usage_in_bytes", "200000000\n");
    sim_write(m.sys, "fs/cgroup/memory/job/memory.stat", "inactive_file 7\ntotal_inactive_file 50000000\n");
    sim_write(m.sys, "fs/cgroup/cpu/job/1/cpu.cfs_quota_us", "-1\n");
    sim_write(m.sys, "fs/cgroup/cpu/job/cpu.cfs_quota_us", "30000\n");
    sim_write(m.sys, "fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
    assert_int_equal(host_mem_available(&m.env), 350000000);
    json_t *w = host_warnings_json(&m.env);
    check_severity(w, "cgroup_cpu", "block");
    json_decref(w);
    sim_write(m.proc, "self/cgroup", "4:memory:/../../elsewhere\n"); /* outside of the mount: only the root is seen */
    assert_int_equal(host_mem_available(&m.env), 4096000000);
    machine_free(&m);
}

static void small_files_are_read_strictly(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    uint64_t v = 7;
    char text[8];
    sim_write(s, "n", " 42 \n");
    assert_int_equal(sysfile_u64(&v, sim_root(s), "n"), 0);
    assert_int_equal(v, 42);
    static const char *const bad[] = {"", "\n", "-1", "0x10", "12a", "1 2", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sim_write(s, "n", "%s", bad[i]);
        assert_true(sysfile_u64(&v, sim_root(s), "n") < 0);
    }
    assert_int_equal(v, 42);
    sim_write(s, "long", "abcdefghijkl");
    assert_int_equal(sysfile_text(text, sizeof text, sim_root(s), "%s", "long"), 7);
    assert_string_equal(text, "abcdefg");
    assert_true(sysfile_text(text, sizeof text, sim_root(s), "missing") < 0);
    assert_string_equal(text, "");
    assert_int_equal(text_field("ab: 1\na : two words \nabc: 3", "a", ':', text, sizeof text), 0);
    assert_string_equal(text, "two wor");
    assert_true(text_field("ab: 1", "a", ':', text, sizeof text) < 0);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_machine_has_every_key),
        cmocka_unit_test(unknown_is_null),
        cmocka_unit_test(describes_an_intel_server),
        cmocka_unit_test(warns_about_a_bad_server),
        cmocka_unit_test(names_arm_cores),
        cmocka_unit_test(finds_user_mode_emulation),
        cmocka_unit_test(finds_a_virtual_machine),
        cmocka_unit_test(cgroup_v2_limits_memory_and_cpu),
        cmocka_unit_test(cgroup_v1_limits_memory_and_cpu),
        cmocka_unit_test(small_files_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
