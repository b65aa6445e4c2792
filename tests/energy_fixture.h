/* Driving the energy probe over a simulated tree: windows in simulated time, checks of single metrics. */
#ifndef BITJOULE_ENERGY_FIXTURE_H
#define BITJOULE_ENERGY_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "profiles/probe.h"
#include "tests/sim_sysfs.h"

struct energy_run {
    struct sim *sim;
    struct probe_env env;
    void *state;
    struct metric m[PROBE_MAX_METRICS];
    size_t n;
};

/* Opens the probe on the tree with its simulated clock; source NULL: the best. procfs is the folder "proc" of the tree, in which
 * this puts an Intel CPU (family 6, model 85) unless there is a cpuinfo already. */
struct energy_run energy_run_open(struct sim *s, const char *source);
struct energy_run energy_run_open_with(struct sim *s, const char *source, const struct energy_seam *seam);
void energy_run_close(struct energy_run *r);
/* A window of `seconds`, with a keep_alive() every step_s; the metrics are then in r. */
void energy_run_window(struct energy_run *r, double seconds, double step_s);
/* The pieces of it. */
void energy_run_start(struct energy_run *r);
void energy_run_idle(struct energy_run *r, double seconds, double step_s);
void energy_run_stop(struct energy_run *r);

const struct metric *energy_find(const struct energy_run *r, const char *name); /* fails the test when it is not there */
bool energy_has(const struct energy_run *r, const char *name);
/* Within `share` of the truth. */
void energy_check(const struct energy_run *r, const char *name, double truth_j, double share);
/* Unavailable, and the reason contains this text. */
void energy_check_lost(const struct energy_run *r, const char *name, const char *reason);
void energy_check_reason(const struct energy_run *r, const char *name, const char *text);

/* CPU n in socket and die, core n. */
void energy_add_cpu(struct sim *s, int cpu, int socket, int die);
/* A counter that only sim_count() shows, at constant power. */
int energy_counter_zone(struct sim *s, double unit_j, uint64_t range, uint64_t start, double watts);
/* A file with a power reading in steps of unit_w. */
int energy_power_file(struct sim *s, const char *path, double unit_w, double watts);

#endif
