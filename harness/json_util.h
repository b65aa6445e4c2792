/* Small helpers for the record's JSON. */
#ifndef BITJOULE_JSON_UTIL_H
#define BITJOULE_JSON_UTIL_H

#include <jansson.h>

#include "harness/stats.h"

/* A number, or null where there is none (NAN, infinite). New reference. */
json_t *json_number_or_null(double x);
/* Text, or null when NULL or empty. New reference. */
json_t *json_text_or_null(const char *text);
/* {"median", "lo", "hi", "confidence", "method"}. New reference. */
json_t *json_interval(const struct interval *i);
/* The metric of that name in an array of them, borrowed; NULL: none. */
json_t *metric_json_find(const json_t *metrics, const char *name);

#endif
