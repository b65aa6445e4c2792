/* Private to baselines/x86/: the gemm of q8_0 with VNNI and of q4_0 with and without, of 256 or 512 bits (kernels/x86/vec.h).
 *
 * Both ways multiply unsigned by signed bytes. Weights become unsigned codes once per panel, code = weight + zero (128 for q8_0, 8
 * for q4_0): sum(weight q) = sum(code q) - zero sum(q), with the sums that come with the activations. vpdpbusd adds four products
 * to an int32 that starts from the second term; |sums| < 32 * 255 * 127 * 2 < 2^21. Without it vpmaddubsw and vpaddw make pair sums
 * in int16, which hold a block of q4_0 (8 * 15 * 127 * 2 = 30480 < 32768) but not of q8_0: see q8_0_words.h. */
#ifndef BITJOULE_BYTE_TILE_H
#define BITJOULE_BYTE_TILE_H

#include "baselines/x86/block_tile.h"

enum { BYTE_PANEL_COLS = 512, PANEL_BLOCKS = BYTE_PANEL_COLS / Q_BLOCK };

/* Column k = 4 j + i of a block lies in code[j][row][i]. 16 rows x 512 columns are 9 KB: they stay in L1 while the tokens pass. */
struct byte_block {
    uint8_t code[8][Q_GROUP][4];
    float d[Q_GROUP];
};
_Static_assert(PANEL_BLOCKS * sizeof(struct byte_block) <= PANEL_SPACE && sizeof(struct byte_block) % 64 == 0, "fits, aligned");

/* ---- the sums of a block: start, 4 columns more, end as int32. sum: of the activations, over 16 columns each ---- */

#ifdef VEC_DPBUSD
enum {
    BYTE_TILE = VEC_TILE,
    BYTE_KEEP = VEC_BITS == 256 /* with registers to spare the compiler does better alone: 2 % */
};

static inline vec byte_start(const int32_t *sum, int32_t zero)
{
    return vec_set32(-zero * (sum[0] + sum[1]));
}

static inline vec byte_step(vec isum, vec codes, vec acts)
{
    return VEC_DPBUSD(isum, codes, acts);
}

static inline vec byte_end(vec isum, const int32_t *sum, int32_t zero)
{
    (void)sum, (void)zero;
    return isum;
}
#else
enum {
    /* The product needs a register too: with a sixth token gcc 12 keeps one of the sums on the stack (12 % slower). */
    BYTE_TILE = VEC_BITS == 256 ? 5 : VEC_TILE,
    BYTE_KEEP = 1
};

static inline vec byte_start(const int32_t *sum, int32_t zero)
{
    (void)sum, (void)zero;
    return vec_zero();
}

static inline vec byte_step(vec pairs, vec codes, vec acts)
{
    return vec_add16(pairs, vec_maddubs(codes, acts));
}

static inline vec byte_end(vec pairs, const int32_t *sum, int32_t zero)
{
    return vec_sub32(vec_madd16(pairs, 1), vec_set32(zero * (sum[0] + sum[1])));
}
#endif

/* ---- gemm ---- */

TILE byte_tile_of(const struct block_tile *p, const struct byte_block *w, const int32_t zero, const int tokens)
{
    vecf y[VEC_TILE][TILE_VECS];
    if (SUMS_STAY)
        sums_load(p->acc, y, tokens);
    for (size_t b = 0; b < p->n_blocks; b++, w++) {
        const int8_t *q = p->q + b * Q_BLOCK;
        vec isum[VEC_TILE][TILE_VECS];
        UNROLL for (int t = 0; t < tokens; t++)
            UNROLL for (int v = 0; v < TILE_VECS; v++)
                isum[t][v] = byte_start(block_sum(p, b, t), zero);
        UNROLL for (int j = 0; j < 8; j++) {
            UNROLL for (int t = 0; t < tokens; t++) {
                const vec a = vec_broadcast4(q + (size_t)t * p->q_ld + 4 * j);
                UNROLL for (int v = 0; v < TILE_VECS; v++) {
                    isum[t][v] = byte_step(isum[t][v], vec_load(w->code[j][v * VEC_ROWS]), a);
                    if (BYTE_KEEP)
                        KEEP(isum[t][v]);
                }
            }
        }
        UNROLL for (int t = 0; t < tokens; t++)
            UNROLL for (int v = 0; v < TILE_VECS; v++)
                isum[t][v] = byte_end(isum[t][v], block_sum(p, b, t), zero);
        UNROLL for (int v = 0; v < TILE_VECS; v++)
            UNROLL for (int t = 0; t < tokens; t++)
                sums_add(p, b, t, v, isum[t][v], w->d, y);
    }
    if (SUMS_STAY)
        sums_store(p->acc, y, tokens);
}

/* unpack: n_blocks blocks of the group of rows [row, row + 16), from column k on */
typedef void (*unpack_fn)(const struct weights *w, size_t row, size_t k, size_t n_blocks, struct byte_block *out);

/* A panel_kernel.run but for `unpack` and `zero`; one group of rows (two were 2 % faster for 128 tokens and 8 % slower for 4) */
TILE byte_panel(const struct panel *p, unpack_fn unpack, const int32_t zero)
{
    struct byte_block *w = p->space;
    unpack(p->w, p->row0, p->k0, (p->k1 - p->k0) / Q_BLOCK, w);
    for (size_t t = p->t0, n; t < p->t1; t += n) {
        const struct block_tile tile = block_tile(p, 0, t);
        n = next_tile(p->t1 - t, BYTE_TILE);
#define RUN(tokens) byte_tile_of(&tile, w, zero, tokens)
        switch (n) {
            VEC_TILE_CASES(RUN)
        }
#undef RUN
    }
}

#endif
