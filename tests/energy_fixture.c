/* See energy_fixture.h. */
#include "tests/energy_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct energy_run energy_run_open_with(struct sim *s, const char *source, const struct energy_seam *seam)
{
    static char proc[64];
    char cpuinfo[96];
    snprintf(proc, sizeof proc, "%s/proc", sim_root(s));
    snprintf(cpuinfo, sizeof cpuinfo, "%s/cpuinfo", proc);
    if (access(cpuinfo, F_OK) != 0)
        sim_write(s, "proc/cpuinfo", "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: simulated\n");
    struct energy_run r = {.sim = s, .env = {.sysfs = sim_root(s), .procfs = proc, .energy_source = source, .seam = seam}};
    assert_int_equal(probe_energy.open(&r.env, &r.state), 0);
    return r;
}

struct energy_run energy_run_open(struct sim *s, const char *source)
{
    return energy_run_open_with(s, source, sim_clock(s));
}

void energy_run_close(struct energy_run *r)
{
    probe_energy.close(r->state);
}

void energy_run_start(struct energy_run *r)
{
    probe_energy.start(r->state);
}

void energy_run_idle(struct energy_run *r, double seconds, double step_s)
{
    const double end_s = sim_time_s(r->sim) + seconds;
    while (sim_time_s(r->sim) < end_s) {
        sim_sleep(r->sim, fmin(step_s, end_s - sim_time_s(r->sim)));
        if (sim_time_s(r->sim) < end_s)
            probe_energy.keep_alive(r->state);
    }
}

void energy_run_stop(struct energy_run *r)
{
    probe_energy.stop(r->state);
    r->n = probe_energy.read(r->state, r->m, PROBE_MAX_METRICS);
}

void energy_run_window(struct energy_run *r, double seconds, double step_s)
{
    energy_run_start(r);
    energy_run_idle(r, seconds, step_s);
    energy_run_stop(r);
}

static const struct metric *look_up(const struct energy_run *r, const char *name)
{
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->m[i].name, name) == 0)
            return &r->m[i];
    return NULL;
}

bool energy_has(const struct energy_run *r, const char *name)
{
    return look_up(r, name) != NULL;
}

const struct metric *energy_find(const struct energy_run *r, const char *name)
{
    const struct metric *m = look_up(r, name);
    if (!m) {
        fail_msg("no metric %s", name);
        abort(); /* not reached: fail_msg() jumps */
    }
    return m;
}

void energy_check(const struct energy_run *r, const char *name, double truth_j, double share)
{
    const struct metric *m = energy_find(r, name);
    if (m->status == METRIC_UNAVAILABLE)
        fail_msg("%s: %s", name, m->reason);
    if (!(fabs(m->value - truth_j) <= share * truth_j))
        fail_msg("%s: %.9g, truth %.9g (%s)", name, m->value, truth_j, m->reason);
}

void energy_check_reason(const struct energy_run *r, const char *name, const char *text)
{
    const struct metric *m = energy_find(r, name);
    if (!strstr(m->reason, text))
        fail_msg("%s: '%s' lacks '%s'", name, m->reason, text);
}

void energy_check_lost(const struct energy_run *r, const char *name, const char *reason)
{
    const struct metric *m = energy_find(r, name);
    if (m->status != METRIC_UNAVAILABLE || !isnan(m->value))
        fail_msg("%s has the value %g", name, m->value);
    energy_check_reason(r, name, reason);
}

void energy_add_cpu(struct sim *s, int cpu, int socket, int die)
{
    char path[96];
    snprintf(path, sizeof path, "devices/system/cpu/cpu%d/topology/physical_package_id", cpu);
    sim_write(s, path, "%d\n", socket);
    snprintf(path, sizeof path, "devices/system/cpu/cpu%d/topology/die_id", cpu);
    sim_write(s, path, "%d\n", die);
    snprintf(path, sizeof path, "devices/system/cpu/cpu%d/topology/core_id", cpu);
    sim_write(s, path, "%d\n", cpu);
}

int energy_counter_zone(struct sim *s, double unit_j, uint64_t range, uint64_t start, double watts)
{
    const int z = sim_meter(s, SIM_COUNT_ONLY, NULL, 0, unit_j, range, start);
    sim_power(s, z, watts, watts, 0);
    return z;
}

int energy_power_file(struct sim *s, const char *path, double unit_w, double watts)
{
    const int z = sim_meter(s, SIM_POWER_TEXT, path, 0, unit_w, UINT64_MAX, 0);
    sim_power(s, z, watts, watts, 0);
    return z;
}
