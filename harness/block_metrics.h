/* The metrics of a cell from those of its blocks, added up block by block, so that a block's own need not be kept.
 *
 * Of the probes by unit: seconds, joules and counts are added; bytes: the last, of a peak the largest; watts, rates and ratios: the mean
 * weighted by the windows' lengths. One that was unavailable in some of the blocks is made of the others and says so; in all of them:
 * unavailable for the reason of the last. What engine and workload tell is as the last block left it. */
#ifndef BITJOULE_BLOCK_METRICS_H
#define BITJOULE_BLOCK_METRICS_H

#include "harness/block.h"

struct metric_total;
struct metric_totals {
    struct metric_total *list; /* in the order in which blocks first had them */
    size_t n;
    json_t *state; /* of the last block; NULL: none */
};

/* Adds a block that counts. 0 or -ENOMEM. */
int metric_totals_add(struct metric_totals *t, const struct block *b);
/* One array of metrics. New reference. */
json_t *metric_totals_json(const struct metric_totals *t);
/* Repetitions of the blocks that had a value of that metric. */
double metric_totals_repetitions(const struct metric_totals *t, const char *name);
void metric_totals_free(struct metric_totals *t);

#endif
