/* q6_k on AVX2: a vector is 8 rows x 4 columns, multiplied by 4 activations that are the same in every lane. Layout: q6_k.c.
 *
 * Codes stay unsigned, which is what vpmaddubsw wants; the zero of 32 is taken off with the sums that come with the activations:
 * sum over both runs h of s_h sum((code - 32) q) = sum of s_h sum(code q) - sum of 32 s_h sum(q).
 * gemv unpacks in registers and prefetches into L2: left to the hardware it read memory at half to three quarters of the speed
 * of a plain loop. gemm unpacks a super-block (16 rows x 256 columns) to bytes 0..63 and 16-bit scales in L1; then the
 * tokens pass in tiles of 16 rows x 1..4 tokens. */
#include "baselines/x86/tile_avx2.h"

enum { Q6_K_TILE = 4, BLOCKS = Q6_K_SUPER / Q_BLOCK, AHEAD = 2 /* super-blocks that gemv prefetches */ };

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

/* The two sums of 16 activations (|sum| <= 16 * 127) as an int16 pair in every lane */
static inline __m256i broadcast_sums(const int32_t *sum)
{
    return _mm256_set1_epi32((int32_t)(((uint32_t)sum[0] & 0xffffu) | ((uint32_t)sum[1] << 16)));
}

/* isum[t] += scale * sum(code * q) over a run of 16 columns, 8 rows, one int32 each.
 * 2 * 63 * 127 * 2 = 32004 < 32768: two vectors of pair sums fit int16, four would not. */
TILE q6_k_run(const __m256i code[4], __m256i scale, const int8_t *q, size_t q_ld, __m256i *isum, const int tokens)
{
    UNROLL for (int t = 0; t < tokens; t++, q += q_ld) {
        const __m256i p0 = _mm256_maddubs_epi16(code[0], broadcast4(q)), p1 = _mm256_maddubs_epi16(code[1], broadcast4(q + 4));
        const __m256i p2 = _mm256_maddubs_epi16(code[2], broadcast4(q + 8)), p3 = _mm256_maddubs_epi16(code[3], broadcast4(q + 12));
        const __m256i p01 = _mm256_add_epi16(p0, p1), p23 = _mm256_add_epi16(p2, p3);
        isum[t] = _mm256_add_epi32(isum[t], _mm256_add_epi32(_mm256_madd_epi16(p01, scale), _mm256_madd_epi16(p23, scale)));
    }
}

/* float(isum - offset) * (d * scale) + acc */
static inline __m256 q6_k_finish(__m256i isum, __m256i zero, const int32_t *sum, __m256 d, const float *scale, __m256 acc)
{
    const __m256i offset = _mm256_madd_epi16(zero, broadcast_sums(sum));
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(isum, offset)), _mm256_mul_ps(d, _mm256_broadcast_ss(scale)), acc);
}

/* ---- gemv: as it is unpacked it is used -------------------------------------------------------------------------------------- */

/* 8 rows from row r on of block b of the super-block; x_block: the block of the activations */
static inline __attribute__((always_inline)) __m256 gemv_block(const struct q6_k_group *g, size_t b, size_t r, const struct acts *x,
                                                               size_t x_block, __m256 acc)
{
    const int8_t *q = x->q + x_block * Q_BLOCK;
    const __m128i s0 = _mm_loadl_epi64((const __m128i *)(const void *)&g->scale[2 * b][r]);
    const __m128i s1 = _mm_loadl_epi64((const __m128i *)(const void *)&g->scale[2 * b + 1][r]);
    const __m256i zero = _mm256_slli_epi16(_mm256_cvtepi8_epi16(_mm_unpacklo_epi8(s0, s1)), 5);
    __m256i code[4], isum = _mm256_setzero_si256();
    unpack_run(&g->block[b], r, 0, code);
    q6_k_run(code, _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(s0, s0)), q, 0, &isum, 1);
    unpack_run(&g->block[b], r, 1, code);
    q6_k_run(code, _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(s1, s1)), q + Q6_K_SUB, 0, &isum, 1);
    return q6_k_finish(isum, zero, x->sum + 2 * x_block, load_half(g->d + r), x->scale + x_block, acc);
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
        float acc[Q_GROUP];
        _mm256_storeu_ps(acc, s0);
        _mm256_storeu_ps(acc + 8, s1);
        store_rows(y, r, row1, acc, Q_GROUP);
    }
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
_Static_assert(sizeof(struct unpacked) <= PANEL_SPACE && sizeof(struct unpacked_block) % 32 == 0, "fits the scratch, aligned");

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

static void unpack(const struct q6_k_group *in, struct unpacked *out)
{
    _mm256_store_ps(out->d, load_half(in->d));
    _mm256_store_ps(out->d + 8, load_half(in->d + 8));
    for (size_t b = 0; b < BLOCKS; b++) {
        unpack_block(&in->block[b], &out->block[b]);
        unpack_scales(&in->scale[2 * b], &out->block[b]);
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

/* 8 rows from row r on of block b */
TILE q6_k_block_of(const struct q6_k_tile *p, size_t b, size_t r, const int tokens)
{
    const struct unpacked_block *w = &p->w->block[b];
    const int8_t *q = p->q + b * Q_BLOCK;
    __m256i code[4], isum[Q6_K_TILE];
    UNROLL for (int t = 0; t < tokens; t++)
        isum[t] = _mm256_setzero_si256();
    UNROLL for (int run = 0; run < 2; run++, q += Q6_K_SUB) {
        UNROLL for (int j = 0; j < 4; j++)
            code[j] = load_i(w->code[run][j][r]);
        q6_k_run(code, load_i(w->scale[run][r]), q, p->q_ld, isum, tokens);
    }
    const __m256i zero = load_i(w->zero[r]);
    const __m256 d = _mm256_load_ps(p->w->d + r);
    UNROLL for (int t = 0; t < tokens; t++) {
        const size_t block = (size_t)t * p->scale_ld + b;
        float *acc = p->acc + (size_t)t * Q_GROUP + r;
        _mm256_store_ps(acc, q6_k_finish(isum[t], zero, p->sum + 2 * block, d, p->scale + block, _mm256_load_ps(acc)));
    }
}

TILE q6_k_tile_of(const struct q6_k_tile *p, const int tokens)
{
    for (size_t b = 0; b < BLOCKS; b++) {
        q6_k_block_of(p, b, 0, tokens);
        q6_k_block_of(p, b, 8, tokens);
    }
}

static void q6_k_panel(const struct panel *p)
{
    const size_t row_blocks = p->w->cols / Q_BLOCK, b0 = p->k0 / Q_BLOCK;
    unpack((const struct q6_k_group *)p->w->data + p->row0 / Q_GROUP * (row_blocks / BLOCKS) + b0 / BLOCKS, p->space);
    for (size_t t = p->t0, n; t < p->t1; t += n) {
        const size_t block = t * row_blocks + b0;
        const struct q6_k_tile tile = {p->space,  p->x->q + t * p->x->ld + p->k0, p->x->scale + block, p->x->sum + 2 * block, p->x->ld,
                                       row_blocks, p->acc + (t - p->t0) * Q_GROUP};
        n = next_tile(p->t1 - t, Q6_K_TILE);
        switch (n) {
        case 1: q6_k_tile_of(&tile, 1); break;
        case 2: q6_k_tile_of(&tile, 2); break;
        case 3: q6_k_tile_of(&tile, 3); break;
        default: q6_k_tile_of(&tile, Q6_K_TILE); break;
        }
    }
}

void q6_k_gemm_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    static const struct panel_kernel kernel = {q6_k_panel, Q6_K_SUPER};
    gemm_by_panels(&kernel, w, x, row0, row1, y, ldy, scratch);
}
