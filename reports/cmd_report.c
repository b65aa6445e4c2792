/* bitjoule report RESULTS... -o DIR: reads records, writes the report. Runs no benchmark. */
#include "reports/report_cmds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "reports/report_make.h"
#include "reports/report_pdf.h"

static const char usage[] =
    "usage: bitjoule report RESULTS... -o DIR [flags]\n"
    "\n"
    "Writes DIR/report.md, DIR/report.html, DIR/results.csv and DIR/plots/ from the records of one or more runs.\n"
    "RESULTS is a results.json, a results.jsonl (also of a run that was stopped), or a directory that holds one. Of several\n"
    "the first is the base: those of the same machine and build are compared with it as `bitjoule compare` does.\n"
    "\n"
    "      --gate GATE            judges them by a gate file, or the name of one in configs/gates; or shows the verdict that\n"
    "                             `bitjoule gate --json GATE.json` wrote\n"
    "      --allow-different KEY  compares runs that differ in KEY, as for `bitjoule compare`; several with commas between them\n"
    "      --no-png               keeps the plots as SVG only. Without gnuplot the report has tables only\n"
    "      --pdf                  prints report.html to DIR/report.pdf, if chromium, google-chrome, weasyprint or wkhtmltopdf\n"
    "                             is installed\n"
    "Exit status: 0 done, 1 gnuplot or the converter failed or the report could not be written, 2 bad input. A gate's verdict\n"
    "changes nothing in it.\n";

struct report_args {
    const char *out, *gate, *allow;
    bool help, no_png, pdf;
};

/* The flags that take a value, and an example of one for the complaint. NULL: s is none of them. */
static const char **value_of(struct report_args *args, const char *s, const char **example)
{
    const struct {
        const char *flag, *example;
        const char **value;
    } flags[] = {{"-o", "a directory, e.g. -o out", &args->out},
                 {"--output", "a directory, e.g. -o out", &args->out},
                 {"--gate", "a gate, e.g. --gate baseline", &args->gate},
                 {"--allow-different", "a key, e.g. --allow-different governor", &args->allow}};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (strcmp(s, flags[i].flag) == 0) {
            *example = flags[i].example;
            return flags[i].value;
        }
    return NULL;
}

/* Takes options out of argv; operands move to its front. Returns how many operands, or -1 after an error line. */
static int parse(int argc, char **argv, struct report_args *args)
{
    int n = 0;
    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        const char *s = argv[i], *example = NULL;
        const char **value = only_operands ? NULL : value_of(args, s, &example);
        if (value && i + 1 == argc) {
            fprintf(stderr, "bitjoule report: %s needs %s\n", s, example);
            return -1;
        } else if (value)
            *value = argv[++i];
        else if (only_operands || s[0] != '-' || s[1] == '\0')
            argv[n++] = argv[i];
        else if (strcmp(s, "--") == 0)
            only_operands = true;
        else if (strcmp(s, "-h") == 0 || strcmp(s, "--help") == 0)
            args->help = true;
        else if (strcmp(s, "--no-png") == 0)
            args->no_png = true;
        else if (strcmp(s, "--pdf") == 0)
            args->pdf = true;
        else {
            fprintf(stderr, "bitjoule report: unknown option '%s'; see bitjoule report --help\n", s);
            return -1;
        }
    }
    return n;
}

/* 0: the file is there; -ENOENT: one line of notice, as when gnuplot is missing; else it failed. */
static int make_pdf(struct report_set *set, const char *dir)
{
    char err[REPORT_ERR_LEN] = "";
    const int rc = report_pdf_make(&set->arena, dir, err);
    if (rc != 0)
        fprintf(stderr, "bitjoule report: %s\n", err);
    else
        printf("%s/report.pdf\n", dir);
    return rc;
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
    if (status == 0 && report_compare_runs(&set, args->gate, args->allow, err) != 0)
        status = 2;
    if (status == 0) {
        const int rc = report_make(&set, dir, &result, err);
        status = rc == 0 ? 0 : rc == -EINVAL ? 2 : 1;
    }
    for (size_t i = 0; i < set.n_notices && status == 0; i++)
        fprintf(stderr, "bitjoule report: %s\n", set.notices[i]);
    if (status != 0 && err[0])
        fprintf(stderr, "bitjoule report: %s\n", err);
    else if (status == 0 && result.notice[0])
        fprintf(stderr, "bitjoule report: %s\n", result.notice);
    if (status == 0) {
        printf("%s/report.md\n%s/report.html\n", dir, dir);
        const int pdf = args->pdf ? make_pdf(&set, dir) : 0;
        status = result.plots_broken || (pdf != 0 && pdf != -ENOENT);
    }
    report_set_free(&set);
    return status;
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
