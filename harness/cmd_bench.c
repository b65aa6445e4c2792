/* `bitjoule bench`: suite and flags (bench_flags.c) -> plan -> experiment -> record -> table and report.
 *
 * Exit status: 0 all cells ok or skipped; 1 a cell failed, or the record or report could not be written; 2 bad input;
 * 130 interrupted. The table goes to stdout, progress to stderr. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/args.h"
#include "harness/bench.h"
#include "harness/bench_energy.h"
#include "harness/bench_lossless.h"
#include "harness/bench_table.h"
#include "harness/cell_ops.h"
#include "harness/experiment.h"
#include "harness/harness_cmds.h"
#include "harness/interrupt.h"
#include "harness/last_level.h"
#include "harness/live.h"
#include "harness/run_header.h"
#include "harness/scenario.h"
#include "harness/watch.h"
#include "profiles/host_info.h"
#include "profiles/time_clock.h"

enum { EXIT_FAILED = 1, EXIT_INTERRUPTED = 130, PATH_LEN = 4096 };

/* ---- the end of a run ----------------------------------------------------------------------------------------------- */

static json_t *footer_json(struct bench *b)
{
    char utc[32];
    utc_now(utc);
    json_t *warnings = json_object_get(b->record.root, "warnings");
    json_t *footer =
        json_pack("{s:{s:s, s:f, s:b}, s:o, s:o, s:O}", "run", "ended_utc", utc, "duration_s", time_now_s() - b->began_s,
                  "interrupted", (int)interrupt_seen(), "comparisons", comparisons_json(&b->plan, b->experiment.results), "energy",
                  bench_energy_json(&b->experiment), "warnings", warnings);
    if (footer && b->watched)
        json_object_set_new(footer, "watch", b->watched);
    return footer;
}

static bool own_path(char path[PATH_LEN])
{
    const ssize_t n = readlink("/proc/self/exe", path, PATH_LEN - 1);
    path[n > 0 ? n : 0] = 0;
    return n > 0;
}

/* The report is made by this program itself, as another process: a fault there cannot touch the record. */
static int make_report(const struct bench *b)
{
    char self[PATH_LEN];
    int status = 0;
    if (!own_path(self))
        return -1;
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        interrupt_reset();
        const int null = open("/dev/null", O_WRONLY | O_CLOEXEC); /* its paths are printed below, once */
        if (null >= 0)
            dup2(null, STDOUT_FILENO);
        execl(self, "bitjoule", "report", b->dir, "-o", b->dir, (char *)NULL);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static bool any_failed(const struct bench *b)
{
    for (size_t i = 0; i < b->plan.n_cells && b->experiment.results; i++)
        if (b->experiment.results[i].status == CELL_FAILED)
            return true;
    return b->scenarios_failed > 0;
}

static int conclude(struct bench *b)
{
    int status = interrupt_seen() ? EXIT_INTERRUPTED : any_failed(b) ? EXIT_FAILED : 0;
    if (record_finish(&b->record, footer_json(b))) {
        fprintf(stderr, "bitjoule bench: %s\n", b->record.err);
        return EXIT_FAILED;
    }
    if (b->suite.scenario.threads)
        scenario_print(stdout, b->record.root);
    else
        bench_print_results(stdout, b->record.root);
    ops_print(stdout, b->record.root);
    bench_lossless_print(stdout, b->record.root);
    printf("results: %s/results.json\n", b->dir);
    fflush(stdout);
    if (b->no_report)
        return status;
    if (make_report(b)) {
        fprintf(stderr, "bitjoule bench: the report could not be made; the results are in %s/results.json\n", b->dir);
        return status ? status : EXIT_FAILED;
    }
    printf("report: %s/report.md (and report.html)\n", b->dir);
    return status;
}

/* ---- the run -------------------------------------------------------------------------------------------------------- */

static unsigned most_threads(const struct suite *s)
{
    unsigned most = 1;
    for (size_t i = 0; i < s->threads.n; i++)
        most = s->threads.v[i] > most ? s->threads.v[i] : most;
    return most;
}

/* Large enough that caches do not matter: four times the last level, at least 256 MiB, at most an eighth of what is free. */
static size_t peak_buffer_bytes(const json_t *host, size_t available)
{
    size_t bytes = (size_t)256 << 20;
    if (4 * last_level_bytes(host) > bytes)
        bytes = 4 * last_level_bytes(host);
    return bytes < available / 8 ? bytes : available / 8;
}

/* The cells of the matrix, watched from outside where that was asked for. */
static int run_cells(struct bench *b)
{
    const struct watch_options wo = {
        .env = &b->experiment.options->env, .hz = b->suite.watch_hz, .threads = most_threads(&b->suite)};
    struct watch *watch = NULL;
    if (b->suite.watch_hz > 0 && (!live_share() || watch_start(&wo, &watch)))
        return -ENOMEM;
    const int rc = experiment_run(&b->experiment);
    if (watch)
        b->watched = watch_stop(watch, NULL);
    return rc;
}

static int run_scenario(struct bench *b, const struct worker_options *options)
{
    struct scenario_run r = {.suite = &b->suite,
                             .plan = &b->plan,
                             .record = &b->record,
                             .progress = &b->progress,
                             .options = options,
                             .resumed = b->lines};
    const int rc = scenario_run(&r);
    b->scenarios_failed = r.failed;
    return rc;
}

/* As much as the record may grow to: a line per block with its metrics, once more in short in results.json, and the report. */
static double record_bytes(const struct bench *b)
{
    const double rounds = b->suite.rounds ? b->suite.rounds : b->suite.max_rounds, cells = (double)b->plan.n_cells;
    return cells * (1.1 * rounds * 15e3 + 100e3) + 5e6;
}

/* A record to write into: a new one, or that of the run that is taken up again. 0, or the exit status. */
static int open_record(struct bench *b, int argc, char **argv)
{
    char err[RECORD_ERR_LEN] = "";
    if (b->resume)
        return bench_resume(b, argc, argv, err) ? bench_bad_input(err) : 0;
    if (record_open(b->dir, &b->record, err))
        return bench_bad_input(err);
    if (record_need_space(&b->record, record_bytes(b), err)) {
        record_close(&b->record);
        return bench_bad_input(err);
    }
    record_header(&b->record, bench_header(b, argc, argv));
    return 0;
}

static int run(struct bench *b, int argc, char **argv)
{
    char self[PATH_LEN] = "";
    b->began_s = time_now_s();
    interrupt_install();
    int status = open_record(b, argc, argv);
    if (status)
        return status;
    const struct worker_options options = {.workloads = workloads, .env = bench_env(b), .isa = b->suite.isa};
    progress_begin(&b->progress, stderr, &b->plan);
    b->experiment = (struct experiment){
        .suite = &b->suite,
        .plan = &b->plan,
        .record = &b->record,
        .progress = &b->progress,
        .options = &options,
        .baseline_s = b->baseline_s,
        .estimate = b->estimate,
        .peak_buffer_bytes =
            b->no_peaks || b->program ? 0 : peak_buffer_bytes(json_object_get(b->record.root, "host"), bench_mem_bytes(b)),
        .profile = b->profile,
        .isolate = b->isolate && own_path(self) ? self : NULL,
        .resumed = b->lines,
        .began_s = b->began_s};
    int rc = b->record.rc ? b->record.rc : b->suite.scenario.threads ? run_scenario(b, &options) : run_cells(b);
    rc = rc ? rc : bench_lossless(&b->experiment);
    progress_end(&b->progress);
    status = EXIT_FAILED;
    if (rc)
        fprintf(stderr, "bitjoule bench: %s\n", b->record.rc ? b->record.err : strerror(-rc));
    else
        status = conclude(b);
    experiment_free(&b->experiment);
    record_close(&b->record);
    return status;
}

/* Suite, flags and memory make the plan of a new run. 0, or the exit status. */
static int plan_new(struct bench *b, int argc, char **argv)
{
    char err[SUITE_ERR_LEN] = "";
    const struct probe_env env = bench_env(b);
    const size_t available = host_mem_available(&env);
    b->mem_available = available ? (double)available : (double)SIZE_MAX; /* the kernel does not tell: let loading find out */
    if (bench_read_suite(b, argc, argv, err) || plan_make(&b->suite, bench_mem_bytes(b), &b->plan, err))
        return bench_bad_input(err);
    if (b->against && plan_add_arms(&b->plan, b->against, b->program))
        return bench_bad_input("out of memory");
    return 0;
}

int cmd_bench(int argc, char **argv)
{
    struct bench b = {.dir = "out"};
    int status = bench_read_flags(&b, argc, argv);
    if (status >= 0) {
        str_list_clear(&b.allow);
        return status;
    }
    if (b.resume)
        b.dir = b.resume;
    status = b.resume ? 0 : plan_new(&b, argc, argv);
    if (!status && b.dry_run && b.suite.scenario.threads)
        scenario_print_plan(stdout, &b.suite, &b.plan);
    else if (!status && b.dry_run)
        bench_print_plan(stdout, &b.plan, &b.suite);
    else if (!status)
        status = run(&b, argc, argv);
    plan_free(&b.plan);
    suite_free(&b.suite);
    str_list_clear(&b.allow);
    json_decref(b.lines);
    return status;
}
