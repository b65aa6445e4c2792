/* Records that never were measured, for the tests of what compares records: one cell or a few, with seeded noise of a known size.
 * */
#ifndef BITJOULE_TESTS_MADE_RECORD_H
#define BITJOULE_TESTS_MADE_RECORD_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct made_cell {
    const char *id;
    double seconds; /* of a repetition of 32 tokens */
    double noise;   /* standard deviation of its logarithm */
    size_t n;       /* repetitions */
    uint64_t seed;
    double bytes; /* of a repetition */
};

/* A record without cells: host, build, run, inputs, warnings. New reference. */
json_t *made_record(void);
/* Adds an ok cell with samples_s; returns it, borrowed. */
json_t *made_cell_add(json_t *record, const struct made_cell *c);
/* Adds two arms that shared n rounds: round noise hits both sides, own noise each; the arm "new" takes `ratio` times as long. */
void made_arms_add(json_t *record, const struct made_cell *base, double round_noise, double ratio);
/* Standard normal number, the i-th of a seed. */
double made_normal(uint64_t seed, uint64_t i);

#endif
