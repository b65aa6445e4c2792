/* The "host" object: gathers the facts and writes them as JSON, null for what is unknown.
 *
 * Holds nothing that identifies the owner: no host name, no serial number, no address. */
#include "profiles/host_info.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "profiles/host_cgroup.h"
#include "profiles/host_facts.h"
#include "profiles/metric_out.h"
#include "profiles/sysfile.h"

void host_facts_read(const struct probe_env *env, struct host_facts *f)
{
    *f = (struct host_facts){0};
    host_cpu_read(env, f);
    host_topo_read(env, f);
    host_power_read(env, f);
    host_os_read(env, f);
}

size_t host_mem_available(const struct probe_env *env)
{
    char *meminfo = sysfile_all(env_procfs(env), "meminfo");
    char value[64];
    unsigned long long kib;
    bool ok = meminfo && !text_field(meminfo, "MemAvailable", ':', value, sizeof value) && sscanf(value, "%llu kB", &kib) == 1;
    free(meminfo);
    if (!ok)
        return 0;
    struct cgroup_limits limits;
    cgroup_limits_read(env, &limits);
    return (size_t)fmin((double)kib * 1024.0, limits.mem_available_bytes);
}

static void set_text(json_t *o, const char *key, const char *text)
{
    json_object_set_new(o, key, text[0] ? text_json(text) : json_null());
}

static void set_int(json_t *o, const char *key, int64_t v)
{
    json_object_set_new(o, key, v != HOST_UNKNOWN ? json_integer(v) : json_null());
}

static void set_bool(json_t *o, const char *key, int64_t v)
{
    json_object_set_new(o, key, v != HOST_UNKNOWN ? json_boolean(v != 0) : json_null());
}

static json_t *caches_json(const struct host_facts *f)
{
    json_t *list = json_array();
    for (size_t i = 0; i < f->n_caches; i++) {
        const struct host_cache *c = &f->caches[i];
        json_t *o = json_pack("{s:i, s:s, s:I, s:i}", "level", c->level, "type", c->type, "bytes", (json_int_t)c->bytes, "count",
                              (int)c->count);
        set_int(o, "line_bytes", c->line_bytes ? (int64_t)c->line_bytes : HOST_UNKNOWN);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *kinds_json(const struct host_facts *f)
{
    json_t *list = json_array();
    for (size_t i = 0; i < f->n_kinds; i++) {
        json_t *o = json_pack("{s:s}", "cpus", f->kinds[i].cpus);
        set_int(o, "capacity", f->kinds[i].capacity);
        set_int(o, "frequency_max_mhz", f->kinds[i].frequency_max_mhz);
        json_array_append_new(list, o);
    }
    return list;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return alphasort(a, b);
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* {"meltdown": "Not affected", ...} from the kernel's own verdicts; null when there are none. */
static json_t *mitigations_json(const char *sysfs)
{
    char path[SYSFILE_PATH_LEN], text[256];
    struct dirent **entries;
    if (snprintf(path, sizeof path, "%s/devices/system/cpu/vulnerabilities", sysfs) >= (int)sizeof path)
        return json_null();
    int n = scandir(path, &entries, not_hidden, by_name);
    if (n < 0)
        return json_null();
    json_t *o = json_object();
    for (int i = 0; i < n; i++) {
        if (sysfile_text(text, sizeof text, path, "%s", entries[i]->d_name) > 0)
            json_object_set_new(o, entries[i]->d_name, text_json(text));
        free(entries[i]);
    }
    free(entries);
    return o;
}

static void set_cpu(json_t *o, const struct host_facts *f)
{
    set_text(o, "arch", f->arch);
    set_text(o, "cpu_model", f->cpu_model);
    set_text(o, "vendor", f->vendor);
    set_int(o, "family", f->family);
    set_int(o, "model", f->model);
    set_int(o, "stepping", f->stepping);
    set_text(o, "microcode", f->microcode);
    set_int(o, "sockets", f->sockets);
    set_int(o, "cores", f->cores);
    set_int(o, "threads", f->threads);
    set_bool(o, "smt", f->smt);
    json_object_set_new(o, "caches", f->n_caches ? caches_json(f) : json_null());
    json_object_set_new(o, "core_kinds", f->n_kinds ? kinds_json(f) : json_null());
    set_int(o, "numa_nodes", f->numa_nodes);
}

json_t *host_info_json(const struct probe_env *env)
{
    struct host_facts f;
    host_facts_read(env, &f);
    size_t available = host_mem_available(env);
    json_t *o = json_object();
    set_cpu(o, &f);
    set_int(o, "mem_total_bytes", f.mem_total_bytes);
    set_int(o, "mem_available_bytes", available ? (int64_t)available : HOST_UNKNOWN);
    set_int(o, "swap_total_bytes", f.swap_total_bytes);
    set_int(o, "page_bytes", f.page_bytes);
    set_text(o, "thp_enabled", f.thp_enabled);
    set_text(o, "thp_defrag", f.thp_defrag);
    set_text(o, "governor", f.governor);
    set_bool(o, "turbo", f.turbo);
    set_int(o, "freq_max_khz", f.freq_max_khz);
    set_text(o, "hypervisor", f.hypervisor);
    set_text(o, "kernel", f.kernel);
    set_text(o, "os", f.os);
    json_object_set_new(o, "load1", isnan(f.load1) ? json_null() : json_real(f.load1));
    set_int(o, "aslr", f.aslr);
    set_int(o, "perf_event_paranoid", f.perf_event_paranoid);
    set_text(o, "clocksource", f.clocksource);
    json_object_set_new(o, "mitigations", mitigations_json(env_sysfs(env)));
    set_text(o, "cpu_features", f.cpu_features);
    return o;
}
