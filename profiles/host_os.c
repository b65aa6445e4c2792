/* Memory, swap, huge pages, kernel, distribution, load, stolen time: from procfs and sysfs.
 *
 * Values are of the moment of the call. The limits that a container sets are in host_cgroup.c. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profiles/host_facts.h"
#include "profiles/host_hypervisor.h"
#include "profiles/sysfile.h"

static int64_t meminfo_bytes(const char *meminfo, const char *key)
{
    char value[64];
    unsigned long long kib;
    if (!meminfo || text_field(meminfo, key, ':', value, sizeof value) || sscanf(value, "%llu kB", &kib) != 1)
        return HOST_UNKNOWN;
    return (int64_t)(kib * 1024);
}

static void read_memory(const char *procfs, struct host_facts *f)
{
    char *meminfo = sysfile_all(procfs, "meminfo");
    f->mem_total_bytes = meminfo_bytes(meminfo, "MemTotal");
    f->swap_total_bytes = meminfo_bytes(meminfo, "SwapTotal");
    f->swap_free_bytes = meminfo_bytes(meminfo, "SwapFree");
    free(meminfo);
    f->page_bytes = sysconf(_SC_PAGESIZE);
}

/* "always [madvise] never": the word in brackets. */
static void read_choice(char *out, size_t len, const char *sysfs, const char *path)
{
    char text[128];
    out[0] = '\0';
    sysfile_text(text, sizeof text, sysfs, "%s", path);
    const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;
    if (close)
        snprintf(out, len, "%.*s", (int)(close - open - 1), open + 1);
}

static void read_os_name(char *out, size_t len)
{
    char *text = sysfile_all("/etc", "os-release");
    char value[96];
    out[0] = '\0';
    if (text && !text_field(text, "PRETTY_NAME", '=', value, sizeof value)) {
        size_t n = strlen(value);
        bool quoted = n >= 2 && value[0] == '"' && value[n - 1] == '"';
        snprintf(out, len, "%.*s", (int)(quoted ? n - 2 : n), value + quoted);
    }
    free(text);
}

/* Steal over all time that was not idle, since boot: columns of the "cpu" line as in proc(5). */
static double read_steal_share(const char *procfs)
{
    char text[256];
    double v[8];
    if (sysfile_text(text, sizeof text, procfs, "stat") < 0 ||
        sscanf(text, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7) != 8)
        return (double)NAN;
    double used = v[0] + v[1] + v[2] + v[5] + v[6] + v[7];
    return used > 0 ? v[7] / used : (double)NAN;
}

static int64_t signed_file(const char *procfs, const char *path)
{
    char text[32];
    long v;
    return sysfile_text(text, sizeof text, procfs, "%s", path) > 0 && sscanf(text, "%ld", &v) == 1 ? v : HOST_UNKNOWN;
}

/* One more of a kind, with its name. */
static void note_weakness(const char *name, int64_t *count, char *names, size_t len)
{
    const size_t used = strlen(names);
    ++*count;
    snprintf(names + used, len - used, "%s%.40s", used ? ", " : "", name);
}

/* Files of devices/system/cpu/vulnerabilities: "Mitigation: ...", "Vulnerable...", which may go on with a part that is done, or "Not
 * affected". */
static void read_mitigations(const char *sysfs, struct host_facts *f)
{
    char path[SYSFILE_PATH_LEN], text[16];
    struct dirent **entries;
    f->mitigations = f->vulnerable = HOST_UNKNOWN;
    f->mitigated[0] = f->open_to[0] = '\0';
    if (snprintf(path, sizeof path, "%s/devices/system/cpu/vulnerabilities", sysfs) >= (int)sizeof path)
        return;
    const int n = scandir(path, &entries, NULL, alphasort);
    if (n < 0)
        return;
    f->mitigations = f->vulnerable = 0;
    for (int i = 0; i < n; i++) {
        sysfile_text(text, sizeof text, path, "%s", entries[i]->d_name);
        if (!strncmp(text, "Mitigation", 10))
            note_weakness(entries[i]->d_name, &f->mitigations, f->mitigated, sizeof f->mitigated);
        else if (!strncmp(text, "Vulnerable", 10))
            note_weakness(entries[i]->d_name, &f->vulnerable, f->open_to, sizeof f->open_to);
        free(entries[i]);
    }
    free(entries);
}

void host_os_read(const struct probe_env *env, struct host_facts *f)
{
    const char *sysfs = env_sysfs(env), *procfs = env_procfs(env);
    char load[64];
    read_memory(procfs, f);
    read_choice(f->thp_enabled, sizeof f->thp_enabled, sysfs, "kernel/mm/transparent_hugepage/enabled");
    read_choice(f->thp_defrag, sizeof f->thp_defrag, sysfs, "kernel/mm/transparent_hugepage/defrag");
    sysfile_text(f->kernel, sizeof f->kernel, procfs, "sys/kernel/osrelease");
    read_os_name(f->os, sizeof f->os);
    sysfile_text(f->clocksource, sizeof f->clocksource, sysfs, "devices/system/clocksource/clocksource0/current_clocksource");
    host_hypervisor_name(env, f->hypervisor, sizeof f->hypervisor);
    if (sysfile_text(load, sizeof load, procfs, "loadavg") <= 0 || sscanf(load, "%lf", &f->load1) != 1)
        f->load1 = (double)NAN;
    f->steal_share = read_steal_share(procfs);
    f->aslr = signed_file(procfs, "sys/kernel/randomize_va_space");
    f->perf_event_paranoid = signed_file(procfs, "sys/kernel/perf_event_paranoid");
    f->nmi_watchdog = signed_file(procfs, "sys/kernel/nmi_watchdog");
    f->numa_balancing = signed_file(procfs, "sys/kernel/numa_balancing");
    read_mitigations(sysfs, f);
}
