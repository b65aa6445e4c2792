/* What `bitjoule kernels` measures: shapes x threads x tokens x formats x kernels -> cells, one line of the table each.
 *
 * Pure data, made before anything is allocated or timed; kernel_bench.h fills in the results. Plain C is always among the kernels
 * of a format: it is what the others are compared with, in bits and in speed. A gemv that several rows of a format's table name is
 * measured once, as that of the ISA it is written for. */
#ifndef BITJOULE_KERNEL_PLAN_H
#define BITJOULE_KERNEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/lists.h"
#include "kernels/format.h"

enum { KERNEL_TEXT_LEN = 160, KERNEL_ERR_LEN = 512, KERNEL_MAX_FORMATS = 32, KERNEL_MAX_SHAPES = 64 };

/* W[rows, cols] */
struct kernel_shape {
    size_t rows, cols;
    bool head; /* lm_head: only formats that serve as one, only gemv: the engine asks for the logits of one position */
    char tensors[KERNEL_TEXT_LEN]; /* "2b4t attn_q attn_output" */
};

struct kernel_request {
    const struct format *formats[KERNEL_MAX_FORMATS];
    bool only_head[KERNEL_MAX_FORMATS]; /* the format is not run on the matrices of layers */
    size_t n_formats;
    struct str_list isas; /* besides C; empty: all */
    struct uint_list threads, tokens;
    struct kernel_shape shapes[KERNEL_MAX_SHAPES];
    size_t n_shapes;
};

/* The shapes of a model's matrices (configs/models/NAME.ini); equal ones are one. 0, or a negative errno and a line. */
int kernel_request_model(struct kernel_request *r, const char *name, char err[KERNEL_ERR_LEN]);
/* One shape that belongs to no model. 0 or -EINVAL and a line. */
int kernel_request_shape(struct kernel_request *r, size_t rows, size_t cols, char err[KERNEL_ERR_LEN]);

enum kernel_status { KERNEL_PENDING, KERNEL_OK, KERNEL_WRONG };

struct kernel_cell {
    size_t shape; /* index into the request's */
    const struct format *fmt;
    const struct kernel *kern;
    unsigned threads, n; /* n: tokens of one call; 1 is gemv */
    /* What a call computes: all of it, but of plain C only so much (KERNEL_C_MACS); its times are scaled by MACs */
    size_t rows_timed;
    unsigned n_timed;

    enum kernel_status status;
    char reason[KERNEL_TEXT_LEN]; /* KERNEL_WRONG: the first output that differs */
    size_t weight_bytes, copies;  /* of the matrix in memory; how many of them the calls go through */
    unsigned calls;               /* per sample */
    size_t peaks_from;            /* the first sample of each peak that was taken in the cell's rounds */
    double *call_s;               /* [n_samples] seconds per call for the whole matrix */
    size_t n_samples;
    bool slow; /* the last sample took longer than KERNEL_SLOW_S */
};

#define KERNEL_ANY_SHAPE SIZE_MAX

/* A kernel that was asked for and cannot be run. */
struct kernel_skip {
    size_t shape; /* KERNEL_ANY_SHAPE: all of them */
    const struct format *fmt;
    const char *isa; /* NULL: the whole format */
    char reason[KERNEL_TEXT_LEN];
};

struct kernel_plan {
    struct kernel_request req;
    struct kernel_cell *cells; /* by shape, threads, tokens, format, best kernel first */
    size_t n_cells;
    struct kernel_skip *skips;
    size_t n_skips;
};

/* Plain C: about this many multiply-adds and at most this many tokens per call */
enum { KERNEL_C_MACS = 1 << 21, KERNEL_C_TOKENS = 8 };

/* Copies the request; the words of its lists stay the caller's. `features`: what the CPU can run. 0, or a negative errno and a
 * line; -EINVAL: nothing would run. */
int kernel_plan_make(const struct kernel_request *r, uint32_t features, struct kernel_plan *out, char err[KERNEL_ERR_LEN]);
void kernel_plan_free(struct kernel_plan *p);

/* MACs of a whole call: rows * cols * n */
double kernel_cell_macs(const struct kernel_plan *p, const struct kernel_cell *c);
/* The ISA of what a call runs */
const char *kernel_cell_isa(const struct kernel_cell *c);
/* The C cell with the same shape, format, threads and tokens. */
const struct kernel_cell *kernel_cell_c(const struct kernel_cell *c);

#endif
