/* What `bitjoule bench` is asked to do and works on; bench_flags.c reads the flags, cmd_bench.c runs it, bench_resume.c takes up an
 * earlier run.
 * Internal to the command. */
#ifndef BITJOULE_BENCH_H
#define BITJOULE_BENCH_H

#include "harness/experiment.h"
#include "harness/lists.h"

struct bench {
    const char *suite_name, *dir, *sysfs, *energy_source;
    const char *baseline; /* as given; NULL: none */
    double baseline_s;    /* 0: none */
    bool estimate, dry_run, no_report, profile, isolate, no_peaks, models_given;
    const char *against;  /* another program, arm "base"; NULL: none */
    const char *program;  /* the arm "new"; NULL: this one */
    const char *scenario; /* name; NULL: a suite */
    size_t scenarios_failed;
    json_t *watched;          /* of the whole run; NULL: not asked for */
    const char *resume;       /* folder of the run to go on with; NULL: a new run */
    const char *new_run_flag; /* one that was given and that only a new run takes; NULL: none */
    struct str_list allow;    /* what may differ from the run that is resumed */
    json_t *lines;            /* of the stream of that run */
    double mem_available;     /* bytes */
    double began_s;           /* clock at the start of the run, also of one that is resumed */
    struct suite suite;
    struct plan plan;
    struct record record;
    struct progress progress;
    struct experiment experiment;
};

/* Says it on stderr. Exit status 2. */
int bench_bad_input(const char *line);
/* Everything but the suite. -1: go on; else the exit status. */
int bench_read_flags(struct bench *b, int argc, char **argv);
/* The suite that is asked for, with the flags that set its keys. 0, or a negative errno and a line in err. */
int bench_read_suite(struct bench *b, int argc, char **argv, char err[SUITE_ERR_LEN]);

struct probe_env bench_env(const struct bench *b);
size_t bench_mem_bytes(const struct bench *b); /* mem_available as plan_make() wants it */
/* The header of this run with all that taking it up again needs. New reference. */
json_t *bench_header(const struct bench *b, int argc, char **argv);
/* Opens the record in b->resume and sets up suite, options, plan and lines from it. 0, or a negative errno and a line in err. */
int bench_resume(struct bench *b, int argc, char **argv, char err[RECORD_ERR_LEN]);

#endif
