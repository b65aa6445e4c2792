/* bitjoule energy: joules, watts and software counters around a command or an interval.
 *
 * The command is forked first and waits on a pipe, so that the window holds its exec and its run but not our fork. While it runs
 * this process sleeps in sigtimedwait() and wakes only to keep the energy counters from wrapping unseen. Energy is of whole
 * sockets: everything else that runs on the machine is in it. Process counters are those of the command and of its waited-for
 * descendants. */
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

#include "profiles/metric_out.h"
#include "profiles/profile_cmds.h"
#include "profiles/sw_counters.h"
#include "profiles/sysfile.h"
#include "profiles/time_clock.h"

enum { EXIT_USAGE = 2, EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

static const double default_s = 2.0, min_s = 0.01, max_s = 604800.0;
static const double max_sleep_s = 10.0, min_sleep_s = 0.001;

struct energy {
    struct probe_env env;
    bool json;
    double seconds; /* NAN: a command */
    char **command; /* NULL: an interval */
    /* the run */
    void *probe;
    struct sw_snapshot before, after;
    double start_s, duration_s;
    sigset_t signals;
    int interrupted; /* the signal that was caught, or 0 */
    int status;      /* exit status to pass on */
};

static const char usage[] = "usage: bitjoule energy [--sysfs DIR] [--json] [-d SECONDS] [-- COMMAND...]\n"
                            "\n"
                            "Measures joules, watts and software counters while COMMAND runs, or for an interval.\n"
                            "  -d SECONDS   length of the interval without a command (default 2); Ctrl-C ends it early\n"
                            "  --sysfs DIR  look for energy counters below DIR instead of /sys\n"
                            "  --json       print {\"duration_s\": ..., \"metrics\": [...]}\n"
                            "The exit status is that of COMMAND. Its output is not touched: redirect it to keep it apart.\n";

static bool parse_seconds(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && !*end && *out >= min_s && *out <= max_s; /* false for NAN, too */
}

/* Options that fit each other and name what exists; -1: go on. */
static int check_args(const struct energy *e)
{
    if (e->command && !isnan(e->seconds)) {
        fprintf(stderr, "bitjoule energy: -d is for an interval without a command; '%s' runs until it ends\n", e->command[0]);
        return EXIT_USAGE;
    }
    if (e->env.sysfs && !sysfile_is_dir(e->env.sysfs)) {
        fprintf(stderr, "bitjoule energy: --sysfs '%s': no such directory\n", e->env.sysfs);
        return EXIT_USAGE;
    }
    return -1;
}

/* -1: go on; otherwise the exit status. */
static int parse_args(int argc, char **argv, struct energy *e)
{
    static const struct option options[] = {{"sysfs", required_argument, NULL, 's'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, "+:d:h", options, NULL)) != -1;) {
        if (c == 's') {
            e->env.sysfs = optarg;
        } else if (c == 'j') {
            e->json = true;
        } else if (c == 'd' && !parse_seconds(optarg, &e->seconds)) {
            fprintf(stderr, "bitjoule energy: -d '%s': expected seconds from %g to %g\n", optarg, min_s, max_s);
            return EXIT_USAGE;
        } else if (c != 'd') {
            if (c == 'h')
                fputs(usage, stdout);
            else
                fprintf(stderr, "bitjoule energy: '%s': %s; see bitjoule energy --help\n", argv[optind - 1],
                        c == ':' ? "needs a value" : "unknown option");
            return c == 'h' ? 0 : EXIT_USAGE;
        }
    }
    e->command = optind < argc ? argv + optind : NULL;
    return check_args(e);
}

static void start_window(struct energy *e)
{
    sw_snapshot_take(&e->before, &e->env, e->command ? RUSAGE_CHILDREN : RUSAGE_SELF);
    probe_powercap.start(e->probe);
    e->start_s = time_now_s();
}

static void stop_window(struct energy *e)
{
    e->duration_s = time_now_s() - e->start_s;
    probe_powercap.stop(e->probe);
    sw_snapshot_take(&e->after, &e->env, e->command ? RUSAGE_CHILDREN : RUSAGE_SELF);
}

/* Sleeps until a signal of e->signals (returned) or at most limit_s (0), and keeps the counters alive. */
static int doze(struct energy *e, double limit_s, siginfo_t *info)
{
    double next_s = 0.5 * probe_powercap.keep_alive(e->probe); /* half: a late wake-up must not lose the window */
    double s = fmax(fmin(fmin(next_s, limit_s), max_sleep_s), min_sleep_s);
    struct timespec ts = {.tv_sec = (time_t)s, .tv_nsec = (long)(1e9 * (s - floor(s)))};
    int sig = sigtimedwait(&e->signals, info, &ts);
    return sig > 0 ? sig : 0;
}

static void run_interval(struct energy *e)
{
    double left_s = isnan(e->seconds) ? default_s : e->seconds;
    siginfo_t info;
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

static void print_text(const struct energy *e, const struct metric *m, size_t n, size_t n_energy)
{
    const struct metric *pkg = &m[0];
    char line[METRIC_REASON_LEN + 64];
    if (pkg->status == METRIC_UNAVAILABLE) {
        snprintf(line, sizeof line, "energy: unavailable (%s)", pkg->reason);
        m += n_energy;
        n -= n_energy;
    } else {
        snprintf(line, sizeof line, "energy: %.6g J in %.6g s: %.6g W", pkg->value, e->duration_s, pkg->value / e->duration_s);
    }
    print_wrapped(stdout, 0, 2, line);
    printf("  %-26s %14.6g %-6s %-12s %s\n", "duration_s", e->duration_s, "s", "measured", "CLOCK_MONOTONIC_RAW");
    metrics_print(stdout, m, n);
    if (e->interrupted)
        printf("  interrupted by a signal: this is what was measured until then\n");
}

static void print_json(const struct energy *e, const struct metric *m, size_t n)
{
    json_t *status = e->command ? json_integer(e->status) : json_null();
    json_t *o = json_pack("{s:f, s:b, s:o, s:o}", "duration_s", e->duration_s, "interrupted", e->interrupted != 0, "exit_status",
                          status, "metrics", metrics_json(m, n));
    json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(o);
}

static int print_result(const struct energy *e)
{
    static struct metric m[PROBE_MAX_METRICS + 16];
    size_t cap = sizeof m / sizeof m[0];
    size_t n_energy = probe_powercap.read(e->probe, m, PROBE_MAX_METRICS), n = n_energy;
    if (e->command) {
        n += sw_process_metrics(&e->before, &e->after, m + n, cap - n);
        put_peak(&m[n++], e);
    }
    n += sw_machine_metrics(&e->before, &e->after, m + n, cap - n);
    if (e->json)
        print_json(e, m, n);
    else
        print_text(e, m, n, n_energy);
    if (!fflush(stdout) && !ferror(stdout))
        return e->status;
    fprintf(stderr, "bitjoule energy: the result could not be written: standard output is closed or full\n");
    return e->status ? e->status : 1;
}

int cmd_energy(int argc, char **argv)
{
    struct energy e = {.seconds = (double)NAN};
    sigset_t old_mask;
    int rc = parse_args(argc, argv, &e);
    if (rc >= 0)
        return rc;
    rc = probe_powercap.open(&e.env, &e.probe);
    if (rc) {
        fprintf(stderr, "bitjoule energy: %s\n", strerror(-rc));
        return 1;
    }
    signal(SIGCHLD, SIG_DFL); /* an inherited "ignore" would reap the command unseen */
    sigemptyset(&e.signals);
    sigaddset(&e.signals, SIGINT);
    sigaddset(&e.signals, SIGTERM);
    sigaddset(&e.signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &e.signals, &old_mask);
    if (!e.command)
        run_interval(&e);
    if (!e.command || run_command(&e, &old_mask))
        rc = print_result(&e);
    else
        rc = e.status;
    probe_powercap.close(e.probe);
    sigprocmask(SIG_SETMASK, &old_mask, NULL);
    return rc;
}
