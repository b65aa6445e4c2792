/* The record as reports see it: runs, cells, intervals, metrics. The format is described in harness/README.md, "The record".
 *
 * Strings are borrowed from the JSON tree that the run owns; a field that the record leaves out or sets to null is NULL or NAN,
 * never 0 or a guess. All memory belongs to the struct report_set. */
#ifndef BITJOULE_REPORT_RECORD_H
#define BITJOULE_REPORT_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "reports/report_text.h"

enum { REPORT_ERR_LEN = 512, REPORT_SCHEMA = 1 };

struct report_interval {
    double mid, lo, hi; /* NAN: not there */
};

struct report_metric {
    const char *name, *unit, *status, *source, *reason;
    double value; /* NAN unless status says measured, derived or estimated */
};

/* One operation of a profiled repetition: mean over the threads, and that as a share of the repetition's time. */
struct report_op {
    const char *name;
    double s_per_token, share;
};

enum ratio_state {
    RATIO_NONE,     /* this cell is not ok, or there is no speed to compare */
    RATIO_BASE,     /* this cell is the base itself */
    RATIO_RECORDED, /* from the record's comparisons */
    RATIO_ENDS,     /* of medians; interval from the ends of the two intervals */
    RATIO_NO_BASE,  /* the record has no f16 cell of the same model, test and threads */
    RATIO_BASE_LOST /* it has, but that cell was skipped or failed */
};

struct report_ratio {
    enum ratio_state state;
    struct report_interval x; /* speed over f16; above 1 is faster */
    const struct report_cell *base;
    const char *method;
};

struct report_cell {
    const struct report_run *run;
    size_t index; /* in the record */
    const char *id, *model, *format, *embedding, *kv, *cpus, *test, *status, *reason;
    const char *arm; /* "base" or "new" of a run of two programs, else NULL */
    long long threads, depth, batch;
    double bits, params, linear_params;
    const char *kernel_format, *isa, *head_isa;
    double load_s, repetitions;
    const json_t *samples_s;    /* array or NULL */
    struct report_interval tps; /* tokens/s */
    double confidence;
    const char *method;
    double latency_n, latency_median, latency_p95, latency_p99, latency_max; /* s per token */
    const json_t *latency_samples;                                           /* array or NULL */
    struct report_interval ttft;                                             /* s */
    const char *output_sha256;
    double work_tokens, work_macs, work_bytes;
    const char *bound;
    double share, share_lo, share_hi, limit_tps; /* of the roofline, with the ends of its interval where the record has them */
    struct report_metric *metrics;
    size_t n_metrics;
    struct report_op *ops; /* in the order of a pass; none: not profiled */
    size_t n_ops;
    double profile_overhead; /* time of the profiled repetition / median of the samples */
    bool ok;
    struct report_ratio vs_f16; /* filled by speedup_resolve() */
};

struct report_run {
    json_t *root;     /* owned; has at least schema, run, host, cells */
    const char *path; /* of the file that was read */
    size_t number;    /* 1 for the first run of the set */
    struct report_cell *cells;
    size_t n_cells;
};

/* A run against an earlier one, or the two arms of one run; made in report_compare.c. */
struct report_pair {
    const struct report_run *base, *fresh; /* equal: two arms. NULL: a gate's verdict that came as a file */
    json_t *table;                         /* owned; what `compare -o json` prints, or NULL */
    const char *refused;                   /* why there is no table, or NULL */
    json_t *gate;                          /* owned; what `gate --json` writes, or NULL */
    const char *rules;                     /* the gate's name; NULL: no gate */
};

struct report_set {
    struct arena arena;
    struct report_run *runs[64];
    size_t n_runs;
    struct report_pair *pairs;
    size_t n_pairs;
    const char **notices; /* what a reader must know about the files: torn line, no footer, a run given twice */
    size_t n_notices;
};

/* Adds the record at `path`: a results.json, a results.jsonl, or a directory that holds one (results.json wins). A run that is
 * already in the set is left out with a notice. 0 or negative errno and one line in err: -EINVAL for a file that is not a
 * record this program knows, -ENOENT and the like for one that cannot be read. */
int report_set_add(struct report_set *set, const char *path, char err[REPORT_ERR_LEN]);
void report_set_free(struct report_set *set);
void report_notice(struct report_set *set, const char *text);

/* Makes the cells of run->root. Used by report_set_add. */
int report_cells_parse(struct arena *a, struct report_run *run, char err[REPORT_ERR_LEN]);

/* Fields of the record that have no struct: NAN, "-" where they are missing. */
double report_number_at(const json_t *obj, const char *key);
const char *report_text_at(const json_t *obj, const char *key);

const struct report_metric *report_metric_find(const struct report_cell *c, const char *name); /* or NULL */
double report_metric_value(const struct report_cell *c, const char *name);                     /* NAN when not had */

#endif
