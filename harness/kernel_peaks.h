/* The rulers of `bitjoule kernels`: the loops of kernels/peak_loops.h run by the very threads that run the kernels, a short sample
 * of each in every round, so that both see the same machine. The best sample counts. Bandwidth changes from
 * minute to minute where neighbours share the memory: what was measured in some rounds is compared with the best of those rounds.
 */
#ifndef BITJOULE_KERNEL_PEAKS_H
#define BITJOULE_KERNEL_PEAKS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/pool.h"
#include "harness/lists.h"
#include "kernels/peak_loops.h"

enum peak_kind { PEAK_READ, PEAK_INT8, PEAK_FMA, PEAK_KINDS };

/* 1e9 bytes (PEAK_READ) or multiply-adds per second of `threads` threads together. */
struct kernel_peak {
    enum peak_kind kind;
    const struct peak_loops *loops;
    unsigned threads;
    uint64_t iterations; /* of a sample, for each thread */
    double *rates;       /* [n], in the order of the rounds */
    size_t n, cap;
};

struct kernel_peaks {
    struct kernel_peak *list; /* by kind, best loops first, then threads; of the read loops only the best ISA's */
    size_t n;
    const char *memory; /* what the read loop reads: not owned, far larger than the caches; NULL: no read loop */
    size_t bytes, at;   /* a sample reads a window that moves on from `at` */
};

enum { PEAK_WINDOW_BYTES = 128 << 20, PEAK_MIN_BYTES = 4096 }; /* of a read sample, at most; of each thread, at least */

/* tables: best first, NULL-terminated; those that `features` has are measured. memory: written before, at least PEAK_MIN_BYTES for
 * each thread, or NULL. An arithmetic sample takes about sample_s. 0 or -ENOMEM. */
struct kernel_peaks_spec {
    const struct peak_loops *const *tables;
    uint32_t features;
    const struct uint_list *threads;
    const char *memory;
    size_t bytes;
    double sample_s;
};
int kernel_peaks_new(const struct kernel_peaks_spec *s, struct kernel_peaks *out);
void kernel_peaks_free(struct kernel_peaks *p);

/* One sample of each of the peaks for the pool's number of threads. 0 or -ENOMEM. */
int kernel_peaks_sample(struct kernel_peaks *p, struct pool *pool, unsigned round);
/* Reads the memory once as samples do, for most_s seconds at most, and keeps nothing: page tables are in the caches afterwards. */
void kernel_peaks_read_all(struct kernel_peaks *p, struct pool *pool, double most_s);

/* The peak of a kind, for code that needs the ISA bits `features` (the best loops that need no others). NULL: not measured. */
const struct kernel_peak *kernel_peaks_find(const struct kernel_peaks *p, enum peak_kind kind, unsigned threads, uint32_t features);

/* The best of samples [from, from + n), as far as there are so many; 0: none. */
double kernel_peak_best(const struct kernel_peak *p, size_t from, size_t n);

/* "read", "int8", "fma" */
const char *peak_kind_name(enum peak_kind kind);

#endif
