/* A simulated /sys (or /proc) in a temporary folder, with energy counters and power sensors that a test advances by hand, a thread
 * by power, or a simulated clock by power. */
#ifndef BITJOULE_SIM_SYSFS_H
#define BITJOULE_SIM_SYSFS_H

#include <stddef.h>
#include <stdint.h>

#include "profiles/energy_source.h"

struct sim;

struct sim *sim_new(void); /* aborts the program when it cannot be made */
const char *sim_root(const struct sim *s);
void sim_free(struct sim *s); /* stops the driver and removes the folder */

/* Creates or replaces a file below the root, and the folders above it. */
void sim_write(const struct sim *s, const char *path, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A folder, for example in place of a file, so that reading it fails. Removes a file of that name. */
void sim_mkdir(const struct sim *s, const char *path);
void sim_unlink(const struct sim *s, const char *path);
void sim_chmod(const struct sim *s, const char *path, unsigned mode);

/* Adds class/powercap/DIR with name, energy_uj and max_energy_range_uj; returns its number. */
int sim_zone(struct sim *s, const char *dir, const char *name, uint64_t range_uj, uint64_t start_uj);

/* How a counter or sensor shows itself. */
enum sim_view {
    SIM_COUNT_TEXT, /* a file with the count in decimal */
    SIM_COUNT_MSR,  /* 8 bytes in a file, at an offset */
    SIM_COUNT_ONLY, /* nowhere: sim_count() */
    SIM_POWER_TEXT  /* a file with the power of this moment in decimal */
};
/* One count (or one step of a power sensor) is unit_j joules (unit_j watts). Path NULL for SIM_COUNT_ONLY. */
int sim_meter(struct sim *s, enum sim_view view, const char *path, uint64_t offset, double unit_j, uint64_t range, uint64_t start);

/* From now on zone z shows what zone `of` shows. */
void sim_zone_mirror(struct sim *s, int z, int of);
/* Counts on, and from 0 again after the range. */
void sim_advance(struct sim *s, int z, uint64_t counts);
/* Forces a value, as a reset does. */
void sim_set(struct sim *s, int z, uint64_t count);
/* The counter's file becomes empty, as when the device is gone while the file is open. */
void sim_vanish(struct sim *s, int z);

/* The power of zone z: watts from the start, then_watts from after_s on. */
void sim_power(struct sim *s, int z, double watts, double then_watts, double after_s);
void sim_noise(struct sim *s, int z, double share); /* evenly spread, +- share of the power, new in every update */
void sim_grid(struct sim *s, int z, double grid_s); /* time between updates; 1 ms without this */

void sim_drive(struct sim *s); /* starts a thread in real time: all zones with power, about once per millisecond */
void sim_stop(struct sim *s);

/* A clock of this tree for struct probe_env: it stands still unless it is read (20 us each) or slept on, and it moves the zones.
 * One tree at a time. */
const struct energy_seam *sim_clock(struct sim *s);
double sim_time_s(const struct sim *s);
void sim_sleep(struct sim *s, double seconds);

/* What zone z has counted in all, wraps undone; and its count as shown. */
uint64_t sim_total(struct sim *s, int z);
double sim_joules(struct sim *s, int z);
uint64_t sim_count(struct sim *s, int z);

#endif
