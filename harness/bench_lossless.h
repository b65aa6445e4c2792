/* The part "lossless" of a bench run: [lossless] of the suite, one worker per model, after the cells. */
#ifndef BITJOULE_BENCH_LOSSLESS_H
#define BITJOULE_BENCH_LOSSLESS_H

#include <jansson.h>
#include <stdio.h>

#include "harness/experiment.h"

/* One line "lossless" in the record for each model. A model that cannot be looked at is there with status and reason. After Ctrl-C
 * nothing more begins. 0, or a negative errno when the record can no longer be written. */
int bench_lossless(struct experiment *e);

/* The tables, of the models that were looked at. */
void bench_lossless_print(FILE *out, const json_t *root);

#endif
