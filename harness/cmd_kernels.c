/* `bitjoule kernels`: each matrix kernel alone, checked against plain C and measured against the machine's peaks.
 *
 * Flags -> kernel plan -> kernel_bench_run -> table on stdout, JSON with every sample in a file. Exit status: 0 all kernels are
 * right; 1 one is wrong, or something failed; 2 bad input. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/args.h"
#include "engine/topology.h"
#include "harness/harness_cmds.h"
#include "harness/kernel_out.h"
#include "harness/last_level.h"
#include "harness/run_header.h"
#include "kernels/cpu.h"
#include "profiles/host_info.h"
#include "profiles/time_clock.h"

enum { OPT_ISA = 256, OPT_SHAPE, OPT_ROUNDS, OPT_MIN_TIME, OPT_JSON, OPT_QUICK, OPT_IN_CACHE };
enum { MAX_TOKENS = 4096, MAX_ROWS = 1 << 24, DIGITS = JSON_REAL_PRECISION(12) };

struct kernels_args {
    struct kernel_request req;
    struct str_list formats, models, shapes;
    unsigned rounds, rounds_slow; /* 0: not said */
    double min_time_s;
    bool quick, in_cache;
    const char *json; /* NULL: none */
};

static const char usage_text[] =
    "usage: bitjoule kernels [flags]     time and check every matrix kernel against the peaks of this machine\n"
    "  -f, --formats LIST     weight formats, or all (default: all but f32; q6_k as lm_head only)\n"
    "      --isa LIST         instruction sets: avx2,avx512vnni,... (default: all; plain C is always there)\n"
    "  -m, --model LIST       shapes of these models: 2b4t,7b,... (default: 2b4t)\n"
    "      --shape LIST       matrices of ROWSxCOLS: 4096x4096,... (alone: no model's)\n"
    "  -n, --tokens LIST      tokens of one call; 1 is gemv (default: 1,8,32,128,512; lm_head: 1)\n"
    "  -t, --threads LIST     1,2,4  1-8  all  pow2 (default: one per physical core)\n"
    "      --rounds N         interleaved samples of each kernel (default: 10; 5 of plain C and of what takes over 50 ms)\n"
    "      --min-time S       seconds of a sample, which is at least one call (default: 0.002)\n"
    "      --in-cache         one copy of each matrix, so that it may stay in the caches\n"
    "      --quick            -n 1,128, 5 rounds (3), --min-time 0.001 where these are not given\n"
    "      --json FILE        also write JSON with every sample; - : to stdout, instead of the table\n"
    "Exit status 1: a kernel's outputs differ from plain C's (or the run failed).\n";

static int bad_input(const char *line)
{
    return args_complain("kernels", EXIT_BAD_INPUT, "%s", line);
}

/* ---- flags ---------------------------------------------------------------------------------------------------------- */

static int add_numbers(struct uint_list *l, const char *flag, const char *text, struct uint_limits lim)
{
    char err[LIST_ERR_LEN];
    return uint_list_add(l, text, lim, err) ? args_complain("kernels", EXIT_BAD_INPUT, "%s: %s", flag, err) : -1;
}

static int add_words(struct str_list *l, const char *flag, const char *text)
{
    char err[LIST_ERR_LEN];
    return str_list_add(l, text, err) ? args_complain("kernels", EXIT_BAD_INPUT, "%s: %s", flag, err) : -1;
}

static unsigned all_cpus(unsigned *cores)
{
    static int cpus[POOL_MAX_THREADS];
    size_t n_cores = 0;
    const size_t n = topology_cpus(cpus, POOL_MAX_THREADS, &n_cores);
    *cores = n_cores ? (unsigned)n_cores : 1;
    return n ? (unsigned)n : 1;
}

/* -1: go on; else the exit status */
static int take_flag(struct kernels_args *a, int opt, const char *value)
{
    uint64_t v = 0;
    unsigned cores;
    switch (opt) {
    case 'f': return add_words(&a->formats, "-f", value);
    case OPT_ISA: return add_words(&a->req.isas, "--isa", value);
    case 'm': return add_words(&a->models, "-m", value);
    case OPT_SHAPE: return add_words(&a->shapes, "--shape", value);
    case 'n': return add_numbers(&a->req.tokens, "-n", value, (struct uint_limits){1, MAX_TOKENS, 0});
    case 't': return add_numbers(&a->req.threads, "-t", value, (struct uint_limits){1, POOL_MAX_THREADS, all_cpus(&cores)});
    case OPT_ROUNDS:
        if (!args_u64("kernels", "--rounds", value, 1, 10000, &v))
            return EXIT_BAD_INPUT;
        a->rounds = (unsigned)v;
        return -1;
    case OPT_MIN_TIME: return args_real("kernels", "--min-time", value, 1e-6, 10, &a->min_time_s) ? -1 : EXIT_BAD_INPUT;
    case OPT_JSON: a->json = value; return -1;
    case OPT_QUICK: a->quick = true; return -1;
    case OPT_IN_CACHE: a->in_cache = true; return -1;
    case 'h': fputs(usage_text, stdout); return 0;
    default: return bad_input("see bitjoule kernels --help");
    }
}

static int parse_flags(struct kernels_args *a, int argc, char **argv)
{
    static const struct option options[] = {{"formats", required_argument, NULL, 'f'},
                                            {"isa", required_argument, NULL, OPT_ISA},
                                            {"model", required_argument, NULL, 'm'},
                                            {"shape", required_argument, NULL, OPT_SHAPE},
                                            {"tokens", required_argument, NULL, 'n'},
                                            {"threads", required_argument, NULL, 't'},
                                            {"rounds", required_argument, NULL, OPT_ROUNDS},
                                            {"min-time", required_argument, NULL, OPT_MIN_TIME},
                                            {"json", required_argument, NULL, OPT_JSON},
                                            {"quick", no_argument, NULL, OPT_QUICK},
                                            {"in-cache", no_argument, NULL, OPT_IN_CACHE},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int opt, status = -1;
    optind = 0; /* glibc: start anew, even if something else has used getopt before */
    opterr = 0;
    while (status < 0 && (opt = getopt_long(argc, argv, ":f:m:n:t:h", options, NULL)) != -1) {
        if (opt == '?' || opt == ':')
            status = args_complain("kernels", EXIT_BAD_INPUT, "%s: %s; see bitjoule kernels --help", argv[optind - 1],
                                   opt == ':' ? "needs a value" : "unknown option");
        else
            status = take_flag(a, opt, optarg);
    }
    if (status < 0 && optind < argc)
        status = args_complain("kernels", EXIT_BAD_INPUT, "'%s' is no flag; see bitjoule kernels --help", argv[optind]);
    return status;
}

/* ---- the request ---------------------------------------------------------------------------------------------------- */

/* Without -f: f32 is an oracle that nobody runs, q6_k is made for embeddings. */
static void default_formats(struct kernel_request *r, bool all)
{
    const struct format *f;
    for (size_t i = 0; (f = format_at(i)) && r->n_formats < KERNEL_MAX_FORMATS; i++) {
        if (!all && strcmp(f->name, "f32") == 0)
            continue;
        r->only_head[r->n_formats] = !all && strcmp(f->name, "q6_k") == 0;
        r->formats[r->n_formats++] = f;
    }
}

static int choose_formats(struct kernel_request *r, const struct str_list *names)
{
    const bool all = names->n == 1 && strcmp(names->v[0], "all") == 0;
    if (all || names->n == 0) {
        default_formats(r, all);
        return -1;
    }
    for (size_t i = 0; i < names->n; i++) {
        const struct format *f = format_find(names->v[i]);
        if (!f || r->n_formats == KERNEL_MAX_FORMATS)
            return args_complain("kernels", EXIT_BAD_INPUT, "-f '%s': unknown format", names->v[i]);
        r->formats[r->n_formats++] = f;
    }
    return -1;
}

static int add_matrix(struct kernel_request *r, const char *text)
{
    char rows[32], err[KERNEL_ERR_LEN];
    unsigned long long v[2];
    const char *x = strchr(text, 'x');
    const size_t len = x ? (size_t)(x - text) : 0;
    if (len > 0 && len < sizeof rows) {
        memcpy(rows, text, len);
        rows[len] = '\0';
        if (parse_uint(rows, 1, MAX_ROWS, &v[0]) && parse_uint(x + 1, 1, MODEL_MAX_COLS, &v[1]))
            return kernel_request_shape(r, (size_t)v[0], (size_t)v[1], err) == 0 ? -1 : bad_input(err);
    }
    return args_complain("kernels", EXIT_BAD_INPUT, "--shape '%s': expected ROWSxCOLS, at most %dx%d", text, MAX_ROWS,
                         MODEL_MAX_COLS);
}

static int choose_shapes(struct kernels_args *a)
{
    char err[KERNEL_ERR_LEN];
    int status = -1;
    for (size_t i = 0; i < a->models.n && status < 0; i++)
        if (kernel_request_model(&a->req, a->models.v[i], err) != 0)
            status = args_complain("kernels", EXIT_BAD_INPUT, "-m %s", err);
    for (size_t i = 0; i < a->shapes.n && status < 0; i++)
        status = add_matrix(&a->req, a->shapes.v[i]);
    if (status < 0 && a->req.n_shapes == 0 && kernel_request_model(&a->req, "2b4t", err) != 0)
        status = bad_input(err);
    return status;
}

static int complete(struct kernels_args *a)
{
    static const unsigned usual[] = {1, 8, 32, 128, 512}, quick[] = {1, 128};
    struct kernel_request *r = &a->req;
    if (r->tokens.n == 0) {
        r->tokens.n = a->quick ? sizeof quick / sizeof quick[0] : sizeof usual / sizeof usual[0];
        memcpy(r->tokens.v, a->quick ? quick : usual, r->tokens.n * sizeof r->tokens.v[0]);
    }
    if (r->threads.n == 0) {
        all_cpus(&r->threads.v[0]);
        r->threads.n = 1;
    }
    a->rounds_slow = a->rounds ? a->rounds : a->quick ? 3 : 5;
    a->rounds = a->rounds ? a->rounds : a->quick ? 5 : 10;
    a->min_time_s = a->min_time_s > 0 ? a->min_time_s : a->quick ? 0.001 : 0.002;
    const int status = choose_formats(r, &a->formats);
    return status < 0 ? choose_shapes(a) : status;
}

/* ---- output --------------------------------------------------------------------------------------------------------- */

static void show_progress(const struct kernel_bench *b, size_t shape, unsigned round)
{
    const struct kernel_shape *s = &b->plan->req.shapes[shape];
    if (round == 0)
        fprintf(stderr, "\r\033[Kshape %zu of %zu, %zu x %zu: filling memory, checking", shape + 1, b->plan->req.n_shapes, s->rows,
                s->cols);
    else
        fprintf(stderr, "\r\033[Kshape %zu of %zu, %zu x %zu: round %u of %u", shape + 1, b->plan->req.n_shapes, s->rows, s->cols,
                round, b->rounds);
    fflush(stderr);
}

/* The machine as it was before the run loaded it. */
struct surroundings {
    json_t *host, *warnings;
    char began_utc[32];
    double began_s;
};

static json_t *result_json(const struct kernel_bench *b, const struct surroundings *at, int argc, char **argv)
{
    char utc[32];
    utc_now(utc);
    return json_pack("{s:i, s:s, s:o, s:{s:s, s:s, s:f, s:o, s:{s:i, s:i, s:f, s:b, s:I, s:I, s:I}}, s:O, s:O, s:o, s:o, s:o, s:o}",
                     "schema", 1, "kind", "kernels", "tool", run_tool_json(), "run", "started_utc", at->began_utc, "ended_utc", utc,
                     "duration_s", time_now_s() - at->began_s, "command", run_command_json(argc, argv), "settings", "rounds",
                     (int)b->rounds, "rounds_slow", (int)b->rounds_slow, "min_time_s", b->min_time_s, "in_cache", (int)b->in_cache,
                     "arena_bytes", (json_int_t)b->arena_bytes, "llc_bytes", (json_int_t)b->llc_bytes, "seed", (json_int_t)b->seed,
                     "host", at->host, "warnings", at->warnings, "build", run_build_json(), "peaks", kernel_peaks_json(b),
                     "kernels", kernel_cells_json(b), "skipped", kernel_skips_json(b));
}

/* Opened before anything is measured, so that a wrong path costs nothing; what an earlier run left stays until the end. */
static FILE *open_json(const char *path)
{
    if (!path || strcmp(path, "-") == 0)
        return stdout;
    FILE *f = fopen(path, "ae");
    if (!f)
        args_complain("kernels", 0, "--json %s: %s", path, strerror(errno));
    return f;
}

/* 0 or the exit status */
static int write_json(FILE *f, const char *name, json_t *root)
{
    struct stat st;
    const bool regular = f != stdout && fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode);
    const bool ok = root && (!regular || ftruncate(fileno(f), 0) == 0) && json_dumpf(root, f, JSON_INDENT(1) | DIGITS) == 0 &&
                    fputc('\n', f) != EOF && fflush(f) == 0;
    const int e = root ? errno : ENOMEM;
    json_decref(root);
    return ok ? 0 : args_complain("kernels", EXIT_FAILURE, "cannot write %s: %s", name, strerror(e));
}

/* A file that this run made and has nothing for is removed. */
static int close_json(FILE *f, const char *path)
{
    struct stat st;
    if (f == stdout)
        return 0;
    if (fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
        unlink(path);
    return fclose(f) == 0 ? 0 : args_complain("kernels", EXIT_FAILURE, "cannot write %s: %s", path, strerror(errno));
}

/* 0 or the exit status */
static int print(const struct kernel_bench *b, const json_t *warnings)
{
    size_t i;
    const json_t *w;
    const int rc = kernel_print_table(stdout, b);
    json_array_foreach(warnings, i, w)
    {
        const char *severity = json_string_value(json_object_get(w, "severity"));
        if (severity && strcmp(severity, "info") != 0)
            printf("%s: %s\n", severity, json_string_value(json_object_get(w, "message")));
    }
    if (rc != 0 || fflush(stdout) != 0 || ferror(stdout))
        return args_complain("kernels", EXIT_FAILURE, "cannot write the table: %s", strerror(rc ? -rc : errno));
    return 0;
}

/* ---- the run -------------------------------------------------------------------------------------------------------- */

static int measure(const struct kernels_args *a, struct kernel_plan *plan, FILE *json, int argc, char **argv)
{
    char err[KERNEL_ERR_LEN];
    struct surroundings at = {.host = host_info_json(NULL), .warnings = host_warnings_json(NULL), .began_s = time_now_s()};
    const size_t available = host_mem_available(NULL);
    struct kernel_bench b = {.plan = plan,
                             .peak_tables = peak_tables,
                             .rounds = a->rounds,
                             .rounds_slow = a->rounds_slow,
                             .min_time_s = a->min_time_s,
                             .in_cache = a->in_cache,
                             .llc_bytes = last_level_bytes(at.host),
                             .available = available ? available : SIZE_MAX,
                             .seed = 1,
                             .progress = isatty(STDERR_FILENO) ? show_progress : NULL};
    utc_now(at.began_utc);
    const int rc = kernel_bench_run(&b, err);
    int status = 0;
    if (b.progress)
        fputs("\r\033[K", stderr);
    if (rc != 0)
        status = args_complain("kernels", EXIT_FAILURE, "%s", err);
    if (status == 0 && (json != stdout || !a->json))
        status = print(&b, at.warnings);
    if (status == 0 && a->json)
        status = write_json(json, a->json, result_json(&b, &at, argc, argv));
    if (status == 0 && b.n_wrong > 0)
        status = args_complain("kernels", EXIT_FAILURE, "%zu results differ from plain C's", b.n_wrong);
    json_decref(at.host);
    json_decref(at.warnings);
    kernel_bench_free(&b);
    return status;
}

int cmd_kernels(int argc, char **argv)
{
    static struct kernels_args a;
    struct kernel_plan plan = {0};
    char err[KERNEL_ERR_LEN];
    a = (struct kernels_args){0};
    int status = parse_flags(&a, argc, argv);
    if (status < 0)
        status = complete(&a);
    if (status < 0 && kernel_plan_make(&a.req, cpu_features(), &plan, err) != 0)
        status = bad_input(err);
    if (status < 0) {
        FILE *json = open_json(a.json);
        status = json ? measure(&a, &plan, json, argc, argv) : EXIT_BAD_INPUT;
        const int closed = json ? close_json(json, a.json) : 0;
        status = status ? status : closed;
    }
    kernel_plan_free(&plan);
    str_list_clear(&a.req.isas);
    str_list_clear(&a.formats);
    str_list_clear(&a.models);
    str_list_clear(&a.shapes);
    return status;
}
