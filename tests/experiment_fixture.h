/* An experiment of three cells of the trained tiny model, one thread, three rounds of one repetition each, for tests of its loop. */
#ifndef BITJOULE_EXPERIMENT_FIXTURE_H
#define BITJOULE_EXPERIMENT_FIXTURE_H

#include <stdio.h>

#include "harness/experiment.h"

struct experiment_fixture {
    char dir[64];
    struct suite suite;
    struct plan plan;
    struct record record;
    struct progress progress;
    struct worker_options options;
    struct experiment e;
    FILE *null;
};

/* Set-up and tear-down of cmocka: *state is a struct experiment_fixture. */
int experiment_set_up(void **state);
int experiment_tear_down(void **state);

/* How many lines of the stream hold `text`. */
size_t experiment_stream_lines(const struct experiment_fixture *f, const char *text);

#endif
