/* Counters of single operations: what they count comes out operation by operation, what reading costs is taken off, and what is too
 * short, shared or refused says so. Over a played kernel; at the end over this one. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/op_counters.h"
#include "tests/fake_perf.h"
#include "tests/metric_checks.h"

#define HW PERF_TYPE_HARDWARE

static struct counter_laps *l;

static void open_laps(const char *backend, const char *groups)
{
    static const struct counter_seam seam = {.os = &fake_os};
    const struct probe_env env = {.counters = backend, .counter_groups = groups, .counter_seam = &seam};
    assert_int_equal(counter_laps_open(&env, 2, &l), 0);
}

static void rule(uint64_t config, double per_ns, int refuse)
{
    fake.rule[fake.n_rules++] = (struct fake_rule){.type = HW, .config = config, .per_ns = per_ns, .refuse = refuse};
}

/* 2 instructions per cycle at 3 GHz. */
static void usual_rates(void)
{
    fake_reset();
    rule(PERF_COUNT_HW_CPU_CYCLES, 3, 0);
    rule(PERF_COUNT_HW_INSTRUCTIONS, 6, 0);
}

static void attach(void)
{
    counter_laps_choose(l, 0);
    counter_laps_attach(l, 0);
    counter_laps_attach(l, 1);
}

/* Both threads run for ns between two reads. */
static void lap(uint64_t ns, double count[LAPS_EVENTS])
{
    uint64_t before[2][LAPS_EVENTS], after[2][LAPS_EVENTS];
    for (unsigned t = 0; t < 2; t++)
        counter_laps_read(l, t, before[t]);
    fake_run(ns);
    for (unsigned t = 0; t < 2; t++)
        counter_laps_read(l, t, after[t]);
    for (size_t i = 0; i < LAPS_EVENTS; i++)
        count[i] = (double)(after[0][i] - before[0][i]) + (double)(after[1][i] - before[1][i]);
}

/* The same, as metrics. */
static void lap_metrics(void)
{
    double count[LAPS_EVENTS];
    lap(1000000, count);
    n_seen = counter_laps_metrics(l, count, 2, 1e-3, seen, SEEN_MAX);
}

static void finish(void)
{
    counter_laps_close(l);
    assert_int_equal(fake.n_open, 0);
    assert_int_equal(fake.bad_calls, 0);
}

static void counts_come_out(void **state)
{
    (void)state;
    usual_rates();
    open_laps("perf", "generic/basic");
    assert_int_equal(counter_laps_groups(l), 1);
    assert_string_equal(counter_laps_name(l, 0), "basic");
    attach();
    assert_int_equal(fake.n_leaders, 2);
    assert_false(fake.last_flags & 1); /* inherited groups cannot be read at once */
    lap_metrics();
    check_value("events_cycles", 2 * 3e6);
    check_value("ipc", 2);
    check_value("instructions_per_s", 12e9);
    check_value("counters_share.basic", 1);
    assert_int_equal(seen_find("events_cycles")->status, METRIC_MEASURED); /* reads took no time here */
    assert_non_null(strstr(seen_find("ipc")->reason, "user mode only"));
    assert_true(counter_laps_read_s(l) >= 0);
    finish();
}

/* A read of 1 us counts 3000 cycles itself. */
static void reads_are_taken_off(void **state)
{
    (void)state;
    double count[LAPS_EVENTS];
    usual_rates();
    fake.read_ns = 1000;
    open_laps("perf", "generic/basic");
    attach();
    counter_laps_choose(l, 0); /* a second pass begins anew */
    counter_laps_attach(l, 0);
    n_seen = counter_laps_read_counts(l, seen, SEEN_MAX);
    check_value("events_cycles", 3000);
    check_value("events_instructions", 6000);
    count[0] = 3e6; /* 100 reads, 10 % of it */
    count[1] = 6e6;
    count[2] = count[3] = count[4] = 1e6;
    n_seen = counter_laps_metrics(l, count, 100, 1e-3, seen, SEEN_MAX);
    check_value("events_cycles", 2.7e6);
    check_value("ipc", 2);
    assert_int_equal(seen_find("events_cycles")->status, METRIC_DERIVED);
    assert_non_null(strstr(seen_find("events_cycles")->reason, "is taken off"));
    n_seen = counter_laps_metrics(l, count, 510, 1e-3, seen, SEEN_MAX); /* 51 % */
    check_lost("events_cycles", "too short to be counted: the 510 reads of the counters account for 51 %");
    check_lost("ipc", "too short");
    count[0] = count[1] = 0; /* 0 with reads in it is no number either */
    n_seen = counter_laps_metrics(l, count, 1, 1e-3, seen, SEEN_MAX);
    check_lost("events_cycles", "too short");
    finish();
}

static void shared_counters_are_flagged(void **state)
{
    (void)state;
    usual_rates();
    for (size_t i = 0; i < CHOOSE_GROUPS; i++)
        fake.share[i] = 0.5;
    open_laps("perf", "generic/basic");
    attach();
    lap_metrics();
    check_value("events_cycles", 2 * 3e6);
    check_value("counters_share.basic", 0.5);
    assert_non_null(strstr(seen_find("ipc")->reason, "scaled: on the counters for 50.0 %"));
    finish();
    usual_rates();
    fake.starve = true;
    open_laps("perf", "generic/cache");
    attach();
    lap_metrics();
    check_lost("events_instructions", "never on a counter");
    finish();
}

static void refusals_are_reasons(void **state)
{
    (void)state;
    usual_rates();
    fake.rule[1].refuse = ENOENT; /* instructions */
    open_laps("perf", "generic/basic");
    attach();
    lap_metrics();
    check_lost("ipc", "no such counter here");
    check_value("events_cycles", 2 * 3e6); /* the others keep their places */
    check_value("events_task_clock_ns", 2e6);
    finish();
    usual_rates();
    fake.all_denied = true;
    open_laps("perf", "generic/basic");
    attach();
    lap_metrics();
    check_lost("events_cycles", "cap_perfmon=ep");
    finish();
    usual_rates();
    open_laps("perf", "generic/basic");
    attach();
    fake.rule[0].unread = EIO;
    lap_metrics();
    check_lost("events_instructions", "the counters of thread 0 cannot be read: Input/output error");
    finish();
}

static void other_back_ends_say_so(void **state)
{
    (void)state;
    const double count[LAPS_EVENTS] = {0};
    fake_reset();
    const struct probe_env none = {.counters = "none"};
    assert_int_equal(counter_laps_open(&none, 2, &l), 0);
    assert_int_equal(counter_laps_groups(l), 0);
    finish();
    open_laps("perf", "uncore/dram");
    assert_int_equal(counter_laps_groups(l), 1);
    attach();
    n_seen = counter_laps_metrics(l, count, 1, 1e-3, seen, SEEN_MAX);
    check_lost("dram_bytes_per_s", "whole sockets, not the operations of a thread");
    finish();
    const struct probe_env likwid = {.counters = "likwid", .sysfs = "/nonexistent"};
    assert_int_equal(counter_laps_open(&likwid, 2, &l), 0);
    assert_int_equal(counter_laps_groups(l), 1);
    attach();
    n_seen = counter_laps_metrics(l, count, 1, 1e-3, seen, SEEN_MAX);
    assert_int_equal(n_seen, 1);
    assert_int_equal(seen[0].status, METRIC_UNAVAILABLE);
    assert_true(seen[0].reason[0]);
    finish();
}

/* ---- with the engine's profile ---- */

/* Two operations on two threads, the second three times as long; no clock is asked. */
static struct op_profile *profiled(void)
{
    struct op_profile *p;
    assert_int_equal(op_profile_new(2, &p), 0);
    op_counters_join(p, l);
    for (unsigned t = 0; t < 2; t++)
        op_profile_attach(p, t);
    for (unsigned t = 0; t < 2; t++)
        op_begin(&p->lane[t]);
    fake_run(100000);
    for (unsigned t = 0; t < 2; t++)
        op_lap(&p->lane[t], OP_QKV);
    fake_run(300000);
    for (unsigned t = 0; t < 2; t++)
        op_lap(&p->lane[t], OP_DOWN);
    p->pass_ns = 1000000;
    for (unsigned t = 0; t < 2; t++) {
        p->lane[t].sum[OP_QKV].ns = 100000;
        p->lane[t].sum[OP_DOWN].ns = 300000;
    }
    return p;
}

static double value_in(const json_t *list, const char *name)
{
    size_t i;
    const json_t *m;
    json_array_foreach(list, i, m) if (!strcmp(json_string_value(json_object_get(m, "name")), name)) return json_number_value(
        json_object_get(m, "value"));
    fail_msg("no %s", name);
    return 0;
}

static void operations_have_counters_of_their_own(void **state)
{
    (void)state;
    usual_rates();
    open_laps("perf", "generic/basic,software");
    assert_int_equal(counter_laps_groups(l), 2);
    json_t *answer = json_pack("{s:[{s:s},{s:s},{s:s}]}", "ops", "op", "qkv", "op", "down", "op", "other");
    for (size_t g = 0; g < 2; g++) {
        counter_laps_choose(l, g);
        struct op_profile *p = profiled();
        assert_int_equal(op_counters_add(answer, p, p, l, g, 0.5), 0);
        op_profile_free(p);
    }
    const json_t *ops = json_object_get(answer, "ops"), *qkv = json_object_get(json_array_get(ops, 0), "counters"),
                 *down = json_object_get(json_array_get(ops, 1), "counters"), *groups = json_object_get(answer, "counters");
    assert_true(value_in(qkv, "events_cycles") == 2 * 3e5);
    assert_true(value_in(down, "events_cycles") == 2 * 9e5);
    assert_true(fabs(value_in(down, "instructions_per_s") - 12e9) < 1);
    assert_true(value_in(down, "ipc") == 2);
    assert_true(value_in(down, "events_page_faults") == 6e5); /* of the second group */
    assert_null(json_object_get(json_array_get(ops, 2), "counters"));
    assert_int_equal(json_array_size(groups), 2);
    assert_true(value_in(json_object_get(json_array_get(groups, 0), "metrics"), "events_cycles") == 2 * 12e5);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(groups, 0), "reads")), 4);
    char text[4096];
    FILE *f = fmemopen(text, sizeof text, "w");
    op_counters_print(f, ops, answer);
    fclose(f);
    assert_non_null(strstr(text, "counters, group basic (a repetition of 0.5 s of its own: 4 reads"));
    assert_non_null(strstr(text, "  operation            ipc frequency_hz"));
    assert_non_null(strstr(text, "  down                   2        3e+09"));
    json_decref(answer);
    finish();
}

/* ---- this kernel ---- */

/* Of three stretches the second touches pages for the first time. */
static void page_faults_of_this_kernel(void **state)
{
    (void)state;
    enum { PAGES = 300, MOST = PAGES + PAGES / 8 + 20 }; /* the address sanitizer keeps a shadow of an eighth */
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const struct probe_env env = {.counters = "perf", .counter_groups = "software"};
    uint64_t v[4][LAPS_EVENTS];
    double count[LAPS_EVENTS];
    char *map = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    madvise(map, PAGES * page, MADV_NOHUGEPAGE);
    assert_int_equal(counter_laps_open(&env, 1, &l), 0);
    counter_laps_choose(l, 0);
    counter_laps_attach(l, 0);
    counter_laps_read(l, 0, v[0]);
    counter_laps_read(l, 0, v[1]);
    for (size_t i = 0; i < PAGES; i++)
        ((volatile char *)map)[i * page] = 1;
    counter_laps_read(l, 0, v[2]);
    counter_laps_read(l, 0, v[3]);
    munmap(map, PAGES * page);
    const char *const want[] = {"first", "second", "third"};
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < LAPS_EVENTS; i++)
            count[i] = (double)(v[k + 1][i] - v[k][i]);
        n_seen = counter_laps_metrics(l, count, 1, 1e-3, seen, SEEN_MAX);
        const struct metric *m = seen_find("events_page_faults");
        if (m->status == METRIC_UNAVAILABLE) {
            print_message("software events cannot be had: %s\n", m->reason);
            counter_laps_close(l);
            skip();
        }
        print_message("%s: %.0f page faults\n", want[k], m->value);
        assert_true(k == 1 ? m->value >= PAGES && m->value < MOST : m->value < 20);
    }
    print_message("one read: %.2f us\n", 1e6 * counter_laps_read_s(l));
    assert_true(counter_laps_read_s(l) > 1e-8 && counter_laps_read_s(l) < 1e-2);
    counter_laps_close(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_come_out),
        cmocka_unit_test(reads_are_taken_off),
        cmocka_unit_test(shared_counters_are_flagged),
        cmocka_unit_test(refusals_are_reasons),
        cmocka_unit_test(other_back_ends_say_so),
        cmocka_unit_test(operations_have_counters_of_their_own),
        cmocka_unit_test(page_faults_of_this_kernel),
    };
    return cmocka_run_group_tests_name("counters of operations", tests, NULL, NULL);
}
