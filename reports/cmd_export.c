/* bitjoule export RESULTS... --format FORMAT: records in the formats of other tools. Runs nothing. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "reports/record_export.h"
#include "reports/report_cmds.h"
#include "reports/report_csv.h"
#include "reports/report_matrix.h"

static void print_csv(struct report_set *set, struct textbuf *out, size_t *left_out)
{
    (void)left_out; /* every cell of the record is a row */
    report_csv_print(set, out);
}

const struct export_format export_formats[] = {
    {"csv", "every cell, with speed-ups and metrics: the report's results.csv", print_csv},
    {"llama-bench", "llama-bench -o json", export_llama_bench},
    {"gobench", "Go benchmark lines, one per sample, for benchstat", export_gobench},
    {"benchmark-action", "customSmallerIsBetter of github-action-benchmark", export_benchmark_action},
    {NULL, NULL, NULL},
};

static void print_help(void)
{
    printf("usage: bitjoule export RESULTS... --format FORMAT [-o FILE]\n"
           "\n"
           "Writes the results of one or more records for other tools, to stdout without -o.\n"
           "RESULTS is a results.json, a results.jsonl, or a directory that holds one. FORMAT is one of\n");
    for (const struct export_format *f = export_formats; f->name; f++)
        printf("  %-17s %s\n", f->name, f->help);
    printf("Cells without a result are left out, and so is, with a notice, what a format has no form for.\n"
           "Exit status: 0 done, 1 FILE could not be written, 2 bad input.\n");
}

static const struct export_format *find_format(const char *name)
{
    for (const struct export_format *f = export_formats; f->name; f++)
        if (name && !strcmp(f->name, name))
            return f;
    return NULL;
}

static int complain(int status, const char *what, const char *value)
{
    fprintf(stderr, "bitjoule export: %s%s\n", what, value);
    return status;
}

static int read_all(struct report_set *set, char **paths, int n)
{
    char err[REPORT_ERR_LEN] = "";
    struct report_matrix matrix = {.n_cells = 0};
    for (int i = 0; i < n; i++)
        if (report_set_add(set, paths[i], err))
            return complain(2, err, "");
    const int rc = report_matrix_build(set, &matrix, err); /* speed-ups are part of the CSV */
    for (size_t i = 0; !rc && i < set->n_notices; i++)
        fprintf(stderr, "bitjoule export: %s\n", set->notices[i]);
    return rc ? complain(rc == -EINVAL ? 2 : 1, err[0] ? err : "out of memory", "") : 0;
}

static int write_out(const struct textbuf *out, const char *path)
{
    const int rc = path ? write_text_file(path, out) : 0;
    if (rc)
        fprintf(stderr, "bitjoule export: -o %s: %s\n", path, strerror(-rc));
    else if (!path && (fwrite(out->s ? out->s : "", 1, out->len, stdout) != out->len || fflush(stdout)))
        return complain(1, "standard output cannot be written", "");
    return rc ? 1 : 0;
}

static int export_records(char **paths, int n, const struct export_format *format, const char *path)
{
    struct report_set set = {.n_runs = 0};
    struct textbuf out = {.s = NULL};
    size_t left_out = 0;
    int status = read_all(&set, paths, n);
    if (!status) {
        format->print(&set, &out, &left_out);
        status = out.oom || set.arena.oom ? complain(1, "out of memory", "") : write_out(&out, path);
    }
    if (!status && left_out)
        fprintf(stderr, "bitjoule export: %zu cell%s left out: %s has no form for %s\n", left_out, left_out > 1 ? "s" : "",
                format->name, left_out > 1 ? "them" : "it");
    textbuf_free(&out);
    report_set_free(&set);
    return status;
}

int cmd_export(int argc, char **argv)
{
    static const struct option longs[] = {
        {"format", required_argument, NULL, 'f'}, {"output", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *name = NULL, *path = NULL;
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, "f:o:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'f': name = optarg; break;
        case 'o': path = optarg; break;
        case 'h': print_help(); return 0;
        default: return complain(2, "see bitjoule export --help", "");
        }
    }
    const struct export_format *format = find_format(name);
    if (!name)
        return complain(2, "--format is missing: csv, llama-bench, gobench or benchmark-action", "");
    if (!format)
        return complain(2, "--format: csv, llama-bench, gobench or benchmark-action, not ", name);
    if (optind == argc)
        return complain(2, "no RESULTS given, expected results.json or a directory that holds it", "");
    return export_records(argv + optind, argc - optind, format, path);
}
