/* Scenarios: what a model delivers on a class of machine (cores, memory) to users who send requests. configs/scenarios/NAME.ini.
 *
 * A model in a format gets a worker that may use the profile's cores and memory, and no more. Loads (load_gen.h) are served; for the
 * server, the highest rate of requests that meets the targets is searched for; a watch (watch.h) samples all the while. Then the verdict:
 * whether the model fits, what it delivers, and which limits of the service were crossed. Nothing is extrapolated: on a machine with
 * fewer cores than the profile the verdict says that its figures are of fewer. */
#ifndef BITJOULE_SCENARIO_H
#define BITJOULE_SCENARIO_H

#include "harness/plan.h"
#include "harness/progress.h"
#include "harness/record.h"
#include "harness/suite.h"
#include "harness/worker.h"

struct scenario_run {
    const struct suite *suite;
    struct plan *plan; /* groups; cells are not looked at */
    struct record *record;
    struct progress *progress;
    const struct worker_options *options;
    const json_t *resumed; /* lines of the stream of earlier attempts; NULL: a new run */
    size_t failed;         /* groups whose worker failed for another reason than its memory */
};

/* One line "scenario" of the record for each group of the plan. 0, or a negative errno as record.h has it, or -ENOMEM. */
int scenario_run(struct scenario_run *r);

/* What would be run: the memory of each group against the profile's, by prediction; runs nothing. */
void scenario_print_plan(FILE *f, const struct suite *s, const struct plan *p);
/* The table on stdout, from the record. */
void scenario_print(FILE *f, const json_t *root);

#endif
