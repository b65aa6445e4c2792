/* The engine's clock: seconds of CLOCK_MONOTONIC_RAW, for differences only. */
#ifndef BITJOULE_NOW_H
#define BITJOULE_NOW_H

#include <stdint.h>
#include <time.h>

static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline double now_s(void)
{
    return 1e-9 * (double)now_ns();
}

#endif
