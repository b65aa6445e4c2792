/* bitjoule energy: joules, watts, software counters and, when asked for, hardware counters around a command or an interval.
 *
 * The command is forked first and waits on a pipe, so that the window holds its exec and its run but not our fork. While it runs
 * this process sleeps in sigtimedwait(); energy_ticker.c keeps the counters alive. Energy is of whole sockets: a window in which
 * other programs ran is void (energy_attribution.h). An interval without a command is about the machine, so nothing voids it.
 * Process counters are those of the command and of its waited-for descendants. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "profiles/counters.h"
#include "profiles/energy.h"
#include "profiles/energy_attribution.h"
#include "profiles/energy_print.h"
#include "profiles/profile_cmds.h"
#include "profiles/sw_counters.h"
#include "profiles/sysfile.h"
#include "profiles/time_clock.h"

enum { EXIT_USAGE = 2, EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

static const double default_s = 2.0, list_s = 0.5, min_s = 0.01, max_s = 604800.0;
static const double max_sleep_s = 10.0, min_sleep_s = 0.001;

struct energy {
    struct probe_env env;
    bool json, list, list_counters, estimate;
    double seconds;    /* NAN: a command, or the default */
    double baseline_s; /* NAN: none */
    char **command;    /* NULL: an interval */
    /* the run */
    void *probe;
    struct counters *counters;
    struct energy_baseline idle_before, idle_after;
    struct sw_snapshot before, after;
    double start_s, duration_s;
    sigset_t signals;
    int interrupted; /* the signal that was caught, or 0 */
    int status;      /* exit status to pass on */
};

static const char usage[] =
    "usage: bitjoule energy [options] [-d SECONDS] [-- COMMAND...]\n"
    "\n"
    "Measures joules, watts and software counters while COMMAND runs, or for an interval.\n"
    "  -d SECONDS          length of the interval without a command (default 2); Ctrl-C ends it early\n"
    "  --source NAME       use this energy source, not the best one; meter:FILE.csv[,offset=S] reads an external meter's file\n"
    "  --list              show all sources: what each measures now (for -d, default 0.5 s), or why it cannot\n"
    "  --baseline SECONDS  also measure the idle machine for so long before and after; prints gross, baseline and net\n"
    "  --counters NAME     also count events: perf, papi, likwid, none; of the command and all it starts, or of the machine\n"
    "  --counter-group L   what is counted: basic, cache, tlb, memory, stall, software; a list, FAMILY/GROUP, or likwid's name\n"
    "  --list-counters     show the groups of counters for this machine, with their formulas\n"
    "  --estimate          add what publications estimate energy with; never a measurement\n"
    "  --sysfs DIR         look for energy counters below DIR instead of /sys\n"
    "  --procfs DIR        look for load and CPU below DIR instead of /proc\n"
    "  --json              print {\"duration_s\": ..., \"metrics\": [...]}\n"
    "The exit status is that of COMMAND. Its output is not touched: redirect it to keep it apart.\n";

static bool parse_seconds(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && !*end && *out >= min_s && *out <= max_s; /* false for NAN, too */
}

/* Options that fit each other and name what exists; -1: go on. */
static int check_args(struct energy *e)
{
    const char *dirs[][2] = {{"--sysfs", e->env.sysfs}, {"--procfs", e->env.procfs}};
    if (e->env.counter_groups && !e->env.counters)
        e->env.counters = "perf";
    if (e->command && (e->list || e->list_counters)) {
        fprintf(stderr, "bitjoule energy: --list takes no command, but there is '%s'\n", e->command[0]);
        return EXIT_USAGE;
    }
    if (e->command && !isnan(e->seconds)) {
        fprintf(stderr, "bitjoule energy: -d is for an interval without a command; '%s' runs until it ends\n", e->command[0]);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < 2; i++)
        if (dirs[i][1] && !sysfile_is_dir(dirs[i][1])) {
            fprintf(stderr, "bitjoule energy: %s '%s': no such directory\n", dirs[i][0], dirs[i][1]);
            return EXIT_USAGE;
        }
    char err[COUNTERS_ERR_LEN];
    if (e->env.counters && !counters_check(e->env.counters, e->env.counter_groups, err)) {
        fprintf(stderr, "bitjoule energy: --counters: %s\n", err);
        return EXIT_USAGE;
    }
    if (e->env.energy_source && energy_source_error(e->env.energy_source)) {
        char names[256];
        energy_source_names(names, sizeof names);
        fprintf(stderr, "bitjoule energy: --source '%s': %s; there are: %s\n", e->env.energy_source,
                energy_source_error(e->env.energy_source), names);
        return EXIT_USAGE;
    }
    return -1;
}

static int bad_seconds(const char *option, const char *text)
{
    fprintf(stderr, "bitjoule energy: %s '%s': expected seconds from %g to %g\n", option, text, min_s, max_s);
    return EXIT_USAGE;
}

/* One option; -1: go on; otherwise the exit status. */
static int take_option(struct energy *e, int c, const char *word)
{
    switch (c) {
    case 's': e->env.sysfs = optarg; return -1;
    case 'p': e->env.procfs = optarg; return -1;
    case 'S': e->env.energy_source = optarg; return -1;
    case 'j': e->json = true; return -1;
    case 'l': e->list = true; return -1;
    case 'e': e->estimate = true; return -1;
    case 'c': e->env.counters = optarg; return -1;
    case 'g': e->env.counter_groups = optarg; return -1;
    case 'L': e->list_counters = true; return -1;
    case 'b': return parse_seconds(optarg, &e->baseline_s) ? -1 : bad_seconds("--baseline", optarg);
    case 'd': return parse_seconds(optarg, &e->seconds) ? -1 : bad_seconds("-d", optarg);
    case 'h': fputs(usage, stdout); return 0;
    default:
        fprintf(stderr, "bitjoule energy: '%s': %s; see bitjoule energy --help\n", word,
                c == ':' ? "needs a value" : "unknown option");
        return EXIT_USAGE;
    }
}

/* -1: go on; otherwise the exit status. */
static int parse_args(int argc, char **argv, struct energy *e)
{
    static const struct option options[] = {{"sysfs", required_argument, NULL, 's'},
                                            {"procfs", required_argument, NULL, 'p'},
                                            {"source", required_argument, NULL, 'S'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"list", no_argument, NULL, 'l'},
                                            {"estimate", no_argument, NULL, 'e'},
                                            {"baseline", required_argument, NULL, 'b'},
                                            {"counters", required_argument, NULL, 'c'},
                                            {"counter-group", required_argument, NULL, 'g'},
                                            {"list-counters", no_argument, NULL, 'L'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, "+:d:h", options, NULL)) != -1;) {
        const int rc = take_option(e, c, argv[optind - 1]);
        if (rc >= 0)
            return rc;
    }
    e->command = optind < argc ? argv + optind : NULL;
    return check_args(e);
}

static unsigned n_cpus(void)
{
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

/* The exit status, or 1 when what was printed did not get out. */
static int flushed(int status)
{
    if (!fflush(stdout) && !ferror(stdout))
        return status;
    fprintf(stderr, "bitjoule energy: the result could not be written: standard output is closed or full\n");
    return status ? status : 1;
}

static void start_window(struct energy *e)
{
    sw_snapshot_take(&e->before, &e->env, e->command ? RUSAGE_CHILDREN : RUSAGE_SELF);
    probe_energy.start(e->probe);
    counters_start(e->counters);
    e->start_s = time_now_s();
}

static void stop_window(struct energy *e)
{
    e->duration_s = time_now_s() - e->start_s;
    counters_stop(e->counters);
    probe_energy.stop(e->probe);
    sw_snapshot_take(&e->after, &e->env, e->command ? RUSAGE_CHILDREN : RUSAGE_SELF);
}

/* Sleeps until a signal of e->signals (returned) or at most limit_s (0), and keeps the counters alive. */
static int doze(struct energy *e, double limit_s, siginfo_t *info)
{
    double next_s = 0.5 * probe_energy.keep_alive(e->probe); /* half: a late wake-up must not lose the window */
    double s = fmax(fmin(fmin(next_s, limit_s), max_sleep_s), min_sleep_s);
    struct timespec ts = {.tv_sec = (time_t)s, .tv_nsec = (long)(1e9 * (s - floor(s)))};
    int sig = sigtimedwait(&e->signals, info, &ts);
    return sig > 0 ? sig : 0;
}

static void run_interval(struct energy *e)
{
    double left_s = isnan(e->seconds) ? default_s : e->seconds;
    siginfo_t info;
    counters_prepare_machine(e->counters);
    start_window(e);
    double end_s = e->start_s + left_s;
    while (left_s > 0 && !e->interrupted) {
        int sig = doze(e, left_s, &info);
        if (sig != SIGCHLD)
            e->interrupted = sig;
        left_s = end_s - time_now_s();
    }
    stop_window(e);
    e->status = e->interrupted ? 128 + e->interrupted : 0;
}

/* In the child: wait for the start, become the command; only on failure tell the parent why. */
static void child(const struct energy *e, const sigset_t *old_mask, int go, int report)
{
    char c;
    sigprocmask(SIG_SETMASK, old_mask, NULL);
    if (read(go, &c, 1) == 1)
        execvp(e->command[0], e->command);
    int err = errno;
    ssize_t n = write(report, &err, sizeof err);
    _exit(n == (ssize_t)sizeof err ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

/* Until the command ends. Ctrl-C in a terminal reaches the command by itself; a signal sent to this process only is passed on. */
static void wait_for(struct energy *e, pid_t pid)
{
    int status = 0;
    siginfo_t info;
    while (waitpid(pid, &status, WNOHANG) != pid) {
        int sig = doze(e, max_sleep_s, &info);
        if (sig == SIGINT || sig == SIGTERM) {
            e->interrupted = sig;
            if (info.si_code <= 0)
                kill(pid, sig);
        }
    }
    e->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* True when the command could be started; otherwise a message was printed and e->status is set. */
static bool run_command(struct energy *e, const sigset_t *old_mask)
{
    int go[2] = {-1, -1}, report[2] = {-1, -1}, err = 0;
    pid_t pid = -1;
    if (pipe2(go, O_CLOEXEC) || pipe2(report, O_CLOEXEC) || (pid = fork()) < 0) {
        err = errno;
    } else if (pid == 0) {
        child(e, old_mask, go[0], report[1]);
    } else {
        close(report[1]);
        report[1] = -1;
        counters_prepare_child(e->counters, pid);
        start_window(e);
        bool failed = write(go[1], "g", 1) != 1 || read(report[0], &err, sizeof err) > 0; /* exec closes the pipe: 0 bytes */
        wait_for(e, pid);
        stop_window(e);
        if (!failed)
            err = 0;
    }
    for (size_t i = 0; i < 2; i++) {
        if (go[i] >= 0)
            close(go[i]);
        if (report[i] >= 0)
            close(report[i]);
    }
    if (!err)
        return true;
    fprintf(stderr, "bitjoule energy: cannot run '%s': %s\n", e->command[0], strerror(err));
    e->status = err == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
    return false;
}

/* Peak resident memory of the largest process of the command. */
static void put_peak(struct metric *m, const struct energy *e)
{
    metric_set(m, "rss_peak_bytes", "bytes", METRIC_MEASURED, 1024.0 * (double)e->after.ru.ru_maxrss, "getrusage ru_maxrss");
    snprintf(m->reason, sizeof m->reason,
             "of the largest process of the command, counting the forked copy of bitjoule that became it");
}

/* Everything that the window gave, voided where it must be. */
static size_t collect(const struct energy *e, struct metric *m, size_t cap)
{
    size_t n = probe_energy.read(e->probe, m, PROBE_MAX_METRICS);
    if (e->command) {
        n += sw_process_metrics(&e->before, &e->after, m + n, cap - n);
        put_peak(&m[n++], e);
    }
    n += sw_machine_metrics(&e->before, &e->after, m + n, cap - n);
    n += counters_read(e->counters, e->duration_s, m + n, cap - n - 32); /* energy_result_derive() adds some */
    if (e->command && energy_attribution_applies(&e->env))
        n = energy_attribute(m, n, cap, e->duration_s, n_cpus());
    return n;
}

static int print_result(struct energy *e)
{
    static struct metric m[3 * PROBE_MAX_METRICS];
    struct energy_result r = {.probe = e->probe,
                              .duration_s = e->duration_s,
                              .interrupted = e->interrupted,
                              .status = e->status,
                              .has_command = e->command != NULL,
                              .estimate = e->estimate,
                              .headline = energy_headline_name(e->probe),
                              .m = m,
                              .cap = sizeof m / sizeof m[0],
                              .before = isnan(e->baseline_s) ? NULL : &e->idle_before,
                              .after = isnan(e->baseline_s) ? NULL : &e->idle_after};
    r.n = collect(e, m, r.cap);
    r.quantisation = energy_quantisation(e->probe);
    if (r.after && !e->interrupted) /* the window is read, so the probe is free */
        energy_baseline_measure(e->probe, e->baseline_s, &e->idle_after);
    energy_result_derive(&r, n_cpus());
    if (e->json)
        energy_result_print_json(&r);
    else
        energy_result_print(&r);
    return flushed(e->status);
}

static int list_sources(const struct energy *e)
{
    json_t *list = NULL;
    const int rc = energy_list(&e->env, isnan(e->seconds) ? list_s : e->seconds, stdout, e->json ? &list : NULL);
    if (rc) {
        fprintf(stderr, "bitjoule energy: %s\n", strerror(-rc));
        return 1;
    }
    if (list) {
        json_t *o = json_pack("{s:o}", "sources", list);
        json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        putchar('\n');
        json_decref(o);
    }
    return flushed(0);
}

static int list_counters(const struct energy *e)
{
    char err[COUNTERS_ERR_LEN];
    json_t *list = NULL;
    const int rc = counters_list(e->env.counters, stdout, e->json ? &list : NULL, err);
    if (rc) {
        fprintf(stderr, "bitjoule energy: %s\n", err);
        json_decref(list);
        return 1;
    }
    if (list) {
        json_t *o = json_pack("{s:o}", "groups", list);
        json_dumpf(o, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(o);
    }
    return flushed(0);
}

/* With the idle machine before and after, when asked for. True: there is a result to print. */
static bool measure(struct energy *e)
{
    sigset_t old_mask;
    bool done = true;
    if (!isnan(e->baseline_s)) /* signals are not held back yet: Ctrl-C ends the program */
        energy_baseline_measure(e->probe, e->baseline_s, &e->idle_before);
    signal(SIGCHLD, SIG_DFL); /* an inherited "ignore" would reap the command unseen */
    sigemptyset(&e->signals);
    sigaddset(&e->signals, SIGINT);
    sigaddset(&e->signals, SIGTERM);
    sigaddset(&e->signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &e->signals, &old_mask);
    if (e->command)
        done = run_command(e, &old_mask);
    else
        run_interval(e);
    sigprocmask(SIG_SETMASK, &old_mask, NULL);
    return done;
}

int cmd_energy(int argc, char **argv)
{
    struct energy e = {.seconds = (double)NAN, .baseline_s = (double)NAN};
    int rc = parse_args(argc, argv, &e);
    if (rc >= 0)
        return rc;
    if (e.list)
        return list_sources(&e);
    if (e.list_counters)
        return list_counters(&e);
    rc = counters_open(&e.env, &e.counters);
    rc = rc ? rc : probe_energy.open(&e.env, &e.probe);
    if (rc) {
        fprintf(stderr, "bitjoule energy: %s\n", strerror(-rc));
        counters_close(e.counters);
        return 1;
    }
    rc = measure(&e) ? print_result(&e) : e.status;
    probe_energy.close(e.probe);
    counters_close(e.counters);
    return rc;
}
