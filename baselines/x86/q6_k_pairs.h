/* Private to baselines/x86/: the arithmetic of q6_k without VNNI, for q6_k_kernel.h. Layout: q6_k.c.
 *
 * Codes stay unsigned, which is what vpmaddubsw wants; the zero of 32 is taken off with the sums that come with the activations:
 * sum over both runs h of s_h sum((code - 32) q) = sum of s_h sum(code q) - sum of 32 s_h sum(q).
 * 2 * 63 * 127 * 2 = 32004 < 32768: two vectors of pair sums fit int16, four would not. */
#ifndef BITJOULE_Q6_K_PAIRS_H
#define BITJOULE_Q6_K_PAIRS_H

#include "baselines/x86/block_tile.h"
#include "baselines/x86/q6_k_codes.h"

/* The two sums of 16 activations (|sum| <= 16 * 127) as an int16 pair */
static inline int32_t sum_pair(const int32_t *sum)
{
    return (int32_t)(((uint32_t)sum[0] & 0xffffu) | ((uint32_t)sum[1] << 16));
}

/* ---- gemv: a vector is 8 rows x 4 columns, multiplied by 4 activations that are the same in every lane ---- */

/* scale * sum(code * q) over a run of 16 columns, 8 rows, one int32 each */
static inline __m256i gemv_run(const __m256i code[4], __m256i scale, const int8_t *q)
{
    const __m256i p0 = _mm256_maddubs_epi16(code[0], broadcast4(q)), p1 = _mm256_maddubs_epi16(code[1], broadcast4(q + 4));
    const __m256i p2 = _mm256_maddubs_epi16(code[2], broadcast4(q + 8)), p3 = _mm256_maddubs_epi16(code[3], broadcast4(q + 12));
    const __m256i p01 = _mm256_add_epi16(p0, p1), p23 = _mm256_add_epi16(p2, p3);
    return _mm256_add_epi32(_mm256_madd_epi16(p01, scale), _mm256_madd_epi16(p23, scale));
}

static inline __attribute__((always_inline)) __m256 gemv_block(const struct q6_k_group *g, size_t b, size_t r, const struct acts *x,
                                                               size_t i, __m256 acc)
{
    const int8_t *q = x->q + i * Q_BLOCK;
    const __m128i s0 = _mm_loadl_epi64((const __m128i *)(const void *)&g->scale[2 * b][r]);
    const __m128i s1 = _mm_loadl_epi64((const __m128i *)(const void *)&g->scale[2 * b + 1][r]);
    const __m256i zero = _mm256_slli_epi16(_mm256_cvtepi8_epi16(_mm_unpacklo_epi8(s0, s1)), 5);
    __m256i code[4];
    unpack_run(&g->block[b], r, 0, code);
    __m256i isum = gemv_run(code, _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(s0, s0)), q);
    unpack_run(&g->block[b], r, 1, code);
    isum = _mm256_add_epi32(isum, gemv_run(code, _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(s1, s1)), q + Q6_K_SUB));
    isum = _mm256_sub_epi32(isum, _mm256_madd_epi16(zero, _mm256_set1_epi32(sum_pair(x->sum + 2 * i))));
    const __m256 factor = _mm256_mul_ps(load_half(g->d + r), _mm256_broadcast_ss(x->scale + i));
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(isum), factor, acc);
}

/* ---- gemm: from bytes in L1 ---- */

enum { Q6_K_TILE = VEC_BITS == 256 ? 4 : 8 }; /* tokens: 4 registers of codes, their products and a sum for each token */
#if VEC_BITS == 256
#define Q6_K_TILE_CASES TILE_CASES_4
#else
#define Q6_K_TILE_CASES TILE_CASES_8
#endif

struct unpacked_block {
    uint8_t code[2][4][Q_GROUP][4]; /* [run][4-column group][row][column] */
    int16_t scale[2][Q_GROUP][2];   /* [run][row], twice: one per int16 pair sum */
    int16_t zero[Q_GROUP][2];       /* 32 * scale of either run: 32 * 128 fits */
};

struct unpacked {
    float d[Q_GROUP];
    struct unpacked_block block[BLOCKS];
};

static inline void unpack_scales(const int8_t scale[2][Q_GROUP], struct unpacked_block *out)
{
    const __m128i s0 = _mm_load_si128((const __m128i *)(const void *)scale[0]);
    const __m128i s1 = _mm_load_si128((const __m128i *)(const void *)scale[1]);
    store_i(out->scale[0][0], _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(s0, s0)));
    store_i(out->scale[0][8], _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(s0, s0)));
    store_i(out->scale[1][0], _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(s1, s1)));
    store_i(out->scale[1][8], _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(s1, s1)));
    store_i(out->zero[0], _mm256_slli_epi16(_mm256_cvtepi8_epi16(_mm_unpacklo_epi8(s0, s1)), 5));
    store_i(out->zero[8], _mm256_slli_epi16(_mm256_cvtepi8_epi16(_mm_unpackhi_epi8(s0, s1)), 5));
}

/* isum[t] += scale * sum(code * q) over a run of 16 columns, register v of the rows, one int32 each */
TILE q6_k_run(const struct block_tile *p, const struct unpacked_block *w, size_t b, int run, int v, vec *isum, const int tokens)
{
    const int r = v * VEC_ROWS;
    const vec c0 = vec_load(w->code[run][0][r]), c1 = vec_load(w->code[run][1][r]), c2 = vec_load(w->code[run][2][r]),
              c3 = vec_load(w->code[run][3][r]), scale = vec_load(w->scale[run][r]);
    UNROLL for (int t = 0; t < tokens; t++) {
        const int8_t *q = p->q + (size_t)t * p->q_ld + b * Q_BLOCK + run * Q6_K_SUB;
        const vec p01 = vec_add16(vec_maddubs(c0, vec_broadcast4(q)), vec_maddubs(c1, vec_broadcast4(q + 4)));
        const vec p23 = vec_add16(vec_maddubs(c2, vec_broadcast4(q + 8)), vec_maddubs(c3, vec_broadcast4(q + 12)));
        isum[t] = vec_add32(isum[t], vec_add32(vec_dot16(p01, scale), vec_dot16(p23, scale)));
    }
}

TILE q6_k_block_of(const struct block_tile *p, const struct unpacked *w, size_t b, int v, const int tokens)
{
    const struct unpacked_block *in = &w->block[b];
    vec isum[Q6_K_TILE];
    UNROLL for (int t = 0; t < tokens; t++)
        isum[t] = vec_zero();
    UNROLL for (int run = 0; run < 2; run++)
        q6_k_run(p, in, b, run, v, isum, tokens);
    const vec zero = vec_load(in->zero[v * VEC_ROWS]);
    const vecf d_rows = vecf_load(w->d + v * VEC_ROWS);
    UNROLL for (int t = 0; t < tokens; t++) {
        const vec offset = vec_dot16(zero, vec_set32(sum_pair(block_sum(p, b, t))));
        const vecf factor = vecf_mul(d_rows, vecf_broadcast(p->scale + (size_t)t * p->scale_ld + b));
        float *acc = p->acc + t * Q_GROUP + v * VEC_ROWS;
        vecf_store(acc, vecf_fma(vecf_of(vec_sub32(isum[t], offset)), factor, vecf_load(acc)));
    }
}

#endif
