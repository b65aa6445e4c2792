/* One function per key gives its text; the table below names them. */
#include "harness/machine_keys.h"

#include <stdio.h>
#include <string.h>

#include "harness/saved_record.h"

static void scalar_text(const json_t *v, char out[MACHINE_TEXT_LEN])
{
    if (json_is_string(v))
        snprintf(out, MACHINE_TEXT_LEN, "%s", json_string_value(v));
    else if (json_is_integer(v))
        snprintf(out, MACHINE_TEXT_LEN, "%lld", (long long)json_integer_value(v));
    else if (json_is_boolean(v))
        snprintf(out, MACHINE_TEXT_LEN, "%s", json_is_true(v) ? "yes" : "no");
    else
        snprintf(out, MACHINE_TEXT_LEN, "unknown");
}

static void host_text(const json_t *record, const char *name, char out[MACHINE_TEXT_LEN])
{
    scalar_text(json_object_get(json_object_get(record, "host"), name), out);
}

static void cores_text(const json_t *record, const char *name, char out[MACHINE_TEXT_LEN])
{
    const json_t *h = json_object_get(record, "host");
    (void)name;
    snprintf(out, MACHINE_TEXT_LEN, "%g sockets, %g cores, %g threads", saved_number(h, "sockets"), saved_number(h, "cores"),
             saved_number(h, "threads"));
}

/* "Linux 6.1.0-18-amd64" -> "Linux 6" */
static void kernel_text(const json_t *record, const char *name, char out[MACHINE_TEXT_LEN])
{
    host_text(record, name, out);
    char *dot = strchr(out, '.');
    if (dot)
        *dot = 0;
}

static void build_text(const json_t *record, const char *name, char out[MACHINE_TEXT_LEN])
{
    const json_t *b = json_object_get(record, "build");
    (void)name;
    snprintf(out, MACHINE_TEXT_LEN, "%s; %s; %s%s%s", saved_text(b, "compiler"), saved_text(b, "cflags"), saved_text(b, "isas"),
             saved_text(b, "sanitizers")[0] ? "; sanitizers " : "", saved_text(b, "sanitizers"));
}

static void isa_text(const json_t *record, const char *name, char out[MACHINE_TEXT_LEN])
{
    const json_t *v = json_object_get(json_object_get(json_object_get(record, "run"), "settings"), name);
    snprintf(out, MACHINE_TEXT_LEN, "%s", json_is_string(v) ? json_string_value(v) : "any");
}

static void seed_text(const json_t *record, const char *name, char out[MACHINE_TEXT_LEN])
{
    scalar_text(json_object_get(json_object_get(record, "run"), name), out);
}

static void source_text(const json_t *record, const char *name, char out[MACHINE_TEXT_LEN])
{
    const json_t *s = json_object_get(json_object_get(record, "energy"), "source");
    (void)name;
    if (json_is_string(json_object_get(s, "name")))
        snprintf(out, MACHINE_TEXT_LEN, "%s (%s)", saved_text(s, "name"), saved_text(s, "kind"));
    else
        snprintf(out, MACHINE_TEXT_LEN, "none");
}

static const struct {
    const char *key, *member;
    void (*text)(const json_t *record, const char *member, char out[MACHINE_TEXT_LEN]);
} rows[] = {
    {"arch", "arch", host_text},
    {"cpu_model", "cpu_model", host_text},
    {"cores", NULL, cores_text},
    {"governor", "governor", host_text},
    {"turbo", "turbo", host_text},
    {"kernel", "kernel", kernel_text},
    {"hypervisor", "hypervisor", host_text},
    {"thp", "thp_enabled", host_text},
    {"build", NULL, build_text},
    {"isa", "isa", isa_text},
    {"seed", "seed", seed_text},
    {"energy_source", NULL, source_text},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };
static const char all_names[] =
    "arch cpu_model cores governor turbo kernel hypervisor thp build isa seed energy_source model cpus kv";

const char *machine_key_names(void)
{
    return all_names;
}

bool machine_key_known(const char *key)
{
    const size_t len = strlen(key);
    for (const char *at = all_names; (at = strstr(at, key)) != NULL && len; at += len)
        if ((at == all_names || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
            return true;
    return false;
}

size_t machine_description(const json_t *record, char *buf, size_t len)
{
    size_t used = 0;
    for (size_t i = 0; i < N_ROWS; i++) {
        char text[MACHINE_TEXT_LEN];
        rows[i].text(record, rows[i].member, text);
        used += (size_t)snprintf(used < len ? buf + used : NULL, used < len ? len - used : 0, "%s=%s\n", rows[i].key, text);
    }
    return used;
}

/* Element of an array of objects whose member has that text; borrowed, NULL: none. */
static const json_t *find(const json_t *array, const char *member, const char *text)
{
    size_t i;
    const json_t *o;
    json_array_foreach(array, i, o)
    {
        if (!strcmp(saved_text(o, member), text))
            return o;
    }
    return NULL;
}

/* First pair of inputs or cells with one name whose member differs. */
static bool members_differ(const json_t *base, const json_t *fresh, const char *name, const char *member,
                           struct machine_difference *out)
{
    size_t i;
    const json_t *b;
    json_array_foreach(base, i, b)
    {
        const char *id = saved_text(b, name);
        const json_t *f = find(fresh, name, id);
        const bool suite = strstr(id, "configs/suites/") || strstr(id, "configs/gates/");
        if (!f || suite || !strcmp(saved_text(b, member), saved_text(f, member)))
            continue;
        snprintf(out->base, sizeof out->base, "%.100s %.80s", id, saved_text(b, member));
        snprintf(out->fresh, sizeof out->fresh, "%.80s", saved_text(f, member));
        return true;
    }
    return false;
}

size_t machine_differences(const json_t *base, const json_t *fresh, struct machine_difference out[MACHINE_KEYS_MAX])
{
    static const struct {
        const char *key, *list, *name, *member;
    } lists[] = {{"model", "inputs", "path", "sha256"}, {"cpus", "cells", "id", "cpus"}, {"kv", "cells", "id", "kv"}};
    _Static_assert(N_ROWS + sizeof lists / sizeof lists[0] <= MACHINE_KEYS_MAX, "out holds every key");
    size_t n = 0;
    for (size_t i = 0; i < N_ROWS; i++) {
        rows[i].text(base, rows[i].member, out[n].base);
        rows[i].text(fresh, rows[i].member, out[n].fresh);
        out[n].key = rows[i].key;
        n += strcmp(out[n].base, out[n].fresh) != 0;
    }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        out[n].key = lists[i].key;
        n += members_differ(json_object_get(base, lists[i].list), json_object_get(fresh, lists[i].list), lists[i].name,
                            lists[i].member, &out[n]);
    }
    return n;
}
