/* Energy of a run as a whole: which source, what the idle machine draws before and after, what is left of each cell's joules.
 *
 * The record's "energy" object; harness/README.md describes it. Idle windows are measured in a worker process, like all else. */
#ifndef BITJOULE_BENCH_ENERGY_H
#define BITJOULE_BENCH_ENERGY_H

#include "harness/experiment.h"

/* Asks a fresh worker for the source and, when the experiment wants a baseline, for idle windows:
 * before the first cell (after = false) and after the last one. What fails becomes a reason in the record, no end of the run. */
void bench_energy_measure(struct experiment *e, bool after);
/* The finished object; takes what was measured out of the experiment. NULL: out of memory. */
json_t *bench_energy_json(struct experiment *e);

/* Estimates of a cell, for `bench --estimate`: appends metrics with the status `estimated` to `list`. */
void bench_energy_estimates(json_t *list, const struct plan *p, const struct cell *c, const struct cell_result *r);

#endif
