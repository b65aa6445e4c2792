/* What the harness itself costs, measured with the workload `null` at the start of every run. */
#ifndef BITJOULE_OVERHEAD_H
#define BITJOULE_OVERHEAD_H

#include "harness/worker.h"

/* The record's "overhead" object:
 *     window_s       part of a block's window that is not the repetition, of a block with one (median of `blocks` blocks)
 *     repetition_s   the same for each further repetition: reset, comparing the output, reading the clock
 *     share_of_1s    (window_s + repetition_s) / 1 s: what the harness adds to a block of a second with one repetition
 *     clock_s        shortest time that a repetition can show
 *     round_trip_s   a whole empty block as the parent sees it: command, probes, answer; outside of every window but its own
 * New reference; NULL, and a line in reason, when it cannot be measured. */
json_t *overhead_measure(const struct worker_options *opt, char reason[WORKER_REASON_LEN]);

#endif
