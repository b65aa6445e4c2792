/* Source "scmi": Arm's SCMI power capping zones, class/powercap/arm-scmi:N with `power_uw` and no energy counter.
 *
 * The firmware averages the power over an interval of its own. Only zones of the top level are read: those below them are parts.
 * A zone is a package when its name says so (cpu, package, pkg, soc, socket); otherwise it is a rail of its own name. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profiles/energy_source.h"
#include "profiles/sysfile.h"

static bool is_package(const char *name)
{
    static const char *const words[] = {"cpu", "package", "pkg", "soc"}; /* "soc" also finds "socket" */
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasestr(name, words[i]))
            return true;
    return false;
}

/* "socket1" -> 1, "pkg-0" -> 0; a name without a number is package 0. */
static int trailing_number(const char *name)
{
    uint64_t v;
    const char *p = name + strlen(name);
    while (p > name && isdigit((unsigned char)p[-1]))
        p--;
    return parse_u64(p, &v) || v > 255 ? 0 : (int)v;
}

static int add_zone(struct energy_channels *c, const char *dir)
{
    uint64_t uw;
    struct energy_channel *ch = energy_add(c);
    if (!ch)
        return -ENOMEM;
    snprintf(ch->label, sizeof ch->label, "%s", dir);
    sysfile_text(ch->name, sizeof ch->name, env_sysfs(&c->env), "class/powercap/%s/name", dir);
    ch->domain = is_package(ch->name) ? ENERGY_PKG : ENERGY_RAIL;
    ch->socket = ch->domain == ENERGY_PKG ? trailing_number(ch->name) : 0;
    ch->fd = energy_open_file(&c->env, "class/powercap/%s/power_uw", dir);
    const int rc = ch->fd < 0 ? -errno : energy_read_file(ch->fd, &uw);
    if (rc)
        snprintf(ch->problem, sizeof ch->problem, "%s/power_uw: %s%s", dir, strerror(-rc),
                 rc == -EACCES ? ". Let root type: chmod a+r /sys/class/powercap/arm-scmi:*/power_uw" : "");
    return 0;
}

static int scmi_open(struct energy_channels *c)
{
    glob_t found;
    int rc = 0;
    if (energy_glob(&c->env, "class/powercap/arm-scmi:*", &found)) {
        for (size_t i = 0; i < found.gl_pathc && !rc; i++) {
            const char *dir = strrchr(found.gl_pathv[i], '/') + 1;
            if (strchr(dir, ':') == strrchr(dir, ':'))
                rc = add_zone(c, dir);
        }
        globfree(&found);
    }
    if (c->n == 0)
        energy_trouble(c, ENERGY_ABSENT, "no arm-scmi zone in class/powercap (needs firmware with SCMI power capping)");
    return rc;
}

static int scmi_watts(const struct energy_channels *c, size_t i, double *watts)
{
    uint64_t uw = 0;
    const int rc = energy_read_file(c->ch[i].fd, &uw);
    *watts = 1e-6 * (double)uw;
    return rc;
}

const struct energy_source energy_scmi = {
    .name = "scmi",
    .title = "Arm SCMI power capping zones, power only (class/powercap/arm-scmi)",
    .kind = ENERGY_POWER,
    .open = scmi_open,
    .watts = scmi_watts,
};
