/* Memory of this process: resident set, its peak, and the proportional share.
 *
 * start() asks the kernel to reset the peak (writing 5 to clear_refs), so that rss_peak_bytes is the peak of the window: VmHWM of
 * status, which starts at the RSS of that moment. pss_bytes is read at stop() from smaps_rollup. The peak of the whole process is
 * followed over the resets. Says nothing about children and nothing about who allocated what. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "profiles/probe.h"
#include "profiles/sysfile.h"

struct memory {
    struct probe_env env;
    bool peak_reset;       /* the kernel took the reset: the peak is of the window */
    bool have_window;      /* a stop() was seen */
    double process_peak;   /* bytes; NAN: unknown. These four may be NAN */
    double rss, peak, pss; /* bytes, at stop() */
};

/* A field of a status-like file in bytes; NAN when there is no such field. */
static double field_bytes(const char *text, const char *key)
{
    char value[64];
    unsigned long long kib;
    if (!text || text_field(text, key, ':', value, sizeof value) || sscanf(value, "%llu kB", &kib) != 1)
        return (double)NAN;
    return (double)kib * 1024.0;
}

static double file_field_bytes(const struct memory *m, const char *path, const char *key)
{
    char *text = sysfile_all(env_procfs(&m->env), path);
    double bytes = field_bytes(text, key);
    free(text);
    return bytes;
}

static bool reset_peak(const struct memory *m)
{
    char path[SYSFILE_PATH_LEN];
    if (snprintf(path, sizeof path, "%s/self/clear_refs", env_procfs(&m->env)) >= (int)sizeof path)
        return false;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = write(fd, "5", 1) == 1;
    close(fd);
    return ok;
}

static int memory_open(const struct probe_env *env, void **state)
{
    struct memory *m = calloc(1, sizeof *m);
    if (!m)
        return -ENOMEM;
    if (env)
        m->env = *env;
    m->process_peak = (double)NAN;
    *state = m;
    return 0;
}

static void memory_start(void *state)
{
    struct memory *m = state;
    m->process_peak = fmax(m->process_peak, file_field_bytes(m, "self/status", "VmHWM")); /* fmax ignores a NAN */
    m->peak_reset = reset_peak(m);
}

static void memory_stop(void *state)
{
    struct memory *m = state;
    char *status = sysfile_all(env_procfs(&m->env), "self/status");
    m->peak = field_bytes(status, "VmHWM");
    m->rss = field_bytes(status, "VmRSS");
    free(status);
    m->pss = file_field_bytes(m, "self/smaps_rollup", "Pss");
    m->process_peak = fmax(m->process_peak, m->peak);
    m->have_window = true;
}

static void put(struct metric *out, size_t cap, size_t *n, const char *name, double bytes, const char *source, const char *reason)
{
    if (*n == cap)
        return;
    if (isnan(bytes))
        metric_unavailable(&out[*n], name, "bytes", source, reason);
    else
        metric_set(&out[*n], name, "bytes", METRIC_MEASURED, bytes, source);
    ++*n;
}

/* Without procfs the kernel still tells the peak of the process through getrusage (ru_maxrss, KiB). */
static void put_rusage_peak(struct metric *out, size_t cap, size_t *n, const char *name)
{
    struct rusage ru;
    getrusage(RUSAGE_SELF, &ru);
    put(out, cap, n, name, (double)ru.ru_maxrss * 1024.0, "getrusage ru_maxrss", "");
    snprintf(out[*n - 1].reason, sizeof out->reason, "peak since the process started, not of the window: no status file in procfs");
}

static size_t memory_read(void *state, struct metric *out, size_t cap)
{
    struct memory *m = state;
    size_t n = 0;
    const char *why = m->have_window ? "not in procfs: is /proc mounted?" : "no window was measured yet";
    if (m->have_window && isnan(m->peak) && cap > 0) {
        put_rusage_peak(out, cap, &n, "rss_peak_bytes");
    } else {
        double peak = m->have_window ? m->peak : (double)NAN;
        put(out, cap, &n, "rss_peak_bytes", peak, "procfs status VmHWM", why);
        if (n && !isnan(peak) && !m->peak_reset)
            snprintf(out[n - 1].reason, sizeof out->reason, "peak since the process started: this kernel does not reset it");
    }
    put(out, cap, &n, "rss_peak_process_bytes", m->have_window ? m->process_peak : (double)NAN, "procfs status VmHWM", why);
    put(out, cap, &n, "rss_bytes", m->have_window ? m->rss : (double)NAN, "procfs status VmRSS", why);
    put(out, cap, &n, "pss_bytes", m->have_window ? m->pss : (double)NAN, "procfs smaps_rollup Pss",
        m->have_window ? "no smaps_rollup in procfs: needs Linux 4.14 or later" : why);
    return n;
}

static void memory_close(void *state)
{
    free(state);
}

const struct probe probe_memory = {
    .name = "memory",
    .open = memory_open,
    .start = memory_start,
    .stop = memory_stop,
    .read = memory_read,
    .close = memory_close,
};
