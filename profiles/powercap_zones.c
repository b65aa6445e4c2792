/* Finding the energy zones: directory scan, naming, duplicates, mirrored dies.
 *
 * All zones lie flat in class/powercap: intel-rapl:0 is a package or psys, intel-rapl:0:1 a part of it; the same driver serves AMD.
 * What a zone is says its `name` file. On some multi-die CPUs every die's zone shows the socket's counter: two such zones agree
 * over several reads and are counted once. Why a zone is unusable is kept as text for the metric; nothing is printed here. */
#include "profiles/powercap_zones.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "profiles/host_hypervisor.h"
#include "profiles/sysfile.h"

/* "package-1" or "package-1-die-0", nothing else. */
static bool parse_package(const char *name, int *socket, int *die)
{
    int used = 0;
    *die = 0;
    if (sscanf(name, "package-%3d-die-%3d%n", socket, die, &used) == 2 && used > 0 && !name[used])
        return *socket >= 0 && *die >= 0;
    used = 0;
    return sscanf(name, "package-%3d%n", socket, &used) == 1 && used > 0 && !name[used] && *socket >= 0;
}

/* Fills kind, name, socket and die; false when the zone is none that we count. */
static bool identify(struct powercap_zone *z, const char *sysfs)
{
    char name[32];
    if (sysfile_text(name, sizeof name, sysfs, "class/powercap/%s/name", z->dir) < 0)
        return false;
    if (strcmp(name, "dram") != 0) {
        z->kind = POWERCAP_PACKAGE;
        snprintf(z->name, sizeof z->name, "%s", name);
        return parse_package(z->name, &z->socket, &z->die);
    }
    const char *last_colon = strrchr(z->dir, ':');
    z->kind = POWERCAP_DRAM;
    if (sysfile_text(z->name, sizeof z->name, sysfs, "class/powercap/%.*s/name", (int)(last_colon - z->dir), z->dir) < 0)
        return false;
    return parse_package(z->name, &z->socket, &z->die);
}

static void explain_open(struct powercap_zone *z, const char *sysfs, int err)
{
    if (err == EACCES || err == EPERM)
        snprintf(
            z->problem, sizeof z->problem,
            "%s/energy_uj: permission denied (the kernel lets only root read it). Run as root, or let root type once per boot: "
            "chmod a+r %s/class/powercap/intel-rapl:*/energy_uj",
            z->dir, sysfs);
    else
        snprintf(z->problem, sizeof z->problem, "%s/energy_uj: cannot be read: %s", z->dir, strerror(err));
}

/* Opens the counter and reads the range; what fails goes to z->problem. */
static void open_zone(struct powercap_zone *z, const char *sysfs)
{
    char path[SYSFILE_PATH_LEN];
    uint64_t uj;
    int rc = sysfile_u64(&z->range_uj, sysfs, "class/powercap/%s/max_energy_range_uj", z->dir);
    if (rc || z->range_uj == 0) {
        snprintf(z->problem, sizeof z->problem,
                 "%s/max_energy_range_uj: %s; without the range a wrap of the counter cannot be told from a loss: refused", z->dir,
                 rc ? strerror(-rc) : "is 0");
        return;
    }
    if (snprintf(path, sizeof path, "%s/class/powercap/%s/energy_uj", sysfs, z->dir) >= (int)sizeof path) {
        explain_open(z, sysfs, ENAMETOOLONG);
        return;
    }
    z->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (z->fd < 0) {
        explain_open(z, sysfs, errno);
        return;
    }
    rc = powercap_zone_read(z, &uj);
    if (rc)
        explain_open(z, sysfs, -rc);
}

int powercap_zone_read(const struct powercap_zone *z, uint64_t *uj)
{
    char text[32];
    ssize_t n = pread(z->fd, text, sizeof text - 1, 0);
    if (n < 0)
        return -errno;
    text[n] = '\0';
    if (parse_u64(text, uj))
        return -ENODATA;
    return *uj > z->range_uj ? -ERANGE : 0;
}

static int by_kind_socket_die(const void *pa, const void *pb)
{
    const struct powercap_zone *a = pa, *b = pb;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->socket != b->socket)
        return a->socket < b->socket ? -1 : 1;
    if (a->die != b->die)
        return a->die < b->die ? -1 : 1;
    bool bad_a = a->problem[0] != '\0', bad_b = b->problem[0] != '\0';
    return bad_a != bad_b ? bad_a - bad_b : strcmp(a->dir, b->dir);
}

static void drop(struct powercap_zones *z, size_t i)
{
    if (z->zone[i].fd >= 0)
        close(z->zone[i].fd);
    z->n--;
    memmove(&z->zone[i], &z->zone[i + 1], (z->n - i) * sizeof z->zone[0]);
}

/* Sorted, so two zones of one thing are neighbours and the usable one comes first. */
static void drop_same_name(struct powercap_zones *z)
{
    for (size_t i = 1; i < z->n;) {
        const struct powercap_zone *a = &z->zone[i - 1], *b = &z->zone[i];
        if (a->kind == b->kind && a->socket == b->socket && a->die == b->die)
            drop(z, i);
        else
            i++;
    }
}

enum { MIRROR_ROUNDS = 6, MIRROR_PAUSE_NS = 2500000 };
/* Two copies of one counter are updated about every 1 ms and not at the same instant: 2 kW for 2 ms. */
static const uint64_t mirror_slack_uj = 4000000;

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* True when b shows a's counter: equal in at least one round and never further apart than the slack. Two independent
 * microjoule counters that happen to run this close are equal in a given round with a chance below 1e-4. */
static bool mirrors(const struct powercap_zone *a, const struct powercap_zone *b)
{
    bool equal = false;
    for (int i = 0; i < MIRROR_ROUNDS; i++) {
        uint64_t x = 0, y = 0;
        if (powercap_zone_read(a, &x) || powercap_zone_read(b, &y))
            return false;
        uint64_t apart = distance(x, y);
        if (apart > mirror_slack_uj && a->range_uj - apart > mirror_slack_uj)
            return false;
        equal |= apart == 0;
        nanosleep(&(struct timespec){.tv_nsec = MIRROR_PAUSE_NS}, NULL);
    }
    return equal;
}

static void drop_mirrored_dies(struct powercap_zones *z)
{
    for (size_t i = 0; i < z->n; i++) {
        for (size_t j = i + 1; j < z->n;) {
            const struct powercap_zone *a = &z->zone[i], *b = &z->zone[j];
            bool same_socket = a->kind == b->kind && a->socket == b->socket && !a->problem[0] && !b->problem[0];
            if (same_socket && a->range_uj == b->range_uj && mirrors(a, b))
                drop(z, j);
            else
                j++;
        }
    }
}

#if defined(__x86_64__)
static const char native_remedy[] = "Remedy: as root, modprobe intel_rapl_msr (serves Intel and AMD)";
#else
static const char native_remedy[] = "This kind of energy counter exists on x86 only";
#endif

/* No package was found: says why, for this kind of machine. */
static void explain_none(struct powercap_zones *z, const struct probe_env *env, bool has_tree, bool has_mmio)
{
    char hypervisor[64], remedy[160];
    if (host_hypervisor_name(env, hypervisor, sizeof hypervisor))
        snprintf(remedy, sizeof remedy, "This is a virtual machine (%s), and those rarely get energy counters: measure on the host",
                 hypervisor);
    else
        snprintf(remedy, sizeof remedy, "%s", native_remedy);
    if (!has_tree)
        snprintf(z->problem, sizeof z->problem, "no powercap tree in sysfs (class/powercap). %s", remedy);
    else
        snprintf(z->problem, sizeof z->problem, "no intel-rapl package zone in class/powercap%s. %s",
                 has_mmio ? ", only its MMIO copy" : "", remedy);
}

static int add_zone(struct powercap_zones *out, const char *sysfs, const char *dir)
{
    struct powercap_zone z = {.fd = -1};
    if (snprintf(z.dir, sizeof z.dir, "%s", dir) >= (int)sizeof z.dir || !identify(&z, sysfs))
        return 0;
    struct powercap_zone *bigger = realloc(out->zone, (out->n + 1) * sizeof *bigger);
    if (!bigger)
        return -ENOMEM;
    out->zone = bigger;
    open_zone(&z, sysfs);
    out->zone[out->n++] = z;
    return 0;
}

int powercap_zones_find(const struct probe_env *env, struct powercap_zones *out)
{
    char path[SYSFILE_PATH_LEN];
    bool has_mmio = false;
    *out = (struct powercap_zones){0};
    snprintf(path, sizeof path, "%s/class/powercap", env_sysfs(env));
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        has_mmio |= strncmp(e->d_name, "intel-rapl-mmio:", 16) == 0;
        if (strncmp(e->d_name, "intel-rapl:", 11) == 0 && add_zone(out, env_sysfs(env), e->d_name)) {
            closedir(dir);
            powercap_zones_free(out);
            return -ENOMEM;
        }
    }
    if (out->n > 0) {
        qsort(out->zone, out->n, sizeof out->zone[0], by_kind_socket_die);
        drop_same_name(out);
        drop_mirrored_dies(out);
    }
    if (out->n == 0 || out->zone[0].kind != POWERCAP_PACKAGE)
        explain_none(out, env, dir != NULL, has_mmio);
    if (dir)
        closedir(dir);
    return 0;
}

void powercap_zones_free(struct powercap_zones *z)
{
    for (size_t i = 0; i < z->n; i++)
        if (z->zone[i].fd >= 0)
            close(z->zone[i].fd);
    free(z->zone);
    *z = (struct powercap_zones){0};
}
