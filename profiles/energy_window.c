/* Windows over an opened source; see energy_window.h. The thread that reads in between is in energy_ticker.c. */
#include "profiles/energy_window.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "profiles/energy_ticker.h"

/* Not a single update in this time: the counter is dead. */
static const double stuck_s = 0.05;
/* A counter that does not move twice in this time when it is opened is dead. One that is at 0, and has a documented grid, gets only so
 * many updates: it never moved, and every worker opens it again. */
static const double dead_s = 2.5, unborn_updates = 100;
/* An error bound above this makes the number worthless. */
static const double worst_quantisation = 0.2;
/* A grid up to this is waited for; a coarser one is not, it would prolong every window. */
static const double max_align_s = 0.005;
/* Clocks that count suspended time and that do not may drift apart this far without a suspension. */
static const double suspend_slack_s = 0.2;

/* ---- opening ---- */

static size_t find_lead(const struct energy_channels *c)
{
    size_t i = 0;
    while (i < c->n && c->ch[i].problem[0]) /* sorted by domain: a package if there is one */
        i++;
    return i;
}

int energy_window_open(const struct energy_source *source, const char *argument, const struct probe_env *env,
                       struct energy_window **out)
{
    struct energy_window *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    w->c = (struct energy_channels){.source = source, .argument = argument, .period_s = 0.1, .keep_s = (double)INFINITY};
    if (env)
        w->c.env = *env;
    int rc = source->open(&w->c);
    if (!rc) {
        energy_settle(&w->c);
        w->counter = calloc(w->c.n + 1, sizeof *w->counter);
        w->power = calloc(w->c.n + 1, sizeof *w->power);
        rc = w->counter && w->power ? energy_ticker_new(&w->ticker) : -ENOMEM;
    }
    w->lead = find_lead(&w->c);
    w->grid_s = w->c.grid_s;
    if (rc)
        energy_window_close(w);
    else
        *out = w;
    return rc;
}

void energy_window_close(struct energy_window *w)
{
    if (!w)
        return;
    if (w->ticker)
        energy_ticker_free(w->ticker);
    energy_channels_free(&w->c);
    free(w->counter);
    free(w->power);
    free(w);
}

bool energy_window_usable(const struct energy_window *w, enum energy_domain d)
{
    for (size_t i = 0; i < w->c.n; i++)
        if (w->c.ch[i].domain == d && !w->c.ch[i].problem[0])
            return true;
    return false;
}

const char *energy_window_problem(const struct energy_window *w)
{
    if (w->c.problem[0])
        return w->c.problem;
    for (size_t i = 0; i < w->c.n; i++)
        if (w->c.ch[i].problem[0])
            return w->c.ch[i].problem;
    return NULL;
}

/* ---- edges ---- */

static double now(const struct energy_window *w)
{
    return energy_now_s(&w->c.env);
}

static int count_now(struct energy_window *w, size_t i, uint64_t *count)
{
    if (w->c.source->refresh)
        w->c.source->refresh(&w->c);
    return w->c.source->count(&w->c, i, count);
}

/* Reads the leading counter until it differs from its first value, without sleep for spin_s and then every half
 * millisecond until limit_s. True: it moved, at *t. */
static bool wait_for_edge(struct energy_window *w, double spin_s, double limit_s, double *t)
{
    uint64_t first, count;
    const double begin_s = now(w);
    if (count_now(w, w->lead, &first))
        return false;
    do {
        if (now(w) - begin_s > spin_s)
            energy_sleep_s(&w->c.env, 0.0005);
        if (count_now(w, w->lead, &count))
            return false;
        *t = now(w);
    } while (count == first && *t - begin_s < limit_s);
    return count != first;
}

/* Inserts x into n sorted values. */
static void insert_sorted(double *v, int n, double x)
{
    while (n > 0 && v[n - 1] > x) {
        v[n] = v[n - 1];
        n--;
    }
    v[n] = x;
}

/* The median interval between updates of the leading counter; INFINITY: not two updates in watch_s. */
static double measured_grid(struct energy_window *w, double watch_s)
{
    enum { INTERVALS = 5 };
    double last_s, t, interval_s[INTERVALS];
    int n = 0;
    const double end_s = now(w) + watch_s;
    bool edge = wait_for_edge(w, 0.004, watch_s, &last_s);
    while (edge && n < INTERVALS && now(w) < end_s) {
        edge = wait_for_edge(w, 0.004, end_s - now(w), &t);
        if (edge)
            insert_sorted(interval_s, n++, t - last_s);
        last_s = t;
    }
    /* the median: a single interval can be long because we did not get to run */
    return n == 0 ? (double)INFINITY : interval_s[n / 2];
}

void energy_window_measure_grid(struct energy_window *w)
{
    while (w->c.source->kind == ENERGY_COUNTER && w->lead < w->c.n) {
        uint64_t count;
        const bool unborn = w->c.grid_s > 0 && !count_now(w, w->lead, &count) && count == 0;
        const double watch_s = unborn ? fmin(unborn_updates * w->c.grid_s, dead_s) : dead_s;
        w->grid_s = measured_grid(w, watch_s);
        if (isfinite(w->grid_s))
            return;
        struct energy_channel *ch = &w->c.ch[w->lead];
        snprintf(ch->problem, sizeof ch->problem, "%s (%s): the counter is dead: it did not move twice in %.3g s", ch->label,
                 ch->name, watch_s);
        w->lead = find_lead(&w->c);
    }
}

static bool align(struct energy_window *w)
{
    double t;
    if (w->c.source->kind != ENERGY_COUNTER || w->lead == w->c.n || !(w->grid_s <= max_align_s))
        return false;
    const double limit_s = 2 * w->grid_s + 0.0005;
    return wait_for_edge(w, limit_s, limit_s, &t);
}

/* ---- reading ---- */

static void read_channel(struct energy_window *w, size_t i, bool first)
{
    const struct energy_channel *ch = &w->c.ch[i];
    uint64_t count = 0;
    double watts = 0, t = now(w), grid_s = isfinite(w->grid_s) ? w->grid_s : 0;
    int rc = 0;
    if (w->c.source->kind == ENERGY_COUNTER) {
        rc = ch->problem[0] ? 0 : w->c.source->count(&w->c, i, &count);
        if (first)
            energy_counter_start(&w->counter[i], ch, rc, count, t);
        else
            energy_counter_advance(&w->counter[i], ch, rc, count, t, grid_s);
    } else if (w->c.source->kind == ENERGY_POWER) {
        rc = ch->problem[0] ? 0 : w->c.source->watts(&w->c, i, &watts);
        if (first)
            energy_power_start(&w->power[i], ch, rc, watts, t);
        else
            energy_power_add(&w->power[i], ch, rc, watts, t, w->c.period_s);
    }
}

/* The leading channel comes first: it was just seen to move. Its time is the time of the read. */
static double read_all(struct energy_window *w, bool first)
{
    if (w->c.source->refresh)
        w->c.source->refresh(&w->c);
    const double t = now(w);
    for (size_t k = 0; k < w->c.n; k++)
        read_channel(w, (w->lead + k) % w->c.n, first);
    return t;
}

static double safe_gap_s(const struct energy_window *w)
{
    double s = w->c.keep_s;
    for (size_t i = 0; i < w->c.n; i++)
        if (!w->c.ch[i].problem[0] && w->c.source->kind == ENERGY_COUNTER)
            s = fmin(s, energy_counter_safe_gap_s(&w->c.ch[i]));
        else if (!w->c.ch[i].problem[0] && w->c.source->kind == ENERGY_POWER)
            s = fmin(s, w->c.period_s);
    return s;
}

static void tick(void *arg)
{
    read_all(arg, false);
}

/* Suspended time since boot: the difference of a clock that counts it and one that does not. */
static double suspended_s(void)
{
    struct timespec boot, mono;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    clock_gettime(CLOCK_MONOTONIC, &mono);
    return (double)(boot.tv_sec - mono.tv_sec) + 1e-9 * (double)(boot.tv_nsec - mono.tv_nsec);
}

void energy_window_start(struct energy_window *w)
{
    const double gap_s = safe_gap_s(w);
    const bool real_clock = !w->c.env.seam || !w->c.env.seam->now_s;
    w->have_window = w->record.asked = false;
    w->sleep_start_s = suspended_s();
    w->ticking = false;
    if (real_clock && isfinite(gap_s)) /* counters: four reads per possible wrap; power: every period */
        w->ticking = energy_ticker_start(w->ticker, w->c.source->kind == ENERGY_COUNTER ? fmin(gap_s / 4, 60) : gap_s, tick, w);
    energy_ticker_lock(w->ticker);
    w->edge_start = align(w);
    w->real_start_s = energy_real_s(&w->c.env);
    w->start_s = w->stop_s = read_all(w, true);
    w->running = true;
    energy_ticker_unlock(w->ticker);
}

double energy_window_keep_alive(struct energy_window *w)
{
    if (w->running && w->ticking)
        return (double)INFINITY;
    energy_ticker_lock(w->ticker);
    if (w->running)
        w->stop_s = read_all(w, false);
    energy_ticker_unlock(w->ticker);
    return safe_gap_s(w);
}

void energy_window_stop(struct energy_window *w)
{
    energy_ticker_lock(w->ticker);
    w->edge_stop = align(w);
    w->stop_s = read_all(w, false);
    w->real_stop_s = energy_real_s(&w->c.env);
    w->running = false;
    w->have_window = true;
    energy_ticker_unlock(w->ticker);
    energy_ticker_stop(w->ticker);
    w->sleep_stop_s = suspended_s();
}

/* ---- results ---- */

double energy_window_quantisation(const struct energy_window *w)
{
    /* an edge leaves the jitter of the grid, everything else up to one update per boundary */
    const double updates = w->edge_start && w->edge_stop ? 1 : 2;
    if (w->c.source->kind == ENERGY_RECORD || w->lead == w->c.n || !(w->grid_s > 0))
        return (double)NAN;
    const double length_s = w->stop_s - w->start_s;
    return length_s > 0 ? updates * w->grid_s / length_s : (double)INFINITY;
}

/* Why a counter has no number although every read went well; empty: it has one. */
static void judge_counter(const struct energy_window *w, size_t i, char reason[METRIC_REASON_LEN])
{
    const struct energy_counter *k = &w->counter[i];
    const struct energy_channel *ch = &w->c.ch[i];
    const double length_s = k->last_s - k->first_s, error = energy_window_quantisation(w);
    if (k->sum == 0 && length_s >= stuck_s)
        snprintf(reason, METRIC_REASON_LEN, "%s (%s): the counter is stuck: it stayed at %.10g J for %.3g s", ch->label, ch->name,
                 ch->unit_j * (double)k->last, length_s);
    else if (k->sum == 0)
        snprintf(reason, METRIC_REASON_LEN, "%s (%s): no update of the counter in a window of %.3g s. Measure at least 2 s",
                 ch->label, ch->name, length_s);
    else if (error > worst_quantisation)
        snprintf(
            reason, METRIC_REASON_LEN,
            "%s (%s): the counter moves every %.3g s and the window is %.3g s: an error of up to %.0f %%. Measure at least %.3g s",
            ch->label, ch->name, w->grid_s, length_s, 100 * error, fmax(2, 100 * w->grid_s));
}

static void judge_power(const struct energy_window *w, size_t i, char reason[METRIC_REASON_LEN])
{
    enum { MIN_SAMPLES = 4 };
    const struct energy_power *p = &w->power[i];
    const struct energy_channel *ch = &w->c.ch[i];
    const double length_s = p->last_s - p->first_s, error = energy_window_quantisation(w);
    if (p->samples < MIN_SAMPLES)
        snprintf(reason, METRIC_REASON_LEN, "%s (%s): only %u power readings in a window of %.3g s. Measure at least %.3g s",
                 ch->label, ch->name, p->samples, length_s, fmax(2, 20 * w->c.period_s));
    else if (!(p->joules > 0))
        snprintf(reason, METRIC_REASON_LEN, "%s (%s): the sensor is stuck: it read 0 W for %.3g s", ch->label, ch->name, length_s);
    else if (error > worst_quantisation)
        snprintf(
            reason, METRIC_REASON_LEN,
            "%s (%s): the sensor is updated every %.3g s and the window is %.3g s: an error of up to %.0f %%. Measure at least "
            "%.3g s",
            ch->label, ch->name, w->grid_s, length_s, 100 * error, 100 * w->grid_s);
}

static void ask_record(struct energy_window *w)
{
    w->record.reason[0] = '\0';
    const double to_s = w->have_window ? w->real_stop_s : energy_real_s(&w->c.env);
    w->c.source->record(&w->c, w->real_start_s, to_s, &w->record.joules, w->record.reason);
    w->record.asked = w->have_window; /* an open window goes on */
}

bool energy_window_joules(struct energy_window *w, size_t i, double *joules, char reason[METRIC_REASON_LEN])
{
    const struct energy_channel *ch = &w->c.ch[i];
    const enum energy_kind kind = w->c.source->kind;
    const char *failure = kind == ENERGY_COUNTER ? w->counter[i].failure : kind == ENERGY_POWER ? w->power[i].failure : "";
    reason[0] = '\0';
    if (ch->problem[0] || failure[0])
        snprintf(reason, METRIC_REASON_LEN, "%s", ch->problem[0] ? ch->problem : failure);
    else if (!w->have_window && !w->running)
        snprintf(reason, METRIC_REASON_LEN, "no window was measured yet");
    else if (w->have_window && w->sleep_stop_s - w->sleep_start_s > suspend_slack_s)
        snprintf(reason, METRIC_REASON_LEN, "the machine was suspended for %.1f s inside the window: void",
                 w->sleep_stop_s - w->sleep_start_s);
    else if (kind == ENERGY_RECORD) {
        if (!w->record.asked)
            ask_record(w);
        *joules = w->record.joules;
        snprintf(reason, METRIC_REASON_LEN, "%s", w->record.reason);
        return !reason[0];
    } else if (kind == ENERGY_COUNTER)
        judge_counter(w, i, reason);
    else
        judge_power(w, i, reason);
    *joules = kind == ENERGY_COUNTER ? energy_counter_joules(&w->counter[i], ch) : w->power[i].joules;
    return !reason[0];
}

void energy_window_so_far(struct energy_window *w, enum energy_domain d, double *joules, double *at_s)
{
    size_t parts = 0;
    energy_ticker_lock(w->ticker);
    if (w->running && w->c.source->kind == ENERGY_COUNTER)
        w->stop_s = read_all(w, false);
    *joules = 0;
    *at_s = w->stop_s;
    for (size_t i = 0; i < w->c.n; i++)
        if (w->c.ch[i].domain == d) {
            const bool lost = w->c.ch[i].problem[0] || w->counter[i].failure[0];
            *joules += lost ? (double)NAN : energy_counter_joules(&w->counter[i], &w->c.ch[i]);
            parts++;
        }
    if (!parts || w->c.source->kind != ENERGY_COUNTER || isinf(w->grid_s))
        *joules = (double)NAN;
    energy_ticker_unlock(w->ticker);
}

double energy_window_cost_s(struct energy_window *w)
{
    enum { ROUNDS = 21 };
    double cost_s[ROUNDS];
    if (w->running || w->c.source->kind == ENERGY_RECORD || w->lead == w->c.n)
        return (double)NAN;
    struct energy_window saved = *w;
    struct energy_counter *counter = calloc(w->c.n + 1, sizeof *counter);
    struct energy_power *power = calloc(w->c.n + 1, sizeof *power);
    double median_s = (double)NAN;
    w->counter = counter;
    w->power = power;
    for (int r = 0; counter && power && r < ROUNDS; r++) {
        const double t = now(w);
        read_all(w, true);
        read_all(w, false);
        insert_sorted(cost_s, r, now(w) - t);
        median_s = cost_s[r / 2];
    }
    *w = saved;
    free(counter);
    free(power);
    return median_s;
}
