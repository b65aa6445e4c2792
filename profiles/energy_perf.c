/* Sources "perf" and "perf-core": the kernel's `power` and `power_core` PMUs through perf_event_open.
 *
 * The kernel reads the RAPL registers and accumulates them in 64 bits, so nothing wraps here; joules = count * the event's .scale
 * file. The PMU's cpumask names one CPU per package (per die on some, per core for power_core) on which the event must be
 * opened, system-wide: that needs perf_event_paranoid <= 0 or CAP_PERFMON. Counts begin at the moment of opening. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profiles/energy_source.h"
#include "profiles/perf_call.h"
#include "profiles/sysfile.h"

enum { MAX_CPUS = 4096 };

static const struct pmu_event {
    const char *pmu, *event;
    enum energy_domain domain;
} events[] = {
    {"power", "energy-pkg", ENERGY_PKG},    {"power", "energy-ram", ENERGY_DRAM},  {"power", "energy-cores", ENERGY_CORE},
    {"power", "energy-gpu", ENERGY_UNCORE}, {"power", "energy-psys", ENERGY_PSYS}, {"power_core", "energy-core", ENERGY_CORE},
};

static int real_open(uint32_t type, uint64_t config, int cpu)
{
    const struct perf_event_attr attr = {.size = sizeof attr, .type = type, .config = config, .read_format = PERF_CALL_FORMAT};
    return perf_call_open(&attr, -1, cpu, -1);
}

static int perf_count(const struct energy_channels *c, size_t i, uint64_t *count)
{
    uint64_t value[3];
    const struct energy_seam *seam = c->env.seam;
    const int rc = seam && seam->perf_read ? seam->perf_read(c->ch[i].fd, value) : perf_call_read(c->ch[i].fd, value);
    *count = value[0];
    if (rc)
        return rc;
    return value[2] < value[1] ? -EBUSY : 0; /* did not run all the time: somebody else had the counter */
}

static void explain_open(struct energy_channels *c, struct energy_channel *ch, int err)
{
    char paranoid[16];
    sysfile_text(paranoid, sizeof paranoid, env_procfs(&c->env), "sys/kernel/perf_event_paranoid");
    if (err == EACCES || err == EPERM)
        snprintf(
            ch->problem, sizeof ch->problem,
            "%s: permission denied (perf_event_paranoid is %s). Let root type: sysctl kernel.perf_event_paranoid=0, or: setcap "
            "cap_perfmon=ep on the bitjoule program",
            ch->label, paranoid[0] ? paranoid : "not known");
    else
        snprintf(ch->problem, sizeof ch->problem, "%s: cannot be opened on CPU %d: %s", ch->label, (int)ch->id, strerror(err));
}

/* config, scale and unit of an event: false when it is not there or not in joules. */
static bool event_files(const struct probe_env *env, const struct pmu_event *e, uint64_t *config, double *scale)
{
    char text[64], unit[16], *end;
    const char *base = "bus/event_source/devices";
    if (sysfile_text(text, sizeof text, env_sysfs(env), "%s/%s/events/%s", base, e->pmu, e->event) < 0 ||
        strncmp(text, "event=", 6))
        return false;
    *config = strtoull(text + 6, &end, 0);
    if (end == text + 6 || *end)
        return false;
    if (sysfile_text(unit, sizeof unit, env_sysfs(env), "%s/%s/events/%s.unit", base, e->pmu, e->event) < 0 ||
        strcmp(unit, "Joules"))
        return false;
    if (sysfile_text(text, sizeof text, env_sysfs(env), "%s/%s/events/%s.scale", base, e->pmu, e->event) < 0)
        return false;
    *scale = strtod(text, &end);
    return end != text && !*end && *scale > 0 && *scale < 1e3;
}

static int add_event(struct energy_channels *c, const struct pmu_event *e, uint32_t type, uint64_t config, double scale, int cpu)
{
    struct energy_channel *ch = energy_add(c);
    const struct energy_seam *seam = c->env.seam;
    int core;
    if (!ch)
        return -ENOMEM;
    energy_cpu_place(&c->env, cpu, &ch->socket, &ch->die, &core);
    if (strcmp(e->pmu, "power_core") == 0)
        ch->die = core;
    snprintf(ch->label, sizeof ch->label, "%s/%s/ cpu%d", e->pmu, e->event, cpu);
    snprintf(ch->name, sizeof ch->name, "package-%d", ch->socket);
    ch->domain = e->domain;
    ch->unit_j = scale;
    ch->max_count = UINT64_MAX;
    ch->id = (uint64_t)cpu;
    const int fd = seam && seam->perf_open ? seam->perf_open(type, config, cpu) : real_open(type, config, cpu);
    ch->fd = fd < 0 ? -1 : fd;
    uint64_t count;
    const int rc = fd < 0 ? fd : perf_count(c, c->n - 1, &count);
    if (rc)
        explain_open(c, ch, -rc);
    return 0;
}

static int open_pmu(struct energy_channels *c, const char *pmu)
{
    static int cpus[MAX_CPUS];
    uint64_t type, config;
    double scale;
    char mask[4096];
    int rc = 0;
    if (sysfile_u64(&type, env_sysfs(&c->env), "bus/event_source/devices/%s/type", pmu) || type > UINT32_MAX)
        return 0;
    sysfile_text(mask, sizeof mask, env_sysfs(&c->env), "bus/event_source/devices/%s/cpumask", pmu);
    const int n = energy_cpu_list(mask, cpus, MAX_CPUS);
    for (size_t k = 0; k < sizeof events / sizeof events[0]; k++) {
        const struct pmu_event *e = &events[k];
        if (strcmp(e->pmu, pmu) != 0 || !event_files(&c->env, e, &config, &scale))
            continue;
        /* one platform, whatever the number of sockets */
        for (int i = 0; i < (e->domain == ENERGY_PSYS && n > 1 ? 1 : n) && !rc; i++)
            rc = add_event(c, e, (uint32_t)type, config, scale, cpus[i]);
    }
    return rc;
}

static int open_source(struct energy_channels *c, const char *pmu)
{
    char what[96];
    c->grid_s = 0.001;
    c->relative = true;
    if (!energy_env_is_real(&c->env) && !(c->env.seam && c->env.seam->perf_open)) {
        energy_trouble(c, ENERGY_ABSENT, "reads this machine's kernel, but --sysfs points at another tree");
        return 0;
    }
    const int rc = open_pmu(c, pmu);
    snprintf(what, sizeof what, "no %s PMU in sysfs (bus/event_source/devices/%s)", pmu, pmu);
    if (c->n == 0)
        energy_absent_x86(c, what, "Remedy: a kernel with CONFIG_PERF_EVENTS_INTEL_RAPL; as root, modprobe rapl");
    return rc;
}

static int perf_open(struct energy_channels *c)
{
    return open_source(c, "power");
}

static int perf_core_open(struct energy_channels *c)
{
    return open_source(c, "power_core");
}

const struct energy_source energy_perf = {
    .name = "perf",
    .title = "kernel PMU `power`, RAPL of Intel and AMD (perf_event_open)",
    .kind = ENERGY_COUNTER,
    .open = perf_open,
    .count = perf_count,
};

/* Apart, because a read per core costs more than a window of all packages may. */
const struct energy_source energy_perf_core = {
    .name = "perf-core",
    .title = "kernel PMU `power_core`, every core of AMD by itself; without the package",
    .kind = ENERGY_COUNTER,
    .ask_only = true,
    .open = perf_core_open,
    .count = perf_count,
};
