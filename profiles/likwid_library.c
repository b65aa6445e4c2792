/* Loads likwid when it is asked for, in the version that the program was built for (HAVE_LIKWID: its header does not say). */
#include "profiles/likwid_library.h"

#ifdef HAVE_LIKWID
#include <errno.h>
#include <likwid.h>
#include <stddef.h>

#include "profiles/shared_object.h"

static struct {
    __typeof__(init_configuration) *init_configuration;
    __typeof__(topology_init) *topology_init;
    __typeof__(affinity_init) *affinity_init;
    __typeof__(HPMmode) *HPMmode;
    __typeof__(HPMinit) *HPMinit;
    __typeof__(HPMaddThread) *HPMaddThread;
    __typeof__(HPMfinalize) *HPMfinalize;
    __typeof__(power_init) *power_init;
    __typeof__(get_powerInfo) *get_powerInfo;
    __typeof__(power_start) *power_start;
    __typeof__(perfmon_init) *perfmon_init;
    __typeof__(perfmon_addEventSet) *perfmon_addEventSet;
    __typeof__(perfmon_setupCounters) *perfmon_setupCounters;
    __typeof__(perfmon_startCounters) *perfmon_startCounters;
    __typeof__(perfmon_stopCounters) *perfmon_stopCounters;
    __typeof__(perfmon_getNumberOfMetrics) *perfmon_getNumberOfMetrics;
    __typeof__(perfmon_getMetricName) *perfmon_getMetricName;
    __typeof__(perfmon_getLastMetric) *perfmon_getLastMetric;
    __typeof__(perfmon_finalize) *perfmon_finalize;
    __typeof__(likwid_markerInit) *likwid_markerInit;
    __typeof__(likwid_markerThreadInit) *likwid_markerThreadInit;
    __typeof__(likwid_markerStartRegion) *likwid_markerStartRegion;
    __typeof__(likwid_markerStopRegion) *likwid_markerStopRegion;
} lib;

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

static bool load(void)
{
    const struct so_symbol wanted[] = {
        {"init_configuration", &lib.init_configuration},
        {"topology_init", &lib.topology_init},
        {"affinity_init", &lib.affinity_init},
        {"HPMmode", &lib.HPMmode},
        {"HPMinit", &lib.HPMinit},
        {"HPMaddThread", &lib.HPMaddThread},
        {"HPMfinalize", &lib.HPMfinalize},
        {"power_init", &lib.power_init},
        {"get_powerInfo", &lib.get_powerInfo},
        {"power_start", &lib.power_start},
        {"perfmon_init", &lib.perfmon_init},
        {"perfmon_addEventSet", &lib.perfmon_addEventSet},
        {"perfmon_setupCounters", &lib.perfmon_setupCounters},
        {"perfmon_startCounters", &lib.perfmon_startCounters},
        {"perfmon_stopCounters", &lib.perfmon_stopCounters},
        {"perfmon_getNumberOfMetrics", &lib.perfmon_getNumberOfMetrics},
        {"perfmon_getMetricName", &lib.perfmon_getMetricName},
        {"perfmon_getLastMetric", &lib.perfmon_getLastMetric},
        {"perfmon_finalize", &lib.perfmon_finalize},
        {"likwid_markerInit", &lib.likwid_markerInit},
        {"likwid_markerThreadInit", &lib.likwid_markerThreadInit},
        {"likwid_markerStartRegion", &lib.likwid_markerStartRegion},
        {"likwid_markerStopRegion", &lib.likwid_markerStopRegion},
    };
    return shared_object_load("liblikwid.so." TEXT(HAVE_LIKWID), wanted, sizeof wanted / sizeof wanted[0]);
}

/* What both uses begin with. */
static int set_access(bool daemon)
{
    lib.init_configuration();
    if (lib.topology_init())
        return -ENODEV;
    lib.HPMmode(daemon ? ACCESSMODE_DAEMON : ACCESSMODE_DIRECT);
    return 0;
}

static int real_power_add_cpu(int cpu)
{
    return lib.HPMaddThread(cpu) < 0 ? -EACCES : 0;
}

static int real_power_init(bool daemon, int cpu)
{
    int rc = set_access(daemon);
    rc = rc ? rc : lib.HPMinit() ? -EACCES : real_power_add_cpu(cpu);
    return rc ? rc : lib.power_init(cpu) > 0 ? 0 : -ENODEV;
}

static double real_unit_j(int domain)
{
    const PowerInfo_t info = lib.get_powerInfo();
    if (!info || !info->hasRAPL || !(info->domains[domain].supportFlags & POWER_DOMAIN_SUPPORT_STATUS))
        return 0;
    return info->domains[domain].energyUnit;
}

static int real_power_read(int cpu, int domain, uint32_t *count)
{
    PowerData data = {.domain = domain};
    const int rc = lib.power_start(&data, cpu, (PowerType)domain);
    *count = data.before;
    return rc ? -EIO : 0;
}

static void real_power_finish(void)
{
    lib.HPMfinalize();
}

static int real_init(bool daemon, const int *cpus, int n)
{
    const int rc = set_access(daemon);
    if (rc)
        return rc;
    lib.affinity_init();
    return lib.perfmon_init(n, cpus) ? -EACCES : 0;
}

static int real_add_group(const char *name)
{
    return lib.perfmon_addEventSet(name);
}

static int real_start(int group)
{
    const int rc = lib.perfmon_setupCounters(group);
    return rc ? rc : lib.perfmon_startCounters();
}

static int real_stop(void)
{
    return lib.perfmon_stopCounters();
}

static int real_n_metrics(int group)
{
    return lib.perfmon_getNumberOfMetrics(group);
}

static const char *real_metric_name(int group, int metric)
{
    return lib.perfmon_getMetricName(group, metric);
}

static double real_metric(int group, int metric, int thread)
{
    return lib.perfmon_getLastMetric(group, metric, thread);
}

static void real_finish(void)
{
    lib.perfmon_finalize();
}

static void real_marker_init(void)
{
    lib.likwid_markerInit();
}

static int real_marker(const char *region, bool start)
{
    if (!start)
        return lib.likwid_markerStopRegion(region);
    lib.likwid_markerThreadInit();
    return lib.likwid_markerStartRegion(region);
}

const struct likwid_api *likwid_library(const char **why)
{
    static const struct likwid_api api = {.power_init = real_power_init,
                                          .power_add_cpu = real_power_add_cpu,
                                          .unit_j = real_unit_j,
                                          .power_read = real_power_read,
                                          .power_finish = real_power_finish,
                                          .init = real_init,
                                          .add_group = real_add_group,
                                          .start = real_start,
                                          .stop = real_stop,
                                          .n_metrics = real_n_metrics,
                                          .metric_name = real_metric_name,
                                          .metric = real_metric,
                                          .finish = real_finish,
                                          .marker_init = real_marker_init,
                                          .marker = real_marker};
    *why = "the likwid library that this program was built for is not installed (Debian: likwid)";
    return load() ? &api : NULL;
}
#else
#include <stddef.h>

const struct likwid_api *likwid_library(const char **why)
{
    *why = "this program was built without likwid (Debian: likwid)";
    return NULL;
}
#endif
