/* `bitjoule bench`: suite and flags -> plan -> experiment -> record -> table and report.
 *
 * Exit status: 0 all cells ok or skipped; 1 a cell failed, or the record or report could not be written; 2 bad input;
 * 130 interrupted. The table goes to stdout, progress to stderr. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/args.h"
#include "engine/config_path.h"
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
#include "harness/resume.h"
#include "harness/run_header.h"
#include "harness/scenario.h"
#include "harness/watch.h"
#include "profiles/energy.h"
#include "profiles/host_info.h"
#include "profiles/time_clock.h"

enum { EXIT_FAILED = 1, EXIT_INTERRUPTED = 130, PATH_LEN = 4096 };

enum {
    OPT_SYSFS = 256,
    OPT_SOURCE,
    OPT_BASELINE,
    OPT_ESTIMATE,
    OPT_DRY_RUN,
    OPT_NO_REPORT,
    OPT_PROFILE,
    OPT_ISOLATE,
    OPT_AGAINST,
    OPT_PROGRAM,
    OPT_SCENARIO,
    OPT_WATCH,
    OPT_NO_PEAKS,
    OPT_RESUME,
    OPT_ALLOW,
    OPT_FIRST_KEY
}; /* OPT_FIRST_KEY + row of flag_keys */

/* Flags that set a key of the suite. */
static const struct {
    int letter; /* 0: only the long form */
    const char *name, *section, *key;
} flag_keys[] = {
    {'m', "model", "matrix", "models"},
    {'f', "formats", "matrix", "formats"},
    {'t', "threads", "matrix", "threads"},
    {'p', "n-prompt", "matrix", "prompt"},
    {'n', "n-gen", "matrix", "gen"},
    {'d', "n-depth", "matrix", "depth"},
    {'b', "batch-size", "matrix", "batch"},
    {'r', "repetitions", "measure", "rounds"},
    {0, "warmup", "measure", "warmup"},
    {0, "kv", "matrix", "kv"},
    {0, "embedding", "matrix", "embedding"},
    {0, "isa", "matrix", "isa"},
    {0, "pg", "matrix", "request"},
    {0, "npl", "matrix", "sequences"},
    {0, "timeout", "measure", "timeout_s"},
    {0, "seed", "matrix", "seed"},
    {0, "block", "measure", "block_s"},
    {0, "precision", "measure", "precision"},
    {0, "min-rounds", "measure", "min_rounds"},
    {0, "max-rounds", "measure", "max_rounds"},
    {0, "contest", "measure", "contest_s"},
    {0, "counters", "measure", "counters"},
    {0, "counter-group", "measure", "counter_group"},
};
enum { N_FLAG_KEYS = sizeof flag_keys / sizeof flag_keys[0] };

static const char usage_text[] =
    "usage: bitjoule bench [-c SUITE] [flags]      runs a suite (default: quick) and writes a report\n"
    "  -c, --config SUITE     suite file, or the name of one in configs/suites\n"
    "  -m, --model MODEL      path of a .gguf file or synth:SHAPE; without -c only these models run\n"
    "  -f, --formats LIST     weight formats: %s\n"
    "  -t, --threads LIST     1,2,4  1-8  1-8*2  all  pow2\n"
    "  -p, --n-prompt LIST    prompt lengths of prefill; 0: none\n"
    "  -n, --n-gen LIST       tokens of decode; 0: none\n"
    "  -pg PP,TG              a prompt and its answer as one request, or a list pp128+tg32,...\n"
    "  -npl LIST              sequences that decode at once\n"
    "  -d, --n-depth LIST     tokens in the cache beforehand\n"
    "  -b, --batch-size LIST  tokens of one prefill pass\n"
    "  -r, --repetitions N    exactly N rounds: a block of every cell in each\n"
    "      --precision P      without -r: until ratios are known to within P (2%%), ...\n"
    "      --min-rounds N     ... after at least N rounds, ...\n"
    "      --max-rounds N     ... at most N, ...\n"
    "      --contest S        ... and no new one after S seconds with the same rivals\n"
    "      --block S          seconds of repetitions in a block, at least\n"
    "      --warmup N         repetitions before the first block\n"
    "      --isolate          each block in a fresh process: other memory layouts\n"
    "      --kv TYPE          type of the KV cache: f16, f32\n"
    "      --embedding F      format of embedding and lm_head: f16, q8_0, q6_k\n"
    "      --isa NAME         best instruction set that may be used: c, avx2, ...\n"
    "      --timeout S        seconds for loading a model, and for a cell\n"
    "      --seed N           of synthetic weights and token ids\n"
    "      --sysfs DIR        read /sys of this machine from DIR\n"
    "      --energy-source NAME  not the best one; bitjoule energy --list shows all\n"
    "      --baseline SECONDS  also measure the idle machine before and after; adds net energy\n"
    "      --counters NAME    hardware counters: perf, papi, likwid, none (default: perf)\n"
    "      --counter-group L  what they count; bitjoule energy --list-counters shows all\n"
    "      --estimate         add what publications estimate energy with; never a measurement\n"
    "      --resume DIR       go on with the run whose results are there, as it was begun\n"
    "      --allow-different KEY  ... although host, program or inputs are not the same\n"
    "  -o, --output DIR       where results and report go (default: out)\n"
    "      --dry-run          show the cells, run nothing\n"
    "      --no-peaks         do not measure what the machine can do at most: no roofline\n"
    "      --against PROGRAM  every cell also with this older bitjoule, in the same rounds\n"
    "      --program PROGRAM  with --against: that one instead of this one; no peaks then\n"
    "      --profile          one more repetition of each cell: its time by operation\n"
    "      --scenario NAME    a profile of machine and service: mobile, edge, server, cloud, or a file\n"
    "      --watch[=HZ]       sample memory, CPU, tokens/s, frequency and power (5; at most 10)\n"
    "      --no-report        only results.jsonl and results.json\n"
    "Flags override the suite. Lists may be repeated.\n";

static int bad_input(const char *line)
{
    fprintf(stderr, "bitjoule bench: %s\n", line);
    return EXIT_BAD_INPUT;
}

/* ---- flags ---------------------------------------------------------------------------------------------------------- */

static const char short_options[] = "c:m:f:t:p:n:d:b:r:o:h";

static void long_options(struct option *o)
{
    static const struct option own[] = {{"config", required_argument, NULL, 'c'},
                                        {"output", required_argument, NULL, 'o'},
                                        {"help", no_argument, NULL, 'h'},
                                        {"sysfs", required_argument, NULL, OPT_SYSFS},
                                        {"energy-source", required_argument, NULL, OPT_SOURCE},
                                        {"baseline", required_argument, NULL, OPT_BASELINE},
                                        {"estimate", no_argument, NULL, OPT_ESTIMATE},
                                        {"dry-run", no_argument, NULL, OPT_DRY_RUN},
                                        {"no-report", no_argument, NULL, OPT_NO_REPORT},
                                        {"profile", no_argument, NULL, OPT_PROFILE},
                                        {"isolate", no_argument, NULL, OPT_ISOLATE},
                                        {"no-peaks", no_argument, NULL, OPT_NO_PEAKS},
                                        {"against", required_argument, NULL, OPT_AGAINST},
                                        {"resume", required_argument, NULL, OPT_RESUME},
                                        {"allow-different", required_argument, NULL, OPT_ALLOW},
                                        {"program", required_argument, NULL, OPT_PROGRAM},
                                        {"scenario", required_argument, NULL, OPT_SCENARIO},
                                        {"watch", optional_argument, NULL, OPT_WATCH}};
    memcpy(o, own, sizeof own);
    o += sizeof own / sizeof own[0];
    for (int i = 0; i < N_FLAG_KEYS; i++)
        *o++ = (struct option){flag_keys[i].name, required_argument, NULL, OPT_FIRST_KEY + i};
    *o = (struct option){0};
}

/* llama-bench writes these with one dash, which getopt would take for -p g and -n pl. */
static void double_dashes(int argc, char **argv)
{
    static char pg[] = "--pg", npl[] = "--npl";
    for (int i = 1; i < argc; i++)
        argv[i] = !strcmp(argv[i], pg + 1) ? pg : !strcmp(argv[i], npl + 1) ? npl : argv[i];
}

/* Row of flag_keys that an option value stands for; -1: none. */
static int flag_row(int opt)
{
    for (int i = 0; i < N_FLAG_KEYS; i++)
        if (opt == OPT_FIRST_KEY + i || (opt < OPT_SYSFS && opt == flag_keys[i].letter))
            return i;
    return -1;
}

/* Values of flags that the suite knows nothing of. -1: go on; else the exit status. */
static int check_own_flags(struct bench *b)
{
    if (b->energy_source && energy_source_error(b->energy_source)) {
        fprintf(stderr, "bitjoule bench: --energy-source '%s': %s; see bitjoule energy --list\n", b->energy_source,
                energy_source_error(b->energy_source));
        return EXIT_BAD_INPUT;
    }
    if (b->resume && b->new_run_flag) {
        fprintf(stderr, "bitjoule bench: %s does not go with --resume: the settings are those of that run\n", b->new_run_flag);
        return EXIT_BAD_INPUT;
    }
    if (b->allow.n && !b->resume)
        return bad_input("--allow-different goes with --resume");
    if (b->against && access(b->against, X_OK)) {
        fprintf(stderr, "bitjoule bench: --against '%s': %s\n", b->against, strerror(errno));
        return EXIT_BAD_INPUT;
    }
    if (b->program && (!b->against || access(b->program, X_OK))) {
        fprintf(stderr, "bitjoule bench: --program '%s': %s\n", b->program, b->against ? strerror(errno) : "goes with --against");
        return EXIT_BAD_INPUT;
    }
    if (b->baseline && !args_real("bench", "--baseline", b->baseline, 0.1, 3600, &b->baseline_s))
        return EXIT_BAD_INPUT;
    return -1;
}

static int allow(struct bench *b, const char *key)
{
    char err[LIST_ERR_LEN];
    const char *wrong = resume_key_error(key);
    if (wrong)
        fprintf(stderr, "bitjoule bench: --allow-different '%s': %s\n", key, wrong);
    return wrong ? -EINVAL : str_list_add(&b->allow, key, err);
}

/* First pass: what does not touch the suite, since -c may come last. -1: go on; else the exit status. */
static int parse_own_flags(struct bench *b, int argc, char **argv, const struct option *options)
{
    int opt;
    char names[FORMAT_NAMES_LEN];
    optind = 0; /* glibc: start anew, even if something else has used getopt before */
    while ((opt = getopt_long(argc, argv, short_options, options, NULL)) != -1) {
        switch (opt) {
        case 'c': b->suite_name = optarg; break;
        case 'o': b->dir = optarg; break;
        case OPT_SYSFS: b->sysfs = optarg; break;
        case OPT_SOURCE: b->energy_source = optarg; break;
        case OPT_BASELINE: b->baseline = optarg; break;
        case OPT_ESTIMATE: b->estimate = true; break;
        case OPT_DRY_RUN: b->dry_run = true; break;
        case OPT_NO_REPORT: b->no_report = true; continue;
        case OPT_PROFILE: b->profile = true; break;
        case OPT_ISOLATE: b->isolate = true; break;
        case OPT_NO_PEAKS: b->no_peaks = true; break;
        case OPT_AGAINST: b->against = optarg; break;
        case OPT_PROGRAM: b->program = optarg; break;
        case OPT_SCENARIO: b->scenario = optarg; break;
        case OPT_RESUME: b->resume = optarg; continue;
        case OPT_ALLOW:
            if (allow(b, optarg))
                return EXIT_BAD_INPUT;
            continue;
        case 'm':
        case OPT_FIRST_KEY: b->models_given = true; break; /* row 0 of flag_keys */
        case 'h': printf(usage_text, format_names(names, sizeof names)); return 0;
        case '?': return bad_input("see bitjoule bench --help");
        default: break;
        }
        b->new_run_flag = argv[optind - 1][0] == '-' || optind < 2 ? argv[optind - 1] : argv[optind - 2];
    }
    if (optind < argc) {
        fprintf(stderr, "bitjoule bench: '%s' is no flag; see bitjoule bench --help\n", argv[optind]);
        return EXIT_BAD_INPUT;
    }
    return check_own_flags(b);
}

/* Second pass: flags over what the suite said. */
static int apply_key_flags(struct suite *s, int argc, char **argv, const struct option *options, char err[SUITE_ERR_LEN])
{
    int opt;
    optind = 0;
    while ((opt = getopt_long(argc, argv, short_options, options, NULL)) != -1) {
        char why[SUITE_ERR_LEN] = "";
        const int row = flag_row(opt);
        if (opt == OPT_WATCH && suite_set(s, "measure", "watch_hz", optarg ? optarg : "5", why)) {
            snprintf(err, SUITE_ERR_LEN, "--watch: %.450s", why);
            return -EINVAL;
        }
        if (row < 0)
            continue;
        int rc = suite_set(s, flag_keys[row].section, flag_keys[row].key, optarg, why);
        if (!rc && !strcmp(flag_keys[row].key, "block_s")) /* asked for: also where energy can be read */
            rc = suite_set(s, "measure", "block_energy_s", optarg, why);
        if (rc) {
            snprintf(err, SUITE_ERR_LEN, "--%s: %.450s", flag_keys[row].name, why);
            return rc;
        }
    }
    return 0;
}

static int read_suite(struct bench *b, int argc, char **argv, const struct option *options, char err[SUITE_ERR_LEN])
{
    char path[PATH_LEN], names[256];
    const char *folder = b->scenario ? "scenarios" : "suites";
    const char *name = b->scenario ? b->scenario : b->suite_name ? b->suite_name : "quick";
    suite_init(&b->suite);
    int rc = config_path(folder, name, path, sizeof path);
    if (rc) {
        config_names(folder, names, sizeof names);
        snprintf(err, SUITE_ERR_LEN, "%s %.150s: no such %s; there are: %.250s", b->scenario ? "--scenario" : "-c", name,
                 b->scenario ? "scenario" : "suite", names);
        return rc;
    }
    rc = suite_read(&b->suite, path, err);
    if (!rc && b->scenario && !b->suite.scenario.threads) {
        snprintf(err, SUITE_ERR_LEN, "%s: no [scenario] in it", path);
        return -EINVAL;
    }
    if (!rc && !b->suite_name && !b->scenario && b->models_given) { /* quick's own rows are not what was asked for */
        str_list_clear(&b->suite.quality.models);
        str_list_clear(&b->suite.lossless.models);
        snprintf(b->suite.name, sizeof b->suite.name, "custom");
    }
    suite_begin_overrides(&b->suite);
    if (!rc)
        rc = apply_key_flags(&b->suite, argc, argv, options, err);
    return rc ? rc : suite_check(&b->suite, err);
}

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
    struct scenario_run r = {
        .suite = &b->suite, .plan = &b->plan, .record = &b->record, .progress = &b->progress, .options = options};
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
        return bench_resume(b, argc, argv, err) ? bad_input(err) : 0;
    if (record_open(b->dir, &b->record, err))
        return bad_input(err);
    if (record_need_space(&b->record, record_bytes(b), err)) {
        record_close(&b->record);
        return bad_input(err);
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
static int plan_new(struct bench *b, int argc, char **argv, const struct option *options)
{
    char err[SUITE_ERR_LEN] = "";
    const struct probe_env env = bench_env(b);
    const size_t available = host_mem_available(&env);
    b->mem_available = available ? (double)available : (double)SIZE_MAX; /* the kernel does not tell: let loading find out */
    if (read_suite(b, argc, argv, options, err) || plan_make(&b->suite, bench_mem_bytes(b), &b->plan, err))
        return bad_input(err);
    if (b->against && plan_add_arms(&b->plan, b->against, b->program))
        return bad_input("out of memory");
    return 0;
}

int cmd_bench(int argc, char **argv)
{
    struct bench b = {.dir = "out"};
    struct option options[N_FLAG_KEYS + 24];
    long_options(options);
    double_dashes(argc, argv);
    int status = parse_own_flags(&b, argc, argv, options);
    if (status >= 0) {
        str_list_clear(&b.allow);
        return status;
    }
    if (b.resume)
        b.dir = b.resume;
    status = b.resume ? 0 : plan_new(&b, argc, argv, options);
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
