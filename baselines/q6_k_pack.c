/* Packing of q6_k: a search for the scale of each run of 16 weights, then of the 256.
 *
 * For a run x[16], codes L in -32..31 and a scale s, the error is E = sum of w (x - s L)^2 with w = x^2. That favours the large
 * weights, as ggml does; w = 1 would lower the plain squared error by a further 7 %. For given codes the best scale is
 * s = sum(w x L) / sum(w L^2), and then E = sum(w x^2) - sum(w x L)^2 / sum(w L^2); so of several ways to round, the best has the
 * largest sum(w x L)^2 / sum(w L^2). Tried are the codes round(inv x), with inv placing the extreme between -30.2 and -34
 * (beyond -32 it is limited to -32, which can serve the other 15 better).
 * The scale of largest magnitude then becomes -128 times the block's d, the others the nearest multiple of d, and the codes are
 * rounded anew under the scales that a reader will see. It does not use activation statistics.
 *
 * The search takes nearly all of the time. The plain C here defines its result; x86/q6_k_pack_avx2.c does 8 runs at once. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "baselines/baseline_kernels.h"
#include "baselines/q6_k_file.h"
#include "baselines/quantize.h"
#include "kernels/cpu.h"

enum { TRIES = Q6_K_TRIES }; /* a multiple of 4: the compiler makes vectors of the tries */

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
        target[t] = q6_k_target(t);
    fit(u, target, ul, ll);
    for (int t = 0; t < TRIES; t++) {
        if (ll[t] > 0.0f && ul[t] * ul[t] > best * ll[t]) {
            best = ul[t] * ul[t] / ll[t];
            scale = ul[t] / ll[t] * extreme;
        }
    }
    return scale;
}

static void find_scales(const float x[Q6_K_SUPER], float scales[Q6_K_RUNS])
{
    for (size_t s = 0; s < Q6_K_RUNS; s++)
        scales[s] = run_scale(x + s * Q6_K_SUB);
}

/* 256 codes, 0..63, to where q6_k_place() says. */
static void place_codes(const uint8_t code[Q6_K_SUPER], struct q6_k_file *restrict out)
{
    for (size_t half = 0; half < 2; half++) {
        const uint8_t *c = code + 128 * half;
        for (size_t l = 0; l < 64; l++)
            out->ql[64 * half + l] = (uint8_t)((c[l] & 15) | (c[l + 64] & 15) << 4);
        for (size_t l = 0; l < 32; l++)
            out->qh[32 * half + l] = (uint8_t)(c[l] >> 4 | c[l + 32] >> 4 << 2 | c[l + 64] >> 4 << 4 | c[l + 96] >> 4 << 6);
    }
}

static void pack_super(const float *x, const float scales[Q6_K_RUNS], struct q6_k_file *out)
{
    int8_t q[Q6_K_SUPER];
    uint8_t code[Q6_K_SUPER];
    const uint16_t d = half_scale(largest(scales, Q6_K_RUNS) / -128.0f);
    memcpy(out->d, &d, sizeof d);
    quantize(scales, Q6_K_RUNS, half_to_float(d), -128, 127, out->scales);
    for (size_t s = 0; s < Q6_K_RUNS; s++)
        quantize(x + s * Q6_K_SUB, Q6_K_SUB, half_to_float(d) * (float)out->scales[s], -32, 31, q + s * Q6_K_SUB);
    for (size_t k = 0; k < Q6_K_SUPER; k++)
        code[k] = (uint8_t)(q[k] + Q6_K_ZERO);
    place_codes(code, out);
}

void q6_k_pack_row(const float *src, size_t cols, float scale, void *dst)
{
    struct q6_k_file *out = dst;
    void (*find)(const float *, float *) = find_scales;
    (void)scale;
#ifdef HAVE_ISA_avx2
    if (cpu_features() & CPU_AVX2)
        find = q6_k_find_scales_avx2;
#endif
    for (size_t s = 0; s < cols / Q6_K_SUPER; s++) {
        float scales[Q6_K_RUNS];
        find(src + s * Q6_K_SUPER, scales);
        pack_super(src + s * Q6_K_SUPER, scales, &out[s]);
    }
}
