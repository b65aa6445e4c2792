/* The CPUs this process may use, in the order in which threads should take them: what `-t N` means.
 *
 * N threads run on the first N of: one hardware thread of every allowed core, cores of the fastest kind first (big before LITTLE), then
 * the second hardware threads of all cores, ... So 4 threads on a machine of 4 big and 4 LITTLE cores take the big ones, 6 threads all
 * of these and two LITTLE ones. A record names the CPUs (`cpus` of a cell) and the kinds of cores (`core_kinds` of the host). */
#ifndef BITJOULE_TOPOLOGY_H
#define BITJOULE_TOPOLOGY_H

#include <stddef.h>

struct hwloc_topology;

/* Fills cpus (operating system numbers) in that order. Returns how many there are, at most cap; *cores (or NULL): physical cores among
 * them. 0 when the topology cannot be read. */
size_t topology_cpus(int *cpus, size_t cap, size_t *cores);

/* The same of a topology that is loaded and restricted already. */
size_t topology_order(struct hwloc_topology *topo, int *cpus, size_t cap, size_t *cores);

#endif
