/* Counter groups: which events are counted together and what is computed from them. Data files in profiles/groups/.
 *
 * A file is a family of CPUs. Each line is a keyword and its words; a line that begins with '#' is a comment:
 *     family NAME                  first line of all: letters, digits, '_'
 *     title TEXT                   of the family
 *     pmu NAME...                  PMUs that the groups are for, as libpfm4 or sysfs names them; none: any. In a group: of it
 *     group NAME TEXT              begins a group; several of one name differ in `pmu` or `uncore`, the first that fits is taken
 *     uncore NAME...               of a group: its events are of units outside of the cores, PMUs of this name in sysfs (NAME, NAME_0,
 *                                  ...), the first of the names that is here. Counted for whole sockets, summed over all units
 *     event LABEL EVENT            counter_event.h says which names there are
 *     metric NAME UNIT = FORMULA   of LABELs, numbers and time_s, the length of the window
 *     caveat TEXT                  of the metric above, or of the group when no metric precedes it
 * All events of a group are on the counters at the same time (of uncore: as far as there are counters), so their ratios are of one
 * stretch of work. Internal to profiles/. */
#ifndef BITJOULE_COUNTER_GROUP_H
#define BITJOULE_COUNTER_GROUP_H

#include <stddef.h>

#include "profiles/counter_formula.h"

enum {
    GROUP_EVENTS = 8,
    GROUP_METRICS = 8,
    GROUP_PMUS = 16,
    GROUP_NAME_LEN = 32,
    GROUP_EVENT_LEN = 128,
    GROUP_CAVEAT_LEN = 240,
    GROUP_ERR_LEN = 512
};

struct counter_event {
    char label[GROUP_NAME_LEN]; /* in formulas, and as events_LABEL among the metrics */
    char name[GROUP_EVENT_LEN];
};

struct counter_metric {
    char name[GROUP_NAME_LEN];
    const char *unit; /* static text */
    char text[GROUP_CAVEAT_LEN], caveat[GROUP_CAVEAT_LEN];
    struct formula formula; /* variables: the events in order, then time_s */
};

struct counter_pmus {
    char name[GROUP_PMUS][GROUP_NAME_LEN];
    size_t n; /* 0: any */
};

struct counter_group {
    char name[GROUP_NAME_LEN], title[GROUP_CAVEAT_LEN], caveat[GROUP_CAVEAT_LEN];
    char family[GROUP_NAME_LEN];
    struct counter_pmus pmus;   /* of the group, else of the family */
    struct counter_pmus uncore; /* n 0: its events are of threads and cores */
    struct counter_event event[GROUP_EVENTS];
    struct counter_metric metric[GROUP_METRICS];
    size_t n_events, n_metrics;
    unsigned line; /* where it begins */
};

struct counter_family {
    char name[GROUP_NAME_LEN], title[GROUP_CAVEAT_LEN];
    struct counter_pmus pmus;
    struct counter_group *group;
    size_t n;
};

/* Reads a file. 0, and *out for counter_family_free(); or a negative errno and "PATH:LINE: ..." in err. */
int counter_family_read(const char *path, struct counter_family **out, char err[GROUP_ERR_LEN]);
void counter_family_free(struct counter_family *f);

#endif
