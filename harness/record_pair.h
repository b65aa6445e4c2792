/* Two records from the command line, and the refusal to compare what is not alike. */
#ifndef BITJOULE_RECORD_PAIR_H
#define BITJOULE_RECORD_PAIR_H

#include <jansson.h>

#include "harness/machine_keys.h"

struct record_pair {
    const char *allowed[MACHINE_KEYS_MAX]; /* keys that may differ */
    size_t n_allowed;
    json_t *base, *fresh;
    struct machine_difference differences[MACHINE_KEYS_MAX]; /* the allowed ones, after loading */
    size_t n_differences;
};

/* --allow-different KEY[,KEY]: 0, or 2 after one line. `text` must live on, and is cut at its commas. */
int record_pair_allow(const char *command, struct record_pair *p, char *text);
/* Compares the keys of base and fresh: fills p->differences, and `refused` with those that are not allowed; returns how many. */
size_t record_pair_match(struct record_pair *p, struct machine_difference refused[MACHINE_KEYS_MAX]);
/* Loads both and compares the keys. 0, or 2 after one line for every difference that is not allowed. */
int record_pair_load(const char *command, struct record_pair *p, const char *base, const char *fresh);
void record_pair_free(struct record_pair *p);

#endif
