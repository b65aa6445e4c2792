/* CPU order for pinning, from hwloc restricted to this process's affinity mask. */
#include "engine/topology.h"

#include <hwloc.h>

/* The i-th allowed hardware thread of every core, appended in core order; how many were added. */
static size_t add_rank(hwloc_topology_t topo, unsigned rank, int *cpus, size_t n, size_t cap)
{
    const int cores = hwloc_get_nbobjs_by_type(topo, HWLOC_OBJ_CORE);
    size_t added = 0;
    for (int c = 0; c < cores; c++) {
        const hwloc_obj_t core = hwloc_get_obj_by_type(topo, HWLOC_OBJ_CORE, (unsigned)c);
        int pu = -1;
        for (unsigned i = 0; i <= rank; i++)
            if ((pu = hwloc_bitmap_next(core->cpuset, pu)) < 0)
                break;
        if (pu >= 0 && n + added < cap)
            cpus[n + added++] = pu;
    }
    return added;
}

/* hwloc without core objects (some virtual machines): plain numbers */
static size_t all_pus(hwloc_topology_t topo, int *cpus, size_t cap)
{
    size_t n = 0;
    const hwloc_const_cpuset_t set = hwloc_topology_get_allowed_cpuset(topo);
    for (int pu = hwloc_bitmap_first(set); pu >= 0 && n < cap; pu = hwloc_bitmap_next(set, pu))
        cpus[n++] = pu;
    return n;
}

size_t topology_cpus(int *cpus, size_t cap, size_t *cores)
{
    hwloc_topology_t topo;
    size_t n = 0;
    if (cores)
        *cores = 0;
    if (hwloc_topology_init(&topo) != 0)
        return 0;
    if (hwloc_topology_load(topo) == 0) {
        hwloc_bitmap_t mine = hwloc_bitmap_alloc();
        if (mine && hwloc_get_cpubind(topo, mine, HWLOC_CPUBIND_PROCESS) == 0)
            hwloc_topology_restrict(topo, mine, 0);
        hwloc_bitmap_free(mine);
        size_t added = 1;
        for (unsigned rank = 0; added > 0 && n < cap; rank++, n += added) {
            added = add_rank(topo, rank, cpus, n, cap);
            if (rank == 0 && cores)
                *cores = added;
        }
        if (n == 0) {
            n = all_pus(topo, cpus, cap);
            if (cores)
                *cores = n;
        }
    }
    hwloc_topology_destroy(topo);
    return n;
}
