/* Section "Machine": host, warnings, build and measured peaks of every run. Fields that this file does not know are shown as they
 * are, so a newer harness loses nothing. */
#include "reports/report_sections.h"

#include <math.h>
#include <string.h>

enum host_kind { HOST_PLAIN, HOST_BYTES, HOST_KHZ };

static const struct host_field {
    const char *key, *label;
    enum host_kind kind;
} host_fields[] = {
    {"cpu_model", "CPU", HOST_PLAIN},
    {"arch", "Architecture", HOST_PLAIN},
    {"microcode", "Microcode", HOST_PLAIN},
    {"sockets", "Sockets", HOST_PLAIN},
    {"cores", "Cores", HOST_PLAIN},
    {"threads", "Hardware threads", HOST_PLAIN},
    {"smt", "SMT", HOST_PLAIN},
    {"numa_nodes", "NUMA nodes", HOST_PLAIN},
    {"caches", "Caches", HOST_PLAIN},
    {"mem_total_bytes", "Memory", HOST_BYTES},
    {"mem_available_bytes", "Memory available", HOST_BYTES},
    {"swap_total_bytes", "Swap", HOST_BYTES},
    {"page_bytes", "Page size in bytes", HOST_PLAIN},
    {"freq_max_khz", "Highest frequency", HOST_KHZ},
    {"governor", "Governor", HOST_PLAIN},
    {"turbo", "Turbo", HOST_PLAIN},
    {"thp_enabled", "Transparent huge pages", HOST_PLAIN},
    {"hypervisor", "Hypervisor", HOST_PLAIN},
    {"kernel", "Kernel", HOST_PLAIN},
    {"os", "System", HOST_PLAIN},
    {"load1", "Load before the run", HOST_PLAIN},
    {"cpu_features", "CPU features", HOST_PLAIN},
};
enum { N_HOST_FIELDS = sizeof(host_fields) / sizeof(host_fields[0]) };

/* Any JSON value in one line: "name: value, ..." for objects, "; " between the elements of arrays. */
static const char *flat(struct arena *a, json_t *v, int depth)
{
    const char *s = "", *key;
    json_t *x;
    if (json_is_string(v))
        return json_string_value(v);
    if (json_is_integer(v))
        return arena_fmt(a, "%lld", (long long)json_integer_value(v));
    if (json_is_real(v))
        return number_exact(a, json_real_value(v));
    if (json_is_boolean(v))
        return json_is_true(v) ? "yes" : "no";
    if (!v || json_is_null(v))
        return "not known";
    if (depth > 3)
        return "...";
    for (size_t i = 0; json_is_array(v) && i < json_array_size(v); i++)
        s = arena_fmt(a, "%s%s%s", s, i ? "; " : "", flat(a, json_array_get(v, i), depth + 1));
    json_object_foreach(v, key, x) /* of anything but an object: no round */
        s = arena_fmt(a, "%s%s%s: %s", s, *s ? ", " : "", key, flat(a, x, depth + 1));
    return *s ? s : "none";
}

/* "L1 data 32.8 kB x 2; L2 unified 512 kB x 2" */
static const char *caches(struct arena *a, const json_t *list)
{
    const char *s = "";
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *c = json_array_get(list, i);
        const double bytes = json_number_value(json_object_get(c, "bytes"));
        s = arena_fmt(a, "%s%sL%s %s %s KiB x %s", s, i ? "; " : "", flat(a, json_object_get(c, "level"), 0),
                      flat(a, json_object_get(c, "type"), 0), number_sig(a, bytes / 1024.0, 3),
                      flat(a, json_object_get(c, "count"), 0));
    }
    return *s ? s : "not known";
}

static const char *host_value(struct arena *a, const struct host_field *f, json_t *v)
{
    if (strcmp(f->key, "caches") == 0 && json_is_array(v))
        return caches(a, v);
    if (f->kind == HOST_BYTES && json_is_number(v))
        return number_bytes(a, json_number_value(v));
    if (f->kind == HOST_KHZ && json_is_number(v))
        return arena_fmt(a, "%s GHz", number_sig(a, json_number_value(v) / 1e6, 3));
    return flat(a, v, 0);
}

static struct doc_table *pairs(struct doc *d, const char *head)
{
    struct doc_table *t = doc_table(d, NULL);
    table_column(d, t, head, COLUMN_TEXT);
    table_column(d, t, "Value", COLUMN_TEXT);
    return t;
}

static void pair(struct doc *d, struct doc_table *t, const char *key, const char *value)
{
    table_cell(d, t, key);
    table_cell(d, t, value);
}

static bool known_field(const char *key)
{
    for (size_t i = 0; i < N_HOST_FIELDS; i++)
        if (strcmp(host_fields[i].key, key) == 0)
            return true;
    return false;
}

static void host_table(struct doc *d, json_t *host)
{
    struct doc_table *t = pairs(d, "Machine");
    const char *key;
    json_t *v;
    for (size_t i = 0; i < N_HOST_FIELDS; i++)
        pair(d, t, host_fields[i].label, host_value(d->arena, &host_fields[i], json_object_get(host, host_fields[i].key)));
    json_object_foreach(host, key, v)
    {
        if (!known_field(key))
            pair(d, t, key, flat(d->arena, v, 0));
    }
}

static void warning_table(struct doc *d, const json_t *list)
{
    if (json_array_size(list) == 0) {
        doc_paragraph(d, "The harness had no warning about this machine.");
        return;
    }
    struct doc_table *t = doc_table(d, "Warnings about the environment");
    static const char *const keys[] = {"severity", "check", "message"};
    static const char *const heads[] = {"Severity", "Check", "Message"};
    for (size_t k = 0; k < 3; k++)
        table_column(d, t, heads[k], COLUMN_TEXT);
    for (size_t i = 0; i < json_array_size(list); i++)
        for (size_t k = 0; k < 3; k++)
            table_cell(d, t, flat(d->arena, json_object_get(json_array_get(list, i), keys[k]), 0));
}

static void build_table(struct doc *d, json_t *build)
{
    const char *key, *name;
    json_t *v, *version;
    if (!json_is_object(build))
        return;
    struct doc_table *t = pairs(d, "Build");
    json_object_foreach(build, key, v)
    {
        const char *s = "";
        if (strcmp(key, "libraries") != 0 || !json_is_object(v)) {
            pair(d, t, key, json_is_string(v) && !*json_string_value(v) ? "none" : flat(d->arena, v, 0));
            continue;
        }
        json_object_foreach(v, name, version) s = arena_fmt(d->arena, "%s%s%s %s", s, *s ? ", " : "", name,
                                                            json_is_null(version) ? "(absent)" : flat(d->arena, version, 0));
        pair(d, t, key, s);
    }
}

static const char *peak(struct arena *a, const json_t *v)
{
    return json_is_number(v) ? number_sig(a, json_number_value(v), 3) : "not measured";
}

static void peak_table(struct doc *d, const json_t *list)
{
    static const char *const heads[] = {"Threads", "Read bandwidth GB/s", "int8 GMAC/s", "float FMA GMAC/s"};
    doc_heading(d, 3, "Peaks");
    if (json_array_size(list) == 0) {
        doc_paragraph(d, "The record has no measured peaks, so there are no roofline shares.");
        return;
    }
    struct doc_table *t = doc_table(d, "Measured in the same run, with the same threads as the cells.");
    for (size_t i = 0; i < 4; i++)
        table_column(d, t, heads[i], COLUMN_NUMBER);
    table_column(d, t, "ISA", COLUMN_TEXT);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *p = json_array_get(list, i);
        table_cell(d, t, flat(d->arena, json_object_get(p, "threads"), 0));
        table_cell(d, t, peak(d->arena, json_object_get(p, "read_gb_s")));
        table_cell(d, t, peak(d->arena, json_object_get(p, "int8_gmac_s")));
        table_cell(d, t, peak(d->arena, json_object_get(p, "fma_gmac_s")));
        table_cell(d, t, flat(d->arena, json_object_get(p, "isa"), 0));
    }
}

void section_machine(struct report *r)
{
    struct doc *d = &r->doc;
    const struct report_set *set = r->matrix->set;
    for (size_t i = 0; i < set->n_runs; i++) {
        const struct report_run *run = set->runs[i];
        doc_heading(d, 2,
                    set->n_runs > 1 ? arena_fmt(d->arena, "Machine and environment of run %zu", run->number)
                                    : "Machine and environment");
        warning_table(d, json_object_get(run->root, "warnings"));
        host_table(d, json_object_get(run->root, "host"));
        build_table(d, json_object_get(run->root, "build"));
        peak_table(d, json_object_get(run->root, "peaks"));
    }
}
