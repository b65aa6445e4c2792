/* Runs a plan: peaks first, then cell after cell in worker processes, everything recorded as it comes.
 *
 * What happens to a cell stays with it: a refusal, crash, kill or timeout makes it "failed" with the reason, and the next
 * cell goes on, in a fresh worker where the old one is gone. A model whose loading is refused, or dies twice, fails the rest of
 * its group without further tries. Ctrl-C: the running cell is "failed", those after it are "skipped", both "interrupted". */
#ifndef BITJOULE_EXPERIMENT_H
#define BITJOULE_EXPERIMENT_H

#include "harness/cell_result.h"
#include "harness/plan.h"
#include "harness/progress.h"
#include "harness/record.h"
#include "harness/suite.h"
#include "harness/worker.h"

enum { EXPERIMENT_LOAD_TRIES = 2 };

struct experiment {
    const struct suite *suite;
    struct plan *plan; /* a group's `embedding` becomes what the loaded model has */
    struct record *record;
    struct progress *progress;
    const struct worker_options *options;
    size_t peak_buffer_bytes; /* for the bandwidth measurement; 0: no peaks are measured */
    double baseline_s;        /* idle time before and after the cells; 0: none */
    bool estimate;            /* cells get estimates beside what was measured */
    bool profile;             /* after a cell's samples, one more repetition with the engine's profile on */

    /* set by experiment_run() */
    struct cell_result *results; /* [n_cells] */
    struct worker *worker;       /* the living one, or NULL */
    json_t *load_reply;          /* of that worker; NULL: nothing is loaded */
    size_t group;                /* that it serves */
    unsigned load_failures;      /* in a row, of that group */
    char load_reason[PLAN_REASON_LEN];
    json_t *energy[2]; /* answers of the worker about source and idle power, before and after; bench_energy.c */
};

/* 0, or a negative errno when the record can no longer be written (its message is in record->err) or memory runs out. */
int experiment_run(struct experiment *e);
void experiment_free(struct experiment *e);

#endif
