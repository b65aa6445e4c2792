/* `bitjoule import FILE -o DIR`: results of llama-bench as a record, alone or beside the cells of a record of ours, so that they
 * stand in the same tables. Runs nothing; the speed-ups over f16 are computed anew from all samples. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "engine/args.h"
#include "engine/perplexity.h"
#include "harness/harness_cmds.h"
#include "harness/json_util.h"
#include "harness/llama_bench.h"
#include "harness/record.h"
#include "harness/run_header.h"
#include "harness/sha256.h"
#include "harness/stats.h"

static const char usage[] =
    "usage: bitjoule import FILE... -o DIR [--into RESULTS] [--model NAME] [--label NAME]\n"
    "\n"
    "Makes a record, DIR/results.json, of what `llama-bench -o json` (or jsonl) wrote; `bitjoule report DIR -o DIR` shows it.\n"
    "  -o, --output DIR    where the record goes\n"
    "      --into RESULTS  a results.json or its folder: its cells come first, so that both stand in the same tables\n"
    "      --model NAME    the model's name in the record (default: that of its file), which must be the same to be compared\n"
    "      --label NAME    the program's name, put before the format of its cells (default: llama-bench)\n"
    "Median and interval are computed from the file's samples. Nothing else is known of those runs, so all else is null.\n"
    "Exit status: 0 done, 1 the record could not be written, 2 bad input.\n";

struct import {
    const char *dir, *into, *model, *label;
    char **files;
    int n_files;
    json_t *base;   /* the record of --into, or a bare one */
    json_t *inputs; /* of this import */
};

static int bad(const char *line)
{
    return args_complain("import", EXIT_BAD_INPUT, "%s", line);
}

static const char *string_in(const json_t *o, const char *object, const char *key)
{
    return json_string_value(json_object_get(json_object_get(o, object), key));
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

static int read_base(struct import *im)
{
    char path[4096];
    json_error_t je;
    const size_t len = strlen(im->into);
    const bool file = len > 5 && !strcmp(im->into + len - 5, ".json");
    snprintf(path, sizeof path, "%s%s", im->into, file ? "" : "/results.json");
    im->base = json_load_file(path, JSON_REJECT_DUPLICATES, &je);
    if (!im->base)
        return args_complain("import", EXIT_BAD_INPUT, "--into %s: %s", path, je.text);
    if (json_integer_value(json_object_get(im->base, "schema")) != 1 || !json_is_array(json_object_get(im->base, "cells")))
        return args_complain("import", EXIT_BAD_INPUT, "--into %s: no record of schema 1", path);
    return 0;
}

/* A record with nothing in it but what the file says of its machine. */
static int bare_base(struct import *im, const json_t *entry, const char *sha)
{
    const char *cpu = json_string_value(json_object_get(entry, "cpu_info"));
    const char *when = json_string_value(json_object_get(entry, "test_time"));
    char utc[32];
    utc_now(utc);
    im->base = json_pack("{s:i, s:o, s:{s:s#, s:s, s:s, s:s, s:n, s:b}, s:{s:o}, s:[], s:[], s:[], s:[], s:[]}", "schema", 1, "tool",
                         run_tool_json(), "run", "id", sha, 16, "started_utc", when ? when : utc, "ended_utc", utc, "suite", "import",
                         "suite_sha256", "interrupted", 0, "host", "cpu_model", json_text_or_null(cpu), "warnings", "inputs", "peaks",
                         "cells", "comparisons");
    return im->base ? 0 : args_complain("import", 1, "out of memory");
}

static void warn(struct import *im, const char *message)
{
    json_array_append_new(json_object_get(im->base, "warnings"),
                          json_pack("{s:s, s:s, s:s}", "severity", "warn", "check", "external", "message", message));
}

static bool has_id(const json_t *cells, const char *id)
{
    size_t i;
    const json_t *c;
    json_array_foreach(cells, i, c)
    {
        const char *other = json_string_value(json_object_get(c, "id"));
        if (other && !strcmp(other, id))
            return true;
    }
    return false;
}

/* Both must be of the same machine to be compared; the program only tells the name of its CPU. */
static void compare_machines(struct import *im, const json_t *entry)
{
    const char *theirs = json_string_value(json_object_get(entry, "cpu_info")), *ours = string_in(im->base, "host", "cpu_model");
    char line[512];
    if (!theirs || !theirs[0])
        snprintf(line, sizeof line, "%s does not say on which machine it ran", im->label);
    else if (!ours || !strstr(theirs, ours))
        snprintf(line, sizeof line, "%s ran on '%.150s', the record is of '%.150s': their speeds must not be compared", im->label, theirs,
                 ours ? ours : "an unknown CPU");
    else
        return;
    warn(im, line);
    fprintf(stderr, "bitjoule import: %s\n", line);
}

static int add_cells(struct import *im, const json_t *entries, const char *path)
{
    const struct external_label label = {.program = im->label, .model = im->model, .source = path};
    json_t *cells = json_object_get(im->base, "cells");
    size_t i;
    const json_t *entry;
    json_array_foreach(entries, i, entry)
    {
        json_t *cell = llama_bench_cell(entry, &label);
        const char *id = json_string_value(json_object_get(cell, "id"));
        if (!cell)
            return args_complain("import", 1, "out of memory");
        if (has_id(cells, id)) {
            args_complain("import", 0, "%s: there is a cell %s already; tell them apart with --label", path, id);
            json_decref(cell);
            return EXIT_BAD_INPUT;
        }
        json_array_append_new(cells, cell);
    }
    return 0;
}

static int take_file(struct import *im, const char *path)
{
    char err[LLAMA_BENCH_ERR_LEN], why[MODEL_ERR_LEN], sha[SHA256_HEX_LEN];
    char *text = NULL;
    size_t len = 0;
    uint64_t bytes = 0;
    if (perplexity_read_text(path, &text, &len, why))
        return bad(why);
    if (sha256_file(path, sha, &bytes)) {
        free(text);
        return args_complain("import", 1, "%s: cannot be hashed", path);
    }
    json_t *entries = llama_bench_parse(text, len, path, err);
    free(text);
    if (!entries)
        return bad(err);
    int status = im->base ? 0 : bare_base(im, json_array_get(entries, 0), sha);
    if (!status) {
        json_array_append_new(im->inputs, json_pack("{s:s, s:I, s:s}", "path", path, "bytes", (json_int_t)bytes, "sha256", sha));
        if (im->into)
            compare_machines(im, json_array_get(entries, 0));
        status = add_cells(im, entries, path);
    }
    json_decref(entries);
    return status;
}

/* ---- comparisons ---------------------------------------------------------------------------------------------------- */

static bool is_ok(const json_t *cell)
{
    const char *status = json_string_value(json_object_get(cell, "status"));
    return status && !strcmp(status, "ok");
}

static bool same(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"model", "threads", "test", "depth", "batch"};
    bool equal = true;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        equal = equal && json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i]));
    return equal;
}

static json_t *base_of(json_t *cells, const json_t *cell)
{
    size_t i;
    json_t *b;
    json_array_foreach(cells, i, b)
    {
        const char *format = json_string_value(json_object_get(b, "format"));
        if (b != cell && is_ok(b) && format && !strcmp(format, "f16") && same(b, cell))
            return b;
    }
    return NULL;
}

static double *samples_of(const json_t *cell, size_t *n)
{
    const json_t *list = json_object_get(cell, "samples_s");
    *n = json_array_size(list);
    double *v = malloc((*n + 1) * sizeof *v);
    for (size_t i = 0; v && i < *n; i++)
        v[i] = json_number_value(json_array_get(list, i));
    return v;
}

/* One entry of "comparisons" for every external cell that has an f16 cell of ours. */
static void compare_cells(struct import *im)
{
    json_t *cells = json_object_get(im->base, "cells"), *list = json_object_get(im->base, "comparisons");
    size_t i;
    json_t *c;
    json_array_foreach(cells, i, c)
    {
        size_t n = 0, n_base = 0;
        struct interval x;
        const json_t *base = json_is_object(json_object_get(c, "external")) ? base_of(cells, c) : NULL;
        double *v = base ? samples_of(c, &n) : NULL, *b = base ? samples_of(base, &n_base) : NULL;
        if (v && b && n && n_base) {
            stats_speed_ratio(b, n_base, v, n, &x);
            json_array_append_new(list, json_pack("{s:O, s:O, s:f, s:o, s:o, s:o, s:s, s:n}", "base", json_object_get(base, "id"), "cell",
                                                  json_object_get(c, "id"), "ratio", x.value, "lo", json_number_or_null(x.lo), "hi",
                                                  json_number_or_null(x.hi), "confidence", json_number_or_null(x.confidence), "method",
                                                  x.method, "energy"));
        }
        free(v);
        free(b);
    }
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

/* Takes a list out of the record, so that its entries can be written one by one. */
static json_t *take_list(json_t *root, const char *key)
{
    json_t *list = json_incref(json_object_get(root, key));
    json_object_del(root, key);
    return list ? list : json_array();
}

static int write_record(struct import *im)
{
    struct record r;
    char err[RECORD_ERR_LEN];
    size_t i;
    json_t *v;
    if (record_open(im->dir, &r, err))
        return bad(err);
    json_t *cells = take_list(im->base, "cells"), *peaks = take_list(im->base, "peaks");
    json_t *footer = json_pack("{s:o}", "comparisons", take_list(im->base, "comparisons"));
    record_header(&r, json_incref(im->base));
    json_array_foreach(peaks, i, v)
    {
        record_line(&r, "peak", json_incref(v));
    }
    json_array_foreach(cells, i, v)
    {
        record_line(&r, "cell", json_incref(v));
    }
    const int rc = record_finish(&r, footer);
    if (rc)
        args_complain("import", 1, "%s", r.err);
    else
        printf("results: %s/results.json\n", im->dir);
    record_close(&r);
    json_decref(cells);
    json_decref(peaks);
    return rc ? 1 : 0;
}

static int import_files(struct import *im)
{
    int status = im->into ? read_base(im) : 0;
    im->inputs = json_array();
    for (int i = 0; !status && i < im->n_files; i++)
        status = take_file(im, im->files[i]);
    if (!status) {
        json_t *inputs = json_object_get(im->base, "inputs");
        json_is_array(inputs) ? json_array_extend(inputs, im->inputs) : json_object_set(im->base, "inputs", im->inputs);
        compare_cells(im);
        status = write_record(im);
    }
    json_decref(im->inputs);
    json_decref(im->base);
    return status;
}

int cmd_import(int argc, char **argv)
{
    enum { OPT_INTO = 256, OPT_MODEL, OPT_LABEL };
    static const struct option longs[] = {{"output", required_argument, NULL, 'o'},
                                          {"into", required_argument, NULL, OPT_INTO},
                                          {"model", required_argument, NULL, OPT_MODEL},
                                          {"label", required_argument, NULL, OPT_LABEL},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct import im = {.label = "llama-bench"};
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, "o:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'o': im.dir = optarg; break;
        case OPT_INTO: im.into = optarg; break;
        case OPT_MODEL: im.model = optarg; break;
        case OPT_LABEL: im.label = optarg; break;
        case 'h': fputs(usage, stdout); return 0;
        default: return bad("see bitjoule import --help");
        }
    }
    if (optind == argc)
        return bad("no FILE given, expected what llama-bench -o json wrote");
    if (!im.dir)
        return bad("-o DIR is missing; see bitjoule import --help");
    if (!im.label[0] || strpbrk(im.label, "/ \t\n"))
        return bad("--label: one word without '/'");
    im.files = argv + optind;
    im.n_files = argc - optind;
    return import_files(&im);
}
