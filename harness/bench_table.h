/* The tables that `bench` prints on stdout: the plan (--dry-run) and the results. */
#ifndef BITJOULE_BENCH_TABLE_H
#define BITJOULE_BENCH_TABLE_H

#include <jansson.h>
#include <stdio.h>

#include "harness/plan.h"

void bench_print_plan(FILE *f, const struct plan *p, const struct suite *s);
/* `root`: the record. One row per cell: speed with interval, and speed over f16 where there is a comparison; then joules per token with
 * the factors of their ratio, or why there are none. */
void bench_print_results(FILE *f, const json_t *root);

#endif
