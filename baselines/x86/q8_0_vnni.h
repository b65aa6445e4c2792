/* Private to baselines/x86/: q8_0 with VNNI. Flipping the top bit of a weight gives weight + 128 as an unsigned byte, what vpdpbusd
 * wants; see byte_tile.h, which holds the gemm. gemv takes 8 rows at a time whatever VEC_BITS: see the log in README.md.
 *
 * Beside what vec.h asks for, an ISA says which intrinsic is its vpdpbusd of 256 bits: DPBUSD_256. Layout: q8_0.c. */
#ifndef BITJOULE_Q8_0_VNNI_H
#define BITJOULE_Q8_0_VNNI_H

#include "baselines/x86/byte_tile.h"
#include "baselines/x86/tile_avx2.h"
#include "kernels/x86/stream.h"

#ifndef DPBUSD_256 /* a header on its own is read by tools only */
#define DPBUSD_256 _mm256_dpbusd_avx_epi32
#endif

enum { Q8_0_ZERO = 128 };

/* Adds a block of 8 rows, from row r on, to acc */
static inline __m256 gemv_block(const struct q8_0_group *g, size_t r, const int8_t *q, __m256i start, __m256 dx, __m256 acc)
{
    __m256i isum = start;
    UNROLL for (size_t j = 0; j < 8; j++) {
        const __m256i code = _mm256_xor_si256(load_i(g->q[j][r]), _mm256_set1_epi8((char)0x80));
        isum = DPBUSD_256(isum, code, broadcast4(q + 4 * j));
    }
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(isum), _mm256_mul_ps(load_half(g->d + r), dx), acc);
}

static inline void q8_0_gemv(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y)
{
    const size_t n_blocks = w->cols / Q_BLOCK;
    for (size_t r = row0; r < row1; r += Q_GROUP) {
        const struct q8_0_group *g = (const struct q8_0_group *)w->data + r / Q_GROUP * n_blocks;
        __m256 s0 = _mm256_setzero_ps(), s1 = s0;
        for (size_t b = 0; b < n_blocks; b++) {
            prefetch_intel(cpu_core, &g[b], sizeof *g);
            const __m256i start = _mm256_set1_epi32(-Q8_0_ZERO * (x->sum[2 * b] + x->sum[2 * b + 1]));
            const __m256 dx = _mm256_broadcast_ss(x->scale + b);
            s0 = gemv_block(&g[b], 0, x->q + b * Q_BLOCK, start, dx, s0);
            s1 = gemv_block(&g[b], 8, x->q + b * Q_BLOCK, start, dx, s1);
        }
        store_two(y, r, row1, s0, s1);
    }
}

static inline void q8_0_unpack(const struct weights *w, size_t row, size_t k, size_t n_blocks, struct byte_block *out)
{
    const struct q8_0_group *g = (const struct q8_0_group *)w->data + row / Q_GROUP * (w->cols / Q_BLOCK) + k / Q_BLOCK;
    for (size_t b = 0; b < n_blocks; b++, g++, out++) {
        UNROLL for (int v = 0; v < TILE_VECS; v++) {
            for (size_t j = 0; j < 8; j++)
                vec_store(out->code[j][v * VEC_ROWS], vec_xor(vec_load_half_line(g->q[j][v * VEC_ROWS]), vec_byte(0x80)));
            vecf_store(out->d + v * VEC_ROWS, vecf_of_half(g->d + v * VEC_ROWS));
        }
    }
}

static inline void q8_0_panel(const struct panel *p)
{
    byte_run(p, q8_0_unpack, sizeof(struct q8_0_group), Q8_0_ZERO);
}

static const struct panel_kernel q8_0_panels = {q8_0_panel, BYTE_PANEL_COLS, BYTE_GROUPS};

#endif
