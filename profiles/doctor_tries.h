/* What `bitjoule doctor` tries out beyond the probes: every energy source, every group of counters, and what measuring costs. */
#ifndef BITJOULE_DOCTOR_TRIES_H
#define BITJOULE_DOCTOR_TRIES_H

#include <jansson.h>
#include <stdio.h>

#include "profiles/probe.h"

/* Each prints to f, or when list is not NULL fills it instead (new reference). 0 or -ENOMEM. */
int doctor_try_energy(const struct probe_env *env, FILE *f, json_t **list);
int doctor_try_counters(const struct probe_env *env, FILE *f, json_t **list);

/* What the boundary reads add to a window without work, s; NAN: nothing to read. */
struct doctor_cost {
    double energy_s, counters_s;
};
int doctor_cost(const struct probe_env *env, struct doctor_cost *out);
void doctor_print_cost(FILE *f, const struct doctor_cost *cost);
json_t *doctor_cost_json(const struct doctor_cost *cost);

#endif
