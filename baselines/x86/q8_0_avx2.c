/* q8_0 on AVX2, for one token (gemv) and for many (gemm). A vector lane is a row: nothing is added across. Layout: q8_0.c.
 *
 * gemv multiplies 8 rows x 4 columns by 4 activations that are the same in every lane. vpmaddubsw wants one operand unsigned, so
 * it gets |w| and the activation with the sign of w. vpsignb cannot overflow on the activation (-127..127), and |-128| = 128 is
 * right as an unsigned byte. That is three multiplier-port instructions per 32 products.
 *
 * gemm pays the widening to int16 once per panel, and then needs one vpmaddwd per 16 products and nothing else but the addition:
 * the bytes 0, 2 and 1, 3 of every 4 columns become two vectors of int16 pairs, of the weights as of the activations. */
#include "baselines/x86/tile_avx2.h"

enum { Q8_0_TILE = 4, Q8_0_PANEL_COLS = 256, PANEL_BLOCKS = Q8_0_PANEL_COLS / Q_BLOCK };

/* Adds 4 products per lane. |w| * |a| * 2 <= 128 * 127 * 2 = 32512 < 32768 fits int16, twice that does not: widened at once. */
static inline __m256i add_dot4(__m256i isum, __m256i w, __m256i a)
{
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(a, w));
    return _mm256_add_epi32(isum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

void q8_0_gemv_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)ldy, (void)scratch;
    const size_t n_blocks = w->cols / Q_BLOCK;
    for (size_t r = row0; r < row1; r += Q_GROUP) {
        const struct q8_0_group *g = (const struct q8_0_group *)w->data + r / Q_GROUP * n_blocks;
        __m256 s0 = _mm256_setzero_ps(), s1 = s0;
        for (size_t b = 0; b < n_blocks; b++, g++) {
            __m256i i0 = _mm256_setzero_si256(), i1 = i0;
            for (size_t j = 0; j < 8; j++) {
                const __m256i a = broadcast4(x->q + b * Q_BLOCK + 4 * j);
                i0 = add_dot4(i0, load_i(g->q[j][0]), a);
                i1 = add_dot4(i1, load_i(g->q[j][8]), a);
            }
            const __m256 dx = _mm256_broadcast_ss(x->scale + b);
            s0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(i0), _mm256_mul_ps(load_half(g->d), dx), s0);
            s1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(i1), _mm256_mul_ps(load_half(g->d + 8), dx), s1);
        }
        float acc[Q_GROUP];
        _mm256_storeu_ps(acc, s0);
        _mm256_storeu_ps(acc + 8, s1);
        store_rows(y, r, row1, acc, Q_GROUP);
    }
}

/* ---- gemm ------------------------------------------------------------------------------------------------------------------ */

struct widened {
    /* Vector j < 8 holds bytes 0, 2 of the block's 4-column group j, vector j + 8 holds its bytes 1, 3. */
    int16_t q[Q8_0_TILE][PANEL_BLOCKS][16][2]; /* activations, [token][block][j] */
    struct widened_block {
        int16_t w[16][Q_GROUP][2]; /* [j][row] */
        float d[Q_GROUP];
    } block[PANEL_BLOCKS];
};
_Static_assert(sizeof(struct widened) <= PANEL_SPACE && sizeof(struct widened_block) % 32 == 0, "fits the scratch, aligned");

/* 32 bytes to 16 int16 of the even bytes and 16 of the odd ones */
static inline void widen(__m256i bytes, void *even, void *odd)
{
    _mm256_store_si256((__m256i *)even, _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8));
    _mm256_store_si256((__m256i *)odd, _mm256_srai_epi16(bytes, 8));
}

static void widen_block(const struct q8_0_group *g, struct widened_block *out)
{
    for (size_t j = 0; j < 8; j++) {
        widen(load_i(g->q[j][0]), out->w[j][0], out->w[j + 8][0]);
        widen(load_i(g->q[j][8]), out->w[j][8], out->w[j + 8][8]);
    }
    _mm256_store_ps(out->d, load_half(g->d));
    _mm256_store_ps(out->d + 8, load_half(g->d + 8));
}

/* All sums are exact: int32 holds 32 * 128 * 127 easily. scale: of the first token at the first block; acc: [tokens][16] */
TILE q8_0_tile_of(const struct widened *p, size_t n_blocks, const float *scale, size_t scale_ld, float *acc, const int tokens)
{
    for (size_t b = 0; b < n_blocks; b++) {
        const struct widened_block *w = &p->block[b];
        __m256i isum[Q8_0_TILE][2];
        UNROLL for (int t = 0; t < tokens; t++)
            isum[t][0] = isum[t][1] = _mm256_setzero_si256();
        UNROLL for (size_t j = 0; j < 16; j++) {
            const __m256i w0 = load_i(w->w[j][0]), w1 = load_i(w->w[j][8]);
            UNROLL for (int t = 0; t < tokens; t++) {
                const __m256i a = broadcast4(p->q[t][b][j]);
                isum[t][0] = _mm256_add_epi32(isum[t][0], _mm256_madd_epi16(w0, a));
                isum[t][1] = _mm256_add_epi32(isum[t][1], _mm256_madd_epi16(w1, a));
                KEEP(isum[t][0]);
                KEEP(isum[t][1]);
            }
        }
        const __m256 d0 = _mm256_load_ps(w->d), d1 = _mm256_load_ps(w->d + 8);
        UNROLL for (int t = 0; t < tokens; t++) {
            const __m256 dx = _mm256_broadcast_ss(scale + (size_t)t * scale_ld + b);
            float *y = acc + (size_t)t * Q_GROUP;
            const __m256 y0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(isum[t][0]), _mm256_mul_ps(d0, dx), _mm256_load_ps(y));
            const __m256 y1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(isum[t][1]), _mm256_mul_ps(d1, dx), _mm256_load_ps(y + 8));
            _mm256_store_ps(y, y0);
            _mm256_store_ps(y + 8, y1);
        }
    }
}

static void q8_0_panel(const struct panel *p)
{
    const size_t row_blocks = p->w->cols / Q_BLOCK, b0 = p->k0 / Q_BLOCK, n_blocks = p->k1 / Q_BLOCK - b0;
    const struct q8_0_group *g = (const struct q8_0_group *)p->w->data + p->row0 / Q_GROUP * row_blocks + b0;
    struct widened *wide = p->space;
    for (size_t b = 0; b < n_blocks; b++)
        widen_block(&g[b], &wide->block[b]);
    for (size_t t = p->t0, n; t < p->t1; t += n) {
        n = next_tile(p->t1 - t, Q8_0_TILE);
        for (size_t i = 0; i < n; i++)
            for (size_t b = 0; b < n_blocks; b++)
                widen(load_i(p->x->q + (t + i) * p->x->ld + p->k0 + b * Q_BLOCK), wide->q[i][b][0], wide->q[i][b][8]);
        const float *scale = p->x->scale + t * row_blocks + b0;
        float *acc = p->acc + (t - p->t0) * Q_GROUP;
        switch (n) {
        case 1: q8_0_tile_of(wide, n_blocks, scale, row_blocks, acc, 1); break;
        case 2: q8_0_tile_of(wide, n_blocks, scale, row_blocks, acc, 2); break;
        case 3: q8_0_tile_of(wide, n_blocks, scale, row_blocks, acc, 3); break;
        default: q8_0_tile_of(wide, n_blocks, scale, row_blocks, acc, Q8_0_TILE); break;
        }
    }
}

void q8_0_gemm_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    static const struct panel_kernel kernel = {q8_0_panel, Q8_0_PANEL_COLS};
    gemm_by_panels(&kernel, w, x, row0, row1, y, ldy, scratch);
}
