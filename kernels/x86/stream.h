/* Private to the x86 kernels: reading weights, of which each is used once, from memory.
 *
 * How the prefetchers of the hardware are helped differs by vendor; figures are in the log of kernels/README.md.
 *     Intel    into L2 8 KB ahead and from there into L1 1 KB ahead: left alone it reads at half to two thirds of what it can, and
 *              with one of the two at three quarters
 *     others   into L1 a page ahead, at whose end the hardware's prefetcher stops; kernels that need many bytes for an operation leave it
 *              to the hardware (prefetch_intel) */
#ifndef BITJOULE_STREAM_H
#define BITJOULE_STREAM_H

#include <immintrin.h>
#include <stddef.h>

#include "kernels/cpu.h"
#include "kernels/tile.h"

enum { PREFETCH_PAGE = 4096, PREFETCH_L2 = 8192, PREFETCH_L1 = 1024 };

/* The cache lines that a gemv at [p, p + bytes) will read later, on Intel's processors; they may lie beyond the matrix. */
static inline __attribute__((always_inline)) void prefetch_intel(const void *p, const size_t bytes)
{
    if (!cpu_is_intel)
        return;
    UNROLL for (size_t i = 0; i < bytes; i += 64) {
        _mm_prefetch((const char *)p + PREFETCH_L2 + i, _MM_HINT_T1);
        _mm_prefetch((const char *)p + PREFETCH_L1 + i, _MM_HINT_T0);
    }
}

/* The same on all. */
static inline __attribute__((always_inline)) void prefetch_stream(const void *p, const size_t bytes)
{
    prefetch_intel(p, bytes);
    if (cpu_is_intel)
        return;
    UNROLL for (size_t i = 0; i < bytes; i += 64)
        _mm_prefetch((const char *)p + PREFETCH_PAGE + i, _MM_HINT_T0);
}

#endif
