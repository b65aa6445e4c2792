/* Uncore groups on simulated sysfs trees of the machines they are for, over a played kernel: every unit on every CPU of its cpumask is
 * opened once, counts are summed, and one unit that is missing loses the sum. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "profiles/counter_sysfs.h"
#include "tests/fake_perf.h"
#include "tests/metric_checks.h"
#include "tests/sim_sysfs.h"

#define DEVICES "bus/event_source/devices/"

static struct sim *s;
static struct counters *c;
static const char *core; /* the PMU of the cores that libpfm4 finds; NULL: none */

static bool has(const char *pmu)
{
    return core && !strcmp(pmu, core);
}

static int encode(const char *name, struct counter_code *out)
{
    (void)name;
    (void)out;
    return -1;
}

static const char *error(int code)
{
    (void)code;
    return "an error";
}

static const struct pfm_api pfm = {has, encode, error};
static const struct counter_seam seam = {.os = &fake_os, .pfm = &pfm};

/* ---- trees ---- */

static void file(const char *pmu, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, DEVICES "%s/%s", pmu, name);
    sim_write(s, path, "%s\n", text);
}

static void unit(const char *pmu, const char *type, const char *cpumask)
{
    file(pmu, "type", type);
    file(pmu, "cpumask", cpumask);
}

/* files: names below the unit with what is in them, {NULL, NULL} at the end */
static void full_unit(const char *pmu, const char *type, const char *cpumask, const char *const files[][2])
{
    unit(pmu, type, cpumask);
    for (; files[0][0]; files++)
        file(pmu, files[0][0], files[0][1]);
}

static void begin(void)
{
    s = sim_new();
    core = NULL;
    fake_reset();
}

/* Two sockets of an Intel server: a unit has one number on both, and the mask names a CPU of each. */
static void intel_server(void)
{
    static const char *const files[][2] = {{"format/event", "config:0-7"},
                                           {"format/umask", "config:8-15"},
                                           {"events/cas_count_read", "event=0x04,umask=0x03"},
                                           {"events/cas_count_write", "event=0x04,umask=0x0c"},
                                           {NULL, NULL}};
    begin();
    full_unit("uncore_imc_0", "20", "0,28", files);
    full_unit("uncore_imc_1", "21", "0,28", files);
    full_unit("uncore_imc_10", "22", "0,28", files);
    unit("uncore_imc_free_running_0", "30", "0,28"); /* another PMU */
    unit("uncore_cha_0", "31", "0,28");
}

static void count(const char *groups, uint64_t ns)
{
    const struct probe_env env = {.counters = "perf", .counter_groups = groups, .counter_seam = &seam, .sysfs = sim_root(s)};
    assert_int_equal(counters_open(&env, &c), 0);
    counters_prepare(c);
    counters_start(c);
    fake_run(ns);
    counters_stop(c);
    n_seen = counters_read(c, 1e-9 * (double)ns, seen, SEEN_MAX);
}

static void finish(void)
{
    counters_close(c);
    assert_int_equal(fake.n_open, 0);
    assert_int_equal(fake.bad_calls, 0);
    sim_free(s);
}

static void rule(uint32_t type, uint64_t config, double per_ns, int refuse)
{
    fake.rule[fake.n_rules++] = (struct fake_rule){.type = type, .config = config, .per_ns = per_ns, .refuse = refuse};
}

/* ---- machines ---- */

static void all_units_of_both_sockets_are_summed(void **state)
{
    (void)state;
    intel_server();
    rule(20, 0x0304, 0.1, 0); /* reads per ns of each place */
    rule(21, 0x0304, 0.2, 0);
    rule(22, 0x0304, 0.3, 0);
    rule(20, 0x0c04, 0.01, 0);
    rule(21, 0x0c04, 0.01, 0);
    rule(22, 0x0c04, 0.03, 0);
    count("dram", 2000000000);
    check_value("events_reads", 2 * 0.6 * 2e9);
    check_value("dram_read_bytes_per_s", 64 * 1.2e9);
    check_value("dram_write_bytes_per_s", 64 * 0.1e9);
    check_value("dram_bytes_per_s", 64 * 1.3e9);
    assert_string_equal(seen_find("dram_bytes_per_s")->unit, "B/s");
    assert_non_null(strstr(seen_find("dram_bytes_per_s")->reason, "everything on the sockets, not only this process"));
    assert_int_equal(seen_find("events_reads")->status, METRIC_MEASURED);
    assert_int_equal(fake.n_open, 12);
    assert_int_equal(fake.n_leaders, 12); /* no unit has to take both at once */
    assert_true(fake.cpus == (1ULL << 0 | 1ULL << 28));
    assert_false(fake.last_flags & 1); /* nothing is inherited */
    finish();
}

/* Together with a group of threads: those have three lanes, the units their own. */
static void beside_a_group_of_threads(void **state)
{
    (void)state;
    intel_server();
    count("dram,software", 1000000000);
    check_value("events_reads", 6e9);
    check_value("events_task_clock_ns", 3e9);
    assert_null(strstr(seen_find("events_task_clock_ns")->reason, "sockets"));
    finish();
}

/* A command's own events wait for its exec; units count from the start of the window. */
static void around_a_command(void **state)
{
    (void)state;
    intel_server();
    const struct probe_env env = {.counters = "perf", .counter_groups = "dram", .counter_seam = &seam, .sysfs = sim_root(s)};
    assert_int_equal(counters_open(&env, &c), 0);
    counters_prepare_child(c, 4711);
    counters_start(c);
    fake_run(1000000000);
    counters_stop(c);
    n_seen = counters_read(c, 1, seen, SEEN_MAX);
    check_value("events_reads", 6e9);
    assert_false(fake.last_flags & 4);
    finish();
}

static void one_unit_that_fails_loses_the_sum(void **state)
{
    (void)state;
    intel_server();
    rule(21, 0x0304, 1, EBUSY);
    count("dram", 1000000000);
    check_lost("events_reads", "another program has the counters");
    check_lost("dram_bytes_per_s", "another program has the counters");
    check_value("dram_write_bytes_per_s", 64 * 6e9); /* that one is whole */
    finish();
    intel_server();
    sim_unlink(s, DEVICES "uncore_imc_1/events/cas_count_read");
    count("dram", 1000000000);
    check_lost("dram_read_bytes_per_s", "the PMU uncore_imc_1 of this machine has no such event");
    finish();
    intel_server();
    sim_unlink(s, DEVICES "uncore_imc_10/cpumask");
    count("uncore/dram", 1000000000);
    check_lost("dram_read_bytes_per_s", "has no cpumask");
    finish();
    intel_server();
    fake.all_denied = true;
    count("dram", 1000000000);
    check_lost("dram_read_bytes_per_s", "sysctl kernel.perf_event_paranoid=0");
    finish();
}

/* Channels take turns: each event is extrapolated by its own times. */
static void shared_counters_are_flagged(void **state)
{
    (void)state;
    intel_server();
    for (size_t i = 0; i < CHOOSE_GROUPS; i++)
        fake.share[i] = 0.5;
    count("dram", 1000000000);
    assert_non_null(strstr(seen_find("dram_bytes_per_s")->reason, "scaled: on the counters for"));
    assert_int_equal(seen_find("events_reads")->status, METRIC_DERIVED);
    finish();
}

/* The variants of the group on the machines that they are for. */
static void each_machine_has_its_events(void **state)
{
    (void)state;
    static const char *const skylake[][2] = {
        {"format/event", "config:0-7"}, {"events/data_reads", "event=0x01"}, {"events/data_writes", "event=0x02"}, {NULL, NULL}};
    static const char *const tiger_lake[][2] = {{"format/event", "config:0-7"},
                                                {"format/umask", "config:8-15"},
                                                {"events/data_read", "event=0xff,umask=0x20"},
                                                {"events/data_write", "event=0xff,umask=0x30"},
                                                {NULL, NULL}};
    static const char *const zen_4[][2] = {{"format/event", "config:0-7"}, {"format/rdwrmask", "config:8-9"}, {NULL, NULL}};
    begin(); /* an Intel client: one unit, other names, the same PMU as on servers */
    full_unit("uncore_imc", "12", "0", skylake);
    rule(12, 1, 0.25, 0);
    rule(12, 2, 0.125, 0);
    count("dram", 1000000000);
    check_value("dram_read_bytes_per_s", 16e9);
    check_value("dram_write_bytes_per_s", 8e9);
    assert_non_null(strstr(seen_find("dram_bytes_per_s")->reason, "graphics"));
    finish();
    begin();
    full_unit("uncore_imc_free_running_0", "13", "0", tiger_lake);
    full_unit("uncore_imc_free_running_1", "14", "0", tiger_lake);
    rule(13, 0x20ff, 0.25, 0);
    rule(14, 0x20ff, 0.5, 0);
    count("dram", 1000000000);
    check_value("dram_read_bytes_per_s", 48e9);
    finish();
    begin(); /* no event files: terms */
    full_unit("amd_umc_0", "40", "0", zen_4);
    full_unit("amd_umc_1", "41", "0", zen_4);
    rule(40, 0x010a, 0.1, 0);
    rule(41, 0x010a, 0.2, 0);
    rule(40, 0x020a, 0.05, 0);
    rule(41, 0x020a, 0.05, 0);
    count("dram", 1000000000);
    check_value("dram_read_bytes_per_s", 64 * 0.3e9);
    check_value("dram_write_bytes_per_s", 64 * 0.1e9);
    finish();
}

static void zen_3_by_its_fabric(void **state)
{
    (void)state;
    begin();
    core = "amd64_fam19h_zen3";
    unit("amd_df", "50", "0,64");
    file("amd_df", "format/event", "config:0-7,32-35");
    file("amd_df", "format/umask", "config:8-15");
    rule(50, 0x3807, 0.1, 0);
    rule(50, 0x1000038c7, 0.2, 0); /* event 0x1c7: its high bits are far away */
    rule(50, 0x3847, 0, 0);
    rule(50, 0x3887, 0, 0);
    rule(50, 0x38c7, 0, 0);
    rule(50, 0x100003807, 0, 0);
    rule(50, 0x100003847, 0, 0);
    rule(50, 0x100003887, 0, 0);
    count("dram", 1000000000);
    check_value("dram_bytes_per_s", 64 * 2 * 0.3e9);
    finish();
    begin(); /* the same PMU on a CPU whose events have other numbers */
    core = "amd64_fam19h_zen4";
    unit("amd_df", "50", "0");
    file("amd_df", "format/event", "config:0-7,32-37");
    file("amd_df", "format/umask", "config:8-15,24-27");
    count("dram", 1000000000);
    check_lost("counters", "needs one of the PMUs uncore_imc, ");
    finish();
}

static void arm_counts_requests(void **state)
{
    (void)state;
    static const char *const cmn[][2] = {{"format/type", "config:0-15"},
                                         {"format/eventid", "config:16-26"},
                                         {"events/hnf_mc_reqs", "type=0x5,eventid=0xd"},
                                         {NULL, NULL}};
    static const char *const dmc[][2] = {{"format/event", "config2:3-8"},
                                         {"format/clkdiv2", "config2:9"},
                                         {"events/clkdiv2_rdwr", "event=0x12,clkdiv2=0x1"},
                                         {NULL, NULL}};
    begin();
    full_unit("arm_cmn_0", "60", "0", cmn);
    full_unit("arm_cmn_1", "61", "32", cmn);
    rule(60, 0xd0005, 0.1, 0);
    rule(61, 0xd0005, 0.2, 0);
    count("dram", 1000000000);
    check_value("dram_requests_per_s", 0.3e9);
    assert_non_null(strstr(seen_find("dram_requests_per_s")->reason, "no bandwidth"));
    assert_true(fake.cpus == (1ULL << 0 | 1ULL << 32));
    finish();
    begin(); /* Altra: units by address, terms in config2 */
    full_unit("arm_dmc620_10008c000", "70", "0", dmc);
    full_unit("arm_dmc620_10008c400", "71", "0", dmc);
    rule(70, 0, 0.1, 0);
    rule(71, 0, 0.3, 0);
    count("dram", 1000000000);
    check_value("dram_commands_per_s", 0.4e9);
    finish();
}

/* ---- terms ---- */

static void check_code(const char *name, uint64_t config, uint64_t config1, uint64_t config2)
{
    const struct probe_env env = {.sysfs = sim_root(s)};
    const struct counter_tables t = {NULL, &env};
    struct counter_code code;
    char reason[METRIC_REASON_LEN];
    if (counter_encode(&t, "u", name, &code, reason))
        fail_msg("%s: %s", name, reason);
    assert_true(code.type == 9 && code.config == config && code.config1 == config1 && code.config2 == config2);
}

static void check_refused(const char *name)
{
    const struct probe_env env = {.sysfs = sim_root(s)};
    const struct counter_tables t = {NULL, &env};
    struct counter_code code;
    char reason[METRIC_REASON_LEN];
    if (!counter_encode(&t, "u", name, &code, reason))
        fail_msg("%s was understood", name);
    assert_non_null(strstr(reason, "no such event in sysfs"));
}

static void terms_are_understood_or_refused(void **state)
{
    (void)state;
    begin();
    unit("u", "9", "0");
    file("u", "format/event", "config:0-3,60-63");
    file("u", "format/one", "config1:5");
    file("u", "format/far", "config2:1-2");
    file("u", "format/odd", "config3:1-2");
    file("u", "format/bad", "config:a-b");
    file("u", "format/high", "config:0-64");
    file("u", "events/e", "event=0x21,one");
    file("u", "events/unknown", "event=0x1,what=2");
    file("u", "events/large", "far=4");
    check_code("/e/", 0x2000000000000001, 32, 0);
    check_code("/event=0xf1/", 0xf000000000000001, 0, 0);
    check_code("/one=0x1,far=3/", 0, 32, 6);
    check_refused("/unknown/");
    check_refused("/large/");
    check_refused("/none/");
    check_refused("/event=0x100/");
    check_refused("/odd=1/");
    check_refused("/bad=1/");
    check_refused("/high=1/");
    check_refused("/event=-1/");
    check_refused("/event=1x/");
    check_refused("/event=/");
    check_refused("/../type=1/");
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_units_of_both_sockets_are_summed),
        cmocka_unit_test(beside_a_group_of_threads),
        cmocka_unit_test(around_a_command),
        cmocka_unit_test(one_unit_that_fails_loses_the_sum),
        cmocka_unit_test(shared_counters_are_flagged),
        cmocka_unit_test(each_machine_has_its_events),
        cmocka_unit_test(zen_3_by_its_fabric),
        cmocka_unit_test(arm_counts_requests),
        cmocka_unit_test(terms_are_understood_or_refused),
    };
    return cmocka_run_group_tests_name("uncore counters", tests, NULL, NULL);
}
