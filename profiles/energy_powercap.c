/* Source "powercap": the kernel's RAPL zones (Intel, and AMD since Zen) in class/powercap.
 *
 * All zones lie flat there: intel-rapl:0 is a package or psys, intel-rapl:0:1 a part of it; intel-rapl-mmio and intel-rapl-tpmi
 * zones are other windows to the same packages and count only where the first kind cannot be read. What a zone is says its `name`
 * file, never its index: psys zones shift that. Units are the kernel's (microjoule), so no table of CPU models is needed. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profiles/energy_source.h"
#include "profiles/sysfile.h"

static const char *const prefixes[] = {"intel-rapl:", "intel-rapl-mmio:", "intel-rapl-tpmi:"};
enum { N_PREFIXES = sizeof prefixes / sizeof prefixes[0] };

/* Which of the prefixes a folder has; -1: none. It is the channel's rank. */
static int rank_of(const char *dir)
{
    for (int i = 0; i < N_PREFIXES; i++)
        if (strncmp(dir, prefixes[i], strlen(prefixes[i])) == 0)
            return i;
    return -1;
}

/* Fills domain, name, socket and die; false when the zone is none that we count. */
static bool identify(struct energy_channel *ch, const char *sysfs)
{
    static const struct {
        const char *name;
        enum energy_domain domain;
    } parts[] = {{"dram", ENERGY_DRAM}, {"core", ENERGY_CORE}, {"uncore", ENERGY_UNCORE}};
    char name[40];
    if (sysfile_text(name, sizeof name, sysfs, "class/powercap/%s/name", ch->label) < 0)
        return false;
    snprintf(ch->name, sizeof ch->name, "%s", name);
    if (strncmp(name, "psys", 4) == 0) {
        ch->domain = ENERGY_PSYS;
        return true;
    }
    ch->domain = ENERGY_PKG;
    if (energy_parse_package(name, &ch->socket, &ch->die))
        return true;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *last_colon = strrchr(ch->label, ':');
        char parent[40];
        if (strcmp(name, parts[i].name) != 0 ||
            sysfile_text(parent, sizeof parent, sysfs, "class/powercap/%.*s/name", (int)(last_colon - ch->label), ch->label) < 0)
            continue;
        ch->domain = parts[i].domain;
        snprintf(ch->name, sizeof ch->name, "%s", parent);
        return energy_parse_package(parent, &ch->socket, &ch->die);
    }
    return false;
}

static void explain_open(struct energy_channel *ch, const char *sysfs, int err)
{
    if (err == EACCES || err == EPERM)
        snprintf(
            ch->problem, sizeof ch->problem,
            "%s/energy_uj: permission denied (the kernel lets only root read it). Run as root, or let root type once per boot: "
            "chmod a+r %s/class/powercap/intel-rapl:*/energy_uj",
            ch->label, sysfs);
    else
        snprintf(ch->problem, sizeof ch->problem, "%s/energy_uj: cannot be read: %s", ch->label, strerror(err));
}

static int read_zone(const struct energy_channel *ch, uint64_t *uj)
{
    const int rc = energy_read_file(ch->fd, uj);
    return !rc && *uj > ch->max_count ? -ERANGE : rc;
}

/* Opens the counter and reads the range; what fails goes to ch->problem. */
static void open_zone(struct energy_channel *ch, const struct probe_env *env)
{
    const char *sysfs = env_sysfs(env);
    uint64_t uj;
    int rc = sysfile_u64(&ch->max_count, sysfs, "class/powercap/%s/max_energy_range_uj", ch->label);
    if (rc || ch->max_count == 0) {
        snprintf(ch->problem, sizeof ch->problem,
                 "%s/max_energy_range_uj: %s; without the range a wrap of the counter cannot be told from a loss: refused",
                 ch->label, rc ? strerror(-rc) : "is 0");
        return;
    }
    ch->fd = energy_open_file(env, "class/powercap/%s/energy_uj", ch->label);
    rc = ch->fd < 0 ? -errno : read_zone(ch, &uj);
    if (rc)
        explain_open(ch, sysfs, -rc);
}

static int add_zone(struct energy_channels *c, const char *dir)
{
    int family, model;
    struct energy_channel *ch = rank_of(dir) < 0 ? NULL : energy_add(c);
    if (!ch)
        return rank_of(dir) < 0 ? 0 : -ENOMEM;
    ch->unit_j = 1e-6;
    ch->rank = rank_of(dir);
    if (snprintf(ch->label, sizeof ch->label, "%s", dir) >= (int)sizeof ch->label || !identify(ch, env_sysfs(&c->env))) {
        c->n--;
        return 0;
    }
    open_zone(ch, &c->env);
    if (ch->domain == ENERGY_CORE && energy_cpu_vendor(&c->env, &family, &model) == 'A')
        snprintf(ch->problem, sizeof ch->problem,
                 "%s: on AMD this zone shows a single core, not the sum; --source perf-core adds all cores", ch->label);
    return 0;
}

static int powercap_open(struct energy_channels *c)
{
    char path[SYSFILE_PATH_LEN];
    int rc = 0;
    snprintf(path, sizeof path, "%s/class/powercap", env_sysfs(&c->env));
    c->grid_s = 0.001;
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && !rc && (e = readdir(dir));)
        rc = add_zone(c, e->d_name);
    bool package = false;
    for (size_t i = 0; i < c->n; i++)
        package |= c->ch[i].domain == ENERGY_PKG;
    if (!dir || !package)
        energy_absent_x86(c, dir ? "no intel-rapl package zone in class/powercap" : "no powercap tree in sysfs (class/powercap)",
                          "Remedy: as root, modprobe intel_rapl_msr (serves Intel and AMD)");
    if (dir)
        closedir(dir);
    return rc;
}

static int powercap_count(const struct energy_channels *c, size_t i, uint64_t *count)
{
    return read_zone(&c->ch[i], count);
}

const struct energy_source energy_powercap = {
    .name = "powercap",
    .title = "kernel RAPL zones, Intel and AMD (class/powercap)",
    .kind = ENERGY_COUNTER,
    .open = powercap_open,
    .count = powercap_count,
};
