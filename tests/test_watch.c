/* The watch over workers: its series and their bound, its memory limit, reasons for what cannot be had, and what it costs. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/live.h"
#include "harness/watch.h"
#include "profiles/time_clock.h"
#include "tests/sim_sysfs.h"

enum { MIB = 1 << 20 };

/* A child that holds so many bytes, counts 1000 tokens every 20 ms and works for `seconds`. */
static pid_t worker(size_t bytes, double seconds)
{
    fflush(NULL);
    const pid_t pid = fork();
    if (pid)
        return pid;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        _exit(1);
    memset(p, 1, bytes);
    const double end = time_now_s() + seconds;
    for (double next = 0; time_now_s() < end;)
        if (time_now_s() > next) {
            live_add(1000);
            next = time_now_s() + 0.02;
        }
    _exit(0);
}

static void need_children(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
    if (access(path, R_OK) == 0)
        return;
    print_message("this kernel does not list child processes (CONFIG_PROC_CHILDREN)\n");
    skip();
}

static const json_t *series(const json_t *o, const char *name)
{
    return json_object_get(json_object_get(o, "series"), name);
}

static double highest(const json_t *list)
{
    double max = -INFINITY;
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
    {
        max = json_is_number(v) ? fmax(max, json_number_value(v)) : max;
    }
    return max;
}

static void series_are_bounded(void **state)
{
    (void)state;
    need_children();
    struct watch *w = NULL;
    struct watch_summary sum;
    int status;
    const struct watch_options opt = {.hz = 10, .threads = 1, .points = 4};
    assert_true(live_share());
    const pid_t pid = worker(32 * MIB, 1.3);
    assert_int_equal(watch_start(&opt, &w), 0);
    usleep(1000000);
    json_t *o = watch_stop(w, &sum);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    const json_t *at = series(o, "at_s"), *rss = series(o, "rss_bytes");
    const size_t n = json_array_size(at);
    assert_in_range(n, 1, 4);
    assert_int_equal(json_array_size(rss), n);
    assert_true(json_integer_value(json_object_get(o, "samples_taken")) > (json_int_t)n);
    assert_true(json_number_value(json_object_get(o, "interval_s")) >= 0.2); /* it was full at least once */
    for (size_t i = 1; i < n; i++)
        assert_true(json_number_value(json_array_get(at, i)) > json_number_value(json_array_get(at, i - 1)));
    assert_true(sum.rss_peak_bytes > 32.0 * MIB && highest(rss) > 32.0 * MIB && sum.rss_peak_bytes < 2048.0 * MIB);
    assert_true(sum.cpu_workers_pct > 0 && sum.cpu_workers_pct <= 110 && sum.cpu_host_pct >= 0 && sum.cpu_host_pct <= 100);
    assert_true(highest(series(o, "tokens_per_s")) > 100);
    assert_false(sum.ended_a_worker);
    const double cost = json_number_value(json_object_get(json_object_get(o, "cost"), "share_of_a_cpu"));
    assert_true(cost > 0 && cost < 0.5);
    json_decref(o);
}

static void a_worker_above_the_limit_is_ended(void **state)
{
    (void)state;
    need_children();
    struct watch *w = NULL;
    struct watch_summary sum;
    int status = 0;
    const struct watch_options opt = {.hz = 10, .threads = 1, .rss_limit_bytes = 128.0 * MIB};
    const pid_t pid = worker(256 * MIB, 60);
    assert_int_equal(watch_start(&opt, &w), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid); /* long before its 60 s, or this test runs out of time */
    json_decref(watch_stop(w, &sum));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(sum.ended_a_worker && sum.ended_bytes > 128.0 * MIB);
}

/* Trees of the kernel without anything in them. */
static void what_cannot_be_had_has_a_reason(void **state)
{
    (void)state;
    static const char *const names[] = {"rss_bytes", "cpu_workers_pct", "cpu_host_pct", "freq_mhz", "power_w"};
    struct watch *w = NULL;
    struct watch_summary sum;
    struct sim *sim = sim_new();
    const struct probe_env env = {.sysfs = sim_root(sim), .procfs = sim_root(sim)};
    const struct watch_options opt = {.env = &env, .hz = 10, .threads = 1};
    assert_int_equal(watch_start(&opt, &w), 0);
    json_t *o = watch_stop(w, &sum);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_true(json_is_null(series(o, names[i])));
        assert_true(json_string_length(json_object_get(json_object_get(o, "unavailable"), names[i])) > 10);
    }
    assert_true(isnan(sum.cpu_host_pct) && isnan(sum.rss_peak_bytes));
    json_decref(o);
    sim_free(sim);
}

/* Frequency and its mean over the workers' CPUs, from a simulated tree. */
static void frequency(void **state)
{
    (void)state;
    struct watch *w = NULL;
    struct sim *sim = sim_new();
    const struct probe_env env = {.sysfs = sim_root(sim)};
    const struct watch_options opt = {.env = &env, .hz = 10, .threads = 1024};
    for (long i = 0; i < sysconf(_SC_NPROCESSORS_CONF); i++) { /* whichever this process may use */
        char path[96];
        snprintf(path, sizeof path, "devices/system/cpu/cpu%ld/cpufreq/scaling_cur_freq", i);
        sim_write(sim, path, "2500000\n");
    }
    assert_int_equal(watch_start(&opt, &w), 0);
    usleep(150000);
    json_t *o = watch_stop(w, NULL);
    assert_true(fabs(highest(series(o, "freq_mhz")) - 2500) < 1e-6);
    assert_true(json_is_true(json_object_get(json_object_get(o, "cost"), "shares_the_workers_cpus")));
    json_decref(o);
    sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_are_bounded),
        cmocka_unit_test(a_worker_above_the_limit_is_ended),
        cmocka_unit_test(what_cannot_be_had_has_a_reason),
        cmocka_unit_test(frequency),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
