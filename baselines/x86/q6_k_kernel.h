/* Private to baselines/x86/: q6_k on every ISA, of 256 or 512 bits, with VNNI or without (kernels/x86/vec.h). Layout: q6_k.c.
 *
 * gemv unpacks in registers of 8 rows, and prefetches into L2: left to the hardware it read memory at half to three quarters of
 * the speed of a plain loop. gemm unpacks a super-block (16 rows x 256 columns) to bytes 0..63 in L1; then the tokens pass.
 *
 * How codes are multiplied and runs of 16 columns are scaled is in q6_k_vnni.h or q6_k_pairs.h. Either has
 *
 *     __m256 gemv_block(g, b, r, x, i, acc)      acc + block b of 8 rows, from row r on; i: the block of the activations
 *     Q6_K_TILE, Q6_K_TILE_CASES                 tokens of a tile
 *     struct unpacked, struct unpacked_block     .code of each block, and the scales as they are wanted
 *     void unpack_scales(scale, out)             of a block: [2 runs][16 rows]
 *     void q6_k_block_of(p, w, b, v, tokens)     the sums of a tile += block b, register v of the rows */
#ifndef BITJOULE_Q6_K_KERNEL_H
#define BITJOULE_Q6_K_KERNEL_H

#include "kernels/x86/stream.h"
#include "kernels/x86/vec.h"
#ifdef VEC_DPBUSD
#include "baselines/x86/q6_k_vnni.h"
#else
#include "baselines/x86/q6_k_pairs.h"
#endif

enum { AHEAD = 2 /* super-blocks that gemv prefetches */ };

TILE q6_k_gemv_on(const enum cpu_core core, const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y)
{
    const size_t n_supers = w->cols / Q6_K_SUPER;
    for (size_t r = row0; r < row1; r += Q_GROUP) {
        const struct q6_k_group *g = (const struct q6_k_group *)w->data + r / Q_GROUP * n_supers;
        __m256 s0 = _mm256_setzero_ps(), s1 = s0;
        for (size_t i = 0; i < n_supers * BLOCKS; i++) {
            const char *now = (const char *)g + i * (sizeof *g / BLOCKS);
            if (core == CPU_CORE_INTEL || core == CPU_CORE_ZEN)
                prefetch_stream(core, now, sizeof *g / BLOCKS);
            else
                prefetch_l2(now + AHEAD * sizeof *g, sizeof *g / BLOCKS);
            s0 = gemv_block(&g[i / BLOCKS], i % BLOCKS, 0, x, i, s0);
            s1 = gemv_block(&g[i / BLOCKS], i % BLOCKS, 8, x, i, s1);
        }
        store_two(y, r, row1, s0, s1);
    }
}

static inline void q6_k_gemv(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y)
{
    FOR_THIS_CORE(q6_k_gemv_on, w, x, row0, row1, y)
}

/* ---- gemm: unpacked once per panel ---- */

_Static_assert(sizeof(struct unpacked) <= PANEL_SPACE && sizeof(struct unpacked_block) % 64 == 0, "fits the scratch, aligned");

static inline void unpack(const struct q6_k_group *in, struct unpacked *out)
{
    UNROLL for (int v = 0; v < TILE_VECS; v++)
        vecf_store(out->d + v * VEC_ROWS, vecf_of_half(in->d + v * VEC_ROWS));
    for (size_t b = 0; b < BLOCKS; b++) {
        unpack_codes(&in->block[b], out->block[b].code);
        unpack_scales(&in->scale[2 * b], &out->block[b]);
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

static const struct panel_kernel q6_k_panels = {q6_k_panel, Q6_K_SUPER, 1};

#endif
