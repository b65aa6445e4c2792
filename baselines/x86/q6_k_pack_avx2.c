/* The scale search of q6_k (q6_k_pack.c) for 8 runs of 16 weights at once: a vector lane is a run, so that nothing is added
 * across and every lane does just what the C does, in its order, without FMA: the same bits. A run of zeros (or of NaN) gets
 * the scale 0. */
#ifndef __AVX2__
#error "q6_k_pack_avx2.c needs -mavx2"
#endif

#include <float.h>
#include <immintrin.h>

#include "baselines/baseline_kernels.h"
#include "baselines/q6_k_file.h"

/* Weight k of 8 runs: u = x / extreme, w = u^2, wu = w u */
struct runs {
    __m256 u[Q6_K_SUB], w[Q6_K_SUB], wu[Q6_K_SUB], extreme;
};

static inline __m256 magnitude(__m256 x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

static inline void read_runs(const float *x, struct runs *r)
{
    const __m256i run = _mm256_mullo_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(Q6_K_SUB));
    r->extreme = _mm256_setzero_ps();
    for (size_t k = 0; k < Q6_K_SUB; k++) {
        r->u[k] = _mm256_i32gather_ps(x + k, run, sizeof *x);
        const __m256 larger = _mm256_cmp_ps(magnitude(r->u[k]), magnitude(r->extreme), _CMP_GT_OQ);
        r->extreme = _mm256_blendv_ps(r->extreme, r->u[k], larger);
    }
    for (size_t k = 0; k < Q6_K_SUB; k++) {
        r->u[k] = _mm256_div_ps(r->u[k], r->extreme);
        r->w[k] = _mm256_mul_ps(r->u[k], r->u[k]);
        r->wu[k] = _mm256_mul_ps(r->w[k], r->u[k]);
    }
}

/* ul = sum of w u L, ll = sum of w L^2 with L = round(-target u) in -32..31 */
static inline void fit(const struct runs *r, float target, __m256 *ul, __m256 *ll)
{
    const __m256 minus = _mm256_set1_ps(-target), low = _mm256_set1_ps(-32.0f), high = _mm256_set1_ps(31.0f);
    *ul = *ll = _mm256_setzero_ps();
    for (size_t k = 0; k < Q6_K_SUB; k++) {
        __m256 code = _mm256_round_ps(_mm256_mul_ps(minus, r->u[k]), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        code = _mm256_min_ps(high, _mm256_max_ps(low, code)); /* NaN stays: the second operand comes out */
        *ul = _mm256_add_ps(*ul, _mm256_mul_ps(r->wu[k], code));
        *ll = _mm256_add_ps(*ll, _mm256_mul_ps(_mm256_mul_ps(r->w[k], code), code));
    }
}

static inline void find_8(const float *x, float *scales)
{
    struct runs r;
    __m256 best = _mm256_setzero_ps(), scale = _mm256_setzero_ps(), ul, ll;
    read_runs(x, &r);
    for (int t = 0; t < Q6_K_TRIES; t++) {
        fit(&r, q6_k_target(t), &ul, &ll);
        const __m256 square = _mm256_mul_ps(ul, ul);
        const __m256 better = _mm256_and_ps(_mm256_cmp_ps(ll, _mm256_setzero_ps(), _CMP_GT_OQ),
                                            _mm256_cmp_ps(square, _mm256_mul_ps(best, ll), _CMP_GT_OQ));
        best = _mm256_blendv_ps(best, _mm256_div_ps(square, ll), better);
        scale = _mm256_blendv_ps(scale, _mm256_mul_ps(_mm256_div_ps(ul, ll), r.extreme), better);
    }
    const __m256 tiny = _mm256_cmp_ps(magnitude(r.extreme), _mm256_set1_ps(FLT_MIN), _CMP_LT_OQ);
    _mm256_storeu_ps(scales, _mm256_andnot_ps(tiny, scale));
}

void q6_k_find_scales_avx2(const float *x, float *scales)
{
    find_8(x, scales);
    find_8(x + 8 * Q6_K_SUB, scales + 8);
}
