/* The CPUs this process may use, in the order in which threads should take them. */
#ifndef BITJOULE_TOPOLOGY_H
#define BITJOULE_TOPOLOGY_H

#include <stddef.h>

/* Fills cpus (operating system numbers) with one hardware thread of every allowed physical core first, then the second ones, ...
 * Returns how many there are, at most cap; *cores (or NULL): physical cores among them. 0 when the topology cannot be read. */
size_t topology_cpus(int *cpus, size_t cap, size_t *cores);

#endif
