/* Source "papi": energy through the PAPI library, when it is installed; loaded at run time, only when it is asked for.
 *
 *     component rapl (not in Debian's build)  rapl:::PACKAGE_ENERGY:PACKAGEn, DRAM_ENERGY, PP0_ENERGY, PP1_ENERGY   nanojoule
 *     component perf_event_uncore             rapl::RAPL_ENERGY_PKG, _DRAM, _CORES, _GPU, _PSYS                    2^-32 J
 * The second goes through the same kernel PMU as --source perf and needs the same rights. PAPI undoes one wrap between two reads,
 * so it is read at least every 8 s. Its powercap component is not used: when nothing has moved since the start it returns the
 * whole counter instead of 0, it takes one range for all zones, and zones are numbered, not named. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profiles/energy_source.h"
#include "profiles/papi_library.h"

enum { MAX_EVENTS = 8 };

static const struct event {
    const char *rapl, *uncore; /* names in the two components; the first is followed by ":PACKAGE" and the number */
    enum energy_domain domain;
} events[] = {
    {"rapl:::PACKAGE_ENERGY", "rapl::RAPL_ENERGY_PKG", ENERGY_PKG}, {"rapl:::DRAM_ENERGY", "rapl::RAPL_ENERGY_DRAM", ENERGY_DRAM},
    {"rapl:::PP0_ENERGY", "rapl::RAPL_ENERGY_CORES", ENERGY_CORE},  {"rapl:::PP1_ENERGY", "rapl::RAPL_ENERGY_GPU", ENERGY_UNCORE},
    {"rapl:::PSYS_ENERGY", "rapl::RAPL_ENERGY_PSYS", ENERGY_PSYS},
};
enum { N_EVENTS = sizeof events / sizeof events[0] };

struct papi_set {
    int set, n_events;
    long long value[MAX_EVENTS];
};

struct papi {
    const struct papi_api *api;
    bool initialized, rapl; /* rapl: the component of that name, else perf_event_uncore */
    struct papi_set *sets;  /* those that were started */
    int n_sets, rc;         /* rc: of the last read, 0 or PAPI's code */
};

static void papi_refresh(struct energy_channels *c)
{
    struct papi *p = c->own;
    if (!p || !p->sets)
        return;
    p->rc = 0;
    for (int s = 0; s < p->n_sets && !p->rc; s++)
        p->rc = p->api->read(p->sets[s].set, p->sets[s].value);
}

/* A channel's id: set * MAX_EVENTS + place in the set. */
static int papi_count(const struct energy_channels *c, size_t i, uint64_t *count)
{
    const struct papi *p = c->own;
    const uint64_t id = c->ch[i].id;
    const long long v = p->sets[id / MAX_EVENTS].value[id % MAX_EVENTS];
    *count = (uint64_t)v;
    return p->rc || v < 0 ? -EIO : 0;
}

/* Adds all domains of one place to a set, as far as they exist. 0 or -ENOMEM. */
static int add_events(struct energy_channels *c, struct papi *p, struct papi_set *set, const struct energy_place *place, bool first)
{
    char name[64];
    for (size_t k = 0; k < N_EVENTS; k++) {
        if (p->rapl)
            snprintf(name, sizeof name, "%s:PACKAGE%d", events[k].rapl, place->socket);
        else
            snprintf(name, sizeof name, "%s", events[k].uncore);
        if ((events[k].domain == ENERGY_PSYS && !first) || p->api->add(set->set, name))
            continue;
        struct energy_channel *ch = energy_add(c);
        if (!ch)
            return -ENOMEM;
        snprintf(ch->label, sizeof ch->label, "%s", name);
        snprintf(ch->name, sizeof ch->name, "package-%d", place->socket);
        ch->domain = events[k].domain;
        ch->socket = place->socket;
        ch->die = place->die;
        ch->unit_j = p->rapl ? 1e-9 : ldexp(1, -32);
        ch->max_count = UINT64_MAX;
        ch->id = (uint64_t)p->n_sets * MAX_EVENTS + (uint64_t)set->n_events++;
    }
    return 0;
}

/* A set for one place, started; the problem of the place tells why there is none. 0 or -ENOMEM. */
static int add_place(struct energy_channels *c, struct papi *p, struct energy_place *place, bool first)
{
    const char *component = p->rapl ? "rapl" : "perf_event_uncore";
    const size_t before = c->n;
    struct papi_set *set = &p->sets[p->n_sets];
    const struct papi_target target = {.component = component, .pid = -1, .cpu = p->rapl ? -1 : place->cpu};
    int rc = p->api->new_set(&target, &set->set);
    if (!rc && add_events(c, p, set, place, first))
        return -ENOMEM;
    rc = rc || c->n == before ? rc : p->api->start(set->set);
    if (!rc && c->n > before) {
        p->n_sets++;
        return 0;
    }
    if (rc)
        snprintf(place->problem, sizeof place->problem,
                 "PAPI, component %s: %s. It needs the same rights as --source perf or msr: see those", component,
                 p->api->error(rc));
    p->api->end(set->set);
    *set = (struct papi_set){0};
    c->n = before;
    return 0;
}

static bool socket_seen(const struct energy_place *place, int n, int socket)
{
    for (int i = 0; i < n; i++)
        if (place[i].socket == socket)
            return true;
    return false;
}

/* Sets for all places. The component rapl knows packages only, which is one die of each. */
static int add_places(struct energy_channels *c, struct papi *p, struct energy_place *place, int n)
{
    int rc = 0;
    for (int i = 0; i < n && !rc; i++)
        if (p->rapl && socket_seen(place, i, place[i].socket))
            snprintf(place[i].problem, sizeof place[i].problem,
                     "PAPI's component rapl reads one die of a package, and this one has several: --source perf reads all");
        else
            rc = add_place(c, p, &place[i], i == 0);
    rc = rc ? rc : energy_add_missing(c, place, n);
    if (!rc && c->n == 0 && place[0].problem[0])
        energy_trouble(c, ENERGY_DENIED, "%s", place[0].problem);
    else if (!rc && c->n == 0)
        energy_absent_x86(c, "PAPI knows no RAPL event on this machine", "Remedy: as root, modprobe rapl");
    return rc;
}

static int find_events(struct energy_channels *c, struct papi *p)
{
    struct energy_place *place;
    int rc = p->api->init();
    if (rc) {
        energy_trouble(c, ENERGY_DENIED, "PAPI cannot be initialized: %s", p->api->error(rc));
        return 0;
    }
    p->initialized = true;
    p->rapl = p->api->has_component("rapl");
    if (!p->rapl && !p->api->has_component("perf_event_uncore")) {
        energy_absent_x86(c, "PAPI has neither the component rapl nor perf_event_uncore here",
                          "Remedy: --source perf, or a PAPI configured --with-components=rapl");
        return 0;
    }
    const int n = energy_places(&c->env, &place);
    if (n < 0)
        return n;
    p->sets = calloc((size_t)n, sizeof *p->sets);
    rc = p->sets ? add_places(c, p, place, n) : -ENOMEM;
    free(place);
    papi_refresh(c);
    return rc;
}

static int papi_open(struct energy_channels *c)
{
    const struct energy_seam *seam = c->env.seam;
    c->grid_s = 0.001;
    c->keep_s = 8;
    c->relative = true;
    if (!energy_env_is_real(&c->env) && !(seam && seam->papi)) {
        energy_trouble(c, ENERGY_ABSENT, "reads this machine's kernel, but --sysfs points at another tree");
        return 0;
    }
    const char *why = "";
    const struct papi_api *api = seam && seam->papi ? seam->papi : papi_library(&why);
    if (!api) {
        energy_trouble(c, ENERGY_ABSENT, "%s", why);
        return 0;
    }
    struct papi *p = calloc(1, sizeof *p);
    c->own = p;
    if (!p)
        return -ENOMEM;
    p->api = api;
    return find_events(c, p);
}

static void papi_close(struct energy_channels *c)
{
    struct papi *p = c->own;
    for (int s = 0; p && s < p->n_sets; s++) {
        p->api->stop(p->sets[s].set, p->sets[s].value);
        p->api->end(p->sets[s].set);
    }
    if (p && p->initialized)
        p->api->shutdown();
    if (p)
        free(p->sets);
    free(p);
}

const struct energy_source energy_papi = {
    .name = "papi",
    .title = "the PAPI library: component rapl, else perf_event_uncore",
    .kind = ENERGY_COUNTER,
    .ask_only = true,
    .open = papi_open,
    .refresh = papi_refresh,
    .count = papi_count,
    .close = papi_close,
};
