/* Progress of a run on stderr: one line per finished cell, with the time left; on a terminal also a bar below them.
 *
 * Nothing is drawn while a repetition runs: the display moves only between repetitions. Colour (red for failures) only on a
 * terminal and without NO_COLOR. */
#ifndef BITJOULE_PROGRESS_H
#define BITJOULE_PROGRESS_H

#include <stdbool.h>
#include <stdio.h>

#include "harness/plan.h"

struct progress {
    FILE *out;
    const struct plan *plan;
    bool terminal, colour, drawn;
    size_t done;
    double total_s, done_s; /* sums of the plan's estimates */
    double began_s;         /* clock */
};

void progress_begin(struct progress *p, FILE *out, const struct plan *plan);
/* What is being done now: cell (may be NULL), a word such as "load" or "rep 2/5". Only seen on a terminal. */
void progress_step(struct progress *p, const struct cell *c, const char *what);
/* What the plan estimated at so many seconds is over. Said before the lines of its cells, so that their time left is that of the whole. */
void progress_advance(struct progress *p, double estimate_s);
/* A cell is finished: its line, e.g. "12.3 tokens/s". `bad`: it failed. */
void progress_cell_done(struct progress *p, const struct cell *c, const char *outcome, bool bad);
/* A contest has had its share of a pass, and so many rounds in all. */
void progress_pass_done(struct progress *p, const char *contest, unsigned pass, unsigned passes, unsigned rounds);
void progress_note(struct progress *p, const char *text);
void progress_end(struct progress *p);

/* Seconds left: the estimate of what remains, scaled by how the finished part compared with its estimate. */
double progress_left_s(const struct progress *p, double now_s);
/* "45 s", "2 min 05 s", "1 h 02 min" */
void progress_duration(double s, char *buf, size_t len);

#endif
