/* Sources "hwmon" (energyK_input, microjoule counters) and "hwmon-power" (powerK_input or powerK_average, microwatts).
 *
 * Which chip measures what is known by chip name and label only:
 *     amd_energy    "Esocket0" -> package 0. Its per-core counters are left out: all of them take too long to read (perf-core)
 *     smpro         Ampere Altra: "Core VRD" + "SoC VRD" are the package, "DIMM VRDn" memory, "RCA VRD" a rail
 *     apm_xgene     "CPU power" is the package, "IO power" a rail
 *     power_meter   ACPI: NVIDIA Grace names itself in powerK_oem_info ("CPU Power Socket 0", ...); without
 *                   such a name it is the meter of the whole computer
 * Everything else (INA219/226, graphics, ...) is a rail of its own name, because nobody says what hangs on it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profiles/energy_source.h"
#include "profiles/sysfile.h"

/* What a label of a chip stands for; the first row that fits. label: the beginning of it; NULL: any. */
static const struct meaning {
    const char *chip, *label;
    enum energy_domain domain;
} meanings[] = {
    {"amd_energy", "Esocket", ENERGY_PKG},
    {"smpro", "Core VRD", ENERGY_PKG},
    {"smpro", "SoC VRD", ENERGY_PKG},
    {"smpro", "DIMM VRD", ENERGY_DRAM},
    {"apm_xgene", "CPU power", ENERGY_PKG},
    {"power_meter", "CPU Power Socket", ENERGY_PKG},
    {"power_meter", "Module Power", ENERGY_PSYS},
    {"power_meter", "Grace Power", ENERGY_RAIL},
    {"power_meter", "SysIO Power", ENERGY_RAIL},
    {"power_meter", NULL, ENERGY_BOARD},
};

static enum energy_domain domain_of(const char *chip, const char *label)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        const struct meaning *m = &meanings[i];
        if (strcmp(m->chip, chip) == 0 && (!m->label || strncmp(m->label, label, strlen(m->label)) == 0))
            return m->domain;
    }
    return ENERGY_RAIL;
}

/* "Esocket1", "CPU Power Socket 1": the number; else one instance of the chip per socket, in the order of the devices. */
static int socket_of(const char *label, int instance)
{
    int socket, used = 0;
    const char *p = strstr(label, "ocket");
    return p && sscanf(p, "ocket %3d%n", &socket, &used) == 1 && used ? socket : instance;
}

/* One sensor file of a chip: /sys/class/hwmon/hwmon3/power1_input. */
struct sensor {
    char dir[SYSFILE_PATH_LEN]; /* folder of the file, from the root on */
    char chip[32], hwmon[24], label[40], file[32];
    const char *quantity; /* "energy", "power" */
    int index;
};

/* False when the path is none of the kind. */
static bool split_path(const char *path, const char *quantity, struct sensor *s)
{
    const char *hwmon = strstr(path, "/class/hwmon/hwmon"), *slash = strrchr(path, '/');
    int used = 0;
    if (!hwmon || snprintf(s->dir, sizeof s->dir, "%.*s", (int)(slash - path), path) >= (int)sizeof s->dir)
        return false;
    s->quantity = quantity;
    snprintf(s->file, sizeof s->file, "%s", slash + 1);
    snprintf(s->hwmon, sizeof s->hwmon, "%.*s", (int)strcspn(hwmon + 13, "/"), hwmon + 13);
    return strncmp(s->file, quantity, strlen(quantity)) == 0 &&
           sscanf(s->file + strlen(quantity), "%4d_%n", &s->index, &used) == 1 && used > 0;
}

static void read_names(struct sensor *s)
{
    char up[SYSFILE_PATH_LEN];
    snprintf(up, sizeof up, "%s", s->dir);
    if (sysfile_text(s->chip, sizeof s->chip, s->dir, "name") < 0) { /* DIR/hwmonN/device/power1_average */
        *strrchr(up, '/') = '\0';
        sysfile_text(s->chip, sizeof s->chip, up, "name");
    }
    if (sysfile_text(s->label, sizeof s->label, s->dir, "%s%d_oem_info", s->quantity, s->index) <= 0)
        sysfile_text(s->label, sizeof s->label, s->dir, "%s%d_label", s->quantity, s->index);
}

static int add_sensor(struct energy_channels *c, const struct sensor *s, int instance)
{
    uint64_t v;
    char path[SYSFILE_PATH_LEN + 40];
    struct energy_channel *ch = energy_add(c);
    if (!ch)
        return -ENOMEM;
    snprintf(path, sizeof path, "%s/%s", s->dir, s->file);
    snprintf(ch->label, sizeof ch->label, "%s/%s", s->hwmon, s->file);
    snprintf(ch->name, sizeof ch->name, "%s%s%s", s->chip, s->label[0] ? " " : "", s->label);
    ch->domain = domain_of(s->chip, s->label);
    ch->socket = ch->domain == ENERGY_RAIL || ch->domain == ENERGY_BOARD ? 0 : socket_of(s->label, instance);
    ch->die = ch->domain == ENERGY_PKG || ch->domain == ENERGY_DRAM ? 0 : (int)c->n;
    ch->unit_j = 1e-6;
    ch->max_count = UINT64_MAX;
    ch->fd = open(path, O_RDONLY | O_CLOEXEC);
    const int rc = ch->fd < 0 ? -errno : energy_read_file(ch->fd, &v);
    if (rc == -EACCES || rc == -EPERM)
        snprintf(ch->problem, sizeof ch->problem, "%s (%s): permission denied. Run as root, or let root type: chmod a+r %s",
                 ch->label, ch->name, path);
    else if (rc)
        snprintf(ch->problem, sizeof ch->problem, "%s (%s): cannot be read: %s", ch->label, ch->name, strerror(-rc));
    return 0;
}

/* Averages are updated once per interval; of the slowest sensor. */
static void note_interval(struct energy_channels *c, const struct sensor *s)
{
    uint64_t ms;
    if (strstr(s->file, "_average") && !sysfile_u64(&ms, s->dir, "power%d_average_interval", s->index) &&
        1e-3 * (double)ms > c->grid_s)
        c->grid_s = 1e-3 * (double)ms;
}

/* All files of a pattern. Chips whose sensors do not name their socket are counted: one instance per device. */
static int scan(struct energy_channels *c, const char *pattern, const char *quantity)
{
    glob_t found;
    int rc = 0, instance = -1;
    char last[24] = "", last_chip[32] = "";
    if (!energy_glob(&c->env, pattern, &found))
        return 0;
    for (size_t i = 0; i < found.gl_pathc && !rc; i++) {
        struct sensor s;
        if (!split_path(found.gl_pathv[i], quantity, &s))
            continue;
        read_names(&s);
        if (strcmp(s.chip, last_chip) != 0)
            instance = -1;
        instance += strcmp(s.hwmon, last) != 0;
        snprintf(last, sizeof last, "%s", s.hwmon);
        snprintf(last_chip, sizeof last_chip, "%s", s.chip);
        uint64_t input; /* the same sensor once more */
        if (strstr(s.file, "_average") && !sysfile_u64(&input, s.dir, "power%d_input", s.index))
            continue;
        if (strcmp(s.chip, "amd_energy") == 0 && strncmp(s.label, "Ecore", 5) == 0)
            continue;
        rc = add_sensor(c, &s, instance);
        note_interval(c, &s);
    }
    globfree(&found);
    return rc;
}

static int conclude(struct energy_channels *c, int rc, const char *what)
{
    if (c->n == 0)
        energy_trouble(c, ENERGY_ABSENT, "no %s in class/hwmon", what);
    return rc;
}

static int energy_files(struct energy_channels *c)
{
    return conclude(c, scan(c, "class/hwmon/hwmon*/energy*_input", "energy"), "energyN_input");
}

static int power_files(struct energy_channels *c)
{
    int rc = scan(c, "class/hwmon/hwmon*/power*_input", "power");
    rc = rc ? rc : scan(c, "class/hwmon/hwmon*/power*_average", "power");
    rc = rc ? rc : scan(c, "class/hwmon/hwmon*/device/power*_average", "power");
    return conclude(c, rc, "powerN_input or powerN_average");
}

static int hwmon_count(const struct energy_channels *c, size_t i, uint64_t *count)
{
    return energy_read_file(c->ch[i].fd, count);
}

static int hwmon_watts(const struct energy_channels *c, size_t i, double *watts)
{
    uint64_t uw = 0;
    const int rc = energy_read_file(c->ch[i].fd, &uw);
    *watts = 1e-6 * (double)uw;
    return rc;
}

const struct energy_source energy_hwmon = {
    .name = "hwmon",
    .title = "energy counters of sensor chips (class/hwmon energyN_input)",
    .kind = ENERGY_COUNTER,
    .open = energy_files,
    .count = hwmon_count,
};

const struct energy_source energy_hwmon_power = {
    .name = "hwmon-power",
    .title = "power readings of sensor chips: Ampere Altra, X-Gene, NVIDIA Grace, ACPI meters, INA2xx (class/hwmon)",
    .kind = ENERGY_POWER,
    .open = power_files,
    .watts = hwmon_watts,
};
