/* The sections of a report, in the order in which they appear. Each turns a part of the matrix into blocks of the document. */
#ifndef BITJOULE_REPORT_SECTIONS_H
#define BITJOULE_REPORT_SECTIONS_H

#include "reports/report_doc.h"
#include "reports/report_matrix.h"
#include "reports/report_plots.h"

struct claim_judgement;

struct report {
    struct doc doc;
    const struct report_matrix *matrix;
    const struct report_plots *plots;
    const char *dir;                      /* where the report goes */
    const struct claim_judgement *claims; /* NULL: the registry is not there */
    size_t n_claims;
};

void section_summary(struct report *r); /* title, three sentences a run, notices */
void section_claims(struct report *r);  /* verdicts on headlines */
void section_figures(struct report *r); /* verdicts on every other published figure */
void section_history(struct report *r); /* speed by commit, where there are several runs of a machine */
void section_speed(struct report *r);   /* comparison tables and plots */
void section_memory(struct report *r);
void section_latency(struct report *r);
void section_energy(struct report *r);
void section_ops(struct report *r);       /* time by operation, where it was profiled */
void section_hosts(struct report *r);     /* several records side by side */
void section_compare(struct report *r);   /* runs against the first one: the tables of `compare`, the verdict of `gate` */
void section_requests(struct report *r);  /* prompt and answer as one */
void section_scenarios(struct report *r); /* classes of machines */
void section_lossless(struct report *r);  /* outputs against the reference */
void section_quality(struct report *r);
void section_missing(struct report *r); /* what was skipped or failed */
void section_machine(struct report *r); /* hosts, warnings, builds, peaks */
void section_guide(struct report *r);   /* how to read */
void section_redo(struct report *r);    /* commands, hashes, links */

/* "Run 2 against run 1: 1.0200 [1.0100, 1.0300] times the tokens/s ...; gate ci says pass.", for the summary */
const char *compare_sentence(struct arena *a, const struct report_pair *p);

/* Helpers for sections. */
const char *text_interval(struct arena *a, struct report_interval x, double scale); /* "3.25 [3.19, 3.31]", or "3.25" */
const char *text_interval_digits(struct arena *a, struct report_interval x, int digits); /* the same with as many digits */
/* {"value", "lo", "hi"} at a key of the record; NAN where it has none. */
struct report_interval interval_at(const json_t *obj, const char *key);
/* Puts a cell that stands for a missing result: "skipped (1)", "failed (1)" or, when c is NULL, "not run (1)". */
void put_missing(struct doc *d, struct doc_table *t, const struct report_cell *c);
/* Puts a metric, or "unavailable (1)" with its reason. `bytes`: with a decimal prefix, else a plain number. */
void put_metric(struct doc *d, struct doc_table *t, const struct report_cell *c, const char *name, bool bytes);
/* Puts value / base, or "no base". */
void put_share(struct doc *d, struct doc_table *t, double value, double base);
bool any_cell(const struct report_group *g, bool (*has)(const struct report_cell *c));
void put_plots(struct report *r, enum plot_kind kind);
const char *text_threads(struct arena *a, long long n);       /* "1 thread", "2 threads" */
const char *text_reason(struct arena *a, const char *reason); /* without the full stop at its end; "no reason recorded" */
/* The energy metric with a value, or one that says why there is none; NULL: the cell has neither. */
const struct report_metric *energy_metric(const struct report_cell *c);
/* J/token that was measured or derived; NAN otherwise: an estimate does not count. */
double energy_per_token(const struct report_cell *c);

#endif
