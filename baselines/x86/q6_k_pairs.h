/* Private to baselines/x86/: the gemm of q6_k without VNNI, of 256 or 512 bits (kernels/x86/vec.h). Layout: q6_k.c.
 *
 * Codes stay unsigned, which is what vpmaddubsw wants; the zero of 32 is taken off with the sums that come with the activations:
 * sum over both runs h of s_h sum((code - 32) q) = sum of s_h sum(code q) - sum of 32 s_h sum(q).
 * A super-block (16 rows x 256 columns) is unpacked to bytes 0..63 and 16-bit scales in L1 (256 bits at a time on every ISA); then
 * the tokens pass. gemv, in q6_k_avx2.c, unpacks in registers with the same functions. */
#ifndef BITJOULE_Q6_K_PAIRS_H
#define BITJOULE_Q6_K_PAIRS_H

#include "baselines/x86/block_tile.h"
#include "baselines/x86/tile_avx2.h"

enum {
    Q6_K_TILE = VEC_BITS == 256 ? 4 : 8, /* tokens: 4 registers of codes, their products and a sum for each token */
    BLOCKS = Q6_K_SUPER / Q_BLOCK
};
#if VEC_BITS == 256
#define Q6_K_TILE_CASES TILE_CASES_4
#else
#define Q6_K_TILE_CASES TILE_CASES_8
#endif

/* Bits 4-5 of the codes, in place: bits 2 j, 2 j + 1 of every byte. 16-bit shifts: what crosses a byte is masked off. */
static inline __m256i high_bits(__m256i high, int j)
{
    const __m256i shifted = j < 2 ? _mm256_slli_epi16(high, 4 - 2 * j) : _mm256_srli_epi16(high, 2 * j - 4);
    return _mm256_and_si256(shifted, _mm256_set1_epi8(0x30));
}

/* The codes of one run of 16 columns (half of the block), 8 rows from row r on */
TILE unpack_run(const struct q6_k_block *in, size_t r, const int half, __m256i code[4])
{
    const __m256i high = load_i(in->high[half][r]);
    UNROLL for (int j = 0; j < 4; j++) {
        const __m256i low = _mm256_srli_epi16(load_i(in->low[j][r]), 4 * half);
        code[j] = _mm256_or_si256(_mm256_and_si256(low, _mm256_set1_epi8(15)), high_bits(high, j));
    }
}

/* The two sums of 16 activations (|sum| <= 16 * 127) as an int16 pair */
static inline int32_t sum_pair(const int32_t *sum)
{
    return (int32_t)(((uint32_t)sum[0] & 0xffffu) | ((uint32_t)sum[1] << 16));
}

/* ---- gemm: unpacked once per panel ------------------------------------------------------------------------------------------- */

struct unpacked {
    float d[Q_GROUP];
    struct unpacked_block {
        uint8_t code[2][4][Q_GROUP][4]; /* [run][4-column group][row][column] */
        int16_t scale[2][Q_GROUP][2];   /* [run][row], twice: one per int16 pair sum */
        int16_t zero[Q_GROUP][2];       /* 32 * scale of either run: 32 * 128 fits */
    } block[BLOCKS];
};
_Static_assert(sizeof(struct unpacked) <= PANEL_SPACE && sizeof(struct unpacked_block) % 64 == 0, "fits the scratch, aligned");

static inline void store_i(void *p, __m256i v)
{
    _mm256_store_si256((__m256i *)p, v);
}

static inline void unpack_block(const struct q6_k_block *in, struct unpacked_block *out)
{
    for (size_t r = 0; r < Q_GROUP; r += 8) {
        UNROLL for (int half = 0; half < 2; half++) {
            __m256i code[4];
            unpack_run(in, r, half, code);
            UNROLL for (int j = 0; j < 4; j++)
                store_i(out->code[half][j][r], code[j]);
        }
    }
}

/* scale: [2 runs][16 rows] */
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

static inline void unpack(const struct q6_k_group *in, struct unpacked *out)
{
    _mm256_store_ps(out->d, load_half(in->d));
    _mm256_store_ps(out->d + 8, load_half(in->d + 8));
    for (size_t b = 0; b < BLOCKS; b++) {
        unpack_block(&in->block[b], &out->block[b]);
        unpack_scales(&in->scale[2 * b], &out->block[b]);
    }
}

/* isum[t] += scale * sum(code * q) over a run of 16 columns, register v of the rows, one int32 each.
 * 2 * 63 * 127 * 2 = 32004 < 32768: two vectors of pair sums fit int16, four would not. */
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

/* Register v of the rows of block b: acc = fma(float(isum - offset), d * scale, acc) */
TILE q6_k_block_of(const struct block_tile *p, const struct unpacked *w, size_t b, int v, const int tokens)
{
    const struct unpacked_block *in = &w->block[b];
    vec isum[Q6_K_TILE];
    UNROLL for (int t = 0; t < tokens; t++)
        isum[t] = vec_zero();
    UNROLL for (int run = 0; run < 2; run++)
        q6_k_run(p, in, b, run, v, isum, tokens);
    const vec zero = vec_load(in->zero[v * VEC_ROWS]);
    const vecf d = vecf_load(w->d + v * VEC_ROWS);
    UNROLL for (int t = 0; t < tokens; t++) {
        const vec offset = vec_dot16(zero, vec_set32(sum_pair(block_sum(p, b, t))));
        const vecf factor = vecf_mul(d, vecf_broadcast(p->scale + (size_t)t * p->scale_ld + b));
        float *acc = p->acc + t * Q_GROUP + v * VEC_ROWS;
        vecf_store(acc, vecf_fma(vecf_of(vec_sub32(isum[t], offset)), factor, vecf_load(acc)));
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
        n = next_tile(p->t1 - t, Q6_K_TILE);
#define RUN(tokens) q6_k_tile_of(&tile, w, tokens)
        switch (n) {
            Q6_K_TILE_CASES(RUN)
        }
#undef RUN
    }
}

static inline void q6_k_gemm(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    static const struct panel_kernel kernel = {q6_k_panel, Q6_K_SUPER, 1};
    gemm_by_panels(&kernel, w, x, row0, row1, y, ldy, scratch);
}

#endif
