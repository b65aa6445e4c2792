/* q8_0 on AVX-512 VNNI: a register is 16 rows (gemv: 8, see the log in README.md) x 4 columns, multiplied by 4 activations that are
 * the same in every lane.
 *
 * Flipping the top bit of a weight gives weight + 128 as an unsigned byte, what vpdpbusd wants; see byte_tile_avx512vnni.h, which
 * also holds the gemm. Layout: q8_0.c. */
#include "baselines/x86/byte_tile_avx512vnni.h"

enum { Q8_0_ZERO = 128 };

/* 16 rows x 4 columns, aligned to 32 bytes only */
static inline __m512i load_codes(const int8_t (*q)[4])
{
    return _mm512_xor_si512(_mm512_loadu_si512(q), _mm512_set1_epi8((char)0x80));
}

/* Adds a block of 8 rows, from row r on, to acc */
static inline __m256 gemv_block(const struct q8_0_group *g, size_t r, const int8_t *q, __m256i start, __m256 dx, __m256 acc)
{
    __m256i isum = start;
    UNROLL for (size_t j = 0; j < 8; j++) {
        const __m256i code = _mm256_xor_si256(load_i(g->q[j][r]), _mm256_set1_epi8((char)0x80));
        isum = _mm256_dpbusd_epi32(isum, code, broadcast4(q + 4 * j));
    }
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(isum), _mm256_mul_ps(load_half(g->d + r), dx), acc);
}

void q8_0_gemv_avx512vnni(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy,
                          void *scratch)
{
    (void)ldy, (void)scratch;
    const size_t n_blocks = w->cols / Q_BLOCK;
    for (size_t r = row0; r < row1; r += Q_GROUP) {
        const struct q8_0_group *g = (const struct q8_0_group *)w->data + r / Q_GROUP * n_blocks;
        __m256 s0 = _mm256_setzero_ps(), s1 = s0;
        for (size_t b = 0; b < n_blocks; b++) {
            const __m256i start = _mm256_set1_epi32(-Q8_0_ZERO * (x->sum[2 * b] + x->sum[2 * b + 1]));
            const __m256 dx = _mm256_set1_ps(x->scale[b]);
            s0 = gemv_block(&g[b], 0, x->q + b * Q_BLOCK, start, dx, s0);
            s1 = gemv_block(&g[b], 8, x->q + b * Q_BLOCK, start, dx, s1);
        }
        store_16(y, r, row1, _mm512_insertf32x8(_mm512_castps256_ps512(s0), s1, 1));
    }
}

static void q8_0_panel(const struct panel *p)
{
    const size_t b0 = p->k0 / Q_BLOCK, n_blocks = p->k1 / Q_BLOCK - b0;
    const struct q8_0_group *g = (const struct q8_0_group *)p->w->data + p->row0 / Q_GROUP * (p->w->cols / Q_BLOCK) + b0;
    struct byte_block *w = p->space;
    for (size_t b = 0; b < n_blocks; b++) {
        for (size_t j = 0; j < 8; j++)
            _mm512_store_si512(w[b].code[j], load_codes(g[b].q[j]));
        _mm512_store_ps(w[b].d, load_half_16(g[b].d));
    }
    byte_panel(p, w, Q8_0_ZERO);
}

void q8_0_gemm_avx512vnni(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy,
                          void *scratch)
{
    static const struct panel_kernel kernel = {q8_0_panel, BYTE_PANEL_COLS};
    gemm_by_panels(&kernel, w, x, row0, row1, y, ldy, scratch);
}
