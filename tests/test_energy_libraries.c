/* Sources that read RAPL registers through a library: papi and likwid, with stand-ins for the libraries over simulated counters. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#include "profiles/likwid_library.h"
#include "profiles/papi_library.h"
#include "tests/energy_fixture.h"

static const double ldexp_m32 = 2.3283064365386962890625e-10;

static void end(struct energy_run *r)
{
    energy_run_close(r);
    sim_free(r->sim);
}

/* ---- the machine: two CPUs per package, one counter each, of 40, 50, 60 ... W ---- */

static struct sim *lib_sim;
static int lib_zone[32], lib_n, lib_error;
static int lib_bad_cpu; /* cannot be opened; -1: none */
static bool papi_rapl;
static int lib_bad_read; /* likwid cannot read on this CPU; -1: none */

static struct sim *lib_tree(int sockets, double unit_j, uint64_t range, uint64_t start)
{
    struct sim *s = sim_new();
    sim_write(s, "devices/system/cpu/online", "0-%d\n", 2 * sockets - 1);
    for (int i = 0; i < 2 * sockets; i++)
        energy_add_cpu(s, i, i / 2, 0);
    for (int i = 0; i < sockets; i++)
        lib_zone[i] = energy_counter_zone(s, unit_j, range, start, 40 + 10 * i);
    lib_sim = s;
    lib_n = lib_error = 0;
    lib_bad_cpu = lib_bad_read = -1;
    return s;
}

/* ---- papi ---- */

static int papi_init(void)
{
    return lib_error;
}
static bool papi_has(const char *name)
{
    return strcmp(name, papi_rapl ? "rapl" : "perf_event_uncore") == 0;
}
static int papi_new_set(const struct papi_target *target, int *set)
{
    assert_true(target->pid == -1 && (target->cpu == -1) == papi_rapl);
    *set = papi_rapl ? lib_n : target->cpu;
    return papi_has(target->component) ? 0 : -7;
}
static int papi_add(int set, const char *event)
{
    const bool pkg =
        strncmp(event, papi_rapl ? "rapl:::PACKAGE_ENERGY:PACKAGE" : "rapl::RAPL_ENERGY_PKG", papi_rapl ? 29 : 21) == 0;
    (void)set;
    return pkg ? 0 : -7;
}
static int papi_start(int set)
{
    if (!papi_rapl && set == lib_bad_cpu)
        return -15;
    lib_n++;
    return 0;
}
static int papi_read(int set, long long *values)
{
    *values = (long long)sim_count(lib_sim, lib_zone[papi_rapl ? set : set / 2]);
    return 0;
}
static int papi_stop(int set, long long *values)
{
    lib_n--;
    return papi_read(set, values);
}
static void papi_end(int set)
{
    (void)set;
}
static void papi_shutdown(void)
{
    assert_int_equal(lib_n, 0); /* all that were started are stopped */
}
static const char *papi_strerror(int code)
{
    return code == -7 ? "Event does not exist" : "Permission level does not permit operation";
}
static const struct papi_api fake_papi = {.init = papi_init,
                                          .has_component = papi_has,
                                          .new_set = papi_new_set,
                                          .add = papi_add,
                                          .start = papi_start,
                                          .read = papi_read,
                                          .stop = papi_stop,
                                          .end = papi_end,
                                          .shutdown = papi_shutdown,
                                          .error = papi_strerror};

static void papi_by_either_component(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        papi_rapl = k == 0;
        struct sim *s = lib_tree(2, papi_rapl ? 1e-9 : ldexp_m32, UINT64_MAX, 0);
        struct energy_seam seam = *sim_clock(s);
        seam.papi = &fake_papi;
        struct energy_run r = energy_run_open_with(s, "papi", &seam);
        assert_true(fabs(probe_energy.keep_alive(r.state) - 8) < 1e-9);
        energy_run_window(&r, 20, 4);
        energy_check(&r, "energy_pkg_j", 1800, 0.001);
        energy_check(&r, "energy_pkg_j.socket1", 1000, 0.001);
        end(&r);
    }
    struct sim *s = lib_tree(2, 1e-9, UINT64_MAX, 0);
    struct energy_seam seam = *sim_clock(s);
    seam.papi = &fake_papi;
    lib_error = -15;
    struct energy_run r = energy_run_open_with(s, "papi", &seam);
    energy_run_window(&r, 2, 2);
    energy_check_lost(&r, "energy_pkg_j", "Permission level does not permit operation");
    end(&r);
}

/* Sixteen sockets are no limit, and one that cannot be read loses the sum. */
static void papi_leaves_no_socket_out(void **state)
{
    (void)state;
    enum { SOCKETS = 20 };
    for (int k = 0; k < 2; k++) {
        papi_rapl = false;
        struct sim *s = lib_tree(SOCKETS, ldexp_m32, UINT64_MAX, 0);
        struct energy_seam seam = *sim_clock(s);
        seam.papi = &fake_papi;
        lib_bad_cpu = k ? 2 : -1;
        struct energy_run r = energy_run_open_with(s, "papi", &seam);
        energy_run_window(&r, 20, 4);
        if (k) {
            energy_check_lost(&r, "energy_pkg_j", "papi cpu2 (package-1): PAPI, component perf_event_uncore: Permission level");
            energy_check_lost(&r, "energy_pkg_j.socket1", "Permission level");
        } else
            energy_check(&r, "energy_pkg_j", 20 * (40 * SOCKETS + 10 * SOCKETS * (SOCKETS - 1) / 2), 0.001);
        energy_check(&r, "energy_pkg_j.socket19", 20 * 230, 0.001);
        end(&r);
    }
    papi_rapl = true; /* this component numbers packages: of a second die it knows nothing */
    struct sim *s = lib_tree(2, 1e-9, UINT64_MAX, 0);
    energy_add_cpu(s, 3, 1, 1);
    struct energy_seam seam = *sim_clock(s);
    seam.papi = &fake_papi;
    struct energy_run r = energy_run_open_with(s, "papi", &seam);
    energy_run_window(&r, 20, 4);
    energy_check_lost(&r, "energy_pkg_j", "papi cpu3 (package-1): PAPI's component rapl reads one die of a package");
    energy_check(&r, "energy_pkg_j.socket0", 800, 0.001);
    end(&r);
}

/* ---- likwid ---- */

static int likwid_init(bool daemon, int cpu)
{
    (void)daemon;
    (void)cpu;
    if (lib_error == 1) /* as the library does when its daemon fails */
        exit(EXIT_FAILURE);
    return 0;
}
static int likwid_add_cpu(int cpu)
{
    return cpu == lib_bad_cpu ? -EACCES : 0;
}
static double likwid_unit_j(int domain)
{
    return domain == 0 ? ldexp(1, -14) : 0;
}
static int likwid_read(int cpu, int domain, uint32_t *count)
{
    (void)domain;
    if (cpu == lib_bad_read)
        return -EIO;
    *count = (uint32_t)sim_count(lib_sim, lib_zone[cpu / 2]);
    return 0;
}
static void likwid_finish(void)
{
}
static const struct likwid_api fake_likwid = {.power_init = likwid_init,
                                              .power_add_cpu = likwid_add_cpu,
                                              .unit_j = likwid_unit_j,
                                              .power_read = likwid_read,
                                              .power_finish = likwid_finish};

static void likwid_wraps_and_dies_alone(void **state)
{
    (void)state;
    struct sim *s = lib_tree(2, ldexp(1, -14), UINT32_MAX, UINT32_MAX - 1000);
    struct energy_seam seam = *sim_clock(s);
    seam.likwid = &fake_likwid;
    struct energy_run r = energy_run_open_with(s, "likwid", &seam);
    energy_run_window(&r, 600, 60);
    energy_check(&r, "energy_pkg_j", 90 * 600, 0.001);
    energy_run_close(&r);
    lib_error = 1;
    r = energy_run_open_with(s, "likwid", &seam);
    energy_run_window(&r, 2, 2);
    energy_check_lost(&r, "energy_pkg_j", "likwid cannot read the RAPL registers here");
    end(&r);
}

static void likwid_leaves_no_socket_out(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        struct sim *s = lib_tree(20, ldexp(1, -14), UINT32_MAX, 0);
        struct energy_seam seam = *sim_clock(s);
        seam.likwid = &fake_likwid;
        lib_bad_cpu = k == 1 ? 38 : -1;
        lib_bad_read = k == 2 ? 38 : -1;
        struct energy_run r = energy_run_open_with(s, "likwid", &seam);
        energy_run_window(&r, 20, 20);
        if (k == 0)
            energy_check(&r, "energy_pkg_j", 20 * (40 * 20 + 10 * 190), 0.001);
        else if (k == 1)
            energy_check_lost(&r, "energy_pkg_j", "cannot read the RAPL registers of CPU 38: Permission denied");
        else
            energy_check_lost(&r, "energy_pkg_j.socket19", "likwid cpu38 (package-19): has no such counter that can be read");
        if (k)
            energy_check_lost(&r, "energy_pkg_j", "likwid cpu38 (package-19)");
        energy_check(&r, "energy_pkg_j.socket18", 20 * 220, 0.001);
        end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(papi_by_either_component),
        cmocka_unit_test(papi_leaves_no_socket_out),
        cmocka_unit_test(likwid_wraps_and_dies_alone),
        cmocka_unit_test(likwid_leaves_no_socket_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
