/* The registry and its set, the clock, the memory and software probes, and how metrics are printed.
 *
 * Each counter is tried on known work: so many pages touched, so much CPU time burnt, so many sleeps; what belongs to the whole
 * machine is tried on a simulated procfs whose numbers are known. */
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
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "profiles/metric_out.h"
#include "profiles/probe.h"
#include "profiles/time_clock.h"
#include "tests/sim_sysfs.h"

static struct metric metrics[PROBE_MAX_METRICS];
static size_t n_metrics;

static const struct metric *find(const char *name)
{
    for (size_t i = 0; i < n_metrics; i++)
        if (strcmp(metrics[i].name, name) == 0)
            return &metrics[i];
    fail_msg("no metric %s", name);
    return NULL;
}

static double measured(const char *name)
{
    const struct metric *m = find(name);
    if (m->status == METRIC_UNAVAILABLE)
        fail_msg("%s is unavailable: %s", name, m->reason);
    return m->value;
}

static void check_lost(const char *name, const char *reason)
{
    const struct metric *m = find(name);
    assert_int_equal(m->status, METRIC_UNAVAILABLE);
    assert_true(isnan(m->value));
    if (!strstr(m->reason, reason))
        fail_msg("%s: '%s' lacks '%s'", name, m->reason, reason);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void clock_goes_forward(void **state)
{
    (void)state;
    double last = time_now_s(), start = last;
    for (int i = 0; i < 1000; i++) {
        double t = time_now_s();
        assert_true(t >= last);
        last = t;
    }
    pause_ms(20);
    assert_true(time_now_s() - start >= 0.0199);
    struct time_clock_info info;
    time_clock_measure(&info);
    assert_true(info.resolution_s > 0 && info.resolution_s < 1e-3);
    assert_true(info.cost_s > 0 && info.cost_s < 1e-3);
}

/* The rules that hold for every metric of every probe, before and after a window. */
static void check_contract(void)
{
    for (size_t i = 0; i < n_metrics; i++) {
        const struct metric *m = &metrics[i];
        assert_true(m->name[0] && m->source[0] && m->unit && m->unit[0]);
        assert_int_equal(isnan(m->value) != 0, m->status == METRIC_UNAVAILABLE);
        assert_true(m->status != METRIC_UNAVAILABLE || m->reason[0]);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(m->name, metrics[k].name);
    }
}

static void set_follows_the_contract(void **state)
{
    (void)state;
    struct probe_set *set;
    assert_int_equal(probe_set_open(NULL, &set), 0);
    n_metrics = probe_set_read(set, metrics, PROBE_MAX_METRICS);
    check_contract();
    for (size_t i = 0; i < n_metrics; i++)
        assert_int_equal(metrics[i].status, METRIC_UNAVAILABLE);
    size_t before = n_metrics;
    probe_set_start(set);
    assert_true(probe_set_keep_alive(set) > 0);
    probe_set_stop(set);
    n_metrics = probe_set_read(set, metrics, PROBE_MAX_METRICS);
    assert_int_equal(n_metrics, before);
    check_contract();
    find("energy_pkg_j");
    find("power_pkg_w");
    measured("rss_peak_bytes");
    measured("pss_bytes");
    for (size_t cap = 0; cap < before; cap++)
        assert_int_equal(probe_set_read(set, metrics, cap), cap);
    probe_set_close(set);
    probe_set_close(NULL);
}

static void keep_alive_is_the_shortest_time(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    struct probe_env env = {.sysfs = sim_root(s), .seam = sim_clock(s)};
    struct probe_set *set;
    assert_int_equal(probe_set_open(&env, &set), 0);
    assert_true(isinf(probe_set_keep_alive(set)));
    probe_set_close(set);
    sim_power(s, sim_zone(s, "intel-rapl:0", "package-0", 8000000000, 5), 30, 30, 0); /* 8,000 J at 2 kW */
    sim_power(s, sim_zone(s, "intel-rapl:1", "package-1", 4000000000, 5), 30, 30, 0);
    assert_int_equal(probe_set_open(&env, &set), 0);
    assert_true(fabs(probe_set_keep_alive(set) - 2.0) < 1e-9);
    probe_set_close(set);
    sim_free(s);
}

enum { BLOCK_BYTES = 64 << 20 };

static void window(const struct probe *p, void *state, void (*work)(void))
{
    p->start(state);
    if (work)
        work();
    p->stop(state);
    n_metrics = p->read(state, metrics, PROBE_MAX_METRICS);
}

/* Touches 64 MiB in pages of the smallest size, and gives them back. */
static void touch_pages(void)
{
    char *block = mmap(NULL, BLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(block != MAP_FAILED);
    madvise(block, BLOCK_BYTES, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < BLOCK_BYTES; i += 4096)
        block[i] = 1;
    munmap(block, BLOCK_BYTES);
}

static void memory_peak_belongs_to_its_window(void **state)
{
    (void)state;
    void *m;
    assert_int_equal(probe_memory.open(NULL, &m), 0);
    window(&probe_memory, m, NULL);
    double quiet = measured("rss_peak_bytes");
    assert_true(measured("rss_bytes") > 0 && measured("pss_bytes") > 0);
    window(&probe_memory, m, touch_pages);
    assert_true(measured("rss_peak_bytes") >= BLOCK_BYTES);
    assert_true(measured("rss_peak_bytes") >= measured("rss_bytes") + 0.9 * BLOCK_BYTES);
    window(&probe_memory, m, NULL);
    bool reset = find("rss_peak_bytes")->reason[0] == '\0';
    if (reset)
        assert_true(measured("rss_peak_bytes") < quiet + 0.5 * BLOCK_BYTES);
    assert_true(measured("rss_peak_process_bytes") >= BLOCK_BYTES);
    probe_memory.close(m);
}

static void memory_without_procfs_falls_back(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    struct probe_env env = {.procfs = sim_root(s)};
    void *m;
    assert_int_equal(probe_memory.open(&env, &m), 0);
    window(&probe_memory, m, NULL);
    assert_true(measured("rss_peak_bytes") > 0);
    assert_non_null(strstr(find("rss_peak_bytes")->reason, "since the process started"));
    assert_non_null(strstr(find("rss_peak_bytes")->source, "getrusage"));
    check_lost("pss_bytes", "no smaps_rollup");
    check_lost("rss_bytes", "not in procfs");
    sim_write(s, "self/status", "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 1024 kB\n");
    sim_write(s, "self/smaps_rollup",
              "00400000-7fff ---p 00000000 00:00 0 [rollup]\nRss: 1024 kB\nPss:   512 kB\nPss_Dirty: 3 kB\n");
    window(&probe_memory, m, NULL);
    assert_true(measured("rss_peak_bytes") == 2048 * 1024 && measured("rss_bytes") == 1024 * 1024 &&
                measured("pss_bytes") == 512 * 1024);
    assert_non_null(strstr(find("rss_peak_bytes")->reason, "does not reset"));
    probe_memory.close(m);
    sim_free(s);
}

static double process_cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void burn_cpu(void)
{
    for (double start_s = process_cpu_s(); process_cpu_s() - start_s < 0.05;)
        ;
}

static void sleep_often(void)
{
    for (int i = 0; i < 20; i++)
        pause_ms(1);
}

static void software_counts_known_work(void **state)
{
    (void)state;
    void *p;
    assert_int_equal(probe_software.open(NULL, &p), 0);
    window(&probe_software, p, touch_pages);
    /* an emulator may show larger pages than the kernel below it has, whose faults these are: 4 KiB at least */
    double fewest = (double)BLOCK_BYTES / (double)sysconf(_SC_PAGESIZE), most = (double)BLOCK_BYTES / 4096;
    assert_true(measured("page_faults_minor") >= 0.9 * fewest && measured("page_faults_minor") < 3 * most + 1000);
    window(&probe_software, p, burn_cpu);
    double cpu_s = measured("cpu_user_s") + measured("cpu_system_s");
    assert_true(cpu_s >= 0.04 && cpu_s < 0.5);
    window(&probe_software, p, sleep_often);
    assert_true(measured("ctx_switches_voluntary") >= 20 && measured("ctx_switches_voluntary") < 200);
    assert_true(measured("cpu_user_s") + measured("cpu_system_s") < 0.04);
    probe_software.close(p);
}

static void write_machine(const struct sim *s, int busy, int steal, int psi_us)
{
    sim_write(s, "stat", "cpu  %d 0 10 100 5 0 0 %d 0 0\ncpu0 1 0 0 0 0 0 0 0 0 0\n", busy, steal);
    sim_write(s, "pressure/cpu",
              "some avg10=0.00 avg60=0.00 avg300=0.00 total=%d\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n", psi_us);
    sim_write(s, "pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=%d\n", 2 * psi_us);
}

static void software_reads_the_machine(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    struct probe_env env = {.procfs = sim_root(s)};
    void *p;
    double tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    assert_int_equal(probe_software.open(&env, &p), 0);
    window(&probe_software, p, NULL);
    check_lost("steal_s", "no stat");
    check_lost("machine_busy_s", "no stat");
    check_lost("cpu_others_s", "no stat");
    check_lost("psi_cpu_some_s", "CONFIG_PSI");
    check_lost("cpu_migrations", "CONFIG_SCHED_DEBUG");
    write_machine(s, 1000, 50, 1000000);
    probe_software.start(p);
    write_machine(s, 1400, 57, 1250000);
    probe_software.stop(p);
    n_metrics = probe_software.read(p, metrics, PROBE_MAX_METRICS);
    assert_true(fabs(measured("steal_s") - 7 * tick_s) < 1e-9);
    assert_true(fabs(measured("machine_busy_s") - 400 * tick_s) < 1e-9);
    assert_true(measured("cpu_others_s") <= 400 * tick_s && measured("cpu_others_s") > 390 * tick_s);
    assert_int_equal(find("cpu_others_s")->status, METRIC_DERIVED);
    assert_true(fabs(measured("psi_cpu_some_s") - 0.25) < 1e-9);
    assert_true(fabs(measured("psi_memory_some_s") - 0.5) < 1e-9);
    check_lost("psi_io_some_s", "CONFIG_PSI");
    probe_software.close(p);
    sim_free(s);
}

static void write_thread(const struct sim *s, int tid, int moves)
{
    char path[64];
    snprintf(path, sizeof path, "self/task/%d/sched", tid);
    sim_write(s, path, "x (%d, #threads: 2)\n-----\nse.exec_start   :   1.5\nse.nr_migrations     :    %d\nnr_switches  : 9\n", tid,
              moves);
}

static void migrations_are_summed_over_threads(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    struct probe_env env = {.procfs = sim_root(s)};
    void *p;
    assert_int_equal(probe_software.open(&env, &p), 0);
    write_thread(s, 100, 40);
    write_thread(s, 101, 7);
    probe_software.start(p);
    write_thread(s, 100, 43);
    write_thread(s, 101, 8);
    write_thread(s, 102, 2); /* born inside the window */
    probe_software.stop(p);
    n_metrics = probe_software.read(p, metrics, PROBE_MAX_METRICS);
    assert_true(measured("cpu_migrations") == 6.0);
    probe_software.start(p);
    sim_unlink(s, "self/task/101/sched");
    probe_software.stop(p);
    n_metrics = probe_software.read(p, metrics, PROBE_MAX_METRICS);
    check_lost("cpu_migrations", "could not be read");
    probe_software.close(p);
    sim_free(s);
}

static void fillers_cut_to_fit(void **state)
{
    (void)state;
    char long_text[METRIC_REASON_LEN + 50];
    struct metric m;
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    metric_unavailable(&m, long_text, "J", long_text, long_text);
    assert_int_equal(strlen(m.name), METRIC_NAME_LEN - 1);
    assert_int_equal(strlen(m.source), METRIC_SOURCE_LEN - 1);
    assert_int_equal(strlen(m.reason), METRIC_REASON_LEN - 1);
    assert_true(isnan(m.value));
    metric_set(&m, "a", "s", METRIC_ESTIMATED, 2.5, "b");
    assert_string_equal(m.reason, "");
    assert_string_equal(metric_status_name(METRIC_MEASURED), "measured");
    assert_string_equal(metric_status_name(METRIC_DERIVED), "derived");
    assert_string_equal(metric_status_name(METRIC_ESTIMATED), "estimated");
    assert_string_equal(metric_status_name(METRIC_UNAVAILABLE), "unavailable");
}

static void json_has_null_for_what_is_missing(void **state)
{
    (void)state;
    struct metric m[2];
    metric_unavailable(&m[0], "energy_pkg_j", "J", "powercap", "caf\xe9: not UTF-8");
    metric_set(&m[1], "rss_bytes", "bytes", METRIC_MEASURED, 4096, "procfs");
    json_t *list = metrics_json(m, 2);
    const json_t *lost = json_array_get(list, 0), *good = json_array_get(list, 1);
    assert_true(json_is_null(json_object_get(lost, "value")));
    assert_string_equal(json_string_value(json_object_get(lost, "reason")), "caf?: not UTF-8");
    assert_string_equal(json_string_value(json_object_get(lost, "status")), "unavailable");
    assert_true(json_real_value(json_object_get(good, "value")) == 4096.0);
    assert_true(json_is_null(json_object_get(good, "reason")));
    assert_string_equal(json_string_value(json_object_get(good, "unit")), "bytes");
    assert_string_equal(json_string_value(json_object_get(good, "source")), "procfs");
    json_decref(list);
}

static void text_fits_100_columns(void **state)
{
    (void)state;
    struct metric m[2];
    char words[METRIC_REASON_LEN] = "", *text = NULL;
    size_t len;
    for (size_t i = 0; i + 12 < sizeof words; i = strlen(words))
        snprintf(words + i, sizeof words - i, "word%zu ", i);
    metric_unavailable(&m[0], "energy_pkg_j.socket12", "J", words, words);
    metric_set(&m[1], "ctx_switches_involuntary", "1", METRIC_MEASURED, 123456, "getrusage");
    FILE *f = open_memstream(&text, &len);
    metrics_print(f, m, 2);
    fclose(f);
    size_t lines = 0;
    for (const char *p = text; *p; p += strcspn(p, "\n") + 1, lines++)
        assert_true(strcspn(p, "\n") <= 100);
    assert_true(lines >= 6);
    assert_non_null(strstr(text, "123456"));
    assert_non_null(strstr(text, "unavailable"));
    assert_null(strstr(text, "nan"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_goes_forward),
        cmocka_unit_test(set_follows_the_contract),
        cmocka_unit_test(keep_alive_is_the_shortest_time),
        cmocka_unit_test(memory_peak_belongs_to_its_window),
        cmocka_unit_test(memory_without_procfs_falls_back),
        cmocka_unit_test(software_counts_known_work),
        cmocka_unit_test(software_reads_the_machine),
        cmocka_unit_test(migrations_are_summed_over_threads),
        cmocka_unit_test(fillers_cut_to_fit),
        cmocka_unit_test(json_has_null_for_what_is_missing),
        cmocka_unit_test(text_fits_100_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
