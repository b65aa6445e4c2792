/* Each CPU shows the count of its core, that is of its siblings, too, and of its package: the growth of a core or package is that of
 * the CPU that saw most. The bits of the Raspberry Pi's firmware: 0 under-voltage, 1 frequency capped, 2 throttled, 3 soft
 * temperature limit, each now; 16 to 19 the same since boot. The file in sysfs is up to 2 s old, the command asks. */
#include "profiles/throttling.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profiles/energy_source.h"
#include "profiles/sysfile.h"
#include "profiles/vcgencmd.h"

enum { NOW_BITS = 0xf, SINCE_SHIFT = 16 };

/* ---- counts ---- */

static void read_counts(struct throttle_state *s, const struct probe_env *env)
{
    static const char format[] = "devices/system/cpu/cpu%d/thermal_throttle/%s_throttle_count";
    char present[64];
    int list[THROTTLE_CPUS];
    int n = sysfile_text(present, sizeof present, env_sysfs(env), "devices/system/cpu/present") > 0
                ? energy_cpu_list(present, list, THROTTLE_CPUS)
                : -1;
    const long conf = sysconf(_SC_NPROCESSORS_CONF);
    s->n_cpus = n > 0 ? list[n - 1] + 1 : (int)conf;
    s->n_cpus = s->n_cpus > THROTTLE_CPUS ? THROTTLE_CPUS : s->n_cpus;
    for (int cpu = 0; cpu < s->n_cpus; cpu++) {
        uint64_t core = 0, package = 0;
        const int no_core = sysfile_u64(&core, env_sysfs(env), format, cpu, "core");
        const int no_package = sysfile_u64(&package, env_sysfs(env), format, cpu, "package");
        s->counts = s->counts || !no_core || !no_package;
        s->core[cpu] = (uint32_t)core;
        s->package[cpu] = (uint32_t)package;
    }
}

/* The largest of a core's or package's CPUs counts; summed over them. */
struct growth {
    int socket, core;
    uint32_t by; /* a count that fell was reset: nothing is known of it */
};

static uint32_t grown(uint32_t a, uint32_t b)
{
    return b > a ? b - a : 0;
}

static double sum_growth(const struct throttle_state *a, const struct throttle_state *b, bool packages)
{
    const struct probe_env env = {.sysfs = b->sysfs};
    struct growth place[THROTTLE_CPUS];
    double sum = 0;
    int n = 0;
    for (int cpu = 0; cpu < b->n_cpus; cpu++) {
        struct growth g = {.by = packages ? grown(a->package[cpu], b->package[cpu]) : grown(a->core[cpu], b->core[cpu])};
        int die, k = 0;
        if (!g.by)
            continue;
        energy_cpu_place(&env, cpu, &g.socket, &die, &g.core);
        g.core = packages ? 0 : g.core;
        while (k < n && (place[k].socket != g.socket || place[k].core != g.core))
            k++;
        if (k == n)
            place[n++] = (struct growth){g.socket, g.core, 0};
        place[k].by = g.by > place[k].by ? g.by : place[k].by;
    }
    for (int k = 0; k < n; k++)
        sum += place[k].by;
    return sum;
}

double throttle_total(const struct throttle_state *s)
{
    static const struct throttle_state boot;
    return s->counts ? sum_growth(&boot, s, false) : (double)NAN;
}

/* ---- limits ---- */

static void read_limits(struct throttle_state *s, const struct probe_env *env)
{
    glob_t found;
    s->limit_khz = (double)NAN;
    if (!energy_glob(env, "devices/system/cpu/cpufreq/policy*", &found))
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        uint64_t khz;
        if (!sysfile_u64(&khz, found.gl_pathv[i], "scaling_max_freq"))
            s->limit_khz = (isnan(s->limit_khz) ? 0 : s->limit_khz) + (double)khz;
    }
    globfree(&found);
}

static bool slows_the_processor(const char *type)
{
    return !strcmp(type, "Processor") || !strncmp(type, "cpufreq-", 8) || !strncmp(type, "thermal-cpufreq", 15) ||
           !strncmp(type, "thermal-cpuidle", 15);
}

static void read_cooling(struct throttle_state *s, const struct probe_env *env)
{
    glob_t found;
    s->cooling = -1;
    if (!energy_glob(env, "class/thermal/cooling_device*", &found))
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char type[sizeof s->device];
        uint64_t state;
        if (sysfile_text(type, sizeof type, found.gl_pathv[i], "type") <= 0 || !slows_the_processor(type) ||
            sysfile_u64(&state, found.gl_pathv[i], "cur_state") || state > 1000 || (int)state <= s->cooling)
            continue;
        s->cooling = (int)state;
        snprintf(s->device, sizeof s->device, "%s", type);
    }
    globfree(&found);
}

/* ---- firmware ---- */

static void read_firmware(struct throttle_state *s, const struct probe_env *env)
{
    char text[64] = "", *end = text;
    const char *at = text;
    glob_t found;
    s->firmware = -1;
    sysfile_text(text, sizeof text, env_sysfs(env), "firmware/devicetree/base/model");
    if (strncmp(text, "Raspberry Pi", 12) != 0)
        return;
    if (!vcgencmd_run("get_throttled", text, sizeof text) && !strncmp(text, "throttled=", 10))
        at = text + 10;
    else if (energy_glob(env, "devices/platform/soc*/*firmware*/get_throttled", &found)) {
        sysfile_text(text, sizeof text, env_sysfs(env), "%s", found.gl_pathv[0] + strlen(env_sysfs(env)) + 1);
        globfree(&found);
    } else
        return;
    const unsigned long long bits = strtoull(at, &end, 16);
    if (end > at && bits <= UINT32_MAX)
        s->firmware = (int64_t)bits;
}

void throttle_read(struct throttle_state *s, const struct probe_env *env)
{
    memset(s, 0, sizeof *s);
    s->sysfs = env_sysfs(env);
    read_counts(s, env);
    read_limits(s, env);
    read_cooling(s, env);
    read_firmware(s, env);
}

/* ---- metrics ---- */

/* What was asked of the firmware at the ends: now at one of them, or new in what was since boot. */
static void firmware_words(int64_t a, int64_t b, char *out, size_t len)
{
    static const char *const words[] = {"under-voltage", "frequency capped", "throttled", "soft temperature limit"};
    const int64_t bits = ((a | b) | ((b & ~a) >> SINCE_SHIFT)) & NOW_BITS;
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < 4; i++)
        if (bits & ((int64_t)1 << i))
            used += (size_t)snprintf(out + used, len - used, "%s%s", used ? ", " : "", words[i]);
}

static void put_capped(const struct throttle_state *a, const struct throttle_state *b, struct metric *m)
{
    static const char name[] = "clock_capped", source[] = "cpufreq, cooling devices, firmware";
    char words[96] = "";
    if (isnan(a->limit_khz + b->limit_khz) && (a->cooling < 0 || b->cooling < 0) && (a->firmware < 0 || b->firmware < 0)) {
        metric_unavailable(
            m, name, "1", source,
            "no cpufreq, no cooling device of the processor and no Raspberry Pi firmware here: as in most virtual machines");
        return;
    }
    if (a->firmware >= 0 && b->firmware >= 0)
        firmware_words(a->firmware, b->firmware, words, sizeof words);
    const struct throttle_state *hot = b->cooling >= a->cooling ? b : a;
    const bool moved = fabs(b->limit_khz - a->limit_khz) > 0; /* false for NAN */
    metric_set(m, name, "1", METRIC_MEASURED, words[0] || hot->cooling > 0 || moved, source);
    if (words[0])
        snprintf(m->reason, sizeof m->reason, "the firmware held the clock down (%s): look at supply and cooling", words);
    else if (hot->cooling > 0)
        snprintf(m->reason, sizeof m->reason,
                 "the kernel held the clock down for heat (cooling device %s in state %d): let it cool down", hot->device,
                 hot->cooling);
    else if (moved)
        snprintf(m->reason, sizeof m->reason, "the limit of the clock moved by %+.0f MHz, all policies together (scaling_max_freq)",
                 1e-3 * (b->limit_khz - a->limit_khz));
}

size_t throttle_metrics(const struct throttle_state *a, const struct throttle_state *b, struct metric out[THROTTLE_METRICS])
{
    if (a->counts && b->counts)
        metric_set(&out[0], "thermal_throttles", "1", METRIC_MEASURED, sum_growth(a, b, false) + sum_growth(a, b, true),
                   "sysfs thermal_throttle");
    else
        metric_unavailable(&out[0], "thermal_throttles", "1", "sysfs thermal_throttle",
                           "no thermal_throttle in devices/system/cpu: on Intel only, and not in virtual machines");
    put_capped(a, b, &out[1]);
    return THROTTLE_METRICS;
}
