/* Prints a gate's report for people and for the machinery of continuous integration. */
#ifndef BITJOULE_GATE_OUT_H
#define BITJOULE_GATE_OUT_H

#include <stdio.h>

#include "harness/gate_verdict.h"

struct gate_names {
    const char *base, *fresh;
    double alpha;
    bool warn_only;
};

typedef void gate_print(const struct gate_report *r, const struct gate_names *names, FILE *out);

gate_print gate_print_text, gate_print_markdown;
/* JUnit XML: one test case per row; regress is a failure, failed an error, inconclusive a failure or, with warn_only, skipped. */
gate_print gate_print_junit;
/* ::error and ::warning lines of GitHub's workflow commands. */
gate_print gate_print_annotations;
/* {"schema", "verdict", "base", "new", "alpha", "inconclusive_warns", "unfit", "rows": [...]}; new reference */
json_t *gate_json(const struct gate_report *r, const struct gate_names *names);
gate_print gate_print_json;
/* What github-action-benchmark calls customSmallerIsBetter: the new side's values, speeds as seconds per token. */
gate_print gate_print_benchmark_action;

#endif
