/* Source "battery": what a laptop's batteries deliver, class/power_supply/BAT*, only while they discharge.
 *
 *     watts = power_now (microwatt), or current_now * voltage_now (microampere * microvolt * 1e-12)
 * It is the whole computer, screen and all, refreshed by the firmware every 1 to 30 s: windows of minutes are needed. On mains the
 * battery says nothing about the computer. Several batteries are added. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profiles/energy_source.h"
#include "profiles/sysfile.h"

static int battery_watts(const struct energy_channels *c, size_t i, double *watts)
{
    const char *sysfs = env_sysfs(&c->env), *name = c->ch[i].label;
    char status[24];
    uint64_t uw, ua, uv;
    if (sysfile_text(status, sizeof status, sysfs, "class/power_supply/%s/status", name) < 0 || strcmp(status, "Discharging"))
        return -ENODATA;
    *watts = 0;
    if (!sysfile_u64(&uw, sysfs, "class/power_supply/%s/power_now", name)) {
        *watts = 1e-6 * (double)uw;
        return 0;
    }
    int rc = sysfile_u64(&ua, sysfs, "class/power_supply/%s/current_now", name);
    rc = rc ? rc : sysfile_u64(&uv, sysfs, "class/power_supply/%s/voltage_now", name);
    if (!rc)
        *watts = 1e-12 * (double)ua * (double)uv;
    return rc;
}

static int add_battery(struct energy_channels *c, const char *dir)
{
    char scope[16], status[24];
    double watts;
    const char *sysfs = env_sysfs(&c->env);
    if (sysfile_text(scope, sizeof scope, sysfs, "class/power_supply/%s/scope", dir) > 0 && strcmp(scope, "Device") == 0)
        return 0; /* of a mouse */
    struct energy_channel *ch = energy_add(c);
    if (!ch)
        return -ENOMEM;
    snprintf(ch->label, sizeof ch->label, "%s", dir);
    snprintf(ch->name, sizeof ch->name, "battery");
    ch->domain = ENERGY_BOARD;
    ch->die = (int)c->n;
    sysfile_text(status, sizeof status, sysfs, "class/power_supply/%s/status", dir);
    const int rc = battery_watts(c, c->n - 1, &watts);
    if (rc && strcmp(status, "Discharging") != 0)
        snprintf(ch->problem, sizeof ch->problem,
                 "%s: the battery is not discharging (%s), so it does not feed the computer: unplug it", dir,
                 status[0] ? status : "status not known");
    else if (rc)
        snprintf(ch->problem, sizeof ch->problem, "%s: neither power_now nor current_now and voltage_now can be read: %s", dir,
                 strerror(-rc));
    return 0;
}

static int battery_open(struct energy_channels *c)
{
    glob_t found;
    int rc = 0;
    c->grid_s = 10;
    c->period_s = 1;
    if (energy_glob(&c->env, "class/power_supply/BAT*", &found)) {
        for (size_t i = 0; i < found.gl_pathc && !rc; i++)
            rc = add_battery(c, strrchr(found.gl_pathv[i], '/') + 1);
        globfree(&found);
    }
    if (c->n == 0)
        energy_trouble(c, ENERGY_ABSENT, "no battery in class/power_supply");
    return rc;
}

const struct energy_source energy_battery = {
    .name = "battery",
    .title = "discharge of a laptop's battery: the whole computer, minutes at least",
    .kind = ENERGY_POWER,
    .open = battery_open,
    .watts = battery_watts,
};
