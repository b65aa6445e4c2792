/* Metrics for humans and for programs: what `energy` and `doctor` print. */
#ifndef BITJOULE_METRIC_OUT_H
#define BITJOULE_METRIC_OUT_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "profiles/probe.h"

/* A JSON string; bytes that are not UTF-8 (paths may hold any) become '?'. New reference. */
json_t *text_json(const char *text);

/* A number; null when there is none (NAN, infinite). New reference. */
json_t *number_json(double x);

/* {"name", "value" (null when unavailable), "unit", "status", "source", "reason" (null when there is none)}; new reference. */
json_t *metric_json(const struct metric *m);
json_t *metrics_json(const struct metric *m, size_t n); /* an array of them */

/* One line per metric and below it, wrapped, the reason of those that have one; where neighbours are unavailable for the same
 * reason it stands once, below the last of them. Fits 100 columns. */
void metrics_print(FILE *f, const struct metric *m, size_t n);

/* Prints text wrapped at 100 columns; the first line begins at column `at` (already printed), the others at column `indent`. */
void print_wrapped(FILE *f, size_t at, size_t indent, const char *text);

#endif
