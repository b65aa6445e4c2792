/* The metrics of a cell from those of its blocks. */
#ifndef BITJOULE_BLOCK_METRICS_H
#define BITJOULE_BLOCK_METRICS_H

#include "harness/block.h"

/* One array of metrics over the blocks that count. Of the probes by unit: seconds, joules and counts are added; bytes: the last, of a
 * peak the largest; watts, rates and ratios: the mean weighted by the windows' lengths. One that was unavailable in some of the blocks
 * is made of the others and says so; in all of them: unavailable for the reason of the last. What engine and workload tell is as the
 * last block left it. New reference. */
json_t *block_metrics_json(const struct block *blocks, size_t n);

/* Repetitions of the blocks that count and have a value of that metric. */
double block_metric_repetitions(const struct block *blocks, size_t n, const char *name);

#endif
