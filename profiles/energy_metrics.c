/* The domain algebra: only channels of one domain are added, and one lost channel loses the sum.
 *
 *     energy_pkg_j          = sum over sockets and real dies of the package counters
 *     energy_pkg_j.socketN  = those of socket N
 *     energy_dram_j         = sum of the memory counters; lies outside of the package on servers
 *     energy_core_j, energy_uncore_j, energy_psys_j, energy_board_j, energy_pmic_j, energy_rail_j.NAME:
 *                             as far as the source has them. Parts and supersets of each other: never added
 *     power_pkg_w           = energy_pkg_j / length of the window; of a source without packages power_psys_w, power_board_w, ...
 *     energy_quantisation   = bound of the relative error by the update grid, see energy_window.h
 * Nothing is subtracted and nothing is estimated here. */
#include "profiles/energy_metrics.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double short_s = 2.0; /* a shorter window is flagged */

struct energy_sum {
    double joules;
    size_t parts;
    char source[METRIC_SOURCE_LEN], reason[METRIC_REASON_LEN];
};

struct sink {
    struct metric *out;
    size_t n, cap;
};

static struct metric *next(struct sink *s)
{
    return s->n < s->cap ? &s->out[s->n++] : NULL;
}

static void source_text(const struct energy_window *w, char text[METRIC_SOURCE_LEN])
{
    const struct energy_source *s = w->c.source;
    if (s->kind == ENERGY_COUNTER)
        snprintf(text, METRIC_SOURCE_LEN, "%s", s->name);
    else
        snprintf(text, METRIC_SOURCE_LEN, "%s: %s", energy_kind_name(s->kind), s->name);
}

/* Sum over the channels of a domain, of one socket or (-1) of all. False: no number, see reason (empty: no such channel). */
static bool sum_channels(struct energy_window *w, enum energy_domain d, int socket, struct energy_sum *sum)
{
    *sum = (struct energy_sum){0};
    source_text(w, sum->source);
    for (size_t i = 0; i < w->c.n; i++) {
        const struct energy_channel *ch = &w->c.ch[i];
        double joules;
        if (ch->domain != d || (socket >= 0 && ch->socket != socket))
            continue;
        if (!energy_window_joules(w, i, &joules, sum->reason))
            return false;
        sum->joules += joules;
        sum->parts++;
        const size_t len = strlen(sum->source);
        snprintf(sum->source + len, sizeof sum->source - len, " %s", ch->label);
    }
    return sum->parts > 0;
}

static bool has_domain(const struct energy_window *w, enum energy_domain d)
{
    for (size_t i = 0; i < w->c.n; i++)
        if (w->c.ch[i].domain == d)
            return true;
    return false;
}

enum energy_domain energy_headline(const struct energy_window *w)
{
    static const enum energy_domain order[] = {ENERGY_PKG, ENERGY_PSYS, ENERGY_BOARD, ENERGY_PMIC};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (energy_window_usable(w, order[i]))
            return order[i];
    return ENERGY_DOMAINS;
}

double energy_domain_joules(struct energy_window *w, enum energy_domain d, char reason[METRIC_REASON_LEN])
{
    struct energy_sum sum;
    const bool ok = sum_channels(w, d, -1, &sum);
    snprintf(reason, METRIC_REASON_LEN, "%s", sum.reason);
    return ok ? sum.joules : (double)NAN;
}

/* ---- single metrics ---- */

double energy_length_s(const struct energy_window *w)
{
    return w->c.source->kind == ENERGY_RECORD ? w->real_stop_s - w->real_start_s : w->stop_s - w->start_s;
}

/* True when the power channels of this domain gave the same readings all the time. */
static bool never_changed(const struct energy_window *w, enum energy_domain d)
{
    unsigned samples = 0, changes = 0;
    for (size_t i = 0; i < w->c.n; i++)
        if (w->c.ch[i].domain == d) {
            samples += w->power[i].samples;
            changes += w->power[i].changes;
        }
    return samples > 1 && changes == 0;
}

static void put_energy(const struct energy_window *w, struct metric *m, const char *name, enum energy_domain d,
                       const struct energy_sum *sum)
{
    const double s = energy_length_s(w), error = energy_window_quantisation(w);
    const enum metric_status status = w->c.source->kind == ENERGY_COUNTER ? METRIC_MEASURED : METRIC_DERIVED;
    metric_set(m, name, "J", status, sum->joules, sum->source);
    if (s < short_s) {
        const int n = snprintf(m->reason, sizeof m->reason, "short window (%.3g s, at least %g s is wanted)", s, short_s);
        if (isfinite(error))
            snprintf(m->reason + n, sizeof m->reason - (size_t)n, ": good to about %.2g %% by the update grid alone", 100 * error);
    } else if (w->c.source->kind == ENERGY_COUNTER && error > 0.01)
        snprintf(m->reason, sizeof m->reason, "the counter moves only every %.3g s: good to about %.2g %%", w->grid_s, 100 * error);
    else if (w->c.source->kind == ENERGY_POWER && never_changed(w, d))
        snprintf(m->reason, sizeof m->reason, "all power readings of the window were equal: the sensor may be coarse or stuck");
    else if (w->c.source->kind == ENERGY_POWER)
        snprintf(m->reason, sizeof m->reason, "power sampled about every %.3g s and integrated; no counter", w->c.period_s);
}

static void put_domain(struct energy_window *w, struct sink *s, enum energy_domain d, int socket, const char *why)
{
    char name[METRIC_NAME_LEN];
    struct energy_sum sum;
    struct metric *m = next(s);
    if (!m)
        return;
    if (socket >= 0)
        snprintf(name, sizeof name, "energy_%s_j.socket%d", energy_domain_name(d), socket);
    else
        snprintf(name, sizeof name, "energy_%s_j", energy_domain_name(d));
    if (sum_channels(w, d, socket, &sum))
        put_energy(w, m, name, d, &sum);
    else
        metric_unavailable(m, name, "J", sum.source, sum.reason[0] ? sum.reason : why);
}

static void put_sockets(struct energy_window *w, struct sink *s)
{
    int last = -1;
    for (size_t i = 0; i < w->c.n; i++) {
        const struct energy_channel *ch = &w->c.ch[i];
        if (ch->domain != ENERGY_PKG || ch->socket == last)
            continue;
        last = ch->socket;
        put_domain(w, s, ENERGY_PKG, ch->socket, "");
    }
}

static void put_power(struct energy_window *w, struct sink *s, enum energy_domain d, const char *why)
{
    char name[METRIC_NAME_LEN];
    struct energy_sum sum;
    struct metric *m = next(s);
    if (!m)
        return;
    snprintf(name, sizeof name, "power_%s_w", energy_domain_name(d));
    if (sum_channels(w, d, -1, &sum)) {
        metric_set(m, name, "W", METRIC_DERIVED, sum.joules / energy_length_s(w), sum.source);
        snprintf(m->reason, sizeof m->reason, "energy_%s_j / window of %.6g s", energy_domain_name(d), energy_length_s(w));
    } else
        metric_unavailable(m, name, "W", sum.source, sum.reason[0] ? sum.reason : why);
}

/* "VDD_CPU (1)" becomes "vdd_cpu_1". */
static void slug(const char *text, char *out, size_t len)
{
    size_t n = 0;
    for (; *text && n + 1 < len; text++)
        if (isalnum((unsigned char)*text))
            out[n++] = (char)tolower((unsigned char)*text);
        else if (n && out[n - 1] != '_')
            out[n++] = '_';
    while (n && out[n - 1] == '_')
        n--;
    out[n] = '\0';
}

enum { RAIL_LEN = METRIC_NAME_LEN - sizeof "energy_rail_j." + 1 };

/* The name of rail i in its metric. Chips of one kind have rails of one name: those are told apart by their labels. */
static void rail_name(const struct energy_window *w, size_t i, char out[RAIL_LEN])
{
    char other[RAIL_LEN], label[RAIL_LEN];
    bool unique = true;
    slug(w->c.ch[i].name, out, RAIL_LEN);
    for (size_t k = 0; k < w->c.n; k++) {
        slug(w->c.ch[k].name, other, sizeof other);
        unique &= k == i || w->c.ch[k].domain != ENERGY_RAIL || strcmp(out, other) != 0;
    }
    if (unique)
        return;
    slug(w->c.ch[i].label, label, sizeof label);
    const size_t name_len = strlen(out), label_len = strlen(label);
    if (strncmp(label, out, name_len) == 0 || label_len + 2 >= RAIL_LEN) {
        snprintf(out, RAIL_LEN, "%s", label);
        return;
    }
    const size_t room = RAIL_LEN - 2 - label_len, kept = name_len < room ? name_len : room;
    snprintf(out + kept, RAIL_LEN - kept, "_%s", label);
}

static void put_rails(struct energy_window *w, struct sink *s)
{
    for (size_t i = 0; i < w->c.n; i++) {
        const struct energy_channel *ch = &w->c.ch[i];
        char name[METRIC_NAME_LEN], rail[RAIL_LEN];
        struct energy_sum sum = {.parts = 1};
        struct metric *m = ch->domain == ENERGY_RAIL ? next(s) : NULL;
        if (!m)
            continue;
        rail_name(w, i, rail);
        snprintf(name, sizeof name, "energy_rail_j.%s", rail);
        source_text(w, sum.source);
        const size_t len = strlen(sum.source);
        snprintf(sum.source + len, sizeof sum.source - len, " %s", ch->label);
        if (energy_window_joules(w, i, &sum.joules, sum.reason))
            put_energy(w, m, name, ENERGY_RAIL, &sum);
        else
            metric_unavailable(m, name, "J", sum.source, sum.reason);
    }
}

static void put_quantisation(const struct energy_window *w, struct sink *s, const char *why)
{
    struct metric *m = next(s);
    char source[METRIC_SOURCE_LEN];
    if (!m)
        return;
    source_text(w, source);
    if (w->lead == w->c.n)
        metric_unavailable(m, "energy_quantisation", "1", source, why);
    else if (!w->have_window)
        metric_unavailable(m, "energy_quantisation", "1", source, "no window was measured yet");
    else if (!isfinite(energy_window_quantisation(w)))
        metric_unavailable(m, "energy_quantisation", "1", source, "how often the source is updated is not known");
    else {
        metric_set(m, "energy_quantisation", "1", METRIC_DERIVED, energy_window_quantisation(w), source);
        snprintf(m->reason, sizeof m->reason, "%s of %.3g s / window of %.6g s%s",
                 w->edge_start && w->edge_stop ? "one update" : "two updates", w->grid_s, energy_length_s(w),
                 w->edge_start && w->edge_stop ? ", which begins and ends on an update" : "");
    }
}

size_t energy_metrics(struct energy_window *w, const char *why, struct metric *out, size_t cap)
{
    static const enum energy_domain others[] = {ENERGY_CORE, ENERGY_UNCORE, ENERGY_PSYS, ENERGY_BOARD, ENERGY_PMIC};
    struct sink s = {out, 0, cap};
    const enum energy_domain headline = energy_headline(w);
    char no_pkg[METRIC_REASON_LEN];
    const char *no_dram = why;
    snprintf(no_pkg, sizeof no_pkg, "%s", why);
    if (headline != ENERGY_DOMAINS) {
        snprintf(no_pkg, sizeof no_pkg, "the source %s has no package counter; see energy_%s_j", w->c.source->name,
                 energy_domain_name(headline));
        no_dram = "the source has no dram counter: AMD and most client CPUs do not count memory energy apart";
    }
    put_domain(w, &s, ENERGY_PKG, -1, no_pkg);
    put_sockets(w, &s);
    put_domain(w, &s, ENERGY_DRAM, -1, no_dram);
    put_power(w, &s, ENERGY_PKG, no_pkg);
    if (headline != ENERGY_PKG && headline != ENERGY_DOMAINS)
        put_power(w, &s, headline, why);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (has_domain(w, others[i]))
            put_domain(w, &s, others[i], -1, why);
    put_rails(w, &s);
    put_quantisation(w, &s, why);
    return s.n;
}
