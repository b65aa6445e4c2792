/* The kernel's own event names, event files of sysfs, and libpfm4 for all others.
 *
 * The kernel maps its generic hardware names to what the CPU has; where it has nothing, opening fails with ENOENT. libpfm4 knows
 * the event tables of each CPU and writes the same attributes. Raw numbers are not accepted: nobody could check them. */
#include "profiles/counter_event.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_PFM
#include <perfmon/pfmlib_perf_event.h>
#endif

#include "profiles/counter_sysfs.h"
#include "profiles/shared_object.h"
#include "profiles/sysfile.h"

#define CACHE(level, op, result) \
    (PERF_COUNT_HW_CACHE_##level | (PERF_COUNT_HW_CACHE_OP_##op << 8) | (PERF_COUNT_HW_CACHE_RESULT_##result << 16))

static const struct kernel_event {
    const char *name;
    struct counter_code code;
} kernel_events[] = {
    {"cycles", {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_CPU_CYCLES}},
    {"instructions", {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_INSTRUCTIONS}},
    {"cache-references", {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_CACHE_REFERENCES}},
    {"cache-misses", {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_CACHE_MISSES}},
    {"branches", {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_BRANCH_INSTRUCTIONS}},
    {"branch-misses", {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_BRANCH_MISSES}},
    {"bus-cycles", {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_BUS_CYCLES}},
    {"stalled-cycles-frontend", {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_STALLED_CYCLES_FRONTEND}},
    {"stalled-cycles-backend", {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_STALLED_CYCLES_BACKEND}},
    {"ref-cycles", {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_REF_CPU_CYCLES}},
    {"L1-dcache-loads", {.type = PERF_TYPE_HW_CACHE, .config = CACHE(L1D, READ, ACCESS)}},
    {"L1-dcache-load-misses", {.type = PERF_TYPE_HW_CACHE, .config = CACHE(L1D, READ, MISS)}},
    {"LLC-loads", {.type = PERF_TYPE_HW_CACHE, .config = CACHE(LL, READ, ACCESS)}},
    {"LLC-load-misses", {.type = PERF_TYPE_HW_CACHE, .config = CACHE(LL, READ, MISS)}},
    {"dTLB-loads", {.type = PERF_TYPE_HW_CACHE, .config = CACHE(DTLB, READ, ACCESS)}},
    {"dTLB-load-misses", {.type = PERF_TYPE_HW_CACHE, .config = CACHE(DTLB, READ, MISS)}},
    {"task-clock", {.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_TASK_CLOCK, .software = true}},
    {"page-faults", {.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS, .software = true}},
    {"minor-faults", {.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS_MIN, .software = true}},
    {"major-faults", {.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS_MAJ, .software = true}},
    {"context-switches",
     {.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CONTEXT_SWITCHES, .software = true, .in_kernel = true}},
    {"cpu-migrations", {.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_MIGRATIONS, .software = true, .in_kernel = true}},
};

static const struct kernel_event *find_kernel_event(const char *name)
{
    for (size_t i = 0; i < sizeof kernel_events / sizeof kernel_events[0]; i++)
        if (!strcmp(kernel_events[i].name, name))
            return &kernel_events[i];
    return NULL;
}

bool counter_is_kernel_name(const char *name)
{
    return find_kernel_event(name) != NULL;
}

#ifdef HAVE_PFM
static struct {
    __typeof__(pfm_initialize) *initialize;
    __typeof__(pfm_get_pmu_info) *get_pmu_info;
    __typeof__(pfm_get_os_event_encoding) *get_os_event_encoding;
    __typeof__(pfm_strerror) *strerror;
} lib;

static bool load(void)
{
    const struct so_symbol wanted[] = {
        {"pfm_initialize", &lib.initialize},
        {"pfm_get_pmu_info", &lib.get_pmu_info},
        {"pfm_get_os_event_encoding", &lib.get_os_event_encoding},
        {"pfm_strerror", &lib.strerror},
    };
    return shared_object_load("libpfm.so.4", wanted, sizeof wanted / sizeof wanted[0]) && lib.initialize() == PFM_SUCCESS;
}

static bool real_has_pmu(const char *pmu)
{
    pfm_pmu_info_t info;
    for (int i = PFM_PMU_NONE; i < PFM_PMU_MAX; i++) {
        memset(&info, 0, sizeof info);
        info.size = sizeof info;
        if (lib.get_pmu_info((pfm_pmu_t)i, &info) == PFM_SUCCESS && info.is_present && !strcmp(info.name, pmu))
            return true;
    }
    return false;
}

static int real_encode(const char *name, struct counter_code *out)
{
    struct perf_event_attr attr = {.size = sizeof attr};
    pfm_perf_encode_arg_t arg = {.attr = &attr, .size = sizeof arg};
    const int rc = lib.get_os_event_encoding(name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &arg);
    *out = (struct counter_code){.type = attr.type, .config = attr.config, .config1 = attr.config1, .config2 = attr.config2};
    return rc;
}

static const char *real_error(int code)
{
    return lib.strerror(code);
}

const struct pfm_api *counter_pfm(const char **why)
{
    static const struct pfm_api api = {real_has_pmu, real_encode, real_error};
    static int loaded = -1;
    if (loaded < 0)
        loaded = load();
    *why = loaded ? "" : "the library libpfm4, which knows the events of this CPU, is not installed (Debian: libpfm4)";
    return loaded ? &api : NULL;
}
#else
const struct pfm_api *counter_pfm(const char **why)
{
    *why = "this program was built without libpfm4, which knows the events of this CPU (Debian: libpfm4-dev)";
    return NULL;
}
#endif

const char *counter_pmu_here(const struct counter_tables *t, const struct counter_pmus *pmus)
{
    for (size_t i = 0; i < pmus->n; i++) {
        uint64_t type;
        if ((t->pfm && t->pfm->has_pmu(pmus->name[i])) ||
            !sysfile_u64(&type, env_sysfs(t->env), "bus/event_source/devices/%s/type", pmus->name[i]))
            return pmus->name[i];
    }
    return NULL;
}

/* "PMU::NAME" in libpfm4's tables. */
static int encode_pfm(const struct counter_tables *t, const char *pmu, const char *name, struct counter_code *out,
                      char reason[METRIC_REASON_LEN])
{
    char full[GROUP_EVENT_LEN + GROUP_NAME_LEN + 4];
    const char *why = "";
    if (!t->pfm) {
        counter_pfm(&why);
        snprintf(reason, METRIC_REASON_LEN, "event %.80s: %s", name, why[0] ? why : "needs libpfm4");
        return -ENOENT;
    }
    snprintf(full, sizeof full, "%s%s%s", pmu ? pmu : "", pmu ? "::" : "", name);
    const int rc = t->pfm->encode(full, out);
    if (!rc)
        return 0;
    snprintf(reason, METRIC_REASON_LEN, "event %.100s: libpfm4 does not know it on this machine (%s)", full, t->pfm->error(rc));
    return -ENOENT;
}

int counter_encode(const struct counter_tables *t, const char *pmu, const char *name, struct counter_code *out,
                   char reason[METRIC_REASON_LEN])
{
    const struct kernel_event *known = find_kernel_event(name);
    const size_t len = strlen(name);
    if (known) {
        *out = known->code;
        return 0;
    }
    if (len > 2 && name[0] == '/' && name[len - 1] == '/')
        return counter_encode_sysfs(t, pmu, name, out, reason);
    return encode_pfm(t, pmu, name, out, reason);
}
