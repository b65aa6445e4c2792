/* Runs a plan: batch after batch of models that are in memory together, in each contest after contest in interleaved rounds
 * (schedule.h, contest.h), everything recorded as it comes.
 *
 * With several passes it goes through the contests as often and takes a share of each one's rounds every time: a machine that changes from
 * one quarter of an hour to the next then meets all of them in several of its states, and two runs agree better. Models stay loaded between
 * passes where memory has room for all of them.
 *
 * What happens to a cell stays with it: a refusal, crash, kill or timeout makes it "failed" with the reason, the others of its
 * contest go on, and its group gets a fresh worker for the next one. A model whose loading is refused, or dies twice, fails the rest
 * of its group without further tries. Ctrl-C: cells that have a block keep what they have (stop "interrupted"), others are "skipped". */
#ifndef BITJOULE_EXPERIMENT_H
#define BITJOULE_EXPERIMENT_H

#include "harness/cell_result.h"
#include "harness/plan.h"
#include "harness/progress.h"
#include "harness/record.h"
#include "harness/schedule.h"
#include "harness/suite.h"
#include "harness/worker.h"

enum { EXPERIMENT_LOAD_TRIES = 2, EXPERIMENT_ISA_LEN = 16 };

/* The place of a group's worker. */
struct worker_slot {
    struct worker *worker; /* the living one, or NULL */
    json_t *load_reply;    /* of that worker; NULL: nothing is loaded */
    unsigned failures;     /* to load, in a row */
    char reason[PLAN_REASON_LEN];
};

/* The peaks of one round of a contest. */
struct round_peaks {
    size_t contest;
    unsigned round;
    struct block_peaks peaks;
};

/* How far a contest is, after the passes that are behind it. */
struct contest_state {
    unsigned passes, rounds;
    double time_s; /* that they took */
    bool over;     /* there are no more */
};

/* Whether there are no more passes after one that stopped for this reason. */
bool contest_is_over(const char *stop);
/* A pass is behind it: its number, its rounds, its time and why it stopped. */
void contest_state_add(struct contest_state *s, unsigned pass, unsigned rounds, double time_s, const char *stop);

/* All peak blocks with one number of threads. */
struct peak_series {
    unsigned threads;
    char isa[EXPERIMENT_ISA_LEN];
    struct samples read_gb_s, int8_gmac_s, fma_gmac_s;
};

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
    const char *isolate;      /* path of this program: every block runs in a fresh process of it; NULL: workers live on */

    const json_t *resumed; /* lines of the stream of a run that this one continues; NULL: none */

    /* set by experiment_run() */
    struct cell_result *results; /* [n_cells] */
    bool *cell_done;             /* [n_cells] its object is in the record */
    struct schedule schedule;
    struct contest_state *contests; /* [n_contests] */
    unsigned passes;
    struct worker_slot *slots;  /* [n_groups] */
    struct worker *peak_worker; /* NULL: none, or it failed */
    unsigned peak_threads;      /* that it is set up for */
    char peak_isa[EXPERIMENT_ISA_LEN];
    bool peak_failed;
    struct peak_series *peaks;
    size_t n_peaks;
    struct round_peaks *round_peaks;
    size_t n_round_peaks, cap_round_peaks;
    double began_s;    /* of the run; the clock of "start_s" */
    json_t *energy[2]; /* answers of the worker about source and idle power, before and after; bench_energy.c */
};

/* 0, or a negative errno when the record can no longer be written (its message is in record->err) or memory runs out. */
int experiment_run(struct experiment *e);
void experiment_free(struct experiment *e);

/* Shortest time of a block's repetitions, s. */
double experiment_block_s(const struct experiment *e);
/* Adds the peaks of a round to the series of their threads and to all blocks of that round, also those that are still to come (with
 * experiment_round_peaks()). 0 or -ENOMEM. */
int experiment_keep_peaks(struct experiment *e, size_t contest, unsigned round, const struct block_peaks *p, const char *isa);
/* To all blocks that their round has so far. */
void experiment_give_peaks(struct experiment *e, const struct round_peaks *p);
/* The peaks of a round; none where they were not measured yet. */
struct block_peaks experiment_round_peaks(const struct experiment *e, size_t contest, unsigned round);
/* A line in the record's warnings, and on stderr. */
void experiment_warn(struct experiment *e, const char *check, const char *message);
const char *experiment_kv(const struct experiment *e);

#endif
