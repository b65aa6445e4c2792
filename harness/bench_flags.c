/* The flags of `bitjoule bench`. They are read twice: what does not touch the suite first, since -c may come last; then, over what the
 * suite said, those that set a key of it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/args.h"
#include "engine/config_path.h"
#include "harness/bench.h"
#include "harness/resume.h"
#include "profiles/energy.h"

enum { PATH_LEN = 4096 };

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
    {0, "passes", "measure", "passes"},
    {0, "counters", "measure", "counters"},
    {0, "counter-group", "measure", "counter_group"},
};
enum { N_FLAG_KEYS = sizeof flag_keys / sizeof flag_keys[0], MAX_OPTIONS = N_FLAG_KEYS + 24 };

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
    "      --passes N         spread the rounds over N passes through the suite\n"
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

int bench_bad_input(const char *line)
{
    fprintf(stderr, "bitjoule bench: %s\n", line);
    return EXIT_BAD_INPUT;
}

static const char short_options[] = "c:m:f:t:p:n:d:b:r:o:h";

static void long_options(struct option o[MAX_OPTIONS])
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
    if (b->scenario && b->suite_name)
        return bench_bad_input("-c does not go with --scenario: either is the file of what to run");
    if (b->allow.n && !b->resume)
        return bench_bad_input("--allow-different goes with --resume");
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
int bench_read_flags(struct bench *b, int argc, char **argv)
{
    struct option options[MAX_OPTIONS];
    int opt;
    char names[FORMAT_NAMES_LEN];
    long_options(options);
    double_dashes(argc, argv);
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
        case '?': return bench_bad_input("see bitjoule bench --help");
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
static int apply_key_flags(struct suite *s, int argc, char **argv, char err[SUITE_ERR_LEN])
{
    struct option options[MAX_OPTIONS];
    int opt;
    long_options(options);
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

/* The first flag that a scenario has no use for; NULL: none was given. */
static const char *useless_in_scenario(const struct bench *b)
{
    return b->against    ? "--against"
           : b->profile  ? "--profile"
           : b->isolate  ? "--isolate"
           : b->baseline ? "--baseline"
           : b->estimate ? "--estimate"
                         : NULL;
}

int bench_read_suite(struct bench *b, int argc, char **argv, char err[SUITE_ERR_LEN])
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
        rc = apply_key_flags(&b->suite, argc, argv, err);
    if (!rc)
        rc = suite_check(&b->suite, err);
    if (!rc && b->suite.scenario.threads && useless_in_scenario(b)) {
        snprintf(err, SUITE_ERR_LEN, "%s does not go with a scenario", useless_in_scenario(b));
        rc = -EINVAL;
    }
    return rc;
}
