/* Sources that read RAPL registers, through the kernel or by themselves: perf and msr. Simulated counters and a stand-in for the
 * kernel call. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#include "profiles/energy.h"
#include "tests/energy_fixture.h"

static const double ldexp_m32 = 2.3283064365386962890625e-10;

static void end(struct energy_run *r)
{
    energy_run_close(r);
    sim_free(r->sim);
}

/* ---- perf ---- */

static struct sim *perf_sim;
static int perf_error, perf_running = 100, perf_zone[16], perf_files;
static uint64_t perf_config[16];
static int perf_cpu[16];

static int fake_perf_open(uint32_t type, uint64_t config, int cpu)
{
    if (perf_error)
        return -perf_error;
    assert_int_equal(type, 21);
    perf_config[perf_files] = config;
    perf_cpu[perf_files] = cpu;
    return 1000 + perf_files++; /* close() of such a number fails and harms nothing */
}

static int fake_perf_read(int fd, uint64_t value[3])
{
    value[0] = sim_count(perf_sim, perf_zone[fd - 1000]);
    value[1] = 100;
    value[2] = (uint64_t)perf_running;
    return 0;
}

static struct energy_seam perf_seam(struct sim *s)
{
    struct energy_seam seam = *sim_clock(s);
    seam.perf_open = fake_perf_open;
    seam.perf_read = fake_perf_read;
    perf_sim = s;
    perf_error = perf_files = 0;
    perf_running = 100;
    return seam;
}

static void perf_event(struct sim *s, const char *pmu, const char *event, int number)
{
    char path[128];
    snprintf(path, sizeof path, "bus/event_source/devices/%s/events/%s", pmu, event);
    sim_write(s, path, "event=0x%02x\n", (unsigned)number);
    snprintf(path, sizeof path, "bus/event_source/devices/%s/events/%s.unit", pmu, event);
    sim_write(s, path, "Joules\n");
    snprintf(path, sizeof path, "bus/event_source/devices/%s/events/%s.scale", pmu, event);
    sim_write(s, path, "2.3283064365386962890625e-10\n");
}

static struct sim *perf_tree(const char *pmu, const char *cpumask)
{
    char path[96];
    struct sim *s = sim_new();
    snprintf(path, sizeof path, "bus/event_source/devices/%s/type", pmu);
    sim_write(s, path, "21\n");
    snprintf(path, sizeof path, "bus/event_source/devices/%s/cpumask", pmu);
    sim_write(s, path, "%s\n", cpumask);
    return s;
}

/* A virtual machine whose host shows the PMU and does not run its counters: none is a source, and the next one that counts is. */
static void perf_dead_counters_are_passed_over(void **state)
{
    (void)state;
    struct sim *s = perf_tree("power", "0");
    energy_add_cpu(s, 0, 0, 0);
    perf_event(s, "power", "energy-pkg", 2);
    perf_event(s, "power", "energy-psys", 5);
    const double watts[2] = {0, 120};
    for (int i = 0; i < 2; i++)
        perf_zone[i] = energy_counter_zone(s, ldexp_m32, UINT64_MAX, 0, watts[i]);
    struct energy_seam seam = perf_seam(s);
    struct energy_run r = energy_run_open_with(s, NULL, &seam);
    assert_string_equal(energy_headline_name(r.state), "psys"); /* the package is dead, the platform counts */
    energy_run_window(&r, 2, 2);
    energy_check(&r, "energy_psys_j", 240, 0.002);
    energy_check_lost(&r, "energy_pkg_j", "the counter is dead: it did not move twice in 0.1 s");
    energy_run_close(&r);
    sim_power(s, perf_zone[1], 0, 0, 0);
    seam = perf_seam(s);
    r = energy_run_open_with(s, NULL, &seam);
    assert_null(energy_headline_name(r.state));
    assert_non_null(strstr(energy_why_not(r.state), "the counter is dead"));
    energy_run_close(&r);
    const int z = sim_zone(s, "intel-rapl:0", "package-0", 262143328850, 0);
    sim_power(s, z, 30, 30, 0);
    seam = perf_seam(s);
    r = energy_run_open_with(s, NULL, &seam);
    energy_run_window(&r, 2, 2);
    assert_string_equal(energy_find(&r, "energy_pkg_j")->source, "powercap intel-rapl:0");
    end(&r);
}

/* Two sockets, one CPU each, in the order of events; DRAM and one psys. */
static void perf_reads_each_package_once(void **state)
{
    (void)state;
    struct sim *s = perf_tree("power", "0,28");
    energy_add_cpu(s, 0, 0, 0);
    energy_add_cpu(s, 28, 1, 0);
    perf_event(s, "power", "energy-pkg", 2);
    perf_event(s, "power", "energy-ram", 3);
    perf_event(s, "power", "energy-psys", 5);
    const double watts[5] = {70, 90, 5, 6, 300};
    for (int i = 0; i < 5; i++)
        perf_zone[i] = energy_counter_zone(s, ldexp_m32, UINT64_MAX, 1000 + (uint64_t)i, watts[i]);
    const struct energy_seam seam = perf_seam(s);
    struct energy_run r = energy_run_open_with(s, NULL, &seam); /* chosen by itself, before powercap */
    energy_run_window(&r, 4 * 3600, 4 * 3600);                  /* nothing to keep alive */
    energy_check(&r, "energy_pkg_j", 160 * 14400.0, 1e-5);
    energy_check(&r, "energy_pkg_j.socket0", 70 * 14400.0, 1e-5);
    energy_check(&r, "energy_pkg_j.socket1", 90 * 14400.0, 1e-5);
    energy_check(&r, "energy_dram_j", 11 * 14400.0, 1e-5);
    energy_check(&r, "energy_psys_j", 300 * 14400.0, 1e-5);
    assert_string_equal(energy_find(&r, "energy_pkg_j")->source, "perf power/energy-pkg/ cpu0 power/energy-pkg/ cpu28");
    assert_int_equal(perf_files, 5);
    assert_int_equal(perf_config[2], 3);
    assert_int_equal(perf_cpu[1], 28);
    end(&r);
}

/* Four dies in one socket, all showing the socket's counter, opened one after the other so that their counts differ. */
static void perf_mirrored_dies_count_once(void **state)
{
    (void)state;
    struct sim *s = perf_tree("power", "0-3");
    for (int i = 0; i < 4; i++)
        energy_add_cpu(s, i, 0, i);
    perf_event(s, "power", "energy-pkg", 2);
    for (int i = 0; i < 4; i++)
        perf_zone[i] = energy_counter_zone(s, ldexp_m32, UINT64_MAX, 1000 * (uint64_t)i, 68);
    struct energy_seam seam = perf_seam(s);
    struct energy_run r = energy_run_open_with(s, "perf", &seam);
    energy_run_window(&r, 2, 2);
    energy_check(&r, "energy_pkg_j", 136, 0.002);
    energy_run_close(&r);
    for (int i = 0; i < 4; i++)
        sim_power(s, i, 68 + 0.01 * i, 68 + 0.01 * i, 0); /* four real dies of about the same power */
    seam = perf_seam(s);
    r = energy_run_open_with(s, "perf", &seam);
    energy_run_window(&r, 2, 2);
    energy_check(&r, "energy_pkg_j", 2 * 4 * 68, 0.002);
    end(&r);
}

static void perf_says_what_is_wrong(void **state)
{
    (void)state;
    struct sim *s = perf_tree("power", "0");
    perf_event(s, "power", "energy-pkg", 2);
    sim_write(s, "proc/sys/kernel/perf_event_paranoid", "2\n");
    sim_write(s, "proc/cpuinfo", "vendor_id\t: GenuineIntel\n");
    perf_zone[0] = energy_counter_zone(s, ldexp_m32, UINT64_MAX, 0, 30);
    struct energy_seam seam = perf_seam(s);
    perf_error = EACCES;
    struct energy_run r = energy_run_open_with(s, NULL, &seam);
    energy_run_window(&r, 2, 2);
    energy_check_lost(&r, "energy_pkg_j", "perf_event_paranoid is 2");
    energy_check_reason(&r, "energy_pkg_j", "setcap cap_perfmon=ep");
    energy_run_close(&r);
    seam = perf_seam(s);
    r = energy_run_open_with(s, "perf", &seam);
    energy_run_start(&r);
    energy_run_idle(&r, 2, 2);
    perf_running = 90; /* somebody else had the counter for a while */
    energy_run_stop(&r);
    energy_check_lost(&r, "energy_pkg_j", "became unreadable");
    energy_run_close(&r);
    sim_write(s, "bus/event_source/devices/power/events/energy-pkg.unit", "apples\n");
    seam = perf_seam(s);
    r = energy_run_open_with(s, "perf", &seam);
    energy_run_window(&r, 2, 2);
    energy_check_lost(&r, "energy_pkg_j", "no power PMU");
    energy_run_close(&r);
    r = energy_run_open(s, "perf"); /* a simulated tree without a stand-in: the real kernel must not be asked */
    energy_run_window(&r, 2, 2);
    energy_check_lost(&r, "energy_pkg_j", "--sysfs points at another tree");
    end(&r);
}

static void perf_core_adds_cores_and_has_no_package(void **state)
{
    (void)state;
    struct sim *s = perf_tree("power_core", "0-2");
    for (int i = 0; i < 3; i++)
        energy_add_cpu(s, i, 0, 0);
    perf_event(s, "power_core", "energy-core", 1);
    for (int i = 0; i < 3; i++)
        perf_zone[i] = energy_counter_zone(s, ldexp_m32, UINT64_MAX, 0, 4 + i);
    const struct energy_seam seam = perf_seam(s);
    struct energy_run r = energy_run_open_with(s, "perf-core", &seam);
    energy_run_window(&r, 2, 2);
    energy_check(&r, "energy_core_j", 30, 0.002);
    energy_check_lost(&r, "energy_pkg_j", "only parts of the machine");
    end(&r);
}

/* ---- msr ---- */

static int msr_reg(struct sim *s, int cpu, uint64_t address, double unit_j, uint64_t start, double watts)
{
    char path[64];
    snprintf(path, sizeof path, "dev/cpu/%d/msr", cpu);
    const int z = sim_meter(s, SIM_COUNT_MSR, path, address, unit_j, UINT32_MAX, start);
    sim_power(s, z, watts, watts, 0);
    return z;
}

static void msr_intel_units_and_wrap(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    sim_write(s, "devices/system/cpu/online", "0-3\n");
    for (int i = 0; i < 4; i++)
        energy_add_cpu(s, i, i / 2, 0);
    const double unit = ldexp(1, -14), dram = ldexp(1, -16);
    msr_reg(s, 0, 0x606, 1, 14 << 8 | 3, 0);
    msr_reg(s, 2, 0x606, 1, 14 << 8 | 3, 0);
    msr_reg(s, 0, 0x611, unit, UINT32_MAX - 100, 65);
    msr_reg(s, 2, 0x611, unit, 5, 75);
    msr_reg(s, 0, 0x619, dram, 77, 9); /* model 85: DRAM has a unit of its own */
    msr_reg(s, 2, 0x619, dram, 78, 8);
    msr_reg(s, 0, 0x641, unit, 0, 0);
    struct energy_run r = energy_run_open(s, "msr");
    energy_run_window(&r, 300, 15);
    energy_check(&r, "energy_pkg_j.socket0", 65 * 300, 1e-4);
    energy_check(&r, "energy_pkg_j.socket1", 75 * 300, 1e-4);
    energy_check(&r, "energy_dram_j", 17 * 300, 1e-4);
    /* a register that is there and constantly 0 is not 0 joules */
    energy_check_lost(&r, "energy_uncore_j", "stuck");
    assert_string_equal(energy_find(&r, "energy_pkg_j.socket1")->source, "msr msr 0x611 cpu2");
    end(&r);
}

/* What the unit register does not tell: by CPU model. joules per count that the source uses for a register. */
static void msr_exceptions_by_model(void **state)
{
    (void)state;
    static const struct {
        const char *vendor;
        int family, model;
        uint64_t unit_reg, reg, unit;
        double expected;
        const char *metric;
    } rows[] = {
        {"GenuineIntel", 6, 0x8f, 0x606, 0x64d, 14 << 8, 1.0, "energy_psys_j"},
        {"GenuineIntel", 6, 0x9e, 0x606, 0x64d, 14 << 8, 0x1p-14, "energy_psys_j"},
        {"GenuineIntel", 6, 0x8f, 0x606, 0x619, 14 << 8, 0x1p-14, "energy_dram_j"},
        {"GenuineIntel", 6, 0x6a, 0x606, 0x619, 14 << 8, 0x1p-16, "energy_dram_j"},
        {"GenuineIntel", 6, 0x37, 0x606, 0x611, 5 << 8, 32e-6, "energy_pkg_j"},
        {"AuthenticAMD", 0x19, 0x11, 0xc0010299, 0xc001029b, 16 << 8, 0x1p-16, "energy_pkg_j"},
        {"HygonGenuine", 0x18, 0, 0xc0010299, 0xc001029b, 16 << 8, 0x1p-16, "energy_pkg_j"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sim *s = sim_new();
        sim_write(s, "proc/cpuinfo", "vendor_id\t: %s\ncpu family\t: %d\nmodel\t\t: %d\n", rows[i].vendor, rows[i].family,
                  rows[i].model);
        msr_reg(s, 0, rows[i].unit_reg, 1, rows[i].unit, 0);
        const int z = msr_reg(s, 0, rows[i].reg, rows[i].expected, 100, 200);
        if (rows[i].reg != 0x611 && rows[i].unit_reg == 0x606)
            msr_reg(s, 0, 0x611, 0x1p-14, 3, 40);
        struct energy_run r = energy_run_open(s, "msr");
        energy_run_start(&r);
        const double before = sim_joules(s, z);
        energy_run_idle(&r, 10, 10);
        energy_run_stop(&r);
        energy_check(&r, rows[i].metric, sim_joules(s, z) - before, 1e-9);
        end(&r);
    }
}

static void msr_refuses_what_it_cannot_know(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    msr_reg(s, 0, 0x606, 1, 5 << 8, 0);
    msr_reg(s, 0, 0x611, 1e-6, 100, 30);
    sim_write(s, "proc/cpuinfo", "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 77\n");
    struct energy_run r = energy_run_open(s, "msr");
    energy_run_window(&r, 2, 2);
    energy_check_lost(&r, "energy_pkg_j", "is not known for sure");
    end(&r);
    s = sim_new(); /* a hypervisor that answers 0 */
    msr_reg(s, 0, 0x606, 1, 0, 0);
    msr_reg(s, 0, 0x611, 1, 0, 0);
    r = energy_run_open(s, "msr");
    energy_run_window(&r, 2, 2);
    energy_check_lost(&r, "energy_pkg_j", "cannot be read or are 0");
    energy_run_close(&r);
    sim_write(s, "proc/cpuinfo", "vendor_id\t: SomebodyElse\n");
    r = energy_run_open(s, "msr");
    energy_run_window(&r, 2, 2);
    energy_check_lost(&r, "energy_pkg_j", "no such registers");
    energy_run_close(&r);
    sim_write(s, "proc/cpuinfo", "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n");
    sim_unlink(s, "dev/cpu/0/msr");
    r = energy_run_open(s, "msr");
    energy_run_window(&r, 2, 2);
    energy_check_lost(&r, "energy_pkg_j", "no /dev/cpu/0/msr");
    end(&r);
}

/* Socket 0 has two dies with counters of their own, socket 1 two that show one; every die is read on its first CPU. */
static struct sim *four_dies(void)
{
    struct sim *s = sim_new();
    const double pkg = ldexp(1, -14), dram = ldexp(1, -16);
    sim_write(s, "devices/system/cpu/online", "0-7\n");
    for (int i = 0; i < 8; i++)
        energy_add_cpu(s, i, i / 4, i / 2 % 2);
    for (int i = 0; i < 8; i += 2) {
        msr_reg(s, i, 0x606, 1, 14 << 8, 0);
        const int p = msr_reg(s, i, 0x611, pkg, 90000000 * (uint64_t)i, 50 + i), d = msr_reg(s, i, 0x619, dram, 7, 3 + i);
        if (i == 6) { /* of the registers of CPU 4, which come just before */
            sim_zone_mirror(s, p, p - 3);
            sim_zone_mirror(s, d, d - 3);
        }
    }
    return s;
}

static void msr_reads_every_die_once(void **state)
{
    (void)state;
    struct sim *s = four_dies();
    struct energy_run r = energy_run_open(s, "msr");
    energy_run_window(&r, 20, 10);
    energy_check(&r, "energy_pkg_j.socket0", (50 + 52) * 20, 1e-3);
    energy_check(&r, "energy_pkg_j.socket1", 54 * 20, 1e-3);
    energy_check(&r, "energy_pkg_j", 156 * 20, 1e-3);
    energy_check(&r, "energy_dram_j", (3 + 5 + 7) * 20, 1e-3);
    end(&r);
}

/* A die or socket that cannot be read, wherever it stands, must not leave the sum of the others in its place. */
static void msr_sums_need_every_die(void **state)
{
    (void)state;
    static const struct {
        int cpu;
        const char *lost, *kept, *reason;
    } rows[] = {
        {0, "energy_pkg_j.socket0", "energy_pkg_j.socket1", "msr cpu0 (package-0): no /dev/cpu/0/msr"},
        {2, "energy_pkg_j.socket0", "energy_pkg_j.socket1", "msr cpu2 (package-0): no /dev/cpu/2/msr"},
        {4, "energy_pkg_j.socket1", "energy_pkg_j.socket0", "msr cpu4 (package-1): no /dev/cpu/4/msr"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sim *s = four_dies();
        char path[64];
        snprintf(path, sizeof path, "dev/cpu/%d/msr", rows[i].cpu);
        sim_unlink(s, path);
        struct energy_run r = energy_run_open(s, "msr");
        energy_run_window(&r, 4, 4);
        energy_check_lost(&r, "energy_pkg_j", rows[i].reason);
        energy_check_lost(&r, "power_pkg_w", rows[i].reason);
        energy_check_lost(&r, "energy_dram_j", rows[i].reason);
        energy_check_lost(&r, rows[i].lost, rows[i].reason);
        assert_int_equal(energy_find(&r, rows[i].kept)->status, METRIC_MEASURED);
        end(&r);
    }
    struct sim *s = four_dies(); /* the device is there, but it is no device: its unit cannot be read */
    sim_mkdir(s, "dev/cpu/4/msr");
    struct energy_run r = energy_run_open(s, "msr");
    energy_run_window(&r, 4, 4);
    energy_check_lost(&r, "energy_pkg_j", "/dev/cpu/4/msr: Is a directory. Needs root");
    end(&r);
    s = four_dies(); /* a file that has the unit and ends before the counters */
    sim_unlink(s, "dev/cpu/2/msr");
    sim_write(s, "dev/cpu/2/msr", "%01552d", 0);
    r = energy_run_open(s, "msr");
    energy_run_window(&r, 4, 4);
    energy_check_lost(&r, "energy_pkg_j", "msr cpu2 (package-0): has no such counter that can be read");
    energy_check_lost(&r, "energy_dram_j", "msr cpu2 (package-0): has no such counter that can be read");
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(perf_dead_counters_are_passed_over),
        cmocka_unit_test(perf_reads_each_package_once),
        cmocka_unit_test(perf_mirrored_dies_count_once),
        cmocka_unit_test(perf_says_what_is_wrong),
        cmocka_unit_test(perf_core_adds_cores_and_has_no_package),
        cmocka_unit_test(msr_intel_units_and_wrap),
        cmocka_unit_test(msr_exceptions_by_model),
        cmocka_unit_test(msr_refuses_what_it_cannot_know),
        cmocka_unit_test(msr_reads_every_die_once),
        cmocka_unit_test(msr_sums_need_every_die),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
