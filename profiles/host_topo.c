/* Sockets, cores, hardware threads, caches and NUMA nodes from hwloc.
 *
 * hwloc describes the machine this process runs on; --sysfs and simulated trees do not move it. CPUs outside of this process's
 * cpuset are included, since the record is about the machine; how many of them may be used is counted apart. */
#include <hwloc.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

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

/* Caches of equal level, type, size and line are one entry; hybrid CPUs have several sizes per level. */
static void add_cache(struct host_facts *f, const struct hwloc_cache_attr_s *c)
{
    if (c->size == 0)
        return; /* size not told */
    const char *type = cache_type(c->type);
    for (size_t i = 0; i < f->n_caches; i++) {
        struct host_cache *h = &f->caches[i];
        if (h->level == (int)c->depth && h->type == type && h->bytes == c->size && h->line_bytes == c->linesize) {
            h->count++;
            return;
        }
    }
    if (f->n_caches < HOST_MAX_CACHES)
        f->caches[f->n_caches++] = (struct host_cache){(int)c->depth, type, c->size, c->linesize, 1};
}

static void read_caches(hwloc_topology_t topo, struct host_facts *f)
{
    static const hwloc_obj_type_t types[] = {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L1ICACHE, HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L3CACHE,
                                             HWLOC_OBJ_L4CACHE};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(topo, types[i], o));)
            add_cache(f, &o->attr->cache);
}

static int64_t info_number(const struct hwloc_info_s *info, unsigned n, const char *name)
{
    for (unsigned i = 0; i < n; i++)
        if (strcmp(info[i].name, name) == 0)
            return strtoll(info[i].value, NULL, 10);
    return HOST_UNKNOWN;
}

/* hwloc has the slowest kind first, if it could rank them at all. */
static void read_kinds(hwloc_topology_t topo, struct host_facts *f)
{
    const int n = hwloc_cpukinds_get_nr(topo, 0);
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    for (int k = n - 1; set && n > 1 && k >= 0 && f->n_kinds < HOST_MAX_KINDS; k--) {
        struct host_core_kind *out = &f->kinds[f->n_kinds];
        struct hwloc_info_s *info = NULL;
        unsigned n_info = 0;
        int efficiency = -1;
        if (hwloc_cpukinds_get_info(topo, (unsigned)k, set, &efficiency, &n_info, &info, 0) != 0 || efficiency < 0)
            break;
        hwloc_bitmap_list_snprintf(out->cpus, sizeof out->cpus, set);
        out->capacity = info_number(info, n_info, "LinuxCapacity");
        out->frequency_max_mhz = info_number(info, n_info, "FrequencyMaxMHz");
        f->n_kinds++;
    }
    hwloc_bitmap_free(set);
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
        read_kinds(topo, f);
        hwloc_topology_destroy(topo);
    }
    if (!sysfile_u64(&active, env_sysfs(env), "devices/system/cpu/smt/active"))
        f->smt = active != 0;
    else if (f->cores != HOST_UNKNOWN && f->threads != HOST_UNKNOWN)
        f->smt = f->threads > f->cores;
}
