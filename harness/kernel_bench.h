/* Runs the cells of a kernel plan: shape by shape, every cell first checked against plain C and then timed in interleaved rounds.
 *
 * A call is what the engine does with a matrix: each thread multiplies its share of the rows, then all meet at a barrier. A sample
 * is as many calls as fill `min_time_s`. A round takes one sample of each peak and of each cell of the shape, in alternating
 * direction. */
#ifndef BITJOULE_KERNEL_BENCH_H
#define BITJOULE_KERNEL_BENCH_H

#include "harness/kernel_peaks.h"
#include "harness/kernel_plan.h"

struct kernel_bench {
    struct kernel_plan *plan;
    const struct peak_loops *const *peak_tables;
    unsigned rounds;
    unsigned rounds_slow; /* samples of plain C and of what takes longer than KERNEL_SLOW_S, from the first rounds */
    double min_time_s;
    bool in_cache;    /* one copy of each matrix: what fits in the caches stays there */
    size_t llc_bytes; /* last-level caches of the machine, all of them */
    size_t available; /* memory that may be used */
    uint64_t seed;
    void (*progress)(const struct kernel_bench *b, size_t shape, unsigned round); /* NULL: none */

    /* Set by kernel_bench_run */
    size_t arena_bytes; /* what the copies of a shape's matrices, in all formats, fill */
    struct kernel_peaks peaks;
    size_t n_wrong; /* cells whose outputs were not C's */
};

enum { KERNEL_LLC_TIMES = 4 }; /* the weights that a round goes through are so many times the last-level caches, if memory allows */

#define KERNEL_SLOW_S 0.05 /* a sample */

/* 0, or a negative errno and a line; wrong kernels are no error here, see n_wrong. */
int kernel_bench_run(struct kernel_bench *b, char err[KERNEL_ERR_LEN]);
void kernel_bench_free(struct kernel_bench *b);

/* What a cell is held against: the best samples of its own rounds. */
struct kernel_ruler {
    double read_gb_s; /* 0: weights in cache, bandwidth does not count */
    double gmac_s;    /* of the multiply-adds that the format needs */
    enum peak_kind kind;
    const char *isa; /* of these two */
};
/* With the kernel's own kind of instructions, or with the best ones of this CPU. */
struct kernel_ruler kernel_cell_ruler(const struct kernel_bench *b, const struct kernel_cell *c, bool best_isa);

/* How near a call comes to the machine's limit: the longer one of bytes / read bandwidth and MACs / peak, over its time. */
struct kernel_limit {
    enum peak_kind bound; /* what takes longer */
    const char *isa;      /* of the multiply-add loop; NULL when the bound is the bandwidth */
    double share;
};
struct kernel_limit kernel_limit(double bytes, double macs, const struct kernel_ruler *r, double seconds);
struct kernel_limit kernel_cell_limit(const struct kernel_bench *b, const struct kernel_cell *c, double seconds, bool best_isa);

#endif
