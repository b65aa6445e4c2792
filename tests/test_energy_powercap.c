/* The powercap probe on simulated trees: exact sums, wraps, every way in which a counter can lie.
 *
 * Most cases advance the counters by hand and demand the exact joules; one case runs against a thread that draws power for
 * about a second. A counter that cannot be trusted must come out unavailable with the right reason - never as a number. */
#include <inttypes.h>
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

#include "profiles/probe.h"
#include "profiles/time_clock.h"
#include "tests/sim_sysfs.h"

static const uint64_t usual_range_uj = 262143328850; /* 2^32 units of 2^-14 J, as many Intel parts state it */

struct run {
    struct probe_env env;
    void *state;
    struct metric m[PROBE_MAX_METRICS];
    size_t n;
};

static struct run run_open(const struct sim *s)
{
    struct run r = {.env = {.sysfs = sim_root(s)}};
    assert_int_equal(probe_powercap.open(&r.env, &r.state), 0);
    return r;
}

static void run_read(struct run *r)
{
    r->n = probe_powercap.read(r->state, r->m, PROBE_MAX_METRICS);
    assert_true(r->n >= 3);
}

static void run_close(struct run *r)
{
    probe_powercap.close(r->state);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static const struct metric *find(const struct run *r, const char *name)
{
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->m[i].name, name) == 0)
            return &r->m[i];
    fail_msg("no metric %s", name);
    return NULL;
}

static void check_joules(const struct run *r, const char *name, double joules)
{
    const struct metric *m = find(r, name);
    if (m->status != METRIC_MEASURED)
        fail_msg("%s: %s", name, m->reason);
    assert_string_equal(m->unit, "J");
    assert_true(fabs(m->value - joules) < 1e-9 * joules);
}

static void check_lost(const struct run *r, const char *name, const char *reason)
{
    const struct metric *m = find(r, name);
    assert_int_equal(m->status, METRIC_UNAVAILABLE);
    assert_true(isnan(m->value));
    if (!strstr(m->reason, reason))
        fail_msg("%s: '%s' lacks '%s'", name, m->reason, reason);
}

/* Sum and power are both lost, for this reason. */
static void check_all_lost(const struct run *r, const char *reason)
{
    check_lost(r, "energy_pkg_j", reason);
    check_lost(r, "power_pkg_w", reason);
}

/* Two sockets; psys takes index 1, so that socket 1 is intel-rapl:2; all kinds of zones that must not be added. */
static void sums_packages_only(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    int p0 = sim_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 1000),
        psys = sim_zone(s, "intel-rapl:1", "psys", usual_range_uj, 5);
    int p1 = sim_zone(s, "intel-rapl:2", "package-1", usual_range_uj, 900),
        core = sim_zone(s, "intel-rapl:0:0", "core", usual_range_uj, 7);
    int d0 = sim_zone(s, "intel-rapl:0:1", "dram", usual_range_uj, 11),
        d1 = sim_zone(s, "intel-rapl:2:0", "dram", usual_range_uj, 13);
    int mmio = sim_zone(s, "intel-rapl-mmio:0", "package-0", usual_range_uj, 1000);
    struct run r = run_open(s);
    probe_powercap.start(r.state);
    double t = time_now_s();
    pause_ms(20);
    double slept_s = time_now_s() - t;
    sim_advance(s, p0, 3000001);
    sim_advance(s, p1, 5000000);
    sim_advance(s, psys, 30000000);
    sim_advance(s, core, 2000000);
    sim_advance(s, mmio, 3000001);
    sim_advance(s, d0, 1000000);
    sim_advance(s, d1, 500000);
    probe_powercap.stop(r.state);
    run_read(&r);
    check_joules(&r, "energy_pkg_j", 8.000001);
    check_joules(&r, "energy_pkg_j.socket0", 3.000001);
    check_joules(&r, "energy_pkg_j.socket1", 5.0);
    check_joules(&r, "energy_dram_j", 1.5);
    assert_string_equal(find(&r, "energy_pkg_j")->source, "powercap intel-rapl:0 intel-rapl:2");
    const struct metric *w = find(&r, "power_pkg_w");
    assert_int_equal(w->status, METRIC_DERIVED);
    assert_true(w->value > 0 && w->value <= 8.000001 / slept_s);
    run_close(&r);
    sim_free(s);
}

static void undoes_one_wrap_exactly(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    int p0 = sim_zone(s, "intel-rapl:0", "package-0", usual_range_uj, usual_range_uj - 1000000);
    int p1 = sim_zone(s, "intel-rapl:1", "package-1", 65532610987, 65532610987);
    struct run r = run_open(s);
    probe_powercap.start(r.state);
    pause_ms(5);
    sim_advance(s, p0, 3000000);
    sim_advance(s, p1, 1); /* from the last value to 0: exactly 1 uJ */
    probe_powercap.stop(r.state);
    run_read(&r);
    check_joules(&r, "energy_pkg_j.socket0", 3.0);
    check_joules(&r, "energy_pkg_j.socket1", 1e-6);
    check_joules(&r, "energy_pkg_j", 3.000001);
    run_close(&r);
    sim_free(s);
}

/* 1,500 J through a counter of 1,000 J. */
static void keep_alive_counts_every_wrap(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    int p0 = sim_zone(s, "intel-rapl:0", "package-0", 1000000000, 999999999);
    struct run r = run_open(s);
    probe_powercap.start(r.state);
    for (int i = 0; i < 10; i++) {
        pause_ms(76); /* 150 J in less would be more than 2 kW */
        sim_advance(s, p0, 150000000);
        double next_s = probe_powercap.keep_alive(r.state);
        assert_true(fabs(next_s - 0.5) < 1e-9); /* 1,000 J at 2 kW */
    }
    probe_powercap.stop(r.state);
    run_read(&r);
    check_joules(&r, "energy_pkg_j", 1500.0);
    run_close(&r);
    sim_free(s);
}

static void refuses_a_gap_that_may_hide_a_wrap(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    int p0 = sim_zone(s, "intel-rapl:0", "package-0", 2000000, 0); /* 2 J: safe for 1 ms */
    struct run r = run_open(s);
    probe_powercap.start(r.state);
    pause_ms(5);
    sim_advance(s, p0, 10);
    probe_powercap.stop(r.state);
    run_read(&r);
    check_all_lost(&r, "may have wrapped unseen");
    run_close(&r);
    sim_free(s);
}

static void stuck_counter_is_not_zero_joules(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    int p0 = sim_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 77);
    struct run r = run_open(s);
    probe_powercap.start(r.state);
    pause_ms(55);
    probe_powercap.stop(r.state);
    run_read(&r);
    check_all_lost(&r, "stuck: it stayed at 77 uJ");
    probe_powercap.start(r.state);
    probe_powercap.stop(r.state);
    run_read(&r);
    check_all_lost(&r, "no update of the counter in a window of");
    probe_powercap.start(r.state); /* and the same state works again */
    pause_ms(5);
    sim_advance(s, p0, 250000);
    probe_powercap.stop(r.state);
    run_read(&r);
    check_joules(&r, "energy_pkg_j", 0.25);
    assert_non_null(strstr(find(&r, "energy_pkg_j")->reason, "short window"));
    run_close(&r);
    sim_free(s);
}

static void reset_counter_is_not_a_wrap(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    int p0 = sim_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 5000000000);
    struct run r = run_open(s);
    probe_powercap.start(r.state);
    pause_ms(10);
    sim_set(s, p0, 1000000);
    probe_powercap.stop(r.state);
    run_read(&r);
    check_all_lost(&r, "reset or jumped: 5000000000 to 1000000 uJ");
    run_close(&r);
    sim_free(s);
}

static void impossible_power_is_refused(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    int p0 = sim_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 0);
    struct run r = run_open(s);
    double t = time_now_s();
    probe_powercap.start(r.state);
    pause_ms(10);
    uint64_t uj = (uint64_t)(2000.0 * 1e6 * (time_now_s() - t + 2.0)); /* more than 2 kW, also if we are held up for 2 s */
    sim_advance(s, p0, uj);
    probe_powercap.stop(r.state);
    run_read(&r);
    check_all_lost(&r, "no possible power");
    run_close(&r);
    sim_free(s);
}

/* Without the range there is no modulus: whatever is in the file, the zone is refused. */
static void refuses_without_a_range(void **state)
{
    (void)state;
    static const char *const contents[] = {"", "many\n", "0\n", "-5\n", "18446744073709551616\n"};
    for (size_t i = 0; i <= sizeof contents / sizeof contents[0]; i++) {
        struct sim *s = sim_new();
        int p0 = sim_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 100);
        if (i < sizeof contents / sizeof contents[0])
            sim_write(s, "class/powercap/intel-rapl:0/max_energy_range_uj", "%s", contents[i]);
        else
            sim_unlink(s, "class/powercap/intel-rapl:0/max_energy_range_uj");
        struct run r = run_open(s);
        probe_powercap.start(r.state);
        sim_advance(s, p0, 1000);
        probe_powercap.stop(r.state);
        run_read(&r);
        check_all_lost(&r, "max_energy_range_uj");
        check_lost(&r, "energy_pkg_j.socket0", "refused");
        run_close(&r);
        sim_free(s);
    }
}

/* root reads every file whatever its mode, so this drops to another user for the moment. */
static void denied_file_names_the_remedy(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    sim_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 100);
    sim_chmod(s, "class/powercap/intel-rapl:0/energy_uj", 0);
    bool was_root = geteuid() == 0;
    if (was_root && seteuid(65534)) {
        sim_free(s);
        print_message("cannot change the user here\n");
        skip();
    }
    struct run r = run_open(s);
    probe_powercap.start(r.state);
    probe_powercap.stop(r.state);
    if (was_root)
        assert_int_equal(seteuid(0), 0);
    run_read(&r);
    check_all_lost(&r, "permission denied");
    check_all_lost(&r, "chmod a+r");
    run_close(&r);
    sim_free(s);
}

static void unreadable_file_is_lost(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    sim_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 100);
    sim_mkdir(s, "class/powercap/intel-rapl:0/energy_uj");
    struct run r = run_open(s);
    probe_powercap.start(r.state);
    assert_true(isinf(probe_powercap.keep_alive(r.state)));
    probe_powercap.stop(r.state);
    run_read(&r);
    check_all_lost(&r, "energy_uj: cannot be read");
    run_close(&r);
    sim_free(s);
}

/* A file that goes away inside the window, and one that is beyond its own range. */
static void vanished_and_absurd_counters_are_lost(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    int p0 = sim_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 100);
    int p1 = sim_zone(s, "intel-rapl:1", "package-1", 1000000000, 100),
        p2 = sim_zone(s, "intel-rapl:2", "package-2", usual_range_uj, 0);
    struct run r = run_open(s);
    probe_powercap.start(r.state);
    pause_ms(5);
    sim_vanish(s, p0);
    sim_set(s, p1, 1000000001);
    sim_advance(s, p2, 2000000);
    probe_powercap.stop(r.state);
    run_read(&r);
    check_lost(&r, "energy_pkg_j.socket0", "became unreadable");
    check_lost(&r, "energy_pkg_j.socket1", "became unreadable");
    check_joules(&r, "energy_pkg_j.socket2", 2.0);
    check_all_lost(&r, "became unreadable"); /* a sum over a part of the sockets would be a lie */
    run_close(&r);
    sim_free(s);
}

/* Socket 0: both dies show one counter (and one DRAM counter). Socket 1: two real dies. */
static void mirrored_dies_count_once(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    int a0 = sim_zone(s, "intel-rapl:0", "package-0-die-0", usual_range_uj, 40000000000);
    int a1 = sim_zone(s, "intel-rapl:1", "package-0-die-1", usual_range_uj, 0);
    int b0 = sim_zone(s, "intel-rapl:2", "package-1-die-0", usual_range_uj, 500);
    int b1 = sim_zone(s, "intel-rapl:3", "package-1-die-1", usual_range_uj, 90000000000);
    int d0 = sim_zone(s, "intel-rapl:0:0", "dram", usual_range_uj, 1234567),
        d1 = sim_zone(s, "intel-rapl:1:0", "dram", usual_range_uj, 0);
    sim_zone_mirror(s, a1, a0);
    sim_zone_mirror(s, d1, d0);
    struct run r = run_open(s);
    probe_powercap.start(r.state);
    pause_ms(10);
    sim_advance(s, a0, 2000000);
    sim_advance(s, b0, 3000000);
    sim_advance(s, b1, 4000000);
    sim_advance(s, d0, 1000000);
    probe_powercap.stop(r.state);
    run_read(&r);
    check_joules(&r, "energy_pkg_j.socket0", 2.0);
    check_joules(&r, "energy_pkg_j.socket1", 7.0);
    check_joules(&r, "energy_pkg_j", 9.0);
    check_joules(&r, "energy_dram_j", 1.0);
    run_close(&r);
    sim_free(s);
}

static void second_zone_of_a_name_is_dropped(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    sim_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 100);
    int good = sim_zone(s, "intel-rapl:1", "package-0", usual_range_uj, 9000);
    sim_mkdir(s, "class/powercap/intel-rapl:0/energy_uj"); /* the readable one of the two is kept */
    struct run r = run_open(s);
    probe_powercap.start(r.state);
    pause_ms(5);
    sim_advance(s, good, 1000000);
    probe_powercap.stop(r.state);
    run_read(&r);
    check_joules(&r, "energy_pkg_j", 1.0);
    assert_string_equal(find(&r, "energy_pkg_j")->source, "powercap intel-rapl:1");
    run_close(&r);
    sim_free(s);
}

static void says_why_there_is_no_source(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    struct run r = run_open(s);
    probe_powercap.start(r.state);
    probe_powercap.stop(r.state);
    run_read(&r);
    check_all_lost(&r, "no powercap tree");
    check_lost(&r, "energy_dram_j", "no powercap tree");
    run_close(&r);

    sim_zone(s, "intel-rapl:0", "psys", usual_range_uj, 100);
    sim_zone(s, "intel-rapl:1", "package-x", usual_range_uj, 100);
    sim_zone(s, "intel-rapl-mmio:0", "package-0", usual_range_uj, 100);
    r = run_open(s);
    probe_powercap.start(r.state);
    probe_powercap.stop(r.state);
    run_read(&r);
    check_all_lost(&r, "no intel-rapl package zone in class/powercap, only its MMIO copy");
    run_close(&r);
    sim_free(s);
}

static void nothing_before_the_first_window(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    sim_zone(s, "intel-rapl:0", "package-0", usual_range_uj, 100);
    struct run r = run_open(s);
    run_read(&r);
    check_all_lost(&r, "no window was measured yet");
    check_lost(&r, "energy_dram_j", "no dram zone");
    struct metric one[2] = {{.name = ""}, {.name = "untouched"}};
    assert_int_equal(probe_powercap.read(r.state, one, 1), 1);
    assert_string_equal(one[1].name, "untouched");
    assert_int_equal(probe_powercap.read(r.state, one, 0), 0);
    run_close(&r);
    sim_free(s);
}

static void check_near(const struct run *r, const char *name, double truth_j)
{
    const struct metric *m = find(r, name);
    if (m->status != METRIC_MEASURED)
        fail_msg("%s: %s", name, m->reason);
    if (fabs(m->value - truth_j) > 0.01 * truth_j)
        fail_msg("%s: %.6f J, truth %.6f J", name, m->value, truth_j);
}

/* A second of three moving sockets: constant power through a wrap, a step from 30 to 160 W, a mirrored pair of dies. */
static void live_counters_within_one_percent(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    int p0 = sim_zone(s, "intel-rapl:0", "package-0", 4000000000, 3980000000); /* wraps after 20 J; safe for 2 s */
    int p1 = sim_zone(s, "intel-rapl:1", "package-1", usual_range_uj, 1000000000);
    int p2 = sim_zone(s, "intel-rapl:2", "package-2-die-0", usual_range_uj, 7000000000);
    int mirror = sim_zone(s, "intel-rapl:3", "package-2-die-1", usual_range_uj, 0);
    sim_zone_mirror(s, mirror, p2);
    sim_power(s, p0, 45.0, 45.0, 1.0);
    sim_power(s, p1, 30.0, 160.0, 0.7);
    sim_power(s, p2, 80.0, 80.0, 1.0);
    sim_drive(s);
    pause_ms(100);
    struct run r = run_open(s);
    int zone[3] = {p0, p1, p2};
    uint64_t before[3], truth[3], sum = 0;
    for (int i = 0; i < 3; i++)
        before[i] = sim_total_uj(s, zone[i]);
    probe_powercap.start(r.state);
    for (int i = 0; i < 11; i++) {
        pause_ms(100);
        probe_powercap.keep_alive(r.state);
    }
    probe_powercap.stop(r.state);
    for (int i = 0; i < 3; i++)
        sum += truth[i] = sim_total_uj(s, zone[i]) - before[i];
    run_read(&r);
    check_near(&r, "energy_pkg_j.socket0", 1e-6 * (double)truth[0]);
    check_near(&r, "energy_pkg_j.socket1", 1e-6 * (double)truth[1]);
    check_near(&r, "energy_pkg_j.socket2", 1e-6 * (double)truth[2]);
    check_near(&r, "energy_pkg_j", 1e-6 * (double)sum);
    assert_true(truth[0] > 40000000); /* so the wrap lay inside */
    run_close(&r);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_packages_only),
        cmocka_unit_test(undoes_one_wrap_exactly),
        cmocka_unit_test(keep_alive_counts_every_wrap),
        cmocka_unit_test(refuses_a_gap_that_may_hide_a_wrap),
        cmocka_unit_test(stuck_counter_is_not_zero_joules),
        cmocka_unit_test(reset_counter_is_not_a_wrap),
        cmocka_unit_test(impossible_power_is_refused),
        cmocka_unit_test(refuses_without_a_range),
        cmocka_unit_test(denied_file_names_the_remedy),
        cmocka_unit_test(unreadable_file_is_lost),
        cmocka_unit_test(vanished_and_absurd_counters_are_lost),
        cmocka_unit_test(mirrored_dies_count_once),
        cmocka_unit_test(second_zone_of_a_name_is_dropped),
        cmocka_unit_test(says_why_there_is_no_source),
        cmocka_unit_test(nothing_before_the_first_window),
        cmocka_unit_test(live_counters_within_one_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
