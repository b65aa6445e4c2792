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
#include <string.h>
#include <unistd.h>

#include "profiles/energy_source.h"
#include "profiles/sysfile.h"

enum { MAX_SOCKETS = 64 };

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

/* Joules per count; 0: not known. */
static double unit_of(char vendor, int family, int model, enum energy_domain d, uint64_t unit_value)
{
    const int esu = (int)(unit_value >> 8 & 31);
    if (vendor == 'I' && family == 6) {
        if (ONE_OF(model, 0x4d))
            return 0;
        if (ONE_OF(model, 0x37, 0x4a, 0x4c, 0x5a))
            return 1e-6 * ldexp(1, esu);
        if (d == ENERGY_DRAM && ONE_OF(model, 0x3f, 0x4f, 0x56, 0x55, 0x6a, 0x6c, 0x57, 0x85))
            return ldexp(1, -16);
        if (d == ENERGY_PSYS && ONE_OF(model, 0x8f, 0xcf))
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

static void explain_open(struct energy_channels *c, int err)
{
    if (err == ENOENT || err == ENXIO)
        energy_absent_x86(c, "no /dev/cpu/0/msr", "Remedy: as root, modprobe msr");
    else
        energy_trouble(
            c, ENERGY_DENIED,
            "/dev/cpu/0/msr: %s. Needs root with CAP_SYS_RAWIO, and a kernel that is not locked down (secure boot): prefer "
            "--source perf or powercap",
            strerror(err));
}

/* The registers of one package, read on one of its CPUs. */
static int add_socket(struct energy_channels *c, char vendor, int family, int model, int cpu, int socket)
{
    const struct reg *regs = vendor == 'I' ? intel_regs : amd_regs;
    const size_t n = vendor == 'I' ? sizeof intel_regs / sizeof intel_regs[0] : sizeof amd_regs / sizeof amd_regs[0];
    const int fd = open_device(&c->env, cpu);
    uint64_t unit = 0, value = 0;
    int rc = fd < 0 ? fd : read_msr(fd, vendor == 'I' ? intel_unit_reg : amd_unit_reg, &unit);
    if (rc) {
        explain_open(c, -rc);
        if (fd >= 0)
            close(fd);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const double unit_j = unit_of(vendor, family, model, regs[i].domain, unit);
        /* a register that the CPU lacks cannot be read; one that a hypervisor fakes reads 0, as does its unit */
        if (read_msr(fd, regs[i].address, &value) || unit == 0 || (regs[i].domain == ENERGY_PSYS && socket > 0))
            continue;
        struct energy_channel *ch = energy_add(c);
        if (!ch) {
            close(fd);
            return -ENOMEM;
        }
        snprintf(ch->label, sizeof ch->label, "msr 0x%x cpu%d", (unsigned)regs[i].address, cpu);
        snprintf(ch->name, sizeof ch->name, "%s of package-%d", regs[i].name, socket);
        ch->domain = regs[i].domain;
        ch->socket = socket;
        ch->id = regs[i].address;
        ch->unit_j = unit_j;
        ch->max_count = UINT32_MAX;
        ch->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (!(unit_j > 0))
            snprintf(ch->problem, sizeof ch->problem, "%s: the energy unit of CPU model 0x%x is not known for sure; use powercap",
                     ch->label, (unsigned)model);
    }
    close(fd);
    return 0;
}

static int msr_open(struct energy_channels *c)
{
    int cpus[MAX_SOCKETS], sockets[MAX_SOCKETS], family, model, rc = 0;
    const char vendor = energy_cpu_vendor(&c->env, &family, &model);
    c->grid_s = 0.001;
    if (!vendor || (vendor == 'A' && family < 0x17)) {
        energy_trouble(c, ENERGY_ABSENT, "this CPU has no such registers (Intel since 2011, AMD since family 17h)");
        return 0;
    }
    const int n = energy_socket_cpus(&c->env, cpus, sockets, MAX_SOCKETS);
    for (int i = 0; i < n && !rc && !c->trouble; i++)
        rc = add_socket(c, vendor, family, model, cpus[i], sockets[i]);
    if (!rc && !c->trouble && c->n == 0)
        energy_absent_x86(c, "the RAPL registers cannot be read or are 0", "This CPU has no energy counters");
    return rc;
}

const struct energy_source energy_msr = {
    .name = "msr",
    .title = "RAPL registers of Intel and AMD (/dev/cpu/N/msr), when the kernel offers no driver",
    .kind = ENERGY_COUNTER,
    .open = msr_open,
    .count = msr_count,
};
