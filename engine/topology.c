/* CPU order for pinning, from hwloc restricted to this process's affinity mask. Where cores differ (big.LITTLE, hybrid) hwloc has them as
 * kinds in the order of performance, from the kernel's cpu_capacity and maximal frequencies. */
#include "engine/topology.h"

#include <hwloc.h>

/* Where an order is collected. */
struct order {
    int *cpus;
    size_t n, cap;
};

/* The i-th allowed hardware thread of every core of a kind (-1: of every core), appended in core order; how many were added. */
static size_t add_rank(hwloc_topology_t topo, unsigned rank, int kind, struct order *o)
{
    const int cores = hwloc_get_nbobjs_by_type(topo, HWLOC_OBJ_CORE);
    const size_t before = o->n;
    for (int c = 0; c < cores; c++) {
        const hwloc_obj_t core = hwloc_get_obj_by_type(topo, HWLOC_OBJ_CORE, (unsigned)c);
        int pu = -1;
        if (kind >= 0 && hwloc_cpukinds_get_by_cpuset(topo, core->cpuset, 0) != kind)
            continue;
        for (unsigned i = 0; i <= rank; i++)
            if ((pu = hwloc_bitmap_next(core->cpuset, pu)) < 0)
                break;
        if (pu >= 0 && o->n < o->cap)
            o->cpus[o->n++] = pu;
    }
    return o->n - before;
}

/* How many kinds of cores there are, if they are known for every core and hwloc could tell which is faster; else 1. */
static int kinds(hwloc_topology_t topo)
{
    const int n = hwloc_cpukinds_get_nr(topo, 0), cores = hwloc_get_nbobjs_by_type(topo, HWLOC_OBJ_CORE);
    int efficiency = -1;
    if (n < 2 || hwloc_cpukinds_get_info(topo, 0, NULL, &efficiency, NULL, NULL, 0) != 0 || efficiency < 0)
        return 1;
    for (int c = 0; c < cores; c++)
        if (hwloc_cpukinds_get_by_cpuset(topo, hwloc_get_obj_by_type(topo, HWLOC_OBJ_CORE, (unsigned)c)->cpuset, 0) < 0)
            return 1;
    return n;
}

/* hwloc without core objects (some virtual machines): plain numbers */
static void all_pus(hwloc_topology_t topo, struct order *o)
{
    const hwloc_const_cpuset_t set = hwloc_topology_get_allowed_cpuset(topo);
    for (int pu = hwloc_bitmap_first(set); pu >= 0 && o->n < o->cap; pu = hwloc_bitmap_next(set, pu))
        o->cpus[o->n++] = pu;
}

size_t topology_order(hwloc_topology_t topo, int *cpus, size_t cap, size_t *cores)
{
    struct order o = {cpus, 0, cap};
    const int n_kinds = kinds(topo);
    size_t added = 1;
    for (unsigned rank = 0; added > 0 && o.n < cap; rank++) {
        added = 0;
        for (int kind = n_kinds - 1; kind >= 0; kind--) /* the fastest last in hwloc, first here */
            added += add_rank(topo, rank, n_kinds > 1 ? kind : -1, &o);
        if (rank == 0)
            *cores = added;
    }
    if (o.n == 0) {
        all_pus(topo, &o);
        *cores = o.n;
    }
    return o.n;
}

size_t topology_cpus(int *cpus, size_t cap, size_t *cores)
{
    hwloc_topology_t topo;
    size_t n = 0, n_cores = 0;
    if (hwloc_topology_init(&topo) == 0) {
        if (hwloc_topology_load(topo) == 0) {
            hwloc_bitmap_t mine = hwloc_bitmap_alloc();
            if (mine && hwloc_get_cpubind(topo, mine, HWLOC_CPUBIND_PROCESS) == 0)
                hwloc_topology_restrict(topo, mine, 0);
            hwloc_bitmap_free(mine);
            n = topology_order(topo, cpus, cap, &n_cores);
        }
        hwloc_topology_destroy(topo);
    }
    if (cores)
        *cores = n_cores;
    return n;
}
