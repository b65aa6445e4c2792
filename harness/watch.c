/* The sampling thread and its series. Its own CPU time is measured (CLOCK_THREAD_CPUTIME_ID) and part of the result.
 *
 * Children are those that the main thread forked, as /proc/self/task/PID/children lists them. A limit is looked at with every sample:
 * between two of them, a worker may pass it unseen for as long as the interval. */
#include "harness/watch.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/topology.h"
#include "harness/json_util.h"
#include "harness/live.h"
#include "profiles/energy.h"
#include "profiles/sysfile.h"
#include "profiles/time_clock.h"

enum { MAX_CPUS = 1024, SERIES = 6 };
enum series { RSS, CPU_WORKERS, CPU_HOST, TOKENS, FREQ, POWER };
static const char *const series_names[SERIES] = {"rss_bytes",    "cpu_workers_pct", "cpu_host_pct",
                                                 "tokens_per_s", "freq_mhz",        "power_w"};

/* What is read, absolute; a point is made of two of them. NAN: cannot be had. */
struct reading {
    double at_s, rss, cpu_workers_s, host_busy, host_total, tokens, joules, joules_at_s;
};

struct watch {
    struct watch_options opt;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    int cpus[MAX_CPUS];
    size_t n_cpus, own_cpus; /* the workers' CPUs; CPUs left for this thread, 0: it shares theirs */
    void *energy;            /* of probe_energy; NULL: none */
    double interval_s, began_s, cpu_s;
    size_t n, taken;
    double at_s[WATCH_POINTS], v[SERIES][WATCH_POINTS];
    struct reading first, last;
    struct watch_summary sum;
};

/* ---- reading -------------------------------------------------------------------------------------------------------- */

static double rss_of(const struct watch *w, long pid)
{
    char text[128];
    unsigned long long size, resident;
    if (sysfile_text(text, sizeof text, env_procfs(w->opt.env), "%ld/statm", pid) < 0 ||
        sscanf(text, "%llu %llu", &size, &resident) != 2)
        return 0; /* it has just ended */
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* utime and stime stand after the name, which may hold anything but ends with the last ')'. */
static double cpu_s_of(const struct watch *w, long pid)
{
    char text[1024];
    unsigned long long user, system;
    if (sysfile_text(text, sizeof text, env_procfs(w->opt.env), "%ld/stat", pid) < 0)
        return 0;
    const char *p = strrchr(text, ')');
    if (!p || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
        return 0;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void enforce(struct watch *w, long pid, double rss)
{
    if (!(w->opt.rss_limit_bytes > 0) || rss <= w->opt.rss_limit_bytes || w->sum.ended_a_worker)
        return;
    if (kill((pid_t)pid, SIGKILL))
        return;
    pthread_mutex_lock(&w->lock);
    w->sum.ended_a_worker = true;
    w->sum.ended_bytes = rss;
    pthread_mutex_unlock(&w->lock);
}

static void read_children(struct watch *w, struct reading *r)
{
    char text[4096], *rest = text, *end;
    r->rss = r->cpu_workers_s = (double)NAN;
    if (sysfile_text(text, sizeof text, env_procfs(w->opt.env), "%ld/task/%ld/children", (long)getpid(), (long)getpid()) < 0)
        return;
    r->rss = r->cpu_workers_s = 0;
    for (long pid; (pid = strtol(rest, &end, 10)) > 0 && end != rest; rest = end) {
        const double rss = rss_of(w, pid);
        r->rss += rss;
        r->cpu_workers_s += cpu_s_of(w, pid);
        enforce(w, pid, rss);
    }
}

/* The line "cpu  user nice system idle iowait irq softirq steal ..." of /proc/stat: stolen time is nobody's here. */
static void read_host(const struct watch *w, struct reading *r)
{
    char text[256];
    unsigned long long t[8] = {0};
    r->host_busy = r->host_total = (double)NAN;
    if (sysfile_text(text, sizeof text, env_procfs(w->opt.env), "stat") < 0 ||
        sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) != 8)
        return;
    r->host_busy = (double)(t[0] + t[1] + t[2] + t[5] + t[6]);
    r->host_total = r->host_busy + (double)(t[3] + t[4] + t[7]);
}

static double mean_freq_mhz(const struct watch *w)
{
    double sum = 0;
    for (size_t i = 0; i < w->n_cpus; i++) {
        uint64_t khz;
        if (sysfile_u64(&khz, env_sysfs(w->opt.env), "devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq", w->cpus[i]))
            return (double)NAN;
        sum += 1e-3 * (double)khz;
    }
    return w->n_cpus ? sum / (double)w->n_cpus : (double)NAN;
}

static void read_all(struct watch *w, struct reading *r)
{
    r->at_s = time_now_s();
    read_children(w, r);
    read_host(w, r);
    r->tokens = live_shared() ? (double)live_tokens() : (double)NAN;
    r->joules = r->joules_at_s = (double)NAN;
    if (w->energy)
        energy_so_far(w->energy, &r->joules, &r->joules_at_s);
}

/* ---- the series ----------------------------------------------------------------------------------------------------- */

static void thin_out(struct watch *w)
{
    w->n /= 2;
    for (size_t i = 0; i < w->n; i++) {
        w->at_s[i] = w->at_s[2 * i + 1];
        for (int k = 0; k < SERIES; k++)
            w->v[k][i] = w->v[k][2 * i + 1];
    }
    w->interval_s *= 2;
}

static double share_pct(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : (double)NAN;
}

static void add_point(struct watch *w, const struct reading *r)
{
    pthread_mutex_lock(&w->lock); /* watch_so_far() may look */
    const struct reading *b = &w->last;
    const double dt = r->at_s - b->at_s, cpus = (double)sysconf(_SC_NPROCESSORS_ONLN);
    if (w->n == w->opt.points)
        thin_out(w);
    w->at_s[w->n] = r->at_s - w->began_s;
    w->v[RSS][w->n] = r->rss;
    /* a worker that has ended takes its CPU time along */
    w->v[CPU_WORKERS][w->n] =
        r->cpu_workers_s >= b->cpu_workers_s ? share_pct(r->cpu_workers_s - b->cpu_workers_s, dt * cpus) : (double)NAN;
    w->v[CPU_HOST][w->n] = share_pct(r->host_busy - b->host_busy, r->host_total - b->host_total);
    w->v[TOKENS][w->n] = (r->tokens - b->tokens) / dt;
    w->v[FREQ][w->n] = mean_freq_mhz(w);
    w->v[POWER][w->n] = r->joules_at_s > b->joules_at_s ? (r->joules - b->joules) / (r->joules_at_s - b->joules_at_s) : (double)NAN;
    w->sum.rss_peak_bytes = fmax(w->sum.rss_peak_bytes, r->rss); /* fmax ignores a NAN */
    w->n++;
    w->taken++;
    w->last = *r;
    pthread_mutex_unlock(&w->lock);
}

static bool wait_for_next(struct watch *w)
{
    struct timespec t;
    pthread_mutex_lock(&w->lock);
    clock_gettime(CLOCK_MONOTONIC, &t);
    const long long ns = t.tv_nsec + (long long)(1e9 * w->interval_s);
    t.tv_sec += (time_t)(ns / 1000000000);
    t.tv_nsec = (long)(ns % 1000000000);
    int rc = 0;
    while (!w->stop && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&w->wake, &w->lock, &t);
    const bool go_on = !w->stop;
    pthread_mutex_unlock(&w->lock);
    return go_on;
}

static void *watch_main(void *arg)
{
    struct watch *w = arg;
    struct reading r;
    struct timespec cpu;
    read_all(w, &r);
    pthread_mutex_lock(&w->lock);
    w->first = w->last = r;
    w->sum.rss_peak_bytes = r.rss;
    pthread_mutex_unlock(&w->lock);
    while (wait_for_next(w)) {
        read_all(w, &r);
        add_point(w, &r);
    }
    read_all(w, &r);
    if (r.at_s - w->last.at_s > 0.02 || !w->n) /* the end, unless it is a sample already */
        add_point(w, &r);
    w->last = r;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    w->cpu_s = (double)cpu.tv_sec + 1e-9 * (double)cpu.tv_nsec;
    return NULL;
}

/* ---- life ----------------------------------------------------------------------------------------------------------- */

static void choose_cpus(struct watch *w)
{
    int all[MAX_CPUS];
    const size_t n = topology_cpus(all, MAX_CPUS, NULL);
    w->n_cpus = w->opt.threads < n ? w->opt.threads : n;
    memcpy(w->cpus, all, w->n_cpus * sizeof *all);
    cpu_set_t set;
    CPU_ZERO(&set);
    for (size_t i = w->n_cpus; i < n; i++)
        if (all[i] < CPU_SETSIZE) {
            CPU_SET((size_t)all[i], &set);
            w->own_cpus++;
        }
    if (w->own_cpus && pthread_setaffinity_np(w->thread, sizeof set, &set))
        w->own_cpus = 0;
}

static void watch_free(struct watch *w)
{
    if (w->energy) {
        probe_energy.stop(w->energy);
        probe_energy.close(w->energy);
    }
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->wake);
    free(w);
}

int watch_start(const struct watch_options *opt, struct watch **out)
{
    pthread_condattr_t attr;
    struct watch *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    *w = (struct watch){.opt = *opt, .interval_s = 1 / fmin(opt->hz, WATCH_MAX_HZ), .began_s = time_now_s()};
    if (!w->opt.points || w->opt.points > WATCH_POINTS)
        w->opt.points = WATCH_POINTS;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &attr);
    pthread_condattr_destroy(&attr);
    if (probe_energy.open(opt->env, &w->energy))
        w->energy = NULL;
    else
        probe_energy.start(w->energy);
    const int rc = pthread_create(&w->thread, NULL, watch_main, w);
    if (rc) {
        watch_free(w);
        return -rc;
    }
    choose_cpus(w);
    *out = w;
    return 0;
}

/* ---- the result ----------------------------------------------------------------------------------------------------- */

static const char *reason_of(const struct watch *w, int series)
{
    switch (series) {
    case RSS:
    case CPU_WORKERS: return "no list of child processes in procfs (task/*/children: CONFIG_PROC_CHILDREN)";
    case CPU_HOST: return "no CPU times in procfs (stat)";
    case TOKENS: return "the worker does not share its count";
    case FREQ: return "no cpufreq in sysfs for the workers' CPUs: as in most virtual machines";
    default: return w->energy && energy_why_not(w->energy)[0] ? energy_why_not(w->energy) : "the energy source gave no reading";
    }
}

static json_t *one_series(const struct watch *w, int k, json_t *reasons)
{
    bool any = false;
    json_t *list = json_array();
    for (size_t i = 0; i < w->n; i++) {
        any |= isfinite(w->v[k][i]);
        json_array_append_new(list, json_number_or_null(w->v[k][i]));
    }
    if (any)
        return list;
    json_decref(list);
    json_object_set_new(reasons, series_names[k], json_string(reason_of(w, k)));
    return json_null();
}

static json_t *result_json(const struct watch *w)
{
    json_t *at = json_array(), *series = json_object(), *reasons = json_object();
    const double length = w->last.at_s - w->first.at_s;
    for (size_t i = 0; i < w->n; i++)
        json_array_append_new(at, json_real(w->at_s[i]));
    json_object_set_new(series, "at_s", at);
    for (int k = 0; k < SERIES; k++)
        json_object_set_new(series, series_names[k], one_series(w, k, reasons));
    return json_pack("{s:f, s:f, s:I, s:o, s:o, s:{s:f, s:f, s:I, s:b}, s:{s:o, s:o, s:o}}", "length_s", length, "interval_s",
                     w->interval_s, "samples_taken", (json_int_t)w->taken, "series", series, "unavailable", reasons, "cost",
                     "cpu_s", w->cpu_s, "share_of_a_cpu", length > 0 ? w->cpu_s / length : 0.0, "cpus_of_its_own",
                     (json_int_t)w->own_cpus, "shares_the_workers_cpus", (int)!w->own_cpus, "summary", "cpu_host_pct",
                     json_number_or_null(w->sum.cpu_host_pct), "cpu_workers_pct", json_number_or_null(w->sum.cpu_workers_pct),
                     "rss_peak_bytes", json_number_or_null(w->sum.rss_peak_bytes));
}

static struct watch_summary summary_of(const struct watch *w)
{
    struct watch_summary sum = w->sum;
    const struct reading *a = &w->first, *b = &w->last;
    const double cpus = (double)sysconf(_SC_NPROCESSORS_ONLN), workers_s = b->cpu_workers_s - a->cpu_workers_s;
    sum.length_s = b->at_s - a->at_s;
    sum.cpu_host_pct = share_pct(b->host_busy - a->host_busy, b->host_total - a->host_total);
    sum.cpu_workers_pct = workers_s >= 0 ? share_pct(workers_s, sum.length_s * cpus) : (double)NAN;
    return sum;
}

struct watch_summary watch_so_far(struct watch *w)
{
    pthread_mutex_lock(&w->lock);
    const struct watch_summary sum = summary_of(w);
    pthread_mutex_unlock(&w->lock);
    return sum;
}

/* Mean over both times; a NAN has no say. */
static double joint_mean(double a, double a_s, double b, double b_s)
{
    if (isnan(a) || isnan(b))
        return isnan(a) ? b : a;
    return a_s + b_s > 0 ? (a * a_s + b * b_s) / (a_s + b_s) : (double)NAN;
}

struct watch_summary watch_add(const struct watch_summary *a, const struct watch_summary *b)
{
    return (struct watch_summary){.rss_peak_bytes = fmax(a->rss_peak_bytes, b->rss_peak_bytes), /* fmax ignores a NAN */
                                  .cpu_host_pct = joint_mean(a->cpu_host_pct, a->length_s, b->cpu_host_pct, b->length_s),
                                  .cpu_workers_pct = joint_mean(a->cpu_workers_pct, a->length_s, b->cpu_workers_pct, b->length_s),
                                  .ended_a_worker = a->ended_a_worker || b->ended_a_worker,
                                  .ended_bytes = fmax(a->ended_bytes, b->ended_bytes),
                                  .length_s = a->length_s + b->length_s};
}

json_t *watch_stop(struct watch *w, struct watch_summary *summary)
{
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    w->sum = summary_of(w);
    json_t *result = result_json(w);
    if (summary)
        *summary = w->sum;
    watch_free(w);
    return result;
}
