/* Scenarios in the stream: a line "scenario_load" for every load that was served, and what a later attempt finds of them.
 *
 *     {"type": "scenario_load", "model", "format", "load": "server", "threads", "rate", "reply": {...}, "watch": {...}}
 *
 * Which load comes next depends only on the replies before it (the search for a rate bisects), so an attempt that is given the replies of
 * an earlier one asks for the same loads again, in the same order, and goes on where that one was cut off. */
#ifndef BITJOULE_SCENARIO_RESUME_H
#define BITJOULE_SCENARIO_RESUME_H

#include <jansson.h>
#include <stddef.h>

#include "harness/watch.h"

struct served_load {
    const char *model, *format, *load;
    unsigned threads;
    double rate; /* 0: not by a rate */
};

/* The line without its type; `all` is the watch of all attempts so far. New reference. */
json_t *scenario_load_line(const struct served_load *what, json_t *reply, const struct watch_summary *all);

/* The verdict on that model in that format; borrowed; NULL: the lines (NULL: of a new run) have none. */
const json_t *scenario_done(const json_t *lines, const char *model, const char *format);

/* The next reply at or after line *next, in *reply (new reference; NULL: the earlier attempt did not come so far); *watched becomes its
 * watch. 0, or -EXDEV: that attempt served another load there. */
int scenario_load_next(const json_t *lines, size_t *next, const struct served_load *what, json_t **reply,
                       struct watch_summary *watched);

#endif
