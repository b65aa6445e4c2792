/* Source "jetson": the INA3221 rail monitors of NVIDIA Jetson boards, in both layouts of the driver.
 *
 *     now     bus/i2c/drivers/ina3221/BUS-ADDR/hwmon/hwmonN/{inK_label, inK_input mV, currK_input mA}      watts = mV * mA * 1e-6
 *     before  bus/i2c/drivers/ina3221x/BUS-ADDR/iio:deviceN/{rail_name_K, in_powerK_input mW}              watts = mW * 1e-3
 * VDD_IN (POM_5V_IN on small boards) is the supply of the whole module; every other rail is a part of it. Boards without such a
 * rail have only parts, and parts are not added up to a whole here. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profiles/energy_source.h"
#include "profiles/sysfile.h"

enum { NO_SECOND = UINT16_MAX };

/* Opens DIR/PREFIX K _input. */
static int open_input(const char *dir, const char *prefix, int k)
{
    char path[SYSFILE_PATH_LEN];
    if (snprintf(path, sizeof path, "%s/%s%d_input", dir, prefix, k) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, O_RDONLY | O_CLOEXEC);
}

static int jetson_watts(const struct energy_channels *c, size_t i, double *watts)
{
    const struct energy_channel *ch = &c->ch[i];
    uint64_t first = 0, second = 0;
    int rc = energy_read_file(ch->fd, &first);
    if (ch->id == NO_SECOND) {
        *watts = 1e-3 * (double)first;
        return rc;
    }
    rc = rc ? rc : energy_read_file((int)ch->id, &second);
    *watts = 1e-6 * (double)first * (double)second;
    return rc;
}

static int add_rail(struct energy_channels *c, const char *dir, int k, const char *name, bool new_layout)
{
    double watts;
    struct energy_channel *ch = energy_add(c);
    if (!ch)
        return -ENOMEM;
    snprintf(ch->label, sizeof ch->label, "%s %s", name, strrchr(dir, '/') + 1); /* two chips may have rails of one name */
    snprintf(ch->name, sizeof ch->name, "%s", name);
    const bool total = strcmp(name, "VDD_IN") == 0 || strcmp(name, "POM_5V_IN") == 0;
    ch->domain = total ? ENERGY_BOARD : ENERGY_RAIL;
    ch->id = NO_SECOND;
    ch->fd = open_input(dir, new_layout ? "curr" : "in_power", k);
    int rc = ch->fd < 0 ? -errno : 0;
    if (!rc && new_layout) {
        const int second = open_input(dir, "in", k);
        rc = second < 0 ? -errno : 0;
        ch->id = second < 0 ? NO_SECOND : (uint64_t)second;
    }
    rc = rc ? rc : jetson_watts(c, c->n - 1, &watts);
    if (rc)
        snprintf(ch->problem, sizeof ch->problem, "%s: cannot be read: %s%s", name, strerror(-rc),
                 rc == -EACCES ? ". Run as root, or let root make the files readable" : "");
    return 0;
}

static int scan(struct energy_channels *c, const char *pattern, const char *prefix, bool new_layout)
{
    glob_t found;
    int rc = 0;
    if (!energy_glob(&c->env, pattern, &found))
        return 0;
    for (size_t i = 0; i < found.gl_pathc && !rc; i++) {
        char *path = found.gl_pathv[i], *slash = strrchr(path, '/'), name[40];
        int k, used = 0;
        uint64_t ms;
        if (strncmp(slash + 1, prefix, strlen(prefix)) != 0 || sscanf(slash + 1 + strlen(prefix), "%2d%n", &k, &used) != 1)
            continue;
        const int length = sysfile_text(name, sizeof name, "", "%s", path);
        *slash = '\0';
        if (length <= 0 || strcmp(name, "NC") == 0 || strcmp(name, "sum of shunt voltages") == 0)
            continue;
        rc = add_rail(c, path, k, name, new_layout);
        if (new_layout && !sysfile_u64(&ms, path, "update_interval") && 1e-3 * (double)ms > c->grid_s)
            c->grid_s = 1e-3 * (double)ms;
    }
    globfree(&found);
    return rc;
}

static int jetson_open(struct energy_channels *c)
{
    int rc = scan(c, "bus/i2c/drivers/ina3221/*/hwmon/hwmon*/in[0-9]*_label", "in", true);
    rc = rc ? rc : scan(c, "bus/i2c/drivers/ina3221x/*/iio:device*/rail_name_*", "rail_name_", false);
    if (c->n == 0)
        energy_trouble(c, ENERGY_ABSENT, "no INA3221 rail monitor (bus/i2c/drivers/ina3221)");
    return rc;
}

static void jetson_close(struct energy_channels *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->ch[i].id != NO_SECOND)
            close((int)c->ch[i].id);
}

const struct energy_source energy_jetson = {
    .name = "jetson",
    .title = "INA3221 rail monitors of NVIDIA Jetson boards",
    .kind = ENERGY_POWER,
    .open = jetson_open,
    .watts = jetson_watts,
    .close = jetson_close,
};
