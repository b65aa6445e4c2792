/* What moves the clock: frequency governor, turbo, limits, battery, CPU temperature.
 *
 * All from sysfs; a virtual machine usually shows none of it, and then everything stays unknown. Reads only, sets nothing. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "profiles/host_facts.h"
#include "profiles/sysfile.h"
#include "profiles/throttling.h"

/* Calls `visit` for every entry of a sysfs folder whose name starts with `prefix`. */
static void each_entry(const char *sysfs, const char *folder, const char *prefix,
                       void (*visit)(struct host_facts *f, const char *sysfs, const char *entry), struct host_facts *f)
{
    char path[SYSFILE_PATH_LEN];
    if (snprintf(path, sizeof path, "%s/%s", sysfs, folder) >= (int)sizeof path)
        return;
    DIR *dir = opendir(path);
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.' && strncmp(e->d_name, prefix, strlen(prefix)) == 0)
            visit(f, sysfs, e->d_name);
    closedir(dir);
}

static int64_t max_known(int64_t a, uint64_t b)
{
    return a == HOST_UNKNOWN || (int64_t)b > a ? (int64_t)b : a;
}

static void visit_policy(struct host_facts *f, const char *sysfs, const char *policy)
{
    char governor[32];
    uint64_t khz;
    size_t used = strlen(f->governor);
    if (sysfile_text(governor, sizeof governor, sysfs, "devices/system/cpu/cpufreq/%s/scaling_governor", policy) > 0 &&
        !strstr(f->governor, governor))
        snprintf(f->governor + used, sizeof f->governor - used, "%s%s", used ? "+" : "", governor);
    if (!sysfile_u64(&khz, sysfs, "devices/system/cpu/cpufreq/%s/cpuinfo_max_freq", policy))
        f->freq_max_khz = max_known(f->freq_max_khz, khz);
    if (!sysfile_u64(&khz, sysfs, "devices/system/cpu/cpufreq/%s/scaling_max_freq", policy))
        f->freq_limit_khz = max_known(f->freq_limit_khz, khz);
}

static void read_turbo(struct host_facts *f, const char *sysfs)
{
    uint64_t v;
    if (!sysfile_u64(&v, sysfs, "devices/system/cpu/intel_pstate/no_turbo"))
        f->turbo = v == 0;
    else if (!sysfile_u64(&v, sysfs, "devices/system/cpu/cpufreq/boost") ||
             !sysfile_u64(&v, sysfs, "devices/system/cpu/cpu0/cpufreq/boost"))
        f->turbo = v != 0;
}

static void visit_supply(struct host_facts *f, const char *sysfs, const char *supply)
{
    char type[32], status[32];
    sysfile_text(type, sizeof type, sysfs, "class/power_supply/%s/type", supply);
    if (strcmp(type, "Battery") != 0 || sysfile_text(status, sizeof status, sysfs, "class/power_supply/%s/status", supply) <= 0)
        return;
    if (f->on_battery != 1)
        f->on_battery = strcmp(status, "Discharging") == 0;
}

/* millidegrees Celsius */
static void note_temperature(struct host_facts *f, uint64_t milli_c)
{
    f->cpu_temp_c = fmax(f->cpu_temp_c, 1e-3 * (double)milli_c); /* fmax ignores a NAN */
}

static void visit_thermal(struct host_facts *f, const char *sysfs, const char *zone)
{
    char type[64];
    uint64_t milli_c;
    sysfile_text(type, sizeof type, sysfs, "class/thermal/%s/type", zone);
    bool of_cpu = strstr(type, "cpu") || strstr(type, "pkg") || strstr(type, "soc");
    if (of_cpu && !sysfile_u64(&milli_c, sysfs, "class/thermal/%s/temp", zone))
        note_temperature(f, milli_c);
}

static void visit_hwmon(struct host_facts *f, const char *sysfs, const char *hwmon)
{
    char name[64];
    uint64_t milli_c;
    sysfile_text(name, sizeof name, sysfs, "class/hwmon/%s/name", hwmon);
    bool of_cpu =
        !strcmp(name, "coretemp") || !strcmp(name, "k10temp") || !strcmp(name, "zenpower") || !strcmp(name, "cpu_thermal");
    if (of_cpu && !sysfile_u64(&milli_c, sysfs, "class/hwmon/%s/temp1_input", hwmon))
        note_temperature(f, milli_c);
}

/* The limits of a package zone, constraint_N_power_limit_uw over constraint_N_time_window_us: the first is what can be kept up. */
static void visit_zone(struct host_facts *f, const char *sysfs, const char *zone)
{
    char name[32];
    uint64_t uw, us;
    sysfile_text(name, sizeof name, sysfs, "class/powercap/%s/name", zone);
    if (strncmp(name, "package-", 8) != 0)
        return;
    for (unsigned i = 0; i < 2; i++) {
        const size_t used = strlen(f->power_limits);
        if (sysfile_u64(&uw, sysfs, "class/powercap/%s/constraint_%u_power_limit_uw", zone, i) ||
            sysfile_u64(&us, sysfs, "class/powercap/%s/constraint_%u_time_window_us", zone, i))
            return;
        snprintf(f->power_limits + used, sizeof f->power_limits - used, "%s%s%s%.4g W over %.3g s", used ? ", " : "", i ? "" : name,
                 i ? "" : ": ", 1e-6 * (double)uw, 1e-6 * (double)us);
    }
}

static void read_throttles(const struct probe_env *env, struct host_facts *f)
{
    struct throttle_state now;
    throttle_read(&now, env);
    const double times = throttle_total(&now);
    if (!isnan(times))
        f->throttle_events = (int64_t)times;
}

void host_power_read(const struct probe_env *env, struct host_facts *f)
{
    const char *sysfs = env_sysfs(env);
    f->turbo = f->freq_max_khz = f->freq_limit_khz = f->on_battery = f->throttle_events = HOST_UNKNOWN;
    f->power_limits[0] = '\0';
    f->cpu_temp_c = (double)NAN;
    each_entry(sysfs, "devices/system/cpu/cpufreq", "policy", visit_policy, f);
    read_turbo(f, sysfs);
    each_entry(sysfs, "class/power_supply", "", visit_supply, f);
    each_entry(sysfs, "class/thermal", "thermal_zone", visit_thermal, f);
    each_entry(sysfs, "class/hwmon", "hwmon", visit_hwmon, f);
    each_entry(sysfs, "class/powercap", "intel-rapl:", visit_zone, f);
    read_throttles(env, f);
}
