/* What `bitjoule kernels` says: a table for a terminal, and JSON with every raw sample (schema: harness/README.md). */
#ifndef BITJOULE_KERNEL_OUT_H
#define BITJOULE_KERNEL_OUT_H

#include <jansson.h>
#include <stdio.h>

#include "harness/kernel_bench.h"
#include "harness/stats.h"

/* Times of a cell that was measured, and how many times faster than plain C it is. 0 or -ENOMEM. */
int kernel_cell_time(const struct kernel_cell *c, struct interval *call_s, struct interval *over_c);

/* 0 or -ENOMEM. */
int kernel_print_table(FILE *f, const struct kernel_bench *b);

/* The "peaks", "kernels" and "skipped" of the JSON. New references, NULL: out of memory. */
json_t *kernel_peaks_json(const struct kernel_bench *b);
json_t *kernel_cells_json(const struct kernel_bench *b);
json_t *kernel_skips_json(const struct kernel_bench *b);

#endif
