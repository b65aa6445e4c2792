/* An opened energy source and its window: boundary reads on the edge of an update, a slow reader in between.
 *
 * Counters are updated on a grid of about 1 ms. start() and stop() wait (at most a few ms, outside of the work) until the leading
 * counter moves and read then, so that the window is a whole number of updates; its length is taken from the same two
 * reads. In between a thread wakes rarely: for counters a few times per possible wrap, for power readings once per sampling
 * period (at most 10 Hz). With a test's clock there is no thread and keep_alive() does its work.
 * Internal to profiles/. */
#ifndef BITJOULE_ENERGY_WINDOW_H
#define BITJOULE_ENERGY_WINDOW_H

#include "profiles/energy_counter.h"
#include "profiles/energy_power.h"

struct energy_ticker;

struct energy_window {
    struct energy_channels c;
    struct energy_counter *counter; /* one per channel; or NULL */
    struct energy_power *power;     /* one per channel; or NULL */
    size_t lead;                    /* the channel that windows are aligned to; c.n: none is usable */
    double grid_s;                  /* time between updates as seen; documented where not measured; 0: not known */
    bool edge_start, edge_stop;     /* the boundary read was on an edge */
    bool running, have_window;
    bool ticking;                       /* the thread reads in between, so that keep_alive() need not */
    double start_s, stop_s;             /* of the leading channel */
    double real_start_s, real_stop_s;   /* the same by the calendar clock */
    double sleep_start_s, sleep_stop_s; /* time that the machine was suspended, since boot */
    struct {
        bool asked;
        double joules;
        char reason[METRIC_REASON_LEN]; /* empty: it has the joules */
    } record;                           /* what a source of ENERGY_RECORD said of the window; asked once, as it may wait */
    struct energy_ticker *ticker;
};

/* Opens a source; `argument` and env's strings must outlive it. 0 or -ENOMEM. */
int energy_window_open(const struct energy_source *source, const char *argument, const struct probe_env *env,
                       struct energy_window **out);
void energy_window_close(struct energy_window *w);
bool energy_window_usable(const struct energy_window *w,
                          enum energy_domain d); /* it has a channel of that domain without a problem */
/* The first problem of the source or of a channel; NULL: none. */
const char *energy_window_problem(const struct energy_window *w);
/* Watches the leading counter until it moved six times: fills grid_s. A few ms. One that does not move is dead, as in virtual
 * machines whose host shows a counter and does not run it: after 2.5 s, or 100 updates of a documented grid where it is at 0, that
 * becomes its problem, and the next one leads. */
void energy_window_measure_grid(struct energy_window *w);

void energy_window_start(struct energy_window *w);
void energy_window_stop(struct energy_window *w);
double energy_window_keep_alive(struct energy_window *w); /* as in struct probe */

/* Joules of channel i since the start, by the reads so far; false: lost, see reason. */
bool energy_window_joules(struct energy_window *w, size_t i, double *joules, char reason[METRIC_REASON_LEN]);
/* Joules of a domain that its counters show since the start of the window, and the time of that reading (now, while the window
 * is open). NAN without counters: sampled power is too coarse for parts of a window. */
void energy_window_so_far(struct energy_window *w, enum energy_domain d, double *joules, double *at_s);
/* Bound of the relative error that the update grid causes: updates that may be missed / updates in the window. NAN: the grid is
 * not known. */
double energy_window_quantisation(const struct energy_window *w);
/* Median time that the reads of one start and one stop take, s; the wait for an edge is not in it. */
double energy_window_cost_s(struct energy_window *w);

#endif
