/* The matrices and activations that `bitjoule kernels` measures with, for one shape, and the outputs they must give.
 *
 * A matrix is made of a few different rows in random order, and a batch of a few different tokens in random order: so plain C has
 * to multiply only those few to know, bit for bit, every output of any call (a row's output depends on nothing but the row, the
 * token and the matrix's scale). The speed of a kernel does not depend on the values. Copies of a matrix lie one after the other in
 * the caller's arena, and calls go through them in turn, so that the weights come from memory. */
#ifndef BITJOULE_KERNEL_DATA_H
#define BITJOULE_KERNEL_DATA_H

#include "engine/pool.h"
#include "harness/kernel_plan.h"

struct kernel_matrix {
    struct weights w; /* data: the first copy */
    char *first;      /* the same, writable */
    size_t stride, copies;
    size_t next;     /* copy that the next call takes */
    float *expected; /* [KERNEL_TOKENS, rows]: outputs of the different tokens */
};

/* Different tokens and rows: odd, so that no blocking of a kernel repeats with them */
enum { KERNEL_TOKENS = 7, KERNEL_ROWS = 61 };

struct kernel_data {
    size_t rows, cols, n_max;
    struct acts acts[ACT_KINDS];
    void *acts_buf[ACT_KINDS];
    unsigned char *token; /* [n_max]: which of the different tokens each one is; token t < KERNEL_TOKENS is t */
    unsigned char *row;   /* [rows]: the same of the rows */
    float *y;             /* [n_max, rows] */
    struct kernel_matrix matrices[KERNEL_MAX_FORMATS];
    size_t n_matrices;
};

struct kernel_data_spec {
    size_t rows, cols, n_max;
    const struct format *const *formats;
    size_t n_formats;
    char *arena; /* page-aligned; each format gets an equal part, or what one copy needs */
    size_t arena_bytes;
    bool one_copy;
    uint64_t seed;
    struct pool *pool; /* fills the memory */
};

/* The arena must have this many bytes. */
size_t kernel_data_arena_min(const struct kernel_data_spec *s);
/* What kernel_data_new allocates besides, small things apart. */
size_t kernel_data_bytes(const struct kernel_data_spec *s);
/* 0 or -ENOMEM; free it after either. */
int kernel_data_new(const struct kernel_data_spec *s, struct kernel_data *d);
void kernel_data_free(struct kernel_data *d);

struct kernel_matrix *kernel_data_matrix(struct kernel_data *d, const struct format *fmt);
/* The first n tokens. */
struct acts kernel_data_acts(const struct kernel_data *d, enum act_kind kind, size_t n);
/* Overwrites the outputs with a NaN that no kernel makes. */
void kernel_data_poison(struct kernel_data *d, size_t n);
/* Outputs of rows [0, rows) and tokens [0, n) against C's bits. False: *text says which one differs. */
bool kernel_data_check(const struct kernel_data *d, const struct kernel_matrix *m, size_t rows, size_t n,
                       char text[KERNEL_TEXT_LEN]);

#endif
