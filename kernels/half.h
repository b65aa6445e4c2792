/* IEEE 754 binary16 and bfloat16 <-> binary32, in integer arithmetic: the same bits on every machine.
 * Rounding is to nearest, ties to even, as F16C and NEON do; NaN stays NaN (quiet), overflow becomes infinity. */
#ifndef BITJOULE_HALF_H
#define BITJOULE_HALF_H

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

static inline float half_to_float(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    const uint32_t exp = (h >> 10) & 31u;
    const uint32_t man = h & 0x3ffu;
    if (exp == 31)
        return float_from_bits(sign | 0x7f800000u | (man << 13) | (man ? 0x400000u : 0));
    if (exp != 0)
        return float_from_bits(sign | ((exp + 112) << 23) | (man << 13));
    /* zero and subnormal: man * 2^-24 is exact in float */
    const float magnitude = (float)man * 5.9604644775390625e-8f;
    return float_from_bits(sign | float_to_bits(magnitude));
}

static inline uint16_t half_from_float(float x)
{
    const uint32_t bits = float_to_bits(x);
    const uint16_t sign = (uint16_t)((bits >> 16) & 0x8000u);
    const uint32_t mag = bits & 0x7fffffffu;
    if (mag > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u | ((mag >> 13) & 0x3ffu));
    if (mag >= 0x477ff000u) /* 65520 and more round to infinity */
        return (uint16_t)(sign | 0x7c00u);
    if (mag < 0x38800000u) { /* below 2^-14: subnormal half. Adding 0.5 leaves mag * 2^24, rounded, in the low bits */
        const float shifted = float_from_bits(mag) + 0.5f;
        return (uint16_t)(sign | (float_to_bits(shifted) - 0x3f000000u));
    }
    const uint32_t odd = (mag >> 13) & 1u;
    return (uint16_t)(sign | ((mag - 0x38000000u + 0xfffu + odd) >> 13));
}

static inline float bf16_to_float(uint16_t h)
{
    return float_from_bits((uint32_t)h << 16);
}

#endif
