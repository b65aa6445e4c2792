/* tl2: the weights that a code stands for, for the kernels of every x86 instruction set. */
#ifndef BITJOULE_TL2_DIGITS_H
#define BITJOULE_TL2_DIGITS_H

#include <immintrin.h>
#include <stdint.h>

#include "kernels/tl2_layout.h"

/* Weight a (i = 0), b or c of the codes 0..13 without a sign: code = 9 a + 3 b + c. 14 and 15 do not occur. */
static inline __m128i tl2_digits(int i)
{
    static const int8_t digit[3][16] = {
        {0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0},
        {0, 0, 1, 1, 1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 0, 0},
        {0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1, 0, 0},
    };
    return _mm_loadu_si128((const __m128i *)(const void *)digit[i]);
}

#endif
