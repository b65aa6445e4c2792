/* Prints a comparison. */
#ifndef BITJOULE_COMPARISON_OUT_H
#define BITJOULE_COMPARISON_OUT_H

#include <stdio.h>

#include "harness/comparison.h"
#include "harness/machine_keys.h"

enum { COMPARISON_TEXT_LEN = 80 };

struct comparison_names {
    const char *base, *fresh; /* what the sides are called */
    double alpha;
    const struct machine_difference *differences; /* allowed ones */
    size_t n_differences;
};

/* A table per metric, with a row of the geometric mean, and what the signs mean. markdown: for a pull request. */
void comparison_print(const struct comparison_table *t, const struct comparison_names *names, bool markdown, FILE *out);

/* {"base", "new", "confidence", "alpha", "same_output", "differences": [...], "rows": [...], "geomeans": [...]}; new reference */
json_t *comparison_json(const struct comparison_table *t, const struct comparison_names *names);
/* One row; new reference. */
json_t *comparison_row_json(const struct comparison_row *r);

/* "118.2 [117.9, 119.0]", "-3.2 %"; of the change "~" where p is not below alpha, "=" of equal exact values. */
void comparison_value_text(const struct interval *i, char out[COMPARISON_TEXT_LEN]);
void comparison_change_text(const struct comparison_row *r, double alpha, char out[COMPARISON_TEXT_LEN]);

#endif
