/* q6_k on AVX-512 VNNI: a register is 16 rows x 4 columns, multiplied by 4 activations that are the same in every lane.
 *
 * Codes stay unsigned (0..63), which is what vpdpbusd wants; the sum of a run of 16 columns starts from -32 * (sum of its
 * activations) and is then the exact sum((code - 32) q), at most 16 * 32 * 127 = 65024. Two runs are scaled and added in float, by
 * one multiplication and one FMA: 2^7 * 65024 < 2^23 and the sum < 2^24 are integers, so both are exact.
 * (A zero may come out as -0; added to a sum that began as +0 it changes nothing.)
 * gemv unpacks in registers of 8 rows, which read memory faster than 16 (see the log in README.md), and prefetches as AVX2 does.
 * gemm unpacks a super-block to bytes in L1; tokens pass in tiles of 16 rows x 12. Layout: q6_k.c. */
#ifndef __AVX512VNNI__
#error "compile with the flags of AVX-512 and -mavx512vnni"
#endif
#include "baselines/q6_k_file.h"
#include "baselines/x86/tile_avx512.h"

enum { BLOCKS = Q6_K_SUPER / Q_BLOCK, AHEAD = 2 /* super-blocks that gemv prefetches */ };

/* Bits 4-5 of the codes, in place: bits 2 j, 2 j + 1 of every byte. 16-bit shifts: what crosses a byte is masked off. */
static inline __m512i high_bits(__m512i high, int j)
{
    switch (j) {
    case 0: high = _mm512_slli_epi16(high, 4); break;
    case 1: high = _mm512_slli_epi16(high, 2); break;
    case 2: break;
    default: high = _mm512_srli_epi16(high, 2); break;
    }
    return _mm512_and_si512(high, _mm512_set1_epi8(0x30));
}

/* The codes of 4 columns, 16 rows: 0x0f of low, shifted for the second run, or-ed with the high bits (truth table a | b & c) */
static inline __m512i codes_of(__m512i low, __m512i high, int run, int j)
{
    const __m512i shifted = run ? _mm512_srli_epi16(low, 4) : low;
    return _mm512_ternarylogic_epi32(high_bits(high, j), shifted, _mm512_set1_epi8(0x0f), 0xf8);
}

/* 16 int8 scales as float */
static inline __m512 load_scales(const int8_t *scale)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_load_si128((const __m128i *)(const void *)scale)));
}

/* ---- gemv: as it is unpacked it is used -------------------------------------------------------------------------------------- */

/* As codes_of, 8 rows */
static inline __m256i codes_of_8(__m256i low, __m256i high, int run, int j)
{
    const __m256i in_place = j < 2 ? _mm256_slli_epi16(high, 4 - 2 * j) : _mm256_srli_epi16(high, 2 * j - 4);
    const __m256i bits = _mm256_and_si256(in_place, _mm256_set1_epi8(0x30)), shifted = run ? _mm256_srli_epi16(low, 4) : low;
    return _mm256_ternarylogic_epi32(bits, shifted, _mm256_set1_epi8(0x0f), 0xf8);
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
        run0 = _mm256_dpbusd_epi32(run0, codes_of_8(low, high0, 0, j), broadcast4(q + 4 * j));
        run1 = _mm256_dpbusd_epi32(run1, codes_of_8(low, high1, 1, j), broadcast4(q + Q6_K_SUB + 4 * j));
    }
    const __m256 first = _mm256_mul_ps(_mm256_cvtepi32_ps(run0), load_scales_8(&g->scale[2 * b][r]));
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(run1), load_scales_8(&g->scale[2 * b + 1][r]), first);
}

void q6_k_gemv_avx512vnni(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy,
                          void *scratch)
{
    (void)ldy, (void)scratch;
    const size_t n_supers = w->cols / Q6_K_SUPER;
    for (size_t r = row0; r < row1; r += Q_GROUP) {
        const struct q6_k_group *g = (const struct q6_k_group *)w->data + r / Q_GROUP * n_supers;
        __m256 s0 = _mm256_setzero_ps(), s1 = s0;
        for (size_t i = 0; i < n_supers * BLOCKS; i++) {
            const struct q6_k_group *s = &g[i / BLOCKS];
            const __m256 dx = _mm256_set1_ps(x->scale[i]);
            const int8_t *q = x->q + i * Q_BLOCK;
            prefetch_l2((const char *)(g + AHEAD) + i * (sizeof *g / BLOCKS), sizeof *g / BLOCKS);
            s0 = _mm256_fmadd_ps(gemv_block(s, i % BLOCKS, 0, q, x->sum + 2 * i), _mm256_mul_ps(load_half(s->d), dx), s0);
            s1 = _mm256_fmadd_ps(gemv_block(s, i % BLOCKS, 8, q, x->sum + 2 * i), _mm256_mul_ps(load_half(s->d + 8), dx), s1);
        }
        store_16(y, r, row1, _mm512_insertf32x8(_mm512_castps256_ps512(s0), s1, 1));
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

static void unpack(const struct q6_k_group *in, struct unpacked *out)
{
    _mm512_store_ps(out->d, load_half_16(in->d));
    for (size_t b = 0; b < BLOCKS; b++) {
        UNROLL for (int run = 0; run < 2; run++) {
            const __m512i high = _mm512_loadu_si512(in->block[b].high[run]);
            UNROLL for (int j = 0; j < 4; j++)
                _mm512_store_si512(out->block[b].code[run][j], codes_of(_mm512_loadu_si512(in->block[b].low[j]), high, run, j));
            _mm512_store_ps(out->block[b].scale[run], load_scales(in->scale[2 * b + (size_t)run]));
        }
    }
}

/* acc[tokens][16] over one super-block; q, scale, sum of the first token at its first block */
struct q6_k_tile {
    const struct unpacked *w;
    const int8_t *q;
    const float *scale;
    const int32_t *sum;
    size_t q_ld, scale_ld;
    float *acc;
};

/* isum[t] = run of 16 columns; q, sum: of the first token at the run */
TILE q6_k_run(const uint8_t code[4][Q_GROUP][4], const int8_t *q, const int32_t *sum, const struct q6_k_tile *p, __m512i *isum,
              const int tokens)
{
    UNROLL for (int t = 0; t < tokens; t++)
        isum[t] = _mm512_set1_epi32(-Q6_K_ZERO * sum[2 * (size_t)t * p->scale_ld]);
    UNROLL for (size_t j = 0; j < 4; j++) {
        const __m512i w = _mm512_load_si512(code[j]);
        UNROLL for (int t = 0; t < tokens; t++)
            isum[t] = _mm512_dpbusd_epi32(isum[t], w, spread4(q + (size_t)t * p->q_ld + 4 * j));
    }
}

TILE q6_k_tile_of(const struct q6_k_tile *p, const int tokens)
{
    const __m512 d = _mm512_load_ps(p->w->d);
    for (size_t b = 0; b < BLOCKS; b++) {
        const struct unpacked_block *w = &p->w->block[b];
        __m512i isum[TILE_512];
        __m512 both[TILE_512];
        q6_k_run(w->code[0], p->q + b * Q_BLOCK, p->sum + 2 * b, p, isum, tokens);
        UNROLL for (int t = 0; t < tokens; t++)
            both[t] = _mm512_mul_ps(_mm512_cvtepi32_ps(isum[t]), _mm512_load_ps(w->scale[0]));
        q6_k_run(w->code[1], p->q + b * Q_BLOCK + Q6_K_SUB, p->sum + 2 * b + 1, p, isum, tokens);
        UNROLL for (int t = 0; t < tokens; t++) {
            const __m512 dx = _mm512_set1_ps(p->scale[(size_t)t * p->scale_ld + b]);
            float *acc = p->acc + (size_t)t * Q_GROUP;
            both[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(isum[t]), _mm512_load_ps(w->scale[1]), both[t]);
            _mm512_store_ps(acc, _mm512_fmadd_ps(both[t], _mm512_mul_ps(d, dx), _mm512_load_ps(acc)));
        }
    }
}

static void q6_k_panel(const struct panel *p)
{
    const size_t row_blocks = p->w->cols / Q_BLOCK, b0 = p->k0 / Q_BLOCK;
    unpack((const struct q6_k_group *)p->w->data + p->row0 / Q_GROUP * (row_blocks / BLOCKS) + b0 / BLOCKS, p->space);
    for (size_t t = p->t0, n; t < p->t1; t += n) {
        const size_t block = t * row_blocks + b0;
        const struct q6_k_tile tile = {.w = p->space,
                                       .q = p->x->q + t * p->x->ld + p->k0,
                                       .scale = p->x->scale + block,
                                       .sum = p->x->sum + 2 * block,
                                       .q_ld = p->x->ld,
                                       .scale_ld = row_blocks,
                                       .acc = p->acc + (t - p->t0) * Q_GROUP};
        n = next_tile(p->t1 - t, TILE_512);
#define RUN(tokens) q6_k_tile_of(&tile, tokens)
        switch (n) {
            TILE_CASES_12(RUN)
        }
#undef RUN
    }
}

void q6_k_gemm_avx512vnni(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy,
                          void *scratch)
{
    static const struct panel_kernel kernel = {q6_k_panel, Q6_K_SUPER};
    gemm_by_panels(&kernel, w, x, row0, row1, y, ldy, scratch);
}
