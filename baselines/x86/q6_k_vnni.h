/* Private to baselines/x86/: q6_k with VNNI, of 256 or 512 bits (kernels/x86/vec.h). Layout: q6_k.c.
 *
 * Codes stay unsigned (0..63), which is what vpdpbusd wants; the sum of a run of 16 columns starts from -32 * (sum of its
 * activations) and is then the exact sum((code - 32) q), at most 16 * 32 * 127 = 65024. Two runs are scaled and added in float, by
 * one multiplication and one FMA: 2^7 * 65024 < 2^23 and the sum < 2^24 are integers, so both are exact.
 * (A zero may come out as -0; added to a sum that began as +0 it changes nothing.)
 * gemv unpacks in registers of 8 rows whatever VEC_BITS, which read memory faster than 16 (see the log in README.md), and prefetches
 * as AVX2 does. gemm unpacks a super-block to bytes in L1.
 *
 * Beside what vec.h asks for, an ISA says which intrinsic is its vpdpbusd of 256 bits: DPBUSD_256. */
#ifndef BITJOULE_Q6_K_VNNI_H
#define BITJOULE_Q6_K_VNNI_H

#include "baselines/q6_k_file.h"
#include "baselines/x86/block_tile.h"
#include "baselines/x86/tile_avx2.h"

#ifndef VEC_DPBUSD /* a header on its own is read by tools only */
#define VEC_DPBUSD _mm256_dpbusd_avx_epi32
#define DPBUSD_256 _mm256_dpbusd_avx_epi32
#endif

enum { BLOCKS = Q6_K_SUPER / Q_BLOCK, AHEAD = 2 /* super-blocks that gemv prefetches */ };

/* ---- gemv: as it is unpacked it is used -------------------------------------------------------------------------------------- */

/* The codes of 4 columns, 8 rows: the nibbles of a run, or-ed with its bits 4-5, which lie at 2 j of every byte of high. 16-bit
 * shifts: what crosses a byte is masked off. */
static inline __m256i codes_of_8(__m256i low, __m256i high, int run, int j)
{
    const __m256i in_place = j < 2 ? _mm256_slli_epi16(high, 4 - 2 * j) : _mm256_srli_epi16(high, 2 * j - 4);
    const __m256i bits = _mm256_and_si256(in_place, _mm256_set1_epi8(0x30)), shifted = run ? _mm256_srli_epi16(low, 4) : low;
    return _mm256_or_si256(bits, _mm256_and_si256(shifted, _mm256_set1_epi8(0x0f)));
}

static inline __m256 load_scales_8(const int8_t *scale)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)scale)));
}

/* Both runs of block b, 8 rows from row r on: scale_0 run_0 + scale_1 run_1. q, sum: of the block */
static inline __m256 gemv_block(const struct q6_k_group *g, size_t b, size_t r, const int8_t *q, const int32_t *sum)
{
    const struct q6_k_block *in = &g->block[b];
    const __m256i high0 = load_i(in->high[0][r]), high1 = load_i(in->high[1][r]);
    __m256i run0 = _mm256_set1_epi32(-Q6_K_ZERO * sum[0]), run1 = _mm256_set1_epi32(-Q6_K_ZERO * sum[1]);
    UNROLL for (int j = 0; j < 4; j++) {
        const __m256i low = load_i(in->low[j][r]);
        run0 = DPBUSD_256(run0, codes_of_8(low, high0, 0, j), broadcast4(q + 4 * j));
        run1 = DPBUSD_256(run1, codes_of_8(low, high1, 1, j), broadcast4(q + Q6_K_SUB + 4 * j));
    }
    const __m256 first = _mm256_mul_ps(_mm256_cvtepi32_ps(run0), load_scales_8(&g->scale[2 * b][r]));
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(run1), load_scales_8(&g->scale[2 * b + 1][r]), first);
}

static inline void q6_k_gemv(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y)
{
    const size_t n_supers = w->cols / Q6_K_SUPER;
    for (size_t r = row0; r < row1; r += Q_GROUP) {
        const struct q6_k_group *g = (const struct q6_k_group *)w->data + r / Q_GROUP * n_supers;
        __m256 s0 = _mm256_setzero_ps(), s1 = s0;
        for (size_t i = 0; i < n_supers * BLOCKS; i++) {
            const struct q6_k_group *s = &g[i / BLOCKS];
            const __m256 dx = _mm256_broadcast_ss(x->scale + i);
            const int8_t *q = x->q + i * Q_BLOCK;
            prefetch_l2((const char *)(g + AHEAD) + i * (sizeof *g / BLOCKS), sizeof *g / BLOCKS);
            s0 = _mm256_fmadd_ps(gemv_block(s, i % BLOCKS, 0, q, x->sum + 2 * i), _mm256_mul_ps(load_half(s->d), dx), s0);
            s1 = _mm256_fmadd_ps(gemv_block(s, i % BLOCKS, 8, q, x->sum + 2 * i), _mm256_mul_ps(load_half(s->d + 8), dx), s1);
        }
        store_two(y, r, row1, s0, s1);
    }
}

/* ---- gemm: unpacked once per panel ------------------------------------------------------------------------------------------- */

struct unpacked {
    float d[Q_GROUP];
    struct unpacked_block {
        uint8_t code[2][4][Q_GROUP][4]; /* [run][4-column group][row][column] */
        float scale[2][Q_GROUP];        /* [run][row] */
    } block[BLOCKS];
};
_Static_assert(sizeof(struct unpacked) <= PANEL_SPACE && sizeof(struct unpacked_block) % 64 == 0, "fits the scratch, aligned");

/* Bits 4-5 of the codes, in place, as in codes_of_8 */
static inline vec high_bits(vec high, int j)
{
    switch (j) {
    case 0: high = vec_shift16_left(high, 4); break;
    case 1: high = vec_shift16_left(high, 2); break;
    case 2: break;
    default: high = vec_shift16(high, 2); break;
    }
    return vec_and(high, vec_byte(0x30));
}

/* As codes_of_8 */
static inline vec codes_of(vec low, vec high, int run, int j)
{
    const vec shifted = run ? vec_shift16(low, 4) : low;
    return vec_or(high_bits(high, j), vec_and(shifted, vec_byte(0x0f)));
}

static inline void unpack(const struct q6_k_group *in, struct unpacked *out)
{
    UNROLL for (int v = 0; v < TILE_VECS; v++) {
        const int r = v * VEC_ROWS;
        vecf_store(out->d + r, vecf_of_half(in->d + r));
        for (size_t b = 0; b < BLOCKS; b++) {
            UNROLL for (int run = 0; run < 2; run++) {
                const vec high = vec_load_half_line(in->block[b].high[run][r]);
                UNROLL for (int j = 0; j < 4; j++)
                    vec_store(out->block[b].code[run][j][r], codes_of(vec_load_half_line(in->block[b].low[j][r]), high, run, j));
                vecf_store(out->block[b].scale[run] + r, vecf_of_int8(in->scale[2 * b + (size_t)run] + r));
            }
        }
    }
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
    const vecf d = vecf_load(w->d + v * VEC_ROWS);
    vec isum[VEC_TILE];
    vecf both[VEC_TILE];
    q6_k_run(p, in, b, 0, v, isum, tokens);
    UNROLL for (int t = 0; t < tokens; t++)
        both[t] = vecf_mul(vecf_of(isum[t]), scale0);
    q6_k_run(p, in, b, 1, v, isum, tokens);
    UNROLL for (int t = 0; t < tokens; t++) {
        const vecf factor = vecf_mul(d, vecf_broadcast(p->scale + (size_t)t * p->scale_ld + b));
        float *acc = p->acc + t * Q_GROUP + v * VEC_ROWS;
        both[t] = vecf_fma(vecf_of(isum[t]), scale1, both[t]);
        vecf_store(acc, vecf_fma(both[t], factor, vecf_load(acc)));
    }
}

TILE q6_k_tile_of(const struct block_tile *p, const struct unpacked *w, const int tokens)
{
    for (size_t b = 0; b < BLOCKS; b++)
        UNROLL for (int v = 0; v < TILE_VECS; v++)
            q6_k_block_of(p, w, b, v, tokens);
}

static inline void q6_k_panel(const struct panel *p)
{
    struct unpacked *w = p->space;
    unpack((const struct q6_k_group *)p->w->data + p->row0 / Q_GROUP * (p->w->cols / Q6_K_SUPER) + p->k0 / Q6_K_SUPER, w);
    for (size_t t = p->t0, n; t < p->t1; t += n) {
        const struct block_tile tile = block_tile(p, 0, t);
        n = next_tile(p->t1 - t, VEC_TILE);
#define RUN(tokens) q6_k_tile_of(&tile, w, tokens)
        switch (n) {
            VEC_TILE_CASES(RUN)
        }
#undef RUN
    }
}

static const struct panel_kernel q6_k_panels = {q6_k_panel, Q6_K_SUPER, 1};

#define Q6_K_VNNI_KERNELS(isa) \
    void q6_k_gemv_##isa(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch) \
    { \
        (void)ldy, (void)scratch; \
        q6_k_gemv(w, x, row0, row1, y); \
    } \
    void q6_k_gemm_##isa(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch) \
    { \
        gemm_by_panels(&q6_k_panels, w, x, row0, row1, y, ldy, scratch); \
    }

#endif
