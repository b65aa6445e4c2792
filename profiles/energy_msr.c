/* Source "msr": the RAPL registers themselves, through /dev/cpu/N/msr. The last resort: the kernel's own drivers know units better.
 *
 *     Intel  unit 0x606 bits 12:8 = ESU, J = count * 2^-ESU  package 0x611, cores 0x639, graphics 0x641, DRAM 0x619, psys 0x64d
 *     AMD    unit 0xc0010299 likewise                          package 0xc001029b (per-core counters: --source perf-core)
 * The low 32 bits count, the upper ones are not defined; newer AMD parts count in 64, which agrees modulo 2^32. Exceptions that the
 * registers do not tell: DRAM of Haswell-E to Ice Lake-SP and Knights Landing is 2^-16 J, the platform counter of
 * Sapphire and Emerald Rapids is 1 J, old Atoms state 2^ESU microjoule (one of them both ways: refused). Needs root with
 * CAP_SYS_RAWIO and a kernel that is not locked down. Register numbers and exceptions: Intel SDM vol. 4, AMD PPR. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profiles/energy_source.h"
#include "profiles/sysfile.h"

struct reg {
    uint32_t address;
    enum energy_domain domain;
    const char *name;
};
static const struct reg intel_regs[] = {{0x611, ENERGY_PKG, "package"},
                                        {0x619, ENERGY_DRAM, "dram"},
                                        {0x639, ENERGY_CORE, "cores"},
                                        {0x641, ENERGY_UNCORE, "graphics"},
                                        {0x64d, ENERGY_PSYS, "platform"}};
static const struct reg amd_regs[] = {{0xc001029b, ENERGY_PKG, "package"}};
static const uint32_t intel_unit_reg = 0x606, amd_unit_reg = 0xc0010299;

static bool any_of(int model, const int *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == model)
            return true;
    return false;
}
#define ONE_OF(model, ...) any_of(model, (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

/* A CPU whose registers are read. */
struct msr_cpu {
    char vendor;
    int family, model;
    int fd;
    uint64_t unit; /* its unit register; 0: faked */
};

/* Joules per count; 0: not known. */
static double unit_of(const struct msr_cpu *m, enum energy_domain d)
{
    const int esu = (int)(m->unit >> 8 & 31);
    if (m->vendor == 'I' && m->family == 6) {
        if (ONE_OF(m->model, 0x4d))
            return 0;
        if (ONE_OF(m->model, 0x37, 0x4a, 0x4c, 0x5a))
            return 1e-6 * ldexp(1, esu);
        if (d == ENERGY_DRAM && ONE_OF(m->model, 0x3f, 0x4f, 0x56, 0x55, 0x6a, 0x6c, 0x57, 0x85))
            return ldexp(1, -16);
        if (d == ENERGY_PSYS && ONE_OF(m->model, 0x8f, 0xcf))
            return 1;
    }
    return ldexp(1, -esu);
}

static int read_msr(int fd, uint32_t address, uint64_t *value)
{
    const ssize_t n = pread(fd, value, sizeof *value, (off_t)address);
    if (n < 0)
        return -errno;
    return n == (ssize_t)sizeof *value ? 0 : -ENODATA;
}

static int msr_count(const struct energy_channels *c, size_t i, uint64_t *count)
{
    uint64_t v = 0;
    const int rc = read_msr(c->ch[i].fd, (uint32_t)c->ch[i].id, &v);
    *count = v & UINT32_MAX;
    return rc;
}

/* The device of a CPU: a simulated tree holds its devices in DIR/dev. */
static int open_device(const struct probe_env *env, int cpu)
{
    char path[SYSFILE_PATH_LEN];
    const bool real = energy_env_is_real(env);
    if (snprintf(path, sizeof path, "%s/dev/cpu/%d/msr", real ? "" : env->sysfs, cpu) >= (int)sizeof path)
        return -ENAMETOOLONG;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static bool is_absent(int rc)
{
    return rc == -ENOENT || rc == -ENXIO;
}

/* Opens the registers of a place's CPU and reads their unit; the problem of the place tells why not. 0 or a negative errno. */
static int open_cpu(const struct probe_env *env, struct msr_cpu *m, struct energy_place *p)
{
    m->unit = 0;
    m->fd = open_device(env, p->cpu);
    const int rc = m->fd < 0 ? m->fd : read_msr(m->fd, m->vendor == 'I' ? intel_unit_reg : amd_unit_reg, &m->unit);
    if (is_absent(rc))
        snprintf(p->problem, sizeof p->problem, "no /dev/cpu/%d/msr", p->cpu);
    else if (rc)
        snprintf(p->problem, sizeof p->problem,
                 "/dev/cpu/%d/msr: %s. Needs root with CAP_SYS_RAWIO, and a kernel that is not locked down (secure boot): prefer "
                 "--source perf or powercap",
                 p->cpu, strerror(-rc));
    return rc;
}

static int add_register(struct energy_channels *c, const struct msr_cpu *m, const struct reg *r, const struct energy_place *p)
{
    struct energy_channel *ch = energy_add(c);
    if (!ch)
        return -ENOMEM;
    snprintf(ch->label, sizeof ch->label, "msr 0x%x cpu%d", (unsigned)r->address, p->cpu);
    snprintf(ch->name, sizeof ch->name, "%s of package-%d", r->name, p->socket);
    ch->domain = r->domain;
    ch->socket = p->socket;
    ch->die = p->die;
    ch->id = r->address;
    ch->unit_j = unit_of(m, r->domain);
    ch->max_count = UINT32_MAX;
    ch->fd = fcntl(m->fd, F_DUPFD_CLOEXEC, 0);
    if (!(ch->unit_j > 0))
        snprintf(ch->problem, sizeof ch->problem, "%s: the energy unit of CPU model 0x%x is not known for sure; use powercap",
                 ch->label, (unsigned)m->model);
    return 0;
}

/* All registers of an opened CPU that count; one that the CPU lacks cannot be read, one that a hypervisor fakes reads 0, as does
 * its unit. The platform is read on the first place only. */
static int add_registers(struct energy_channels *c, const struct msr_cpu *m, const struct energy_place *p, bool first)
{
    const struct reg *regs = m->vendor == 'I' ? intel_regs : amd_regs;
    const size_t n = m->vendor == 'I' ? sizeof intel_regs / sizeof intel_regs[0] : sizeof amd_regs / sizeof amd_regs[0];
    uint64_t value;
    int rc = 0;
    for (size_t i = 0; i < n && m->unit && !rc; i++)
        if (!read_msr(m->fd, regs[i].address, &value) && (regs[i].domain != ENERGY_PSYS || first))
            rc = add_register(c, m, &regs[i], p);
    return rc;
}

/* Why there is no channel at all, by what became of the first place. */
static void explain_nothing(struct energy_channels *c, int first_rc, const char *problem)
{
    if (is_absent(first_rc))
        energy_absent_x86(c, problem, "Remedy: as root, modprobe msr");
    else if (first_rc)
        energy_trouble(c, ENERGY_DENIED, "%s", problem);
    else
        energy_absent_x86(c, "the RAPL registers cannot be read or are 0", "This CPU has no energy counters");
}

static int msr_open(struct energy_channels *c)
{
    struct msr_cpu m;
    struct energy_place *place;
    m.vendor = energy_cpu_vendor(&c->env, &m.family, &m.model);
    c->grid_s = 0.001;
    if (!m.vendor || (m.vendor == 'A' && m.family < 0x17)) {
        energy_trouble(c, ENERGY_ABSENT, "this CPU has no such registers (Intel since 2011, AMD since family 17h)");
        return 0;
    }
    const int n = energy_places(&c->env, &place);
    int rc = n < 0 ? n : 0, first_rc = 0;
    for (int i = 0; i < n && !rc; i++) {
        const int opened = open_cpu(&c->env, &m, &place[i]);
        first_rc = i ? first_rc : opened;
        rc = opened ? 0 : add_registers(c, &m, &place[i], i == 0);
        if (m.fd >= 0)
            close(m.fd);
    }
    rc = rc ? rc : energy_add_missing(c, place, n);
    if (!rc && c->n == 0)
        explain_nothing(c, first_rc, place[0].problem);
    free(place);
    return rc;
}

const struct energy_source energy_msr = {
    .name = "msr",
    .title = "RAPL registers of Intel and AMD (/dev/cpu/N/msr), when the kernel offers no driver",
    .kind = ENERGY_COUNTER,
    .open = msr_open,
    .count = msr_count,
};
