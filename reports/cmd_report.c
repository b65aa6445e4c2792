/* bitjoule report RESULTS... -o DIR: reads records, writes the report. Runs no benchmark. */
#include "reports/report_cmds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "reports/report_make.h"

static const char usage[] =
    "usage: bitjoule report RESULTS... -o DIR [--no-png]\n"
    "\n"
    "Writes DIR/report.md, DIR/report.html, DIR/results.csv and DIR/plots/ from the records of one or more runs.\n"
    "RESULTS is a results.json, a results.jsonl (also of a run that was stopped), or a directory that holds one.\n"
    "--no-png keeps the plots as SVG only. Without gnuplot the report has tables only.\n"
    "Exit status: 0 done, 1 gnuplot failed or the report could not be written, 2 bad input.\n";

struct report_args {
    const char *out;
    bool help, no_png;
};

/* Takes options out of argv; operands move to its front. Returns how many operands, or -1 after an error line. */
static int parse(int argc, char **argv, struct report_args *args)
{
    int n = 0;
    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        const char *s = argv[i];
        if (only_operands || s[0] != '-' || s[1] == '\0')
            argv[n++] = argv[i];
        else if (strcmp(s, "--") == 0)
            only_operands = true;
        else if (strcmp(s, "-h") == 0 || strcmp(s, "--help") == 0)
            args->help = true;
        else if (strcmp(s, "--no-png") == 0)
            args->no_png = true;
        else if (strcmp(s, "-o") == 0 || strcmp(s, "--output") == 0) {
            if (i + 1 == argc) {
                fprintf(stderr, "bitjoule report: %s needs a directory, e.g. -o out\n", s);
                return -1;
            }
            args->out = argv[++i];
        } else {
            fprintf(stderr, "bitjoule report: unknown option '%s'; see bitjoule report --help\n", s);
            return -1;
        }
    }
    return n;
}

static int make(char **paths, int n, const struct report_args *args)
{
    char err[REPORT_ERR_LEN] = "";
    struct report_set set = {.n_runs = 0};
    struct report_result result = {.no_png = args->no_png};
    const char *dir = args->out;
    int status = 0;
    for (int i = 0; i < n && status == 0; i++)
        if (report_set_add(&set, paths[i], err) != 0)
            status = 2;
    if (status == 0) {
        const int rc = report_make(&set, dir, &result, err);
        status = rc == 0 ? 0 : rc == -EINVAL ? 2 : 1;
    }
    for (size_t i = 0; i < set.n_notices && status == 0; i++)
        fprintf(stderr, "bitjoule report: %s\n", set.notices[i]);
    if (status != 0)
        fprintf(stderr, "bitjoule report: %s\n", err);
    else if (result.notice[0])
        fprintf(stderr, "bitjoule report: %s\n", result.notice);
    if (status == 0)
        printf("%s/report.md\n%s/report.html\n", dir, dir);
    report_set_free(&set);
    return status == 0 && result.plots_broken ? 1 : status;
}

int cmd_report(int argc, char **argv)
{
    struct report_args args = {.out = NULL};
    const int n = parse(argc, argv, &args);
    if (n < 0)
        return 2;
    if (args.help) {
        fputs(usage, stdout);
        return 0;
    }
    if (n == 0 || !args.out) {
        fprintf(stderr, "bitjoule report: %s; see bitjoule report --help\n",
                n == 0 ? "no RESULTS given, expected results.json or a directory that holds it" : "no -o DIR given");
        return 2;
    }
    return make(argv, n, &args);
}
