/* Energy from the kernel's powercap tree (RAPL counters of Intel and AMD): joules per socket, DRAM, mean power.
 *
 * The counter of each zone is read at the start and the stop of a window, and in between at every keep_alive(). It wraps: the
 * difference is taken modulo range + 1. That holds only while less than one whole range can pass between two reads, so a gap longer
 * than range / 2 kW makes the window unavailable, as does any step that would need more than 2 kW (a reset counter looks
 * like a wrap). Example: the common range of 65,536 J is safe for 32 s, 262,144 J for 131 s.
 * A reset that a wrap could explain within the gap is not noticed. The numbers are of whole sockets, whoever used them; nothing
 * is estimated and nothing is subtracted. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profiles/powercap_zones.h"
#include "profiles/probe.h"
#include "profiles/time_clock.h"

/* No package or DRAM domain of a shipping CPU draws this much; peaks of a millisecond included. */
static const double max_power_w = 2000.0;
/* The counters move about once per millisecond; a step may hold what was used up to some updates before. */
static const double update_slack_s = 0.01;
/* Not a single update in this time: the counter is dead. */
static const double stuck_s = 0.05;
/* Below this the 1 ms update step is over 1 % of the window, which the metric then says. */
static const double coarse_s = 0.1;

struct zone_window {
    uint64_t last_uj; /* counter at the last read */
    double last_s;    /* when that was */
    uint64_t sum_uj;  /* since the start of the window */
    char failure[METRIC_REASON_LEN];
};

struct powercap {
    struct powercap_zones zones;
    struct zone_window *window; /* one per zone */
    double start_s, stop_s;
    bool running, have_window;
};

/* The longest time that may pass between two reads of a zone. */
static double safe_gap_s(const struct powercap_zone *z)
{
    return 1e-6 * (double)z->range_uj / max_power_w;
}

__attribute__((format(printf, 3, 4))) static void fail(struct zone_window *w, const struct powercap_zone *z, const char *fmt, ...)
{
    int n = snprintf(w->failure, sizeof w->failure, "%s (%s): ", z->dir, z->name);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(w->failure + n, sizeof w->failure - (size_t)n, fmt, ap);
    va_end(ap);
}

/* One read: adds the step since the last one, or records why the window is lost. The first failure stays. */
static void advance(const struct powercap_zone *z, struct zone_window *w)
{
    if (z->problem[0] || w->failure[0])
        return;
    uint64_t uj;
    double t = time_now_s();
    int rc = powercap_zone_read(z, &uj);
    if (rc) {
        fail(w, z, "the counter became unreadable: %s", strerror(-rc));
        return;
    }
    double gap_s = t - w->last_s;
    if (gap_s > safe_gap_s(z)) {
        fail(w, z, "not read for %.3g s; it may have wrapped unseen, as %g W pass its range in %.3g s. Measure in shorter windows",
             gap_s, max_power_w, safe_gap_s(z));
        return;
    }
    /* modulo range + 1; last_uj <= range_uj, so the sum cannot overflow for any range below 2^63 */
    uint64_t step_uj = uj >= w->last_uj ? uj - w->last_uj : uj + (z->range_uj - w->last_uj) + 1;
    if (1e-6 * (double)step_uj > max_power_w * (gap_s + update_slack_s)) {
        fail(w, z, "the counter was reset or jumped: %llu to %llu uJ in %.3g s is no possible power",
             (unsigned long long)w->last_uj, (unsigned long long)uj, gap_s);
        return;
    }
    w->sum_uj += step_uj;
    w->last_uj = uj;
    w->last_s = t;
}

static int powercap_open(const struct probe_env *env, void **state)
{
    struct powercap *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    int rc = powercap_zones_find(env, &p->zones);
    if (!rc && p->zones.n > 0) {
        p->window = calloc(p->zones.n, sizeof *p->window);
        rc = p->window ? 0 : -ENOMEM;
    }
    if (rc) {
        powercap_zones_free(&p->zones);
        free(p);
        return rc;
    }
    *state = p;
    return 0;
}

static void powercap_start(void *state)
{
    struct powercap *p = state;
    p->running = true;
    p->have_window = false;
    p->start_s = time_now_s();
    for (size_t i = 0; i < p->zones.n; i++) {
        const struct powercap_zone *z = &p->zones.zone[i];
        struct zone_window *w = &p->window[i];
        *w = (struct zone_window){.last_s = time_now_s()};
        int rc = z->problem[0] ? 0 : powercap_zone_read(z, &w->last_uj);
        if (rc)
            fail(w, z, "the counter became unreadable: %s", strerror(-rc));
    }
}

static double powercap_keep_alive(void *state)
{
    struct powercap *p = state;
    double next_s = INFINITY;
    for (size_t i = 0; i < p->zones.n; i++) {
        if (p->running)
            advance(&p->zones.zone[i], &p->window[i]);
        if (!p->zones.zone[i].problem[0])
            next_s = fmin(next_s, safe_gap_s(&p->zones.zone[i]));
    }
    return next_s;
}

static void powercap_stop(void *state)
{
    struct powercap *p = state;
    p->stop_s = time_now_s();
    for (size_t i = 0; i < p->zones.n; i++)
        advance(&p->zones.zone[i], &p->window[i]);
    p->running = false;
    p->have_window = true;
}

/* Why zone i has no number in this window; false when it has one. */
static bool zone_failed(const struct powercap *p, size_t i, char reason[METRIC_REASON_LEN])
{
    const struct powercap_zone *z = &p->zones.zone[i];
    const struct zone_window *w = &p->window[i];
    double window_s = p->stop_s - p->start_s;
    reason[0] = '\0';
    if (z->problem[0] || w->failure[0])
        snprintf(reason, METRIC_REASON_LEN, "%s", z->problem[0] ? z->problem : w->failure);
    else if (!p->have_window)
        snprintf(reason, METRIC_REASON_LEN, "no window was measured yet");
    else if (w->sum_uj == 0 && window_s >= stuck_s)
        snprintf(reason, METRIC_REASON_LEN, "%s (%s): the counter is stuck: it stayed at %llu uJ for %.3g s", z->dir, z->name,
                 (unsigned long long)w->last_uj, window_s);
    else if (w->sum_uj == 0)
        snprintf(reason, METRIC_REASON_LEN, "%s (%s): no update of the counter in a window of %.3g s. Measure at least 0.1 s",
                 z->dir, z->name, window_s);
    return reason[0] != '\0';
}

struct energy_sum {
    double joules;
    size_t zones; /* that were added */
    char source[METRIC_SOURCE_LEN], reason[METRIC_REASON_LEN];
};

/* Sum over the zones of a kind, of one socket or (-1) of all. One lost zone loses the sum. False: no number, see reason. */
static bool sum_zones(const struct powercap *p, enum powercap_kind kind, int socket, struct energy_sum *sum)
{
    *sum = (struct energy_sum){.source = "powercap"};
    for (size_t i = 0; i < p->zones.n; i++) {
        const struct powercap_zone *z = &p->zones.zone[i];
        if (z->kind != kind || (socket >= 0 && z->socket != socket))
            continue;
        if (zone_failed(p, i, sum->reason))
            return false;
        sum->joules += 1e-6 * (double)p->window[i].sum_uj;
        sum->zones++;
        size_t len = strlen(sum->source);
        snprintf(sum->source + len, sizeof sum->source - len, " %s", z->dir);
    }
    return sum->zones > 0;
}

static void put_energy(const struct powercap *p, struct metric *m, const char *name, const struct energy_sum *sum)
{
    double window_s = p->stop_s - p->start_s;
    metric_set(m, name, "J", METRIC_MEASURED, sum->joules, sum->source);
    if (window_s < coarse_s)
        snprintf(m->reason, sizeof m->reason,
                 "short window (%.3g s): the counter moves about every 1 ms, so this is good to about %.0f %%", window_s,
                 100.0 * 1e-3 / window_s);
}

static void put_sockets(const struct powercap *p, struct metric *out, size_t cap, size_t *n)
{
    int last = -1;
    for (size_t i = 0; i < p->zones.n && *n < cap; i++) {
        const struct powercap_zone *z = &p->zones.zone[i];
        struct energy_sum sum;
        char name[METRIC_NAME_LEN];
        if (z->kind != POWERCAP_PACKAGE || z->socket == last)
            continue;
        last = z->socket;
        snprintf(name, sizeof name, "energy_pkg_j.socket%d", z->socket);
        if (sum_zones(p, POWERCAP_PACKAGE, z->socket, &sum))
            put_energy(p, &out[*n], name, &sum);
        else
            metric_unavailable(&out[*n], name, "J", "powercap", sum.reason);
        ++*n;
    }
}

static void put_dram(const struct powercap *p, struct metric *m)
{
    struct energy_sum sum;
    if (sum_zones(p, POWERCAP_DRAM, -1, &sum))
        put_energy(p, m, "energy_dram_j", &sum);
    else if (p->zones.problem[0])
        metric_unavailable(m, "energy_dram_j", "J", "powercap", p->zones.problem);
    else
        metric_unavailable(m, "energy_dram_j", "J", "powercap",
                           sum.reason[0] ? sum.reason : "no dram zone: AMD and most client CPUs do not count memory energy apart");
}

static size_t powercap_read(void *state, struct metric *out, size_t cap)
{
    struct powercap *p = state;
    struct energy_sum pkg;
    bool ok = sum_zones(p, POWERCAP_PACKAGE, -1, &pkg);
    const char *why = p->zones.problem[0] ? p->zones.problem : pkg.reason;
    struct metric m[3];
    if (ok) {
        put_energy(p, &m[0], "energy_pkg_j", &pkg);
        metric_set(&m[2], "power_pkg_w", "W", METRIC_DERIVED, pkg.joules / (p->stop_s - p->start_s), pkg.source);
        snprintf(m[2].reason, sizeof m[2].reason, "energy_pkg_j / window of %.6g s", p->stop_s - p->start_s);
    } else {
        metric_unavailable(&m[0], "energy_pkg_j", "J", "powercap", why);
        metric_unavailable(&m[2], "power_pkg_w", "W", "powercap", why);
    }
    put_dram(p, &m[1]);
    size_t n = 0;
    if (n < cap)
        out[n++] = m[0];
    put_sockets(p, out, cap, &n);
    for (size_t i = 1; i < 3 && n < cap; i++)
        out[n++] = m[i];
    return n;
}

static void powercap_close(void *state)
{
    struct powercap *p = state;
    powercap_zones_free(&p->zones);
    free(p->window);
    free(p);
}

const struct probe probe_powercap = {
    .name = "powercap",
    .open = powercap_open,
    .start = powercap_start,
    .stop = powercap_stop,
    .read = powercap_read,
    .close = powercap_close,
    .keep_alive = powercap_keep_alive,
};
