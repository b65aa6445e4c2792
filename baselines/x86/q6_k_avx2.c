/* q6_k on AVX2: a vector is 8 rows x 4 columns, multiplied by 4 activations that are the same in every lane. Layout: q6_k.c. The
 * arithmetic and the gemm are in q6_k_pairs.h.
 *
 * gemv unpacks in registers and prefetches into L2: left to the hardware it read memory at half to three quarters of the speed
 * of a plain loop. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include "baselines/x86/q6_k_pairs.h"

enum { AHEAD = 2 /* super-blocks that gemv prefetches */ };

/* scale * sum(code * q) over a run of 16 columns, 8 rows, one int32 each; see q6_k_run() for the bound */
static inline __m256i gemv_run(const __m256i code[4], __m256i scale, const int8_t *q)
{
    const __m256i p0 = _mm256_maddubs_epi16(code[0], broadcast4(q)), p1 = _mm256_maddubs_epi16(code[1], broadcast4(q + 4));
    const __m256i p2 = _mm256_maddubs_epi16(code[2], broadcast4(q + 8)), p3 = _mm256_maddubs_epi16(code[3], broadcast4(q + 12));
    const __m256i p01 = _mm256_add_epi16(p0, p1), p23 = _mm256_add_epi16(p2, p3);
    return _mm256_add_epi32(_mm256_madd_epi16(p01, scale), _mm256_madd_epi16(p23, scale));
}

/* 8 rows from row r on of block b of the super-block; x_block: the block of the activations */
static inline __attribute__((always_inline)) __m256 gemv_block(const struct q6_k_group *g, size_t b, size_t r, const struct acts *x,
                                                               size_t x_block, __m256 acc)
{
    const int8_t *q = x->q + x_block * Q_BLOCK;
    const __m128i s0 = _mm_loadl_epi64((const __m128i *)(const void *)&g->scale[2 * b][r]);
    const __m128i s1 = _mm_loadl_epi64((const __m128i *)(const void *)&g->scale[2 * b + 1][r]);
    const __m256i zero = _mm256_slli_epi16(_mm256_cvtepi8_epi16(_mm_unpacklo_epi8(s0, s1)), 5);
    __m256i code[4];
    unpack_run(&g->block[b], r, 0, code);
    __m256i isum = gemv_run(code, _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(s0, s0)), q);
    unpack_run(&g->block[b], r, 1, code);
    isum = _mm256_add_epi32(isum, gemv_run(code, _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(s1, s1)), q + Q6_K_SUB));
    isum = _mm256_sub_epi32(isum, _mm256_madd_epi16(zero, _mm256_set1_epi32(sum_pair(x->sum + 2 * x_block))));
    const __m256 factor = _mm256_mul_ps(load_half(g->d + r), _mm256_broadcast_ss(x->scale + x_block));
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(isum), factor, acc);
}

void q6_k_gemv_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)ldy, (void)scratch;
    const size_t n_supers = w->cols / Q6_K_SUPER;
    for (size_t r = row0; r < row1; r += Q_GROUP) {
        const struct q6_k_group *g = (const struct q6_k_group *)w->data + r / Q_GROUP * n_supers;
        __m256 s0 = _mm256_setzero_ps(), s1 = s0;
        for (size_t i = 0; i < n_supers * BLOCKS; i++) {
            prefetch_l2((const char *)(g + AHEAD) + i * (sizeof *g / BLOCKS), sizeof *g / BLOCKS);
            s0 = gemv_block(&g[i / BLOCKS], i % BLOCKS, 0, x, i, s0);
            s1 = gemv_block(&g[i / BLOCKS], i % BLOCKS, 8, x, i, s1);
        }
        store_two(y, r, row1, s0, s1);
    }
}

void q6_k_gemm_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    q6_k_gemm(w, x, row0, row1, y, ldy, scratch);
}
