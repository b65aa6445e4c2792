/* Which CPUs a thread count means: on machines whose cores differ, built from hwloc's synthetic topologies and from a made-up /sys of an
 * ARM board with cpu_capacity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hwloc.h>

#include "engine/topology.h"
#include "tests/sim_sysfs.h"

enum { CAP = 16 };

static hwloc_topology_t synthetic(const char *text)
{
    hwloc_topology_t topo;
    assert_int_equal(hwloc_topology_init(&topo), 0);
    assert_int_equal(hwloc_topology_set_synthetic(topo, text), 0);
    assert_int_equal(hwloc_topology_load(topo), 0);
    return topo;
}

static void add_kind(hwloc_topology_t topo, unsigned first, unsigned last, int efficiency)
{
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    hwloc_bitmap_set_range(set, first, (int)last);
    assert_int_equal(hwloc_cpukinds_register(topo, set, efficiency, 0, NULL, 0), 0);
    hwloc_bitmap_free(set);
}

static void check_order(hwloc_topology_t topo, size_t n, const int *want, size_t want_cores)
{
    int cpus[CAP];
    size_t cores = 0;
    assert_int_equal(topology_order(topo, cpus, CAP, &cores), n);
    assert_int_equal(cores, want_cores);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(cpus[i], want[i]);
    assert_int_equal(topology_order(topo, cpus, 3, &cores), 3);
    assert_int_equal(cpus[2], want[2]);
    hwloc_topology_destroy(topo);
}

static void equal_cores(void **state)
{
    (void)state;
    check_order(synthetic("core:3 pu:2"), 6, (const int[]){0, 2, 4, 1, 3, 5}, 3);
}

static void big_before_little(void **state)
{
    (void)state;
    hwloc_topology_t topo = synthetic("core:6 pu:1");
    add_kind(topo, 0, 3, 1);
    add_kind(topo, 4, 5, 2);
    check_order(topo, 6, (const int[]){4, 5, 0, 1, 2, 3}, 6);
}

/* Second hardware threads come after the slow cores: a hybrid whose fast cores have two, as far as synthetic cores can differ */
static void slow_cores_before_second_threads(void **state)
{
    (void)state;
    hwloc_topology_t topo = synthetic("core:4 pu:2");
    add_kind(topo, 0, 3, 1);
    add_kind(topo, 4, 7, 2);
    check_order(topo, 8, (const int[]){4, 6, 0, 2, 5, 7, 1, 3}, 4);
}

/* A kind for some cores only says nothing about the others */
static void kinds_of_some_cores(void **state)
{
    (void)state;
    hwloc_topology_t topo = synthetic("core:4 pu:1");
    add_kind(topo, 2, 3, 1);
    check_order(topo, 4, (const int[]){0, 1, 2, 3}, 4);
}

static void write_cpu(const struct sim *root, int cpu, int capacity)
{
    const struct {
        const char *file;
        int value;
    } files[] = {{"topology/core_id", cpu},
                 {"topology/physical_package_id", 0},
                 {"topology/thread_siblings", 1 << cpu},
                 {"topology/core_siblings", 0xf},
                 {"cpu_capacity", capacity}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[96];
        snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%d/%s", cpu, files[i].file);
        sim_write(root, path, i == 2 || i == 3 ? "%x\n" : "%d\n", files[i].value);
    }
}

static void capacities_of_a_board(void **state)
{
    (void)state;
    struct sim *root = sim_new();
    hwloc_topology_t topo;
    sim_write(root, "sys/devices/system/cpu/online", "0-3\n");
    sim_write(root, "sys/devices/system/cpu/possible", "0-3\n");
    sim_write(root, "sys/devices/system/cpu/present", "0-3\n");
    sim_write(root, "proc/cpuinfo", "processor\t: 0\nprocessor\t: 1\nprocessor\t: 2\nprocessor\t: 3\n");
    for (int cpu = 0; cpu < 4; cpu++)
        write_cpu(root, cpu, cpu < 2 ? 446 : 1024);
    setenv("HWLOC_FSROOT", sim_root(root), 1);
    setenv("HWLOC_COMPONENTS", "linux,stop", 1);
    assert_int_equal(hwloc_topology_init(&topo), 0);
    assert_int_equal(hwloc_topology_load(topo), 0);
    unsetenv("HWLOC_FSROOT");
    unsetenv("HWLOC_COMPONENTS");
    check_order(topo, 4, (const int[]){2, 3, 0, 1}, 4);
    sim_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_cores),         cmocka_unit_test(big_before_little),     cmocka_unit_test(slow_cores_before_second_threads),
        cmocka_unit_test(kinds_of_some_cores), cmocka_unit_test(capacities_of_a_board),
    };
    return cmocka_run_group_tests_name("topology", tests, NULL, NULL);
}
