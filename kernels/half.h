/* IEEE 754 binary16 and bfloat16 <-> binary32, in integer arithmetic: the same bits on every machine.
 * Rounding is to nearest, ties to even, as F16C and NEON do; NaN stays NaN (quiet), overflow becomes infinity. */
#ifndef BITJOULE_HALF_H
#define BITJOULE_HALF_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline float float_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t float_to_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Both conversions compute all cases and choose one, by masks and not by branches: the compiler makes vectors of a loop over
 * them. */
static inline uint32_t half_choose(bool first, uint32_t a, uint32_t b)
{
    const uint32_t mask = 0u - (uint32_t)first;
    return (a & mask) | (b & ~mask);
}

static inline float half_to_float(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, mag = h & 0x7fffu;
    const uint32_t normal = (mag << 13) + (112u << 23), nan = (mag << 13) | 0x7fc00000u, infinity = 0x7f800000u;
    /* zero and subnormal: mag * 2^-24 is exact in float */
    const uint32_t subnormal = float_to_bits((float)(int32_t)mag * 5.9604644775390625e-8f);
    uint32_t bits = half_choose(mag < 0x0400u, subnormal, normal);
    bits = half_choose(mag == 0x7c00u, infinity, bits);
    bits = half_choose(mag > 0x7c00u, nan, bits);
    return float_from_bits(sign | bits);
}

static inline uint16_t half_from_float(float x)
{
    const uint32_t bits = float_to_bits(x), mag = bits & 0x7fffffffu, sign = bits >> 16 & 0x8000u;
    const uint32_t nan = 0x7e00u | (mag >> 13 & 0x3ffu), infinity = 0x7c00u;
    const uint32_t normal = (mag - 0x38000000u + 0xfffu + (mag >> 13 & 1u)) >> 13;
    /* below 2^-14: subnormal half. Adding 0.5 leaves mag * 2^24, rounded, in the low bits */
    const uint32_t subnormal = float_to_bits(float_from_bits(mag) + 0.5f) - 0x3f000000u;
    uint32_t half = half_choose(mag < 0x38800000u, subnormal, normal);
    half = half_choose(mag >= 0x477ff000u, infinity, half); /* 65520 and more round to infinity */
    half = half_choose(mag > 0x7f800000u, nan, half);
    return (uint16_t)(sign | half);
}

static inline float bf16_to_float(uint16_t h)
{
    return float_from_bits((uint32_t)h << 16);
}

#endif
