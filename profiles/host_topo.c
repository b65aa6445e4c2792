/* Sockets, cores, hardware threads, caches and NUMA nodes from hwloc.
 *
 * hwloc describes the machine this process runs on; --sysfs and simulated trees do not move it. CPUs outside of this process's
 * cpuset are included, since the record is about the machine; how many of them may be used is counted apart. */
#include <hwloc.h>
#include <sched.h>

#include "profiles/host_facts.h"
#include "profiles/sysfile.h"

static int64_t count_of(hwloc_topology_t topo, hwloc_obj_type_t type)
{
    int n = hwloc_get_nbobjs_by_type(topo, type);
    return n > 0 ? n : HOST_UNKNOWN;
}

static const char *cache_type(hwloc_obj_cache_type_t t)
{
    return t == HWLOC_OBJ_CACHE_DATA ? "data" : t == HWLOC_OBJ_CACHE_INSTRUCTION ? "instruction" : "unified";
}

/* Caches of equal level, type and size are one entry; hybrid CPUs have several sizes per level. */
static void add_cache(struct host_facts *f, const struct hwloc_cache_attr_s *c)
{
    if (c->size == 0)
        return; /* size not told */
    const char *type = cache_type(c->type);
    for (size_t i = 0; i < f->n_caches; i++) {
        struct host_cache *h = &f->caches[i];
        if (h->level == (int)c->depth && h->type == type && h->bytes == c->size) {
            h->count++;
            return;
        }
    }
    if (f->n_caches < HOST_MAX_CACHES)
        f->caches[f->n_caches++] = (struct host_cache){(int)c->depth, type, c->size, 1};
}

static void read_caches(hwloc_topology_t topo, struct host_facts *f)
{
    static const hwloc_obj_type_t types[] = {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L1ICACHE, HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L3CACHE,
                                             HWLOC_OBJ_L4CACHE};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(topo, types[i], o));)
            add_cache(f, &o->attr->cache);
}

static int load(hwloc_topology_t *topo)
{
    if (hwloc_topology_init(topo))
        return -1;
    hwloc_topology_set_flags(*topo, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    hwloc_topology_set_icache_types_filter(*topo, HWLOC_TYPE_FILTER_KEEP_ALL);
    if (!hwloc_topology_load(*topo))
        return 0;
    hwloc_topology_destroy(*topo);
    return -1;
}

void host_topo_read(const struct probe_env *env, struct host_facts *f)
{
    hwloc_topology_t topo;
    cpu_set_t allowed;
    uint64_t active;
    f->sockets = f->cores = f->threads = f->numa_nodes = f->smt = f->allowed_threads = HOST_UNKNOWN;
    if (!sched_getaffinity(0, sizeof allowed, &allowed))
        f->allowed_threads = CPU_COUNT(&allowed);
    if (!load(&topo)) {
        f->sockets = count_of(topo, HWLOC_OBJ_PACKAGE);
        f->cores = count_of(topo, HWLOC_OBJ_CORE);
        f->threads = count_of(topo, HWLOC_OBJ_PU);
        f->numa_nodes = count_of(topo, HWLOC_OBJ_NUMANODE);
        read_caches(topo, f);
        hwloc_topology_destroy(topo);
    }
    if (!sysfile_u64(&active, env_sysfs(env), "devices/system/cpu/smt/active"))
        f->smt = active != 0;
    else if (f->cores != HOST_UNKNOWN && f->threads != HOST_UNKNOWN)
        f->smt = f->threads > f->cores;
}
