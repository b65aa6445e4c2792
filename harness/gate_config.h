/* The rules of a gate: a strict INI file (configs/gates/, keys in configs/README.md). */
#ifndef BITJOULE_GATE_CONFIG_H
#define BITJOULE_GATE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/comparison.h"
#include "harness/lists.h"

enum { GATE_ERR_LEN = 512, GATE_METRICS_MAX = 16, GATE_NAME_LEN = 128 };

struct gate_metric {
    const struct compared_metric *metric;
    double tolerance; /* 0.03: up to 3 % worse is taken */
    bool inform;      /* shown, but without a say in the outcome */
    bool required;    /* a gate that does not find it is inconclusive */
};

struct gate_config {
    double alpha, confidence;
    bool warn_only;                  /* inconclusive does not fail */
    bool same_output;                /* other tokens than the base are a regression */
    char suite[GATE_NAME_LEN];       /* what --ab runs; empty: it only counts */
    char count_model[GATE_NAME_LEN]; /* what instructions and allocations are counted on; empty: nothing is */
    struct str_list count_formats;
    unsigned count_tokens;
    struct gate_metric metrics[GATE_METRICS_MAX];
    size_t n_metrics;
};

/* The built-in rules: tokens_per_s 3 %, alpha 0.05, 95 %. */
void gate_config_init(struct gate_config *g);
/* Reads a file over the defaults; its [metric ...] sections replace the built-in one. 0, or a negative errno and "path:line: ..."
 * */
int gate_config_read(struct gate_config *g, const char *path, char err[GATE_ERR_LEN]);
/* The built-in rules, or those of a gate file or of a name in configs/gates (NULL: built-in). 0, or negative errno and a line. */
int gate_config_named(struct gate_config *g, const char *name, char err[GATE_ERR_LEN]);
void gate_config_free(struct gate_config *g);
const struct gate_metric *gate_config_metric(const struct gate_config *g, const struct compared_metric *m);

#endif
