/* A cell's worker inside of a contest: loading, setting up, one block, the end; and the same for the machine's peaks.
 *
 * Every failure is written into the cell's result, which is then CELL_FAILED; an interruption (Ctrl-C) is no failure, but the worker is
 * gone all the same. Where blocks run in fresh processes, variant_block() does all of it for each one. */
#ifndef BITJOULE_VARIANT_H
#define BITJOULE_VARIANT_H

#include "harness/experiment.h"

struct variant {
    size_t cell;          /* in the plan */
    bool alive;           /* it still takes part */
    bool fresh;           /* every block in a fresh process */
    unsigned repetitions; /* of the next block */
};

/* Loads (where needed), sets up, warms up, and finds out how many repetitions make a block. Nothing when `fresh`. */
bool variant_open(struct experiment *e, struct variant *v);
/* Measures one block. On true *b has all but batch, pass, round and position. */
bool variant_block(struct experiment *e, struct variant *v, struct block *b);
/* After the last block of a pass: the end of the session; before it, if the contest is over, the profile, when one is wanted. */
void variant_close(struct experiment *e, struct variant *v, bool over);
void variant_drop(struct experiment *e, size_t group);

/* What the machine can do now with so many threads. false: no peaks any more, and a warning says why. */
bool variant_peaks(struct experiment *e, unsigned threads, struct block_peaks *out);
void variant_drop_peaks(struct experiment *e);

#endif
