/* Source "likwid": RAPL registers through the likwid library and its access daemon, loaded at run time when it is installed.
 *
 * The daemon (likwid-accessD, setuid root) is what lets an ordinary user read the registers; without it likwid needs root, as
 * --source msr does. Only raw 32-bit counts and the units are taken from likwid: its own difference does not survive a wrap. Its
 * library ends the process when the daemon fails, so a forked child tries everything first (likwid_trial.h). likwid is GPL-3: it
 * is never linked to this program. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profiles/energy_source.h"
#include "profiles/likwid_library.h"
#include "profiles/likwid_trial.h"

enum { N_DOMAINS = 5 };

struct trial {
    const struct likwid_api *api;
    bool daemon;
    int cpu;
};

/* Everything once: what likwid_trial() does in a child. */
static int try_all(void *arg)
{
    const struct trial *t = arg;
    uint32_t count;
    const int rc = t->api->power_init(t->daemon, t->cpu);
    return rc ? rc : t->api->unit_j(0) > 0 ? t->api->power_read(t->cpu, 0, &count) : -ENODEV;
}

/* ---- the source ---- */

struct likwid {
    const struct likwid_api *api;
    bool ready;
};

/* A channel's id: CPU * N_DOMAINS + domain. */
static int likwid_count(const struct energy_channels *c, size_t i, uint64_t *count)
{
    const struct likwid *k = c->own;
    uint32_t v = 0;
    const int rc = k->api->power_read((int)(c->ch[i].id / N_DOMAINS), (int)(c->ch[i].id % N_DOMAINS), &v);
    *count = v;
    return rc;
}

/* All domains of one place, as far as the CPU has them; the platform on the first only. */
static int add_place(struct energy_channels *c, const struct likwid_api *api, const struct energy_place *p, bool first)
{
    static const enum energy_domain meaning[N_DOMAINS] = {ENERGY_PKG, ENERGY_CORE, ENERGY_UNCORE, ENERGY_DRAM, ENERGY_PSYS};
    uint32_t count;
    for (int d = 0; d < N_DOMAINS; d++) {
        const double unit_j = api->unit_j(d);
        if (!(unit_j > 0) || (meaning[d] == ENERGY_PSYS && !first) || api->power_read(p->cpu, d, &count))
            continue;
        struct energy_channel *ch = energy_add(c);
        if (!ch)
            return -ENOMEM;
        snprintf(ch->label, sizeof ch->label, "likwid PWR%d cpu%d", d, p->cpu);
        snprintf(ch->name, sizeof ch->name, "package-%d", p->socket);
        ch->domain = meaning[d];
        ch->socket = p->socket;
        ch->die = p->die;
        ch->unit_j = unit_j;
        ch->max_count = UINT32_MAX;
        ch->id = (uint64_t)p->cpu * N_DOMAINS + (uint64_t)d;
    }
    return 0;
}

/* The first place decides whether likwid works at all; one more that it cannot reach is a place with a problem. */
static int add_places(struct energy_channels *c, struct likwid *k, bool daemon, struct energy_place *place, int n)
{
    struct trial t = {k->api, daemon, place[0].cpu};
    int rc = likwid_trial(try_all, &t);
    rc = rc ? rc : k->api->power_init(daemon, place[0].cpu);
    k->ready = !rc;
    if (rc) {
        energy_trouble(c, ENERGY_DENIED, "likwid cannot read the RAPL registers here%s: %s", daemon ? " through its daemon" : "",
                       strerror(-rc));
        return 0;
    }
    for (int i = 0; i < n && !rc; i++) {
        const int added = i ? k->api->power_add_cpu(place[i].cpu) : 0;
        if (added)
            snprintf(place[i].problem, sizeof place[i].problem, "likwid cannot read the RAPL registers of CPU %d: %s", place[i].cpu,
                     strerror(-added));
        else
            rc = add_place(c, k->api, &place[i], i == 0);
    }
    return rc ? rc : energy_add_missing(c, place, n);
}

static int open_with(struct energy_channels *c, struct likwid *k, bool daemon)
{
    struct energy_place *place;
    const int n = energy_places(&c->env, &place), rc = n < 0 ? n : add_places(c, k, daemon, place, n);
    free(place);
    return rc;
}

static int likwid_open(struct energy_channels *c)
{
    const struct energy_seam *seam = c->env.seam;
    const bool stand_in = seam && seam->likwid;
    c->grid_s = 0.001;
    if (!energy_env_is_real(&c->env) && !stand_in) {
        energy_trouble(c, ENERGY_ABSENT, "reads this machine's registers, but --sysfs points at another tree");
        return 0;
    }
    if (!stand_in && access("/dev/cpu/0/msr", F_OK) != 0) {
        energy_absent_x86(c, "no /dev/cpu/0/msr, which likwid needs", "Remedy: as root, modprobe msr");
        return 0;
    }
    const char *why = stand_in ? NULL : likwid_denied();
    if (why) {
        energy_trouble(c, ENERGY_DENIED, "%s", why);
        return 0;
    }
    const struct likwid_api *api = stand_in ? seam->likwid : likwid_library(&why);
    if (!api) {
        energy_trouble(c, ENERGY_ABSENT, "%s", why);
        return 0;
    }
    struct likwid *k = calloc(1, sizeof *k);
    c->own = k;
    if (!k)
        return -ENOMEM;
    k->api = api;
    return open_with(c, k, stand_in || geteuid() != 0);
}

static void likwid_close(struct energy_channels *c)
{
    struct likwid *k = c->own;
    if (k && k->ready)
        k->api->power_finish();
    free(k);
}

const struct energy_source energy_likwid = {
    .name = "likwid",
    .title = "RAPL registers through the likwid library and its access daemon",
    .kind = ENERGY_COUNTER,
    .open = likwid_open,
    .count = likwid_count,
    .close = likwid_close,
};
