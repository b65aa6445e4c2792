/* One block after the other, in plain C: no timed path runs this. */
#include "engine/act_round.h"

#include <math.h>

void act_round(float *x, size_t n, size_t block)
{
    for (size_t at = 0; at < n; at += block) {
        const size_t left = n - at, len = left < block ? left : block;
        float max = 0;
        for (size_t i = 0; i < len; i++)
            max = fmaxf(max, fabsf(x[at + i]));
        for (size_t i = 0; i < len && max > 0; i++)
            x[at + i] = rintf(x[at + i] * (127.0f / max)) * (max / 127.0f);
        if (left <= block) /* a block may be larger than what can be added to `at` */
            break;
    }
}
