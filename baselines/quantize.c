/* Rounding to integer codes, 16 at a time, by masks and not by branches: the compiler makes vectors of the inner loop. (Not
 * inline: where it sees the numbers lo and hi, it makes branches of the limits.) */
#include "baselines/quantize.h"

enum { STEP = 16 };

void quantize(const float *x, size_t n, float d, int lo, int hi, int8_t *code)
{
    const float low = (float)lo, high = (float)hi;
    const uint32_t any = d == 0.0f ? 0 : 0xffu;
    for (; n > 0; n -= STEP, x += STEP, code += STEP) {
        uint32_t bits[STEP];
        for (size_t k = 0; k < STEP; k++) {
            float q = x[k] / d;
            const uint32_t number = 0u - (uint32_t)((float_to_bits(q) & 0x7fffffffu) <= 0x7f800000u);
            q = q < low ? low : q;
            q = q > high ? high : q;
            bits[k] = float_to_bits(q + 12582912.0f) & number & any; /* 1.5 * 2^23: the integer is in the low bits */
        }
        for (size_t k = 0; k < STEP; k++)
            code[k] = (int8_t)bits[k];
    }
}
