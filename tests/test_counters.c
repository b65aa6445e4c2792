/* The back-end perf over a played kernel (fake_perf.h): known counts must come out, shared counters must be extrapolated and say
 * so, and every refusal must become a reason with a remedy. At the end the real kernel: its software events always, and where there
 * is a PMU a loop whose instructions are known. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fake_perf.h"
#include "tests/metric_checks.h"

#define HW PERF_TYPE_HARDWARE
#define SW PERF_TYPE_SOFTWARE

static struct counters *c;

static void open_groups(const char *groups)
{
    static const struct counter_seam seam = {.os = &fake_os};
    static const struct probe_env env = {.counters = "perf", .counter_seam = &seam};
    struct probe_env with = env;
    with.counter_groups = groups;
    assert_int_equal(counters_open(&with, &c), 0);
}

/* One window in which all threads run for so long. */
static void window(uint64_t ns)
{
    counters_prepare(c);
    fake_run(1000000); /* before the start: must not count */
    counters_start(c);
    fake_run(ns);
    counters_stop(c);
    fake_run(1000000);
    n_seen = counters_read(c, 1e-9 * (double)ns, seen, SEEN_MAX);
}

static void finish(void)
{
    counters_close(c);
    assert_int_equal(fake.n_open, 0);
    assert_int_equal(fake.bad_calls, 0);
}

static void rule(uint32_t type, uint64_t config, double per_ns, int refuse)
{
    fake.rule[fake.n_rules++] = (struct fake_rule){.type = type, .config = config, .per_ns = per_ns, .refuse = refuse};
}

/* 3 GHz, 2 instructions per cycle, every fourth a branch, 1 % of those missed. */
static void usual_rates(void)
{
    fake_reset();
    rule(HW, PERF_COUNT_HW_CPU_CYCLES, 3, 0);
    rule(HW, PERF_COUNT_HW_INSTRUCTIONS, 6, 0);
    rule(HW, PERF_COUNT_HW_BRANCH_INSTRUCTIONS, 1.5, 0);
    rule(HW, PERF_COUNT_HW_BRANCH_MISSES, 0.015, 0);
}

static void known_counts_come_out(void **state)
{
    (void)state;
    usual_rates();
    open_groups("generic/basic");
    window(2000000000);
    check_value("events_cycles", 3 * 6e9); /* three threads, 2 s each */
    check_value("events_instructions", 6 * 6e9);
    check_value("ipc", 2);
    check_value("frequency_hz", 3e9);
    check_value("branch_miss_share", 0.01);
    check_value("instructions_per_s", 18e9); /* all threads over the window's 2 s */
    check_value("counters_share.basic", 1);
    assert_int_equal(seen_find("events_cycles")->status, METRIC_MEASURED);
    assert_int_equal(seen_find("ipc")->status, METRIC_DERIVED);
    assert_string_equal(seen_find("frequency_hz")->unit, "Hz");
    assert_non_null(strstr(seen_find("ipc")->source, "perf generic/basic: instructions / cycles"));
    assert_null(strstr(seen_find("ipc")->reason, "scaled"));
    assert_true(fake.last_flags & 1); /* inherit */
    window(1000000000);               /* a second window begins anew */
    check_value("events_cycles", 3 * 3e9);
    finish();
}

/* The second group has the counters for a quarter of the time: counts are extrapolated and flagged, ratios stay exact. */
static void shared_counters_are_flagged(void **state)
{
    (void)state;
    usual_rates();
    rule(HW, PERF_COUNT_HW_CACHE_REFERENCES, 0.5, 0);
    rule(HW, PERF_COUNT_HW_CACHE_MISSES, 0.1, 0);
    fake.share[1] = 0.25;
    open_groups("generic/basic,generic/cache");
    window(4000000000);
    check_value("counters_share.basic", 1);
    check_value("counters_share.cache", 0.25);
    check_value("llc_miss_share", 0.2);
    check_value("events_llc_misses", 0.1 * 12e9);
    assert_int_equal(seen_find("events_llc_misses")->status, METRIC_DERIVED);
    assert_non_null(strstr(seen_find("events_llc_misses")->reason, "scaled: on the counters for 25.0 %"));
    assert_non_null(strstr(seen_find("llc_miss_share")->reason, "scaled: on the counters for 25.0 %"));
    assert_int_equal(seen_find("events_cycles")->status, METRIC_MEASURED);
    size_t instructions = 0; /* both groups count them; the first one's number is kept */
    for (size_t i = 0; i < n_seen; i++)
        instructions += !strcmp(seen[i].name, "events_instructions");
    assert_int_equal(instructions, 1);
    finish();
}

static void starved_is_not_zero(void **state)
{
    (void)state;
    usual_rates();
    fake.starve = true;
    open_groups("generic/basic");
    window(1000000000);
    check_lost("events_cycles", "never on a counter");
    check_lost("ipc", "nmi_watchdog");
    check_value("events_task_clock_ns", 3e9);
    finish();
}

/* The kernel may not be watched: the group counts user mode alone and says so; what happens in the kernel only is not 0. */
static void user_mode_alone_is_said(void **state)
{
    (void)state;
    usual_rates();
    fake.kernel_denied = true;
    open_groups("generic/basic,software");
    window(1000000000);
    check_value("ipc", 2);
    assert_non_null(strstr(seen_find("ipc")->reason, "user mode only"));
    assert_true(fake.last_flags & 8);
    check_lost("events_context_switches", "sysctl kernel.perf_event_paranoid=1");
    check_lost("context_switches_per_s", "permission denied");
    check_lost("events_cpu_migrations", "permission denied");
    check_value("events_page_faults", 3e9);
    finish();
}

static void refusals_have_remedies(void **state)
{
    (void)state;
    static const struct {
        int error;
        const char *reason;
    } rows[] = {{ENOENT, "no such counter here"},
                {EOPNOTSUPP, "no such counter here"},
                {EINVAL, "more events than it can count"},
                {EBUSY, "another program has the counters"},
                {ENOSYS, "no perf_event_open"},
                {E2BIG, "perf_event_open: "}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        usual_rates();
        fake.rule[1].refuse = rows[i].error; /* instructions */
        open_groups("generic/basic");
        window(1000000000);
        check_lost("events_instructions", rows[i].reason);
        check_lost("ipc", rows[i].reason);
        check_value("frequency_hz", 3e9); /* the others are there */
        finish();
    }
    usual_rates();
    fake.all_denied = true;
    open_groups("generic/basic");
    window(1000000000);
    check_lost("ipc", "cap_perfmon=ep");
    check_lost("counters_share.basic", "permission denied");
    finish();
}

/* One event of the group cannot be read back, a count runs over, the times contradict each other. */
static void broken_readings_are_refused(void **state)
{
    (void)state;
    usual_rates();
    fake.rule[0].unread = EIO;
    open_groups("generic/basic");
    window(1000000000);
    check_lost("events_cycles", "Input/output error");
    check_value("events_instructions", 18e9);
    finish();
    usual_rates();
    fake.huge = (uint64_t)1 << 63;
    open_groups("generic/basic");
    window(1000000000);
    check_lost("events_cycles", "beyond 2^63");
    finish();
    usual_rates();
    fake.huge = (uint64_t)1 << 52; /* large, but a count */
    open_groups("generic/basic");
    window(1000000000);
    check_value("events_cycles", 9e9 + 3 * 4503599627370496.0);
    finish();
    usual_rates();
    fake.mad_times = true;
    open_groups("generic/basic");
    window(1000000000);
    check_lost("events_cycles", "contradict");
    finish();
}

static void a_division_by_zero_is_no_number(void **state)
{
    (void)state;
    usual_rates();
    rule(HW, PERF_COUNT_HW_CACHE_REFERENCES, 0, 0);
    open_groups("generic/cache");
    window(1000000000);
    check_value("events_llc_loads", 0);
    check_lost("llc_miss_share", "divided by 0");
    finish();
}

/* Files run out on the second thread: its events are lost, and with them the sum. */
static void too_many_files(void **state)
{
    (void)state;
    usual_rates();
    fake.limit = 7;
    open_groups("generic/basic");
    window(1000000000);
    check_lost("ipc", "ulimit -n");
    finish();
}

static void a_thread_that_ended_is_left_out(void **state)
{
    (void)state;
    usual_rates();
    fake.gone = 101;
    open_groups("generic/basic");
    window(1000000000);
    check_value("events_cycles", 2 * 3e9);
    finish();
    usual_rates();
    fake.threads = 0;
    open_groups("generic/basic");
    window(1000000000);
    check_lost("ipc", "cannot be listed");
    finish();
}

static void a_command_is_counted_from_its_exec(void **state)
{
    (void)state;
    usual_rates();
    open_groups("generic/basic");
    counters_prepare_child(c, 4711);
    assert_int_equal(fake.n_open, 5);
    counters_start(c);
    fake_run(1000000000); /* not switched on by us: the exec would do that */
    counters_stop(c);
    n_seen = counters_read(c, 1, seen, SEEN_MAX);
    check_value("events_cycles", 0);
    counters_prepare_machine(c);
    assert_false(fake.last_flags & 1); /* whole CPUs do not inherit */
    finish();
}

static void nothing_before_the_first_window(void **state)
{
    (void)state;
    usual_rates();
    open_groups("generic/basic,software");
    n_seen = counters_read(c, 0, seen, SEEN_MAX);
    for (size_t i = 0; i < n_seen; i++)
        assert_int_equal(seen[i].status, METRIC_UNAVAILABLE);
    const size_t all = n_seen;
    for (size_t cap = 0; cap < all; cap++)
        assert_int_equal(counters_read(c, 0, seen, cap), cap);
    finish();
}

static void none_is_none(void **state)
{
    (void)state;
    const struct probe_env env = {.counters = "none"};
    assert_int_equal(counters_open(&env, &c), 0);
    counters_prepare(c);
    counters_start(c);
    counters_stop(c);
    assert_int_equal(counters_read(c, 1, seen, SEEN_MAX), 0);
    assert_true(isnan(counters_cost_s(c)));
    counters_close(c);
}

static void names_are_checked(void **state)
{
    (void)state;
    char err[COUNTERS_ERR_LEN];
    assert_true(counters_check(NULL, NULL, err));
    assert_true(counters_check("perf", "basic,cache,software", err));
    assert_true(counters_check("papi", "basic", err));
    assert_true(counters_check("likwid", "MEM", err));
    assert_true(counters_check("none", NULL, err));
    const char *bad[][3] = {{"perv", NULL, "perf, papi, likwid, none"},
                            {"perf", "basics", "there are: basic"},
                            {"perf", "basic,", "after the last comma"},
                            {"perf", ",basic", "separated by commas"},
                            {"perf", "", "separated by commas"},
                            {"none", "basic", "back-end is none"},
                            {"papi", "generic/basic", "no such counter group"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(counters_check(bad[i][0], bad[i][1], err));
        if (!strstr(err, bad[i][2]))
            fail_msg("'%s' lacks '%s'", err, bad[i][2]);
    }
}

/* ---- the real kernel ---- */

static void open_real(const char *groups)
{
    const struct probe_env env = {.counters = "perf", .counter_groups = groups};
    assert_int_equal(counters_open(&env, &c), 0);
}

static void burn(double seconds)
{
    struct timespec t;
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    while ((double)t.tv_sec + 1e-9 * (double)t.tv_nsec < seconds);
}

/* Known work: so many pages touched for the first time, so much CPU time. */
static void software_events_of_this_kernel(void **state)
{
    (void)state;
    enum { PAGES = 500 };
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct timespec t;
    char *map = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    madvise(map, PAGES * page, MADV_NOHUGEPAGE);
    open_real("software");
    counters_prepare(c);
    counters_start(c);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    for (size_t i = 0; i < PAGES; i++)
        ((volatile char *)map)[i * page] = 1;
    burn((double)t.tv_sec + 1e-9 * (double)t.tv_nsec + 0.05);
    counters_stop(c);
    n_seen = counters_read(c, 1, seen, SEEN_MAX);
    munmap(map, PAGES * page);
    if (seen_find("events_task_clock_ns")->status == METRIC_UNAVAILABLE) {
        print_message("software events cannot be had: %s\n", seen_find("events_task_clock_ns")->reason);
        counters_close(c);
        skip();
    }
    const double faults = seen_find("events_page_faults")->value, clock_s = seen_find("cpu_time_s")->value;
    counters_close(c);
    assert_true(faults >= PAGES && faults < PAGES + 200);
    assert_true(clock_s >= 0.045 && clock_s < 5);
}

#if defined(__x86_64__)
/* 2 instructions a turn, and a handful around. */
static void known_loop(uint64_t turns)
{
    __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(turns) : : "cc");
}
enum { PER_TURN = 2 };
#elif defined(__aarch64__)
static void known_loop(uint64_t turns)
{
    __asm__ volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(turns) : : "cc");
}
enum { PER_TURN = 2 };
#endif

/* The instrument on known work; needs a PMU. */
static void instructions_of_a_known_loop(void **state)
{
    (void)state;
    const uint64_t turns = 10000000;
    open_real("generic/basic");
    counters_prepare(c);
    counters_start(c);
    known_loop(turns);
    counters_stop(c);
    n_seen = counters_read(c, 1, seen, SEEN_MAX);
    counters_close(c);
    const struct metric *x = seen_find("events_instructions");
    if (x->status == METRIC_UNAVAILABLE) {
        print_message("no hardware counter to try: %s\n", x->reason);
        skip();
    }
    const double expected = (double)(PER_TURN * turns);
    if (!(x->value >= expected && x->value < 1.02 * expected + 200000))
        fail_msg("%g instructions counted, %g executed", x->value, expected);
    x = seen_find("events_branches");
    assert_true(x->status == METRIC_UNAVAILABLE || (x->value >= (double)turns && x->value < 1.02 * (double)turns + 100000));
}

static void boundary_cost(void **state)
{
    (void)state;
    open_real("basic,software");
    const double s = counters_cost_s(c);
    counters_close(c);
    print_message("start and stop of a window: %.1f us\n", 1e6 * s);
    assert_true(s < 50e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_counts_come_out),
        cmocka_unit_test(shared_counters_are_flagged),
        cmocka_unit_test(starved_is_not_zero),
        cmocka_unit_test(user_mode_alone_is_said),
        cmocka_unit_test(refusals_have_remedies),
        cmocka_unit_test(broken_readings_are_refused),
        cmocka_unit_test(a_division_by_zero_is_no_number),
        cmocka_unit_test(too_many_files),
        cmocka_unit_test(a_thread_that_ended_is_left_out),
        cmocka_unit_test(a_command_is_counted_from_its_exec),
        cmocka_unit_test(nothing_before_the_first_window),
        cmocka_unit_test(none_is_none),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(software_events_of_this_kernel),
        cmocka_unit_test(instructions_of_a_known_loop),
        cmocka_unit_test(boundary_cost),
    };
    return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
