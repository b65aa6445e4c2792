/* Counters through PAPI and likwid, with stand-ins for the libraries; at the end the installed libraries themselves, which must
 * come back with numbers or with a reason. */
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

#include <cmocka.h>

#include "profiles/likwid_library.h"
#include "profiles/papi_library.h"
#include "tests/fake_perf.h"
#include "tests/metric_checks.h"

static struct counters *c;

static void window(const struct counter_seam *seam, const char *backend, const char *groups)
{
    const struct probe_env env = {.counters = backend, .counter_groups = groups, .counter_seam = seam};
    assert_int_equal(counters_open(&env, &c), 0);
    counters_prepare(c);
    counters_start(c);
    counters_stop(c);
    n_seen = counters_read(c, 2, seen, SEEN_MAX);
}

/* ---- PAPI: three threads, each event counts 1000 times its place in the set and the thread ---- */

static int papi_sets, papi_events[8], papi_started, papi_fail_start, papi_fail_set;
static const char *papi_unknown;

static int papi_init(void)
{
    return 0;
}

static int papi_new_set(const struct papi_target *target, int *set)
{
    assert_true(!target->component && target->pid >= 100 && target->pid < 100 + FAKE_THREADS && target->cpu == -1);
    *set = papi_sets;
    papi_events[papi_sets++] = 0;
    return papi_fail_set;
}

static int papi_add(int set, const char *event)
{
    if (papi_unknown && !strcmp(event, papi_unknown))
        return -7;
    papi_events[set]++;
    return 0;
}

static int papi_start(int set)
{
    (void)set;
    papi_started += !papi_fail_start;
    return papi_fail_start;
}

static int papi_stop(int set, long long *values)
{
    papi_started--;
    for (int i = 0; i < papi_events[set]; i++)
        values[i] = 1000 * (i + 1) * (set + 1);
    return 0;
}

static void papi_end(int set)
{
    (void)set;
}

static const char *papi_error(int code)
{
    return code == -7 ? "Event does not exist" : "Conflict";
}

static const struct papi_api papi_api = {.init = papi_init,
                                         .new_set = papi_new_set,
                                         .add = papi_add,
                                         .start = papi_start,
                                         .stop = papi_stop,
                                         .end = papi_end,
                                         .error = papi_error};
static const struct counter_seam papi_seam = {.os = &fake_os, .papi = &papi_api};

static void papi_reset(void)
{
    fake_reset();
    papi_sets = papi_started = papi_fail_start = papi_fail_set = 0;
    papi_unknown = NULL;
}

static void papi_sums_threads(void **state)
{
    (void)state;
    papi_reset();
    window(&papi_seam, "papi", NULL);
    assert_int_equal(papi_started, 0);
    check_value("events_cycles", 6000); /* 1000 * (1 + 2 + 3) */
    check_value("events_instructions", 12000);
    check_value("ipc", 2);
    check_value("branch_miss_share", 4.0 / 3);
    assert_non_null(strstr(seen_find("ipc")->reason, "user mode only: the kernel's work is not counted (PAPI's default)"));
    counters_close(c);
}

static void papi_lacks_an_event(void **state)
{
    (void)state;
    papi_reset();
    papi_unknown = "PAPI_TOT_INS";
    window(&papi_seam, "papi", "basic");
    check_lost("ipc", "PAPI has no PAPI_TOT_INS here: Event does not exist");
    check_value("events_branches", 12000); /* second in the set now */
    counters_close(c);
}

static void papi_says_why(void **state)
{
    (void)state;
    papi_reset();
    papi_fail_start = -8;
    window(&papi_seam, "papi", "basic");
    check_lost("ipc", "cannot start the group: Conflict");
    counters_close(c);
    papi_reset();
    papi_fail_set = -8;
    window(&papi_seam, "papi", "basic");
    check_lost("events_cycles", "PAPI: Conflict");
    counters_close(c);
    papi_reset();
    window(&papi_seam, "papi", "basic,cache");
    check_value("ipc", 2);
    check_lost("l2_misses_per_kinstr", "one group at a time");
    counters_close(c);
}

/* ---- likwid: metrics by name, one value per CPU ---- */

static int likwid_cpus, likwid_started, likwid_init_error, likwid_marks;

static int lw_init(bool daemon, const int *cpus, int count)
{
    assert_false(daemon);
    assert_true(cpus[0] >= 0 && count > 0);
    likwid_cpus = count;
    return likwid_init_error;
}

static int lw_add_group(const char *name)
{
    return strcmp(name, "MEM") ? -1 : 3;
}

static int lw_start(int group)
{
    assert_int_equal(group, 3);
    likwid_started++;
    return 0;
}

static int lw_stop(void)
{
    likwid_started--;
    return 0;
}

static const char *const lw_names[] = {"Runtime (RDTSC) [s]", "CPI", "Clock [MHz]", "Memory bandwidth [MBytes/s]", "Broken"};

static int lw_n_metrics(int group)
{
    (void)group;
    return 5;
}

static const char *lw_metric_name(int group, int metric)
{
    (void)group;
    return lw_names[metric];
}

static double lw_metric(int group, int metric, int thread)
{
    static const double value[] = {2, 0.5, 3000, 1000};
    (void)group;
    (void)thread;
    return metric == 4 ? (double)NAN : value[metric];
}

static void lw_nothing(void)
{
}

static int lw_marker(const char *region, bool start)
{
    assert_string_equal(region, "bitjoule");
    likwid_marks += start ? 1 : 100;
    return 0;
}

static const struct likwid_api likwid_api = {.init = lw_init,
                                             .add_group = lw_add_group,
                                             .start = lw_start,
                                             .stop = lw_stop,
                                             .n_metrics = lw_n_metrics,
                                             .metric_name = lw_metric_name,
                                             .metric = lw_metric,
                                             .finish = lw_nothing,
                                             .marker_init = lw_nothing,
                                             .marker = lw_marker};
static const struct counter_seam likwid_seam = {.likwid = &likwid_api};

static void likwid_metrics_have_units(void **state)
{
    (void)state;
    likwid_init_error = 0;
    window(&likwid_seam, "likwid", "MEM");
    assert_int_equal(likwid_started, 0);
    check_value("likwid_runtime_rdtsc", 2);
    check_value("likwid_cpi", 0.5);
    check_value("likwid_clock", 3e9);
    check_value("likwid_memory_bandwidth", 1e9 * likwid_cpus); /* summed over the CPUs */
    assert_string_equal(seen_find("likwid_memory_bandwidth")->unit, "B/s");
    assert_string_equal(seen_find("likwid_clock")->unit, "Hz");
    check_lost("likwid_broken", "no number");
    counters_close(c);
}

static void likwid_says_why(void **state)
{
    (void)state;
    likwid_init_error = 0;
    window(&likwid_seam, "likwid", "NOSUCH");
    check_lost("counters", "no group 'NOSUCH'");
    counters_close(c);
    likwid_init_error = -EACCES;
    window(&likwid_seam, "likwid", "MEM");
    check_lost("counters", "cannot use the counters here");
    counters_close(c);
    likwid_init_error = 0;
    window(&likwid_seam, "likwid", "MEM,CLOCK");
    check_lost("counters", "one group at a time");
    counters_close(c);
}

static void likwid_marks_each_cpu(void **state)
{
    (void)state;
    setenv("LIKWID_MODE", "1", 1);
    setenv("LIKWID_FILEPATH", "/tmp/none", 1);
    likwid_marks = 0;
    window(&likwid_seam, "likwid", NULL);
    unsetenv("LIKWID_MODE");
    unsetenv("LIKWID_FILEPATH");
    check_lost("counters", "likwid-perfctr prints");
    assert_true(likwid_marks >= 101 && likwid_marks % 101 == 0); /* as often begun as ended */
    counters_close(c);
}

/* ---- the libraries of this machine ---- */

static void installed_libraries_answer(void **state)
{
    (void)state;
    static const char *const backends[] = {"papi", "likwid"};
    for (size_t i = 0; i < 2; i++) {
        window(NULL, backends[i], NULL);
        assert_true(n_seen > 0);
        for (size_t k = 0; k < n_seen; k++)
            assert_true(seen[k].status != METRIC_UNAVAILABLE || seen[k].reason[0]);
        print_message("%s: %zu metrics, the first %s: %s\n", backends[i], n_seen, metric_status_name(seen[0].status),
                      seen[0].reason);
        counters_close(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(papi_sums_threads),
        cmocka_unit_test(papi_lacks_an_event),
        cmocka_unit_test(papi_says_why),
        cmocka_unit_test(likwid_metrics_have_units),
        cmocka_unit_test(likwid_says_why),
        cmocka_unit_test(likwid_marks_each_cpu),
        cmocka_unit_test(installed_libraries_answer),
    };
    return cmocka_run_group_tests_name("counter libraries", tests, NULL, NULL);
}
