/* What this machine can do at most: the rulers that kernels and whole models are measured against (design.md 3).
 *
 * Simple loops without any model: read bandwidth over a buffer far larger than the caches (huge pages), int8 multiply-add,
 * float fused multiply-add. With `threads` threads at once, pinned like the engine's; the best of `rounds` short rounds. */
#ifndef BITJOULE_PEAK_H
#define BITJOULE_PEAK_H

#include <stddef.h>

struct peak {
    unsigned threads;
    double read_gb_s;   /* 1e9 bytes per second read from memory */
    double int8_gmac_s; /* 1e9 int8 multiply-adds per second with the best instructions of this CPU */
    double fma_gmac_s;  /* 1e9 float multiply-adds per second */
    const char *isa;    /* of the two arithmetic loops */
};

/* 0 or a negative errno. cpus: the CPU of each thread, or NULL to leave them unpinned. Takes about 0.3 s * rounds. */
int peak_measure(unsigned threads, const int *cpus, unsigned rounds, size_t buffer_bytes, struct peak *out);

#endif
