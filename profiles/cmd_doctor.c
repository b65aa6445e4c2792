/* bitjoule doctor: what this machine can measure, what not and why, and what disturbs measurements here.
 *
 * Opens every probe of the registry, every energy source and every group of counters, measures a short window with it and shows
 * what came out, so that "yes" means tried, not guessed from a file name. Then what measuring costs, and the environment checks. Changes
 * nothing on the machine. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "profiles/doctor_tries.h"
#include "profiles/host_info.h"
#include "profiles/metric_out.h"
#include "profiles/profile_cmds.h"
#include "profiles/sysfile.h"
#include "profiles/time_clock.h"

enum { EXIT_USAGE = 2, EXIT_NOT_FIT = 3, WINDOW_MS = 120 };

struct doctor {
    struct probe_env env;
    bool json, strict;
};

static const char usage[] =
    "usage: bitjoule doctor [--sysfs DIR] [--json] [--strict]\n"
    "\n"
    "Shows what this machine can measure, what not and why, and what would disturb measurements.\n"
    "  --sysfs DIR  look below DIR instead of /sys\n"
    "  --json       print one JSON object\n"
    "  --strict     exit with status 3 when a check has severity `block`\n"
    "Every energy source and every group of counters is tried; what does not work says why and what to type.\n";

/* -1: go on; otherwise the exit status. */
static int parse_args(int argc, char **argv, struct doctor *d)
{
    static const struct option options[] = {
        {"sysfs", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {"strict", no_argument, NULL, 'S'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (c == 's') {
            d->env.sysfs = optarg;
        } else if (c == 'j') {
            d->json = true;
        } else if (c == 'S') {
            d->strict = true;
        } else {
            if (c == 'h')
                fputs(usage, stdout);
            else
                fprintf(stderr, "bitjoule doctor: '%s': %s; see bitjoule doctor --help\n", argv[optind - 1],
                        c == ':' ? "needs a value" : "unknown option");
            return c == 'h' ? 0 : EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "bitjoule doctor: '%s': takes no arguments, only options\n", argv[optind]);
        return EXIT_USAGE;
    }
    if (d->env.sysfs && !sysfile_is_dir(d->env.sysfs)) {
        fprintf(stderr, "bitjoule doctor: --sysfs '%s': no such directory\n", d->env.sysfs);
        return EXIT_USAGE;
    }
    return -1;
}

/* One window of WINDOW_MS with a single probe, in steps that keep its counters alive. Number of metrics or -ENOMEM. */
static int try_probe(const struct probe *p, const struct probe_env *env, struct metric *m)
{
    void *state;
    int rc = p->open(env, &state);
    if (rc)
        return rc;
    p->start(state);
    for (int ms = 0; ms < WINDOW_MS; ms += 10) {
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000000L}, NULL);
        if (p->keep_alive)
            p->keep_alive(state);
    }
    p->stop(state);
    int n = (int)p->read(state, m, PROBE_MAX_METRICS);
    p->close(state);
    return n;
}

static size_t count_available(const struct metric *m, size_t n)
{
    size_t have = 0;
    for (size_t i = 0; i < n; i++)
        have += m[i].status != METRIC_UNAVAILABLE;
    return have;
}

/* Metrics that share a reason are named together. */
static void print_missing(const struct metric *m, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        if (m[i].status != METRIC_UNAVAILABLE) {
            i = end;
            continue;
        }
        while (end < n && m[end].status == METRIC_UNAVAILABLE && strcmp(m[end].reason, m[i].reason) == 0)
            end++;
        size_t at = (size_t)printf("      %s", m[i].name);
        for (size_t k = i + 1; k < end; k++)
            at += (size_t)printf(", %s", m[k].name);
        at += (size_t)printf(": ");
        print_wrapped(stdout, at, 8, m[i].reason);
        i = end;
    }
}

static void print_source(const struct probe *p, const struct metric *m, size_t n)
{
    char list[PROBE_MAX_METRICS * (METRIC_NAME_LEN + 2)] = "";
    size_t have = count_available(m, n);
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(list);
        if (m[i].status != METRIC_UNAVAILABLE)
            snprintf(list + used, sizeof list - used, "%s%.*s", used ? ", " : "", METRIC_NAME_LEN - 1, m[i].name);
    }
    size_t at = (size_t)printf("  %-10s %-7s ", p->name, have == n ? "yes" : have ? "partly" : "no");
    print_wrapped(stdout, at, at, have ? list : "nothing can be read:");
    print_missing(m, n);
}

/* The sources section, in the chosen form. -ENOMEM or 0. */
static int show_sources(const struct doctor *d, json_t *list)
{
    static struct metric m[PROBE_MAX_METRICS];
    for (size_t i = 0; probes[i]; i++) {
        int n = try_probe(probes[i], &d->env, m);
        if (n < 0)
            return n;
        if (n == 0) /* counters: tried group by group */
            continue;
        if (!d->json)
            print_source(probes[i], m, (size_t)n);
        json_array_append_new(list, json_pack("{s:s, s:b, s:o}", "name", probes[i]->name, "available",
                                              (int)(count_available(m, (size_t)n) > 0), "metrics", metrics_json(m, (size_t)n)));
    }
    return 0;
}

/* What was tried and found, for JSON. */
struct findings {
    json_t *sources, *energy, *counters;
    struct doctor_cost cost;
};

/* Energy sources, counters and their cost; printed, or put into r. -ENOMEM or 0. */
static int show_tries(const struct doctor *d, struct findings *r)
{
    if (!d->json)
        putchar('\n');
    int rc = doctor_try_energy(&d->env, stdout, d->json ? &r->energy : NULL);
    if (!d->json)
        putchar('\n');
    rc = rc ? rc : doctor_try_counters(&d->env, stdout, d->json ? &r->counters : NULL);
    rc = rc ? rc : doctor_cost(&d->env, &r->cost);
    if (!rc && !d->json) {
        putchar('\n');
        doctor_print_cost(stdout, &r->cost);
    }
    return rc;
}

static const char *host_text(const json_t *host, const char *key)
{
    const char *s = json_string_value(json_object_get(host, key));
    return s ? s : "unknown";
}

/* "2", or "?" for null */
static const char *host_count(const json_t *host, const char *key, char buf[24])
{
    const json_t *v = json_object_get(host, key);
    if (json_is_integer(v))
        snprintf(buf, 24, "%lld", (long long)json_integer_value(v));
    else
        snprintf(buf, 24, "?");
    return buf;
}

static void print_machine(const json_t *host, const struct time_clock_info *clock)
{
    char a[24], b[24], c[24], line[512];
    const char *hypervisor = json_string_value(json_object_get(host, "hypervisor"));
    printf("machine\n  %-10s ", "cpu");
    snprintf(line, sizeof line, "%s (%s), sockets: %s, cores: %s, threads: %s", host_text(host, "cpu_model"),
             host_text(host, "arch"), host_count(host, "sockets", a), host_count(host, "cores", b), host_count(host, "threads", c));
    print_wrapped(stdout, 13, 13, line);
    printf("  %-10s ", "system");
    snprintf(line, sizeof line, "%s, kernel %s%s%s", host_text(host, "os"), host_text(host, "kernel"),
             hypervisor ? ", virtual machine: " : "", hypervisor ? hypervisor : "");
    print_wrapped(stdout, 13, 13, line);
    printf("  %-10s %.1f GiB, %.1f GiB available to this process\n", "memory",
           (double)json_integer_value(json_object_get(host, "mem_total_bytes")) / 1073741824.0,
           (double)json_integer_value(json_object_get(host, "mem_available_bytes")) / 1073741824.0);
    printf("  %-10s CLOCK_MONOTONIC_RAW, step %.0f ns, %.0f ns per reading\n", "clock", 1e9 * clock->resolution_s,
           1e9 * clock->cost_s);
}

static size_t count_blocks(const json_t *warnings)
{
    size_t i, n = 0;
    json_t *w;
    json_array_foreach(warnings, i, w) n += strcmp(json_string_value(json_object_get(w, "severity")), "block") == 0;
    return n;
}

static void print_checks(const json_t *warnings)
{
    size_t i;
    json_t *w;
    printf("\nchecks\n");
    json_array_foreach(warnings, i, w)
    {
        size_t at = (size_t)printf("  %-6s%-16s ", json_string_value(json_object_get(w, "severity")),
                                   json_string_value(json_object_get(w, "check")));
        print_wrapped(stdout, at, at, json_string_value(json_object_get(w, "message")));
    }
    size_t blocks = count_blocks(warnings);
    if (blocks)
        printf("\nblocking checks: %zu. Until they are solved, measurements here mean nothing\n", blocks);
    else
        printf("\nnothing here blocks measuring\n");
}

static int print_json(json_t *host, const struct findings *r, json_t *warnings, const struct time_clock_info *clock)
{
    json_t *o = json_pack("{s:i, s:O, s:{s:s, s:f, s:f}, s:f, s:O, s:O, s:O, s:o, s:O, s:b}", "schema", 1, "host", host, "clock",
                          "name", "CLOCK_MONOTONIC_RAW", "resolution_s", clock->resolution_s, "cost_s", clock->cost_s, "window_s",
                          1e-3 * WINDOW_MS, "sources", r->sources, "energy_sources", r->energy, "counters", r->counters, "overhead",
                          doctor_cost_json(&r->cost), "warnings", warnings, "fit", (int)(count_blocks(warnings) == 0));
    int rc = o ? json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) : -1;
    putchar('\n');
    json_decref(o);
    return rc;
}

int cmd_doctor(int argc, char **argv)
{
    struct doctor d = {.json = false};
    int rc = parse_args(argc, argv, &d);
    if (rc >= 0)
        return rc;
    struct time_clock_info clock;
    time_clock_measure(&clock);
    struct findings r = {.sources = json_array()};
    json_t *host = host_info_json(&d.env), *warnings = host_warnings_json(&d.env);
    if (!d.json) {
        print_machine(host, &clock);
        printf("\nsources (each was tried for %d ms)\n", WINDOW_MS);
    }
    rc = show_sources(&d, r.sources);
    rc = rc ? rc : show_tries(&d, &r);
    if (!rc && d.json)
        rc = print_json(host, &r, warnings, &clock);
    else if (!rc)
        print_checks(warnings);
    bool blocked = count_blocks(warnings) > 0;
    json_decref(host);
    json_decref(warnings);
    json_decref(r.sources);
    json_decref(r.energy);
    json_decref(r.counters);
    if (rc || fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "bitjoule doctor: the result could not be written (out of memory, or standard output is closed or full)\n");
        return 1;
    }
    return d.strict && blocked ? EXIT_NOT_FIT : 0;
}
