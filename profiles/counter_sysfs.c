/* Terms of events to the bits of perf_event_attr, and the folders of a PMU's units.
 *
 * Nothing is guessed: a term without a format file, a value that does not fit its bits, or a unit without a cpumask refuses the
 * event, or the whole PMU. */
#include "profiles/counter_sysfs.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profiles/energy_source.h"
#include "profiles/sysfile.h"

#define DEVICES "bus/event_source/devices/"

enum { MAX_MASK = 1024 };

/* ---- events ---- */

/* Puts a value into the bits that a format file names: "config:0-7,32-35", "config1:3". False: they are not understood, or too few. */
static bool put_bits(const char *format, uint64_t value, struct counter_code *out)
{
    uint64_t *word = &out->config;
    const char *at = strchr(format, ':');
    if (strncmp(format, "config", 6) != 0 || !at || at - format > 7)
        return false;
    if (at - format == 7 && format[6] != '1' && format[6] != '2')
        return false;
    if (at - format == 7)
        word = format[6] == '1' ? &out->config1 : &out->config2;
    while (*at) {
        int first, last, used = 0;
        if (sscanf(++at, "%2d%n", &first, &used) != 1 || first < 0)
            return false;
        at += used;
        last = first;
        if (*at == '-' && (sscanf(at, "-%2d%n", &last, &used) != 1 || last < first))
            return false;
        at += *at == '-' ? used : 0;
        if (last > 63 || (*at && *at != ','))
            return false;
        for (int bit = first; bit <= last; bit++, value >>= 1)
            *word |= (value & 1) << bit;
    }
    return value == 0;
}

/* "event=0x04", or a term alone, which stands for 1. */
static bool put_term(const struct counter_tables *t, const char *pmu, char *term, struct counter_code *out)
{
    char format[64], *equals = strchr(term, '='), *end = NULL;
    uint64_t value = 1;
    if (equals) {
        *equals = '\0';
        value = strtoull(equals + 1, &end, 0);
        if (end == equals + 1 || *end || !isdigit((unsigned char)equals[1]))
            return false;
    }
    return *term && !strchr(term, '/') &&
           sysfile_text(format, sizeof format, env_sysfs(t->env), DEVICES "%s/format/%s", pmu, term) > 0 &&
           put_bits(format, value, out);
}

int counter_encode_sysfs(const struct counter_tables *t, const char *pmu, const char *name, struct counter_code *out,
                         char reason[METRIC_REASON_LEN])
{
    uint64_t type;
    char text[GROUP_EVENT_LEN], *rest = NULL;
    const int len = (int)strlen(name) - 2;
    *out = (struct counter_code){.type = 0};
    snprintf(text, sizeof text, "%.*s", len, name + 1);
    bool ok = pmu && !sysfile_u64(&type, env_sysfs(t->env), DEVICES "%s/type", pmu) && type <= UINT32_MAX;
    if (ok && !strchr(text, '='))
        ok = sysfile_text(text, sizeof text, env_sysfs(t->env), DEVICES "%s/events/%.*s", pmu, len, name + 1) > 0;
    for (char *term = ok ? strtok_r(text, ",", &rest) : NULL; ok && term; term = strtok_r(NULL, ",", &rest))
        ok = put_term(t, pmu, term, out);
    if (ok) {
        out->type = (uint32_t)type;
        return 0;
    }
    snprintf(reason, METRIC_REASON_LEN, "event %.80s: the PMU %.40s of this machine has no such event in sysfs", name,
             pmu ? pmu : "that the group needs");
    return -ENOENT;
}

/* ---- units ---- */

/* "uncore_imc" is a unit of itself, as is "uncore_imc_3" or "arm_dmc620_10008c000"; "uncore_imc_free_running" is another PMU. */
static bool is_unit(const char *name, const char *pmu)
{
    const size_t n = strlen(pmu);
    if (strncmp(name, pmu, n) != 0)
        return false;
    return !name[n] || (name[n] == '_' && name[n + 1] && name[n + 1 + strspn(name + n + 1, "0123456789abcdef")] == '\0');
}

struct units {
    struct counter_unit *unit;
    int n;
};

static int add_unit(struct units *u, const struct probe_env *env, const char *name)
{
    char mask[256];
    int cpus[MAX_MASK];
    const bool read = sysfile_text(mask, sizeof mask, env_sysfs(env), DEVICES "%s/cpumask", name) > 0;
    const int n = read ? energy_cpu_list(mask, cpus, MAX_MASK) : 0;
    if (n <= 0 || strlen(name) >= sizeof u->unit->pmu)
        return -ENODATA;
    struct counter_unit *bigger = realloc(u->unit, (size_t)(u->n + n) * sizeof *bigger);
    if (!bigger)
        return -ENOMEM;
    u->unit = bigger;
    for (int i = 0; i < n; i++) {
        bigger[u->n].cpu = cpus[i];
        snprintf(bigger[u->n++].pmu, sizeof bigger->pmu, "%s", name);
    }
    return 0;
}

static int units_of(struct units *u, const struct probe_env *env, const char *pmu)
{
    char pattern[GROUP_NAME_LEN + 64];
    glob_t found;
    int rc = 0;
    snprintf(pattern, sizeof pattern, DEVICES "%s*", pmu);
    if (!energy_glob(env, pattern, &found))
        return 0;
    for (size_t i = 0; i < found.gl_pathc && !rc; i++) {
        const char *name = strrchr(found.gl_pathv[i], '/') + 1;
        if (is_unit(name, pmu))
            rc = add_unit(u, env, name);
    }
    globfree(&found);
    return rc;
}

int counter_units(const struct probe_env *env, const struct counter_pmus *pmus, struct counter_unit **out)
{
    struct units u = {.n = 0};
    int rc = 0;
    for (size_t i = 0; i < pmus->n && !u.n && !rc; i++)
        rc = units_of(&u, env, pmus->name[i]);
    if (rc) {
        free(u.unit);
        u.unit = NULL;
    }
    *out = u.unit;
    return rc ? rc : u.n;
}

bool counter_uncore_fits(const struct counter_tables *t, const struct counter_group *g)
{
    struct counter_unit *unit;
    struct counter_code code;
    char reason[METRIC_REASON_LEN];
    const int n = counter_units(t->env, &g->uncore, &unit);
    bool fits = n > 0;
    for (size_t i = 0; i < g->n_events && fits; i++)
        fits = !counter_encode(t, unit[0].pmu, g->event[i].name, &code, reason);
    free(unit);
    return fits;
}
