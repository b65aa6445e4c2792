/* Matrices and activations for the tests of weight formats: random and extreme, in memory that faults when it is overrun.
 *
 * Every buffer lies between two pages without access, its end as near to the second as its alignment allows; what a kernel only
 * reads is made read-only. The random numbers depend on nothing but the seed. */
#ifndef BITJOULE_KERNEL_FIXTURE_H
#define BITJOULE_KERNEL_FIXTURE_H

#include "kernels/format.h"

struct rng {
    uint64_t state;
};

/* BITJOULE_TEST_SEED when it is set, else from the clock: every run tries other data, and a failure names its seed. */
uint64_t test_seed(void);
uint64_t rng_next(struct rng *r);
float rng_uniform(struct rng *r, float lo, float hi);

struct guarded {
    void *ptr; /* len bytes, zeroed */
    size_t len;
    void *map;
    size_t map_len;
};

/* Ends the test when there is no memory. */
struct guarded guard_alloc(size_t len, size_t align);
void guard_readonly(const struct guarded *g);
void guard_free(struct guarded *g);

enum weight_data {
    WEIGHTS_PACKED,    /* random floats through pack_row */
    WEIGHTS_RAW,       /* random codes: also those that pack_row never writes. Not for ternary formats */
    WEIGHTS_HIGH,      /* every code, and every integer scale, at its largest */
    WEIGHTS_LOW,       /* every code at its smallest, integer scales too */
    WEIGHTS_PER_BLOCK, /* ternary with scales that differ by block: tq1_0 and tq2_0 only */
};

enum act_data {
    ACTS_RANDOM,
    ACTS_HIGH, /* every int8 at 127 */
    ACTS_LOW,  /* every int8 at -127, ACT_I8 at -128 */
};

/* A matrix in both layouts. */
struct matrix {
    void *file; /* rows and tail */
    struct guarded mem;
    struct weights w;
};

/* False when the format has no such data. */
bool matrix_has(const struct format *fmt, enum weight_data data);
void matrix_make(struct matrix *m, const struct format *fmt, size_t rows, size_t cols, enum weight_data data, struct rng *r);
void matrix_free(struct matrix *m);
/* One row of the file layout as floats. */
void matrix_row(const struct matrix *m, size_t row, float *dst);

struct tokens {
    struct guarded values, scale, sum;
    struct acts a;
};

void tokens_make(struct tokens *t, enum act_kind kind, size_t n, size_t cols, enum act_data data, struct rng *r);
void tokens_free(struct tokens *t);
/* Token i alone. */
struct acts tokens_one(const struct tokens *t, size_t i);
/* Value k of token i, as a real number. */
double tokens_value(const struct tokens *t, size_t i, size_t k);

#endif
