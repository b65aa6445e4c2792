/* Private to the x86 kernels: reading weights, of which each is used once, from memory.
 *
 * How the prefetchers of the hardware are helped differs by vendor; figures are in the log of kernels/README.md.
 *     Intel    into L2 8 KB ahead and from there into L1 1 KB ahead: left alone it reads at half to two thirds of what it can, and
 *              with one of the two at three quarters
 *     Zen 2, 3 into L1, 768 bytes ahead for kernels that need many bytes for an operation, 1536 for the others
 *     others   into L1 a page ahead, at whose end the hardware's prefetcher stops; kernels that need many bytes for an operation leave it
 *              to the hardware. Zen 5 besides: a gemm fetches the weights of its next panel into L2 (baselines/x86/panel_ahead.h) */
#ifndef BITJOULE_STREAM_H
#define BITJOULE_STREAM_H

#include <immintrin.h>
#include <stddef.h>

#include "kernels/cpu.h"
#include "kernels/tile.h"

enum { PREFETCH_PAGE = 4096, PREFETCH_L2 = 8192, PREFETCH_L1 = 1024, PREFETCH_NEAR = 768 };

/* The cache lines of [p, p + bytes), which may lie beyond the matrix, into the first or second level */
static inline __attribute__((always_inline)) void prefetch_l1(const void *p, const size_t bytes)
{
    UNROLL for (size_t i = 0; i < bytes; i += 64)
        _mm_prefetch((const char *)p + i, _MM_HINT_T0);
}

static inline __attribute__((always_inline)) void prefetch_l2(const void *p, const size_t bytes)
{
    UNROLL for (size_t i = 0; i < bytes; i += 64)
        _mm_prefetch((const char *)p + i, _MM_HINT_T1);
}

/* Prefetches the cache lines that a gemv at [p, p + bytes) will read later, on Intel's processors.
 * `core` is cpu_core, or the constant that FOR_THIS_CORE gives. */
static inline __attribute__((always_inline)) void prefetch_intel(const enum cpu_core core, const void *p, const size_t bytes)
{
    if (core != CPU_CORE_INTEL)
        return;
    UNROLL for (size_t i = 0; i < bytes; i += 64) {
        prefetch_l2((const char *)p + PREFETCH_L2 + i, 64);
        prefetch_l1((const char *)p + PREFETCH_L1 + i, 64);
    }
}

/* The same for kernels that need many bytes for an operation. */
static inline __attribute__((always_inline)) void prefetch_dense(const enum cpu_core core, const void *p, const size_t bytes)
{
    prefetch_intel(core, p, bytes);
    if (core == CPU_CORE_ZEN)
        prefetch_l1((const char *)p + PREFETCH_NEAR, bytes);
}

/* The same for the others, on all processors. */
static inline __attribute__((always_inline)) void prefetch_stream(const enum cpu_core core, const void *p, const size_t bytes)
{
    prefetch_intel(core, p, bytes);
    if (core != CPU_CORE_INTEL)
        prefetch_l1((const char *)p + (core == CPU_CORE_ZEN ? 2 * PREFETCH_NEAR : PREFETCH_PAGE), bytes);
}

/* f(core, ...) with the core as a constant. f is a TILE. For loops that have no register to spare for asking: q6_k's are 1.6 times as
 * fast on Zen 2, q4_0's 1.07; those of f16, q8_0, i2_s and tl2 do not care. */
#define FOR_THIS_CORE(f, ...) \
    switch (cpu_core) { \
    case CPU_CORE_INTEL: \
        f(CPU_CORE_INTEL, __VA_ARGS__); \
        break; \
    case CPU_CORE_ZEN: \
        f(CPU_CORE_ZEN, __VA_ARGS__); \
        break; \
    case CPU_CORE_ZEN5: \
        f(CPU_CORE_ZEN5, __VA_ARGS__); \
        break; \
    default: \
        f(CPU_CORE_OTHER, __VA_ARGS__); \
    }

#endif
