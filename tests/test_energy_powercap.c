/* Counters on simulated powercap trees: exact sums, wraps, grids, and every way in which a counter can lie.
 *
 * Time is simulated, so hours pass in milliseconds; one case runs against a thread in real time. A counter that cannot be trusted
 * must come out unavailable with the right reason - never as a number. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/energy_fixture.h"

static const uint64_t usual_range_uj = 262143328850; /* 2^32 units of 2^-14 J, as many Intel parts state it */
static const double exact = 1e-9;

static struct energy_run open_powercap(struct sim *s)
{
    return energy_run_open(s, "powercap");
}

static int powered_zone(struct sim *s, const char *dir, const char *name, uint64_t range_uj, uint64_t start_uj, double watts)
{
    const int z = sim_zone(s, dir, name, range_uj, start_uj);
    sim_power(s, z, watts, watts, 0);
    return z;
}

static void check_all_lost(const struct energy_run *r, const char *reason)
{
    energy_check_lost(r, "energy_pkg_j", reason);
    energy_check_lost(r, "power_pkg_w", reason);
}

static void end(struct energy_run *r)
{
    energy_run_close(r);
    sim_free(r->sim);
}

/* ---- sums ---- */

/* Two sockets; psys takes index 1, so that socket 1 is intel-rapl:2; all kinds of zones that must not be added. */
static void sums_packages_only(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const int p0 = powered_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 1000, 30);
    const int psys = powered_zone(s, "intel-rapl:1", "psys", usual_range_uj, 5, 120);
    const int p1 = powered_zone(s, "intel-rapl:2", "package-1", usual_range_uj, 900, 50);
    const int core = powered_zone(s, "intel-rapl:0:0", "core", usual_range_uj, 7, 20);
    const int d0 = powered_zone(s, "intel-rapl:0:1", "dram", usual_range_uj, 11, 6);
    const int d1 = powered_zone(s, "intel-rapl:2:0", "dram", usual_range_uj, 13, 4);
    powered_zone(s, "intel-rapl-mmio:0", "package-0", usual_range_uj, 1000, 30);
    struct energy_run r = open_powercap(s);
    energy_run_start(&r);
    const double j[] = {sim_joules(s, p0), sim_joules(s, p1),   sim_joules(s, d0),
                        sim_joules(s, d1), sim_joules(s, psys), sim_joules(s, core)};
    const double t = sim_time_s(s);
    energy_run_idle(&r, 2, 2);
    energy_run_stop(&r);
    energy_check(&r, "energy_pkg_j", sim_joules(s, p0) - j[0] + sim_joules(s, p1) - j[1], exact);
    energy_check(&r, "energy_pkg_j.socket0", sim_joules(s, p0) - j[0], exact);
    energy_check(&r, "energy_pkg_j.socket1", sim_joules(s, p1) - j[1], exact);
    energy_check(&r, "energy_dram_j", sim_joules(s, d0) - j[2] + sim_joules(s, d1) - j[3], exact);
    energy_check(&r, "energy_psys_j", sim_joules(s, psys) - j[4], exact);
    energy_check(&r, "energy_core_j", sim_joules(s, core) - j[5], exact);
    energy_check(&r, "power_pkg_w", 80, 0.001);
    energy_check(&r, "energy_pkg_j", 80 * (sim_time_s(s) - t), 0.001);
    assert_string_equal(energy_find(&r, "energy_pkg_j")->source, "powercap intel-rapl:0 intel-rapl:2");
    assert_int_equal(energy_find(&r, "energy_pkg_j")->status, METRIC_MEASURED);
    assert_int_equal(energy_find(&r, "power_pkg_w")->status, METRIC_DERIVED);
    assert_string_equal(energy_find(&r, "energy_pkg_j")->reason, "");
    end(&r);
}

/* Socket 0: both dies show one counter (and one DRAM counter). Socket 1: two real dies. */
static void mirrored_dies_count_once(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const int a0 = powered_zone(s, "intel-rapl:0", "package-0-die-0", usual_range_uj, 40000000000, 60);
    const int a1 = sim_zone(s, "intel-rapl:1", "package-0-die-1", usual_range_uj, 0);
    powered_zone(s, "intel-rapl:2", "package-1-die-0", usual_range_uj, 500, 20);
    powered_zone(s, "intel-rapl:3", "package-1-die-1", usual_range_uj, 90000000000, 21);
    const int d0 = powered_zone(s, "intel-rapl:0:0", "dram", usual_range_uj, 1234567, 8);
    const int d1 = sim_zone(s, "intel-rapl:1:0", "dram", usual_range_uj, 0);
    sim_zone_mirror(s, a1, a0);
    sim_zone_mirror(s, d1, d0);
    struct energy_run r = open_powercap(s);
    energy_run_window(&r, 3, 3);
    energy_check(&r, "energy_pkg_j.socket0", 180, 0.002);
    energy_check(&r, "energy_pkg_j.socket1", 123, 0.002);
    energy_check(&r, "energy_pkg_j", 303, 0.002);
    energy_check(&r, "energy_dram_j", 24, 0.002);
    end(&r);
}

static void one_zone_of_a_name_is_kept(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    sim_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 100);
    powered_zone(s, "intel-rapl:1", "package-0", usual_range_uj, 9000, 40);
    powered_zone(s, "intel-rapl-tpmi:0", "package-0", usual_range_uj, 9000, 40);
    sim_mkdir(s, "class/powercap/intel-rapl:0/energy_uj"); /* the readable one of the first kind is kept */
    struct energy_run r = open_powercap(s);
    energy_run_window(&r, 2, 2);
    energy_check(&r, "energy_pkg_j", 80, 0.002);
    assert_string_equal(energy_find(&r, "energy_pkg_j")->source, "powercap intel-rapl:1");
    end(&r);
    s = sim_new();
    powered_zone(s, "intel-rapl-mmio:0", "package-0", usual_range_uj, 1000, 30); /* alone, the other window will do */
    r = open_powercap(s);
    energy_run_window(&r, 2, 2);
    energy_check(&r, "energy_pkg_j", 60, 0.002);
    end(&r);
}

/* The AMD driver's core zone shows a single core. */
static void core_zone_of_amd_is_refused(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    powered_zone(s, "intel-rapl:0", "package-0", 65532610987, 0, 30);
    powered_zone(s, "intel-rapl:0:0", "core", 65532610987, 0, 3);
    sim_write(s, "proc/cpuinfo", "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\n");
    struct energy_run r = open_powercap(s);
    energy_run_window(&r, 2, 2);
    energy_check(&r, "energy_pkg_j", 60, 0.002);
    energy_check_lost(&r, "energy_core_j", "a single core");
    end(&r);
}

/* ---- wraps and gaps ---- */

static void undoes_wraps_exactly(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const int p0 = powered_zone(s, "intel-rapl:0", "package-0", usual_range_uj, usual_range_uj - 40000000, 42);
    const int p1 =
        powered_zone(s, "intel-rapl:1", "package-1", 4000000000, 3999999999, 90); /* 4,000 J: once in 44 s, safe for 2 s */
    struct energy_run r = open_powercap(s);
    energy_run_start(&r);
    const double a = sim_joules(s, p0), b = sim_joules(s, p1);
    energy_run_idle(&r, 600, 1);
    energy_run_stop(&r);
    assert_true(sim_joules(s, p1) - b > 13 * 4000);
    energy_check(&r, "energy_pkg_j.socket0", sim_joules(s, p0) - a, exact);
    /* every wrap is one count longer than the range says */
    energy_check(&r, "energy_pkg_j.socket1", sim_joules(s, p1) - b, 1e-8);
    energy_check(&r, "power_pkg_w", 132, 0.001);
    end(&r);
}

/* Three hours with steps and noise, about fifty wraps. */
static void holds_for_hours(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const int p0 = sim_zone(s, "intel-rapl:0", "package-0", 65532610987, 65000000000);
    sim_power(s, p0, 220, 460, 3600);
    sim_noise(s, p0, 0.5);
    struct energy_run r = open_powercap(s);
    assert_true(fabs(probe_energy.keep_alive(r.state) - 32.766) < 0.001);
    energy_run_start(&r);
    const double a = sim_joules(s, p0);
    energy_run_idle(&r, 3 * 3600, 16);
    energy_run_stop(&r);
    energy_check(&r, "energy_pkg_j", sim_joules(s, p0) - a, exact);
    energy_check(&r, "energy_pkg_j", 220 * 3600.0 + 460 * 7200.0, 0.01);
    end(&r);
}

static void refuses_a_gap_that_may_hide_a_wrap(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    powered_zone(s, "intel-rapl:0", "package-0", 65532610987, 0, 42);
    struct energy_run r = open_powercap(s);
    energy_run_window(&r, 40, 40);
    check_all_lost(&r, "may have wrapped unseen");
    energy_run_window(&r, 40, 30);
    energy_check(&r, "energy_pkg_j", 1680, 0.001);
    end(&r);
}

/* ---- counters that lie ---- */

static void stuck_counter_is_not_zero_joules(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const int p0 = powered_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 77, 30);
    powered_zone(s, "intel-rapl:0:0", "core", usual_range_uj, 0, 0); /* readable, constantly 0 */
    struct energy_run r = open_powercap(s);
    energy_run_window(&r, 2, 2);
    energy_check(&r, "energy_pkg_j", 60, 0.002);
    energy_check_lost(&r, "energy_core_j", "stuck: it stayed at 0 J for 2 s");
    sim_power(s, p0, 0, 0, 0);
    energy_run_window(&r, 2, 2);
    check_all_lost(&r, "the counter is stuck: it stayed at ");
    energy_run_start(&r);
    energy_run_stop(&r);
    check_all_lost(&r, "no update of the counter in a window of");
    end(&r);
    s = sim_new(); /* stuck from the beginning */
    powered_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 77, 0);
    r = open_powercap(s);
    energy_run_start(&r);
    sim_advance(s, 0, 1000);
    sim_sleep(s, 2);
    energy_run_stop(&r);
    check_all_lost(&r, "the counter is dead: it did not move twice in 2.5 s");
    end(&r);
}

static void reset_counter_is_not_a_wrap(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const int p0 = powered_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 5000000000, 30);
    struct energy_run r = open_powercap(s);
    energy_run_start(&r);
    sim_sleep(s, 2);
    sim_set(s, p0, 1000000);
    energy_run_stop(&r);
    check_all_lost(&r, "reset or jumped: 5000");
    energy_run_start(&r);
    sim_sleep(s, 2);
    sim_advance(s, p0, 5000000000); /* 5,000 J in 2 s */
    energy_run_stop(&r);
    check_all_lost(&r, "no possible power");
    energy_run_window(&r, 2, 2); /* and the same state works again */
    energy_check(&r, "energy_pkg_j", 60, 0.002);
    end(&r);
}

/* Without the range there is no modulus: whatever is in the file, the zone is refused. */
static void refuses_without_a_range(void **state)
{
    (void)state;
    static const char *const contents[] = {"", "many\n", "0\n", "-5\n", "18446744073709551616\n"};
    for (size_t i = 0; i <= sizeof contents / sizeof contents[0]; i++) {
        struct sim *s = sim_new();
        powered_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 100, 30);
        if (i < sizeof contents / sizeof contents[0])
            sim_write(s, "class/powercap/intel-rapl:0/max_energy_range_uj", "%s", contents[i]);
        else
            sim_unlink(s, "class/powercap/intel-rapl:0/max_energy_range_uj");
        struct energy_run r = open_powercap(s);
        energy_run_window(&r, 2, 2);
        check_all_lost(&r, "max_energy_range_uj");
        energy_check_lost(&r, "energy_pkg_j.socket0", "refused");
        end(&r);
    }
}

/* root reads every file whatever its mode, so this drops to another user for the moment. */
static void denied_file_names_the_remedy(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    sim_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 100);
    sim_write(s, "proc/cpuinfo", "vendor_id\t: GenuineIntel\n");
    sim_chmod(s, "class/powercap/intel-rapl:0/energy_uj", 0);
    const bool was_root = geteuid() == 0;
    if (was_root && seteuid(65534)) {
        sim_free(s);
        print_message("cannot change the user here\n");
        skip();
    }
    struct energy_run r = energy_run_open(s, NULL); /* the ladder goes on, but this is the rung that a right would open */
    energy_run_window(&r, 2, 2);
    if (was_root)
        assert_int_equal(seteuid(0), 0);
    check_all_lost(&r, "permission denied");
    check_all_lost(&r, "chmod a+r");
    energy_check_lost(&r, "energy_quantisation", "permission denied");
    end(&r);
}

static void unreadable_file_is_lost(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    sim_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 100);
    sim_mkdir(s, "class/powercap/intel-rapl:0/energy_uj");
    struct energy_run r = open_powercap(s);
    energy_run_start(&r);
    assert_true(isinf(probe_energy.keep_alive(r.state)));
    energy_run_stop(&r);
    check_all_lost(&r, "energy_uj: cannot be read");
    end(&r);
}

/* A file that goes away inside the window, and one that is beyond its own range. */
static void vanished_and_absurd_counters_are_lost(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const int p0 = powered_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 100, 30);
    const int p1 = sim_zone(s, "intel-rapl:1", "package-1", 100000000000, 100);
    powered_zone(s, "intel-rapl:2", "package-2", usual_range_uj, 0, 50);
    struct energy_run r = open_powercap(s);
    energy_run_start(&r);
    energy_run_idle(&r, 2, 2);
    sim_power(s, p0, 0, 0, 0);
    sim_vanish(s, p0);
    sim_set(s, p1, 100000000001);
    energy_run_stop(&r);
    energy_check_lost(&r, "energy_pkg_j.socket0", "became unreadable");
    energy_check_lost(&r, "energy_pkg_j.socket1", "became unreadable");
    energy_check(&r, "energy_pkg_j.socket2", 100, 0.005);
    check_all_lost(&r, "became unreadable"); /* a sum over a part of the sockets would be a lie */
    end(&r);
}

static void says_why_there_is_no_source(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    struct energy_run r = energy_run_open(s, NULL);
    energy_run_window(&r, 2, 2);
    check_all_lost(&r, "no powercap tree");
    energy_check_lost(&r, "energy_dram_j", "no powercap tree");
    energy_run_close(&r);
    sim_zone(s, "intel-rapl:1", "package-x", usual_range_uj, 100);
    r = open_powercap(s);
    energy_run_window(&r, 2, 2);
    check_all_lost(&r, "no intel-rapl package zone in class/powercap");
    end(&r);
}

static void nothing_before_the_first_window(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    powered_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 100, 30);
    struct energy_run r = open_powercap(s);
    r.n = probe_energy.read(r.state, r.m, PROBE_MAX_METRICS);
    check_all_lost(&r, "no window was measured yet");
    energy_check_lost(&r, "energy_dram_j", "no dram counter");
    const size_t n = r.n;
    for (size_t cap = 0; cap < n; cap++) {
        struct metric out[PROBE_MAX_METRICS + 1] = {{.name = ""}};
        snprintf(out[cap].name, sizeof out[cap].name, "untouched");
        assert_int_equal(probe_energy.read(r.state, out, cap), cap);
        assert_string_equal(out[cap].name, "untouched");
    }
    energy_run_window(&r, 2, 2);
    assert_int_equal(r.n, n);
    end(&r);
}

/* ---- the grid of the updates ---- */

static double grid_error(const struct energy_run *r)
{
    return energy_find(r, "energy_quantisation")->value;
}

/* Any start, any grid up to 4 ms: edge-aligned windows are a whole number of updates, so power is exact and the error is stated. */
static void windows_are_aligned_to_updates(void **state)
{
    (void)state;
    for (int k = 0; k < 20; k++) {
        struct sim *s = sim_new();
        const int p0 = powered_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 0, 42);
        sim_grid(s, p0, 0.0005 + 0.000175 * k);
        sim_sleep(s, 0.01 + 0.000137 * k);
        struct energy_run r = open_powercap(s);
        energy_run_window(&r, 2, 2);
        energy_check(&r, "power_pkg_w", 42, 0.00005);
        const double grid_s = 0.0005 + 0.000175 * k;
        assert_true(grid_error(&r) > 0.9 * grid_s / 2.01 && grid_error(&r) < 1.2 * grid_s / 2);
        end(&r);
    }
}

static void short_windows_say_so(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    powered_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 0, 42);
    struct energy_run r = open_powercap(s);
    energy_run_window(&r, 0.1, 1);
    energy_check(&r, "energy_pkg_j", 4.2, 0.03);
    energy_check_reason(&r, "energy_pkg_j", "short window");
    energy_run_window(&r, 0.003, 1);
    energy_check_lost(&r, "energy_pkg_j", "Measure at least 2 s");
    end(&r);
}

/* A counter that moves once per second: refused where the error is large, stated where it is small. */
static void slow_grids_are_refused_or_flagged(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const int p0 = powered_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 77, 42);
    sim_grid(s, p0, 1);
    struct energy_run r = open_powercap(s);
    energy_run_window(&r, 2.5, 2.5);
    check_all_lost(&r, "the counter moves every 1 s and the window is 2.5 s");
    energy_run_window(&r, 60.5, 30);
    energy_check(&r, "energy_pkg_j", 42 * 60.5, grid_error(&r));
    energy_check_reason(&r, "energy_pkg_j", "moves only every 1 s: good to about 3.3 %");
    energy_run_window(&r, 400.7, 30);
    energy_check(&r, "energy_pkg_j", 42 * 400.7, 0.01);
    end(&r);
}

/* ---- real time ---- */

/* Three sockets moved by a thread for 2 s: a wrap that only the probe's thread can see, a power step, a mirrored pair of dies. */
static void live_counters_within_one_percent(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const int p0 = powered_zone(s, "intel-rapl:0", "package-0", 2400000000, 2380000000, 45); /* wraps after 20 J; safe for 1.2 s */
    const int p1 = sim_zone(s, "intel-rapl:1", "package-1", usual_range_uj, 1000000000);
    const int p2 = powered_zone(s, "intel-rapl:2", "package-2-die-0", usual_range_uj, 7000000000, 80);
    sim_zone_mirror(s, sim_zone(s, "intel-rapl:3", "package-2-die-1", usual_range_uj, 0), p2);
    sim_power(s, p1, 30, 160, 0.7);
    sim_drive(s);
    struct energy_run r = energy_run_open_with(s, "powercap", NULL);
    const int zone[3] = {p0, p1, p2};
    double before[3], truth[3], sum = 0;
    energy_run_start(&r);
    for (int i = 0; i < 3; i++)
        before[i] = sim_joules(s, zone[i]);
    nanosleep(&(struct timespec){.tv_sec = 2, .tv_nsec = 100000000}, NULL); /* nobody calls keep_alive() */
    for (int i = 0; i < 3; i++)
        sum += truth[i] = sim_joules(s, zone[i]) - before[i];
    energy_run_stop(&r);
    energy_check(&r, "energy_pkg_j.socket0", truth[0], 0.01);
    energy_check(&r, "energy_pkg_j.socket1", truth[1], 0.01);
    energy_check(&r, "energy_pkg_j.socket2", truth[2], 0.01);
    energy_check(&r, "energy_pkg_j", sum, 0.01);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_packages_only),
        cmocka_unit_test(mirrored_dies_count_once),
        cmocka_unit_test(one_zone_of_a_name_is_kept),
        cmocka_unit_test(core_zone_of_amd_is_refused),
        cmocka_unit_test(undoes_wraps_exactly),
        cmocka_unit_test(holds_for_hours),
        cmocka_unit_test(refuses_a_gap_that_may_hide_a_wrap),
        cmocka_unit_test(stuck_counter_is_not_zero_joules),
        cmocka_unit_test(reset_counter_is_not_a_wrap),
        cmocka_unit_test(refuses_without_a_range),
        cmocka_unit_test(denied_file_names_the_remedy),
        cmocka_unit_test(unreadable_file_is_lost),
        cmocka_unit_test(vanished_and_absurd_counters_are_lost),
        cmocka_unit_test(says_why_there_is_no_source),
        cmocka_unit_test(nothing_before_the_first_window),
        cmocka_unit_test(windows_are_aligned_to_updates),
        cmocka_unit_test(short_windows_say_so),
        cmocka_unit_test(slow_grids_are_refused_or_flagged),
        cmocka_unit_test(live_counters_within_one_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
