/* Private to baselines/x86/: the arithmetic of q6_k with VNNI, for q6_k_kernel.h. Layout: q6_k.c.
 *
 * Codes stay unsigned (0..63), which is what vpdpbusd wants; the sum of a run of 16 columns starts from -32 * (sum of its
 * activations) and is then the exact sum((code - 32) q), at most 16 * 32 * 127 = 65024. Two runs are scaled and added in float, by
 * one multiplication and one FMA: 2^7 * 65024 < 2^23 and the sum < 2^24 are integers, so both are exact.
 * (A zero may come out as -0; added to a sum that began as +0 it changes nothing.)
 *
 * Beside what vec.h asks for, an ISA says which intrinsic is its vpdpbusd of 256 bits: DPBUSD_256. */
#ifndef BITJOULE_Q6_K_VNNI_H
#define BITJOULE_Q6_K_VNNI_H

#include "baselines/q6_k_file.h"
#include "baselines/x86/block_tile.h"
#include "baselines/x86/q6_k_codes.h"

#ifndef VEC_DPBUSD /* a header on its own is read by tools only */
#define VEC_DPBUSD _mm256_dpbusd_avx_epi32
#define DPBUSD_256 _mm256_dpbusd_avx_epi32
#endif

/* ---- gemv: as it is unpacked it is used ---- */

static inline __m256 load_scales_8(const int8_t *scale)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)scale)));
}

static inline __attribute__((always_inline)) __m256 gemv_block(const struct q6_k_group *g, size_t b, size_t r, const struct acts *x,
                                                               size_t i, __m256 acc)
{
    const int8_t *q = x->q + i * Q_BLOCK;
    __m256i code0[4], code1[4];
    __m256i run0 = _mm256_set1_epi32(-Q6_K_ZERO * x->sum[2 * i]), run1 = _mm256_set1_epi32(-Q6_K_ZERO * x->sum[2 * i + 1]);
    unpack_run(&g->block[b], r, 0, code0);
    unpack_run(&g->block[b], r, 1, code1);
    UNROLL for (int j = 0; j < 4; j++) {
        run0 = DPBUSD_256(run0, code0[j], broadcast4(q + 4 * j));
        run1 = DPBUSD_256(run1, code1[j], broadcast4(q + Q6_K_SUB + 4 * j));
    }
    const __m256 first = _mm256_mul_ps(_mm256_cvtepi32_ps(run0), load_scales_8(&g->scale[2 * b][r]));
    const __m256 both = _mm256_fmadd_ps(_mm256_cvtepi32_ps(run1), load_scales_8(&g->scale[2 * b + 1][r]), first);
    return _mm256_fmadd_ps(both, _mm256_mul_ps(load_half(g->d + r), _mm256_broadcast_ss(x->scale + i)), acc);
}

/* ---- gemm: from bytes in L1 ---- */

enum { Q6_K_TILE = VEC_TILE }; /* tokens */
#define Q6_K_TILE_CASES VEC_TILE_CASES

struct unpacked_block {
    uint8_t code[2][4][Q_GROUP][4]; /* [run][4-column group][row][column] */
    float scale[2][Q_GROUP];        /* [run][row] */
};

struct unpacked {
    float d[Q_GROUP];
    struct unpacked_block block[BLOCKS];
};

static inline void unpack_scales(const int8_t scale[2][Q_GROUP], struct unpacked_block *out)
{
    UNROLL for (int v = 0; v < TILE_VECS; v++)
        UNROLL for (int run = 0; run < 2; run++)
            vecf_store(out->scale[run] + v * VEC_ROWS, vecf_of_int8(scale[run] + v * VEC_ROWS));
}

/* isum[t] = run of 16 columns of block b, register v of the rows */
TILE q6_k_run(const struct block_tile *p, const struct unpacked_block *w, size_t b, int run, int v, vec *isum, const int tokens)
{
    const int8_t *q = p->q + b * Q_BLOCK + run * Q6_K_SUB;
    UNROLL for (int t = 0; t < tokens; t++)
        isum[t] = vec_set32(-Q6_K_ZERO * block_sum(p, b, t)[run]);
    UNROLL for (int j = 0; j < 4; j++) {
        const vec codes = vec_load(w->code[run][j][v * VEC_ROWS]);
        UNROLL for (int t = 0; t < tokens; t++)
            isum[t] = VEC_DPBUSD(isum[t], codes, vec_broadcast4(q + (size_t)t * p->q_ld + 4 * j));
    }
}

TILE q6_k_block_of(const struct block_tile *p, const struct unpacked *w, size_t b, int v, const int tokens)
{
    const struct unpacked_block *in = &w->block[b];
    const vecf scale0 = vecf_load(in->scale[0] + v * VEC_ROWS), scale1 = vecf_load(in->scale[1] + v * VEC_ROWS);
    const vecf d_rows = vecf_load(w->d + v * VEC_ROWS);
    vec isum[VEC_TILE];
    vecf both[VEC_TILE];
    q6_k_run(p, in, b, 0, v, isum, tokens);
    UNROLL for (int t = 0; t < tokens; t++)
        both[t] = vecf_mul(vecf_of(isum[t]), scale0);
    q6_k_run(p, in, b, 1, v, isum, tokens);
    UNROLL for (int t = 0; t < tokens; t++) {
        const vecf factor = vecf_mul(d_rows, vecf_broadcast(p->scale + (size_t)t * p->scale_ld + b));
        float *acc = p->acc + t * Q_GROUP + v * VEC_ROWS;
        both[t] = vecf_fma(vecf_of(isum[t]), scale1, both[t]);
        vecf_store(acc, vecf_fma(both[t], factor, vecf_load(acc)));
    }
}

#endif
