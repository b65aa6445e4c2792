/* The RAPL zones of the kernel's powercap tree that count energy once each: helper of the powercap probe. */
#ifndef BITJOULE_POWERCAP_ZONES_H
#define BITJOULE_POWERCAP_ZONES_H

#include <stddef.h>
#include <stdint.h>

#include "profiles/probe.h"

enum powercap_kind { POWERCAP_PACKAGE, POWERCAP_DRAM };

struct powercap_zone {
    char dir[40];  /* "intel-rapl:0", "intel-rapl:0:1" below class/powercap */
    char name[32]; /* "package-0", "package-1-die-0"; of a DRAM zone: the package it belongs to */
    enum powercap_kind kind;
    int socket, die;                 /* from the name, never from the index: psys zones shift the index */
    int fd;                          /* of energy_uj, kept open; -1 when it cannot be read */
    uint64_t range_uj;               /* the counter runs from 0 to range_uj and then from 0 again */
    char problem[METRIC_REASON_LEN]; /* why this zone cannot be used, and the remedy; empty: usable */
};

struct powercap_zones {
    struct powercap_zone *zone; /* packages first, then DRAM, each by socket and die */
    size_t n;
    char problem[METRIC_REASON_LEN]; /* why there is no package zone at all; empty: there is one */
};

/* Finds the zones below env's sysfs. Dropped: psys, core and uncore (parts or supersets of the packages), the MMIO copies, second
 * zones of the same name, dies that mirror another die's counter. 0 or -ENOMEM; no zone is no error. Takes about 15 ms where
 * a socket has several dies, because mirrors show only over time. */
int powercap_zones_find(const struct probe_env *env, struct powercap_zones *out);
void powercap_zones_free(struct powercap_zones *z);

/* Current counter, microjoule. 0 or a negative errno; -ERANGE for a value above the stated range. */
int powercap_zone_read(const struct powercap_zone *z, uint64_t *uj);

#endif
