/* Packing of q6_k: a search for the scale of each run of 16 weights, then of the 256.
 *
 * For a run x[16], codes L in -32..31 and a scale s, the error is E = sum of w (x - s L)^2 with w = x^2. That favours the large
 * weights, as ggml does; w = 1 would lower the plain squared error by a further 7 %. For given codes the best scale is
 * s = sum(w x L) / sum(w L^2), and then E = sum(w x^2) - sum(w x L)^2 / sum(w L^2); so of several ways to round, the best has the
 * largest sum(w x L)^2 / sum(w L^2). Tried are the codes round(inv x), with inv placing the extreme between -30.2 and -34
 * (beyond -32 it is limited to -32, which can serve the other 15 better).
 * The scale of largest magnitude then becomes -128 times the block's d, the others the nearest multiple of d, and the codes are
 * rounded anew under the scales that a reader will see. It does not use activation statistics. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "baselines/baseline_kernels.h"
#include "baselines/q6_k_file.h"
#include "baselines/quantize.h"

enum { RUNS = Q6_K_SUPER / Q6_K_SUB, TRIES = 20 }; /* a multiple of 4: the compiler makes vectors of the tries */

/* Adding and subtracting 1.5 * 2^23 rounds |x| < 2^22 to the nearest integer, half to even. */
static inline float round_even(float x)
{
    return (x + 12582912.0f) - 12582912.0f;
}

/* For every try t the sums of w u L and w L^2 with the codes L = round(-target[t] u), limited to -32..31; w = u^2. */
static void fit(const float u[Q6_K_SUB], const float target[TRIES], float ul[TRIES], float ll[TRIES])
{
    for (int t = 0; t < TRIES; t++)
        ul[t] = ll[t] = 0.0f;
    for (size_t k = 0; k < Q6_K_SUB; k++) {
        const float v = u[k], w = v * v;
        for (int t = 0; t < TRIES; t++) {
            float code = round_even(-target[t] * v);
            code = code < -32.0f ? -32.0f : code;
            code = code > 31.0f ? 31.0f : code;
            ul[t] += w * v * code;
            ll[t] += w * code * code;
        }
    }
}

/* The best scale of a run; 0 when all of it is 0. Works on u = x / extreme, within -1..1. */
static float run_scale(const float *x)
{
    const float extreme = largest(x, Q6_K_SUB);
    float u[Q6_K_SUB], target[TRIES], ul[TRIES], ll[TRIES], best = 0.0f, scale = 0.0f;
    if (fabsf(extreme) < FLT_MIN)
        return 0.0f;
    for (size_t k = 0; k < Q6_K_SUB; k++)
        u[k] = x[k] / extreme;
    for (int t = 0; t < TRIES; t++)
        target[t] = 30.2f + 0.2f * (float)t;
    fit(u, target, ul, ll);
    for (int t = 0; t < TRIES; t++) {
        if (ll[t] > 0.0f && ul[t] * ul[t] > best * ll[t]) {
            best = ul[t] * ul[t] / ll[t];
            scale = ul[t] / ll[t] * extreme;
        }
    }
    return scale;
}

static void pack_super(const float *x, struct q6_k_file *out)
{
    float scales[RUNS];
    for (size_t s = 0; s < RUNS; s++)
        scales[s] = run_scale(x + s * Q6_K_SUB);
    const uint16_t d = half_scale(largest(scales, RUNS) / -128.0f);
    memset(out, 0, sizeof *out);
    memcpy(out->d, &d, sizeof d);
    for (size_t s = 0; s < RUNS; s++)
        out->scales[s] = (int8_t)quantize(scales[s], half_to_float(d), -128, 127);
    for (size_t k = 0; k < Q6_K_SUPER; k++) {
        const float step = half_to_float(d) * (float)out->scales[k / Q6_K_SUB];
        const int code = quantize(x[k], step, -32, 31) + Q6_K_ZERO;
        const struct q6_k_place p = q6_k_place(k);
        out->ql[p.low] = (uint8_t)(out->ql[p.low] | ((code & 15) << p.low_shift));
        out->qh[p.high] = (uint8_t)(out->qh[p.high] | ((code >> 4) << p.high_shift));
    }
}

void q6_k_pack_row(const float *src, size_t cols, float scale, void *dst)
{
    struct q6_k_file *out = dst;
    (void)scale;
    for (size_t s = 0; s < cols / Q6_K_SUPER; s++)
        pack_super(src + s * Q6_K_SUPER, &out[s]);
}
