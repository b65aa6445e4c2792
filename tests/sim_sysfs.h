/* A simulated /sys (or /proc) in a temporary folder, with energy counters that a test advances by hand or a thread by power. */
#ifndef BITJOULE_SIM_SYSFS_H
#define BITJOULE_SIM_SYSFS_H

#include <stddef.h>
#include <stdint.h>

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
/* From now on zone z shows what zone `of` shows. */
void sim_zone_mirror(struct sim *s, int z, int of);
/* Counts uj on, and from 0 again after range_uj. */
void sim_advance(struct sim *s, int z, uint64_t uj);
/* Forces a value, as a reset does. */
void sim_set(struct sim *s, int z, uint64_t uj);
/* The counter's file becomes empty, as when the device is gone while the file is open. */
void sim_vanish(struct sim *s, int z);

/* What the driver thread makes of zone z: watts from the start of the driver, then_watts from after_s on. */
void sim_power(struct sim *s, int z, double watts, double then_watts, double after_s);
void sim_drive(struct sim *s); /* starts the thread: all zones with power, about once per millisecond */
void sim_stop(struct sim *s);
/* The truth: all that zone z has counted, wraps undone. */
uint64_t sim_total_uj(struct sim *s, int z);

#endif
