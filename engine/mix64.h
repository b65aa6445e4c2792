/* splitmix64 (Steele, Lea, Flood 2014): the output function, and the i-th number of a seed without those before it. */
#ifndef BITJOULE_MIX64_H
#define BITJOULE_MIX64_H

#include <stdint.h>

#define MIX64_STEP 0x9e3779b97f4a7c15u

static inline uint64_t mix64(uint64_t x)
{
    x += MIX64_STEP;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline uint64_t random_at(uint64_t seed, uint64_t i)
{
    return mix64(seed + i * MIX64_STEP);
}

#endif
