/* q8_0 on AVX2, for one token (gemv) and for many (gemm). A vector lane is a row: nothing is added across. Layout: q8_0.c.
 *
 * gemv multiplies 8 rows x 4 columns by 4 activations that are the same in every lane. vpmaddubsw wants one operand unsigned, so
 * it gets |w| and the activation with the sign of w. vpsignb cannot overflow on the activation (-127..127), and |-128| = 128 is
 * right as an unsigned byte. That is three multiplier-port instructions per 32 products.
 * The gemm is in q8_0_words.h. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include "baselines/x86/q8_0_words.h"
#include "baselines/x86/tile_avx2.h"
#include "kernels/x86/stream.h"

/* Adds 4 products per lane. |w| * |a| * 2 <= 128 * 127 * 2 = 32512 < 32768 fits int16, twice that does not: widened at once. */
static inline __m256i add_dot4(__m256i isum, __m256i w, __m256i a)
{
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(a, w));
    return _mm256_add_epi32(isum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

static inline void q8_0_gemv(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y)
{
    const size_t n_blocks = w->cols / Q_BLOCK;
    for (size_t r = row0; r < row1; r += Q_GROUP) {
        const struct q8_0_group *g = (const struct q8_0_group *)w->data + r / Q_GROUP * n_blocks;
        __m256 s0 = _mm256_setzero_ps(), s1 = s0;
        for (size_t b = 0; b < n_blocks; b++, g++) {
            prefetch_intel(cpu_core, g->d, sizeof g->d);
            __m256i i0 = _mm256_setzero_si256(), i1 = i0;
            for (size_t j = 0; j < 8; j++) {
                prefetch_dense(cpu_core, g->q[j], sizeof g->q[j]);
                const __m256i a = broadcast4(x->q + b * Q_BLOCK + 4 * j);
                i0 = add_dot4(i0, load_i(g->q[j][0]), a);
                i1 = add_dot4(i1, load_i(g->q[j][8]), a);
            }
            const __m256 dx = _mm256_broadcast_ss(x->scale + b);
            s0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(i0), _mm256_mul_ps(load_half(g->d), dx), s0);
            s1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(i1), _mm256_mul_ps(load_half(g->d + 8), dx), s1);
        }
        store_two(y, r, row1, s0, s1);
    }
}

BLOCK_KERNELS(q8_0, avx2)
