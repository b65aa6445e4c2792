/* q4_0 on AVX-512 VNNI: a register is 16 rows x 4 columns of nibbles, twice. Layout: q4_0.c.
 *
 * Codes stay unsigned (0..15), which is what vpdpbusd wants; their zero of 8 is taken off with the sums of the activations. gemv
 * does not shift: high nibbles are masked where they stand, 16 times too large, into a sum of their own. gemm unpacks a panel to
 * bytes; its tile is in byte_tile_avx512vnni.h. */
#include "baselines/x86/byte_tile_avx512vnni.h"

enum { Q4_0_ZERO = 8 };

/* 16 rows x 32 columns. The high sum: |sum| <= 16 * 240 * 127 fits, and it is a multiple of 16: the shift is exact. */
static inline __m512i gemv_block(const struct q4_0_group *g, const int8_t *q, const int32_t *sum)
{
    __m512i low = _mm512_set1_epi32(-Q4_0_ZERO * (sum[0] + sum[1])), high = _mm512_setzero_si512();
    UNROLL for (size_t j = 0; j < 4; j++) {
        const __m512i codes = _mm512_loadu_si512(g->q[j]);
        low = _mm512_dpbusd_epi32(low, _mm512_and_si512(codes, _mm512_set1_epi8(0x0f)), spread4(q + 4 * j));
        high = _mm512_dpbusd_epi32(high, _mm512_and_si512(codes, _mm512_set1_epi8((char)0xf0)), spread4(q + 16 + 4 * j));
    }
    return _mm512_add_epi32(low, _mm512_srai_epi32(high, 4));
}

void q4_0_gemv_avx512vnni(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy,
                          void *scratch)
{
    (void)ldy, (void)scratch;
    const size_t n_blocks = w->cols / Q_BLOCK;
    for (size_t r = row0; r < row1; r += Q_GROUP) {
        const struct q4_0_group *g = (const struct q4_0_group *)w->data + r / Q_GROUP * n_blocks;
        __m512 acc = _mm512_setzero_ps();
        for (size_t b = 0; b < n_blocks; b++, g++) {
            const __m512i isum = gemv_block(g, x->q + b * Q_BLOCK, x->sum + 2 * b);
            acc = _mm512_fmadd_ps(_mm512_cvtepi32_ps(isum), _mm512_mul_ps(load_half_16(g->d), _mm512_set1_ps(x->scale[b])), acc);
        }
        store_16(y, r, row1, acc);
    }
}

static void q4_0_panel(const struct panel *p)
{
    const __m512i nibble = _mm512_set1_epi8(0x0f);
    const size_t b0 = p->k0 / Q_BLOCK, n_blocks = p->k1 / Q_BLOCK - b0;
    const struct q4_0_group *g = (const struct q4_0_group *)p->w->data + p->row0 / Q_GROUP * (p->w->cols / Q_BLOCK) + b0;
    struct byte_block *w = p->space;
    for (size_t b = 0; b < n_blocks; b++) {
        for (size_t j = 0; j < 4; j++) {
            const __m512i codes = _mm512_loadu_si512(g[b].q[j]);
            _mm512_store_si512(w[b].code[j], _mm512_and_si512(codes, nibble));
            _mm512_store_si512(w[b].code[j + 4], _mm512_and_si512(_mm512_srli_epi16(codes, 4), nibble));
        }
        _mm512_store_ps(w[b].d, load_half_16(g[b].d));
    }
    byte_panel(p, w, Q4_0_ZERO);
}

void q4_0_gemm_avx512vnni(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy,
                          void *scratch)
{
    static const struct panel_kernel kernel = {q4_0_panel, BYTE_PANEL_COLS};
    gemm_by_panels(&kernel, w, x, row0, row1, y, ldy, scratch);
}
