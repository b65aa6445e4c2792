/* Private to the x86 kernels: reading weights, of which each is used once, from memory. */
#ifndef BITJOULE_STREAM_H
#define BITJOULE_STREAM_H

#include <immintrin.h>
#include <stddef.h>

#include "kernels/tile.h"

/* The distance is what a plain loop reads fastest with on Zen 3 and Zen 4: a page, at whose end the hardware's prefetcher stops. */
enum { PREFETCH_AHEAD = 4096 };

/* The cache lines that a gemv at [p, p + bytes) will read PREFETCH_AHEAD later; they may lie beyond the matrix. */
static inline __attribute__((always_inline)) void prefetch_stream(const void *p, const size_t bytes)
{
    UNROLL for (size_t i = 0; i < bytes; i += 64)
        _mm_prefetch((const char *)p + PREFETCH_AHEAD + i, _MM_HINT_T0);
}

#endif
