/* Workloads that misbehave in a worker, by name: "good", "segv", "kill", "exit", "hang", "error", "unsteady", "garbage", "no-memory",
 * "late", "late-death", "stolen"; "prefill" and "decode" are the real ones. For the tests of the experiment loop. */
#ifndef BITJOULE_MISDEEDS_H
#define BITJOULE_MISDEEDS_H

#include <sys/types.h>

#include "harness/workload.h"

/* Seen by the test and by every worker. */
struct misdeeds_shared {
    pid_t last_worker, grandchild;
    int setups, workers; /* of the misdeeds that can be set up */
    char stat[128];      /* "stolen": the file that stands for /proc/stat */
    int stolen;          /* so many runs from now on lose a second of CPU time to the hypervisor */
};
extern struct misdeeds_shared *misdeeds_shared;

/* Before the first worker. 0 or a negative errno. */
int misdeeds_init(void);

/* NULL-terminated: for struct worker_options. */
extern const struct workload *const misdeeds_workloads[];

#endif
