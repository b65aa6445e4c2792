/* Prints the series of a history, with the steps in them. */
#ifndef BITJOULE_HISTORY_SHOW_H
#define BITJOULE_HISTORY_SHOW_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>

struct history_view {
    const char *cells, *metric; /* SQL GLOB; name */
    double alpha;               /* of a step */
    bool json;
};

/* All runs, one a line. 0 or -EIO. */
int history_list(sqlite3 *db, FILE *out);
/* Every series of the view: setup, cell, its runs in order of time; "step" where the level changes (stats_step.h), "accepted" at
 * marks, which begin a new level without further test. *worse: how many steps are for the worse. 0, -EIO or -ENOMEM. */
int history_show(sqlite3 *db, const struct history_view *view, FILE *out, size_t *worse);

#endif
