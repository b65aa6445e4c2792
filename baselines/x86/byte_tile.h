/* Private to baselines/x86/: the gemm of q8_0 with VNNI and of q4_0 with and without, of 256 or 512 bits (kernels/x86/vec.h).
 *
 * Both ways multiply unsigned by signed bytes. Weights become unsigned codes once per panel, code = weight + zero (128 for q8_0, 8
 * for q4_0): sum(weight q) = sum(code q) - zero sum(q), with the sums that come with the activations. vpdpbusd adds four products
 * to an int32 that starts from the second term; |sums| < 32 * 255 * 127 * 2 < 2^21. Without it vpmaddubsw and vpaddw make pair sums
 * in int16, which hold a block of q4_0 (8 * 15 * 127 * 2 = 30480 < 32768) but not of q8_0: see q8_0_words.h. */
#ifndef BITJOULE_BYTE_TILE_H
#define BITJOULE_BYTE_TILE_H

#include "baselines/x86/block_tile.h"
#include "baselines/x86/panel_ahead.h"

enum { BYTE_PANEL_COLS = 512, PANEL_BLOCKS = BYTE_PANEL_COLS / Q_BLOCK };

/* Column k = 4 j + i of a block lies in code[j][row][i]. 16 rows x 512 columns are 9 KB: two groups stay in L1 while the tokens pass. */
struct byte_block {
    uint8_t code[8][Q_GROUP][4];
    float d[Q_GROUP];
};
/* The groups of rows of a tile. Two for 512 bits, where a group is one register: an activation that was loaded then meets two. */
enum { BYTE_GROUPS = 2 / TILE_VECS, BYTE_ROOM = 6 /* tokens of a tile at most; BYTE_TILE may be less */ };
_Static_assert(BYTE_GROUPS * PANEL_BLOCKS * sizeof(struct byte_block) <= PANEL_SPACE && sizeof(struct byte_block) % 64 == 0,
               "fits, aligned");

/* ---- the sums of a block: begin, 4 columns more, end as int32. zero_sum: -zero sum(q), in every lane ---- */

#ifdef VEC_DPBUSD
enum { BYTE_TILE = 6 /* tokens */ };

static inline vec byte_begin(vec zero_sum)
{
    return zero_sum;
}

static inline vec byte_step(vec isum, vec codes, vec acts)
{
    return VEC_DPBUSD(isum, codes, acts);
}

static inline vec byte_end(vec isum, vec zero_sum)
{
    (void)zero_sum;
    return isum;
}
#else
/* The product needs a register too: with a sixth token gcc 12 keeps one of 16 registers' sums on the stack (12 % slower). */
enum { BYTE_TILE = VEC_BITS == 256 ? 5 : 6 };

static inline vec byte_begin(vec zero_sum)
{
    (void)zero_sum;
    return vec_zero();
}

static inline vec byte_step(vec pairs, vec codes, vec acts)
{
    return vec_add16(pairs, vec_maddubs(codes, acts));
}

static inline vec byte_end(vec pairs, vec zero_sum)
{
    return vec_add32(vec_madd16(pairs, 1), zero_sum);
}
#endif

/* -zero sum(q) of one block. sum: of its activations, over 16 columns each */
static inline vec byte_zero_sum(const int32_t *sum, int32_t zero)
{
    return vec_set32(-zero * (sum[0] + sum[1]));
}

/* ---- gemm ---- */

/* What a tile is given beside its tokens */
struct byte_panel {
    const struct byte_block *w; /* [groups][PANEL_BLOCKS] */
    size_t acc_ld;              /* floats between the groups' sums */
    int32_t zero;
    _Alignas(64) int32_t zero_sum[BYTE_ROOM][PANEL_BLOCKS][2]; /* of token t, block b: [t][b][0] */
};

/* Whether zero_sum is filled: with 512 bits sums made in vectors before are faster than scalars for each group and block, with 256 bits
 * 2 to 6 % slower: there the vector units are what a tile waits for (log in README.md). */
enum { ZERO_SUMS_AHEAD = VEC_BITS == 512 };

static inline void byte_zero_sums(struct byte_panel *in, const struct block_tile *p, size_t tokens)
{
    enum { STEP = VEC_ROWS / 2 };
    for (size_t t = 0; t < tokens; t++) {
        size_t b = 0;
        for (; b + STEP <= p->n_blocks; b += STEP) {
            const vec halves = vec_loadu(block_sum(p, b, (int)t));
            /* |sum| <= 32 * 127 fits the low int16 of its lane: the multiplication of int16 pairs is the cheap one */
            vec_store(in->zero_sum[t][b], vec_dot16(vec_add32(halves, vec_shift64(halves, 32)), vec_set32(-in->zero & 0xffff)));
        }
        for (; b < p->n_blocks; b++)
            in->zero_sum[t][b][0] = -in->zero * (block_sum(p, b, (int)t)[0] + block_sum(p, b, (int)t)[1]);
    }
}

static inline vec byte_zero_of(const struct block_tile *p, const struct byte_panel *in, size_t b, int t)
{
    return ZERO_SUMS_AHEAD ? vec_set32(in->zero_sum[t][b][0]) : byte_zero_sum(block_sum(p, b, t), in->zero);
}

/* The integer sums of block b */
TILE byte_sums(const struct block_tile *p, const struct byte_panel *in, size_t b, vec isum[][BYTE_ROOM][TILE_VECS], const int groups,
               const int tokens)
{
    const struct byte_block *w = in->w + b;
    const int8_t *q = p->q + b * Q_BLOCK;
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int g = 0; g < groups; g++)
            UNROLL for (int v = 0; v < TILE_VECS; v++)
                isum[g][t][v] = byte_begin(byte_zero_of(p, in, b, t));
    UNROLL for (int j = 0; j < 8; j++) {
        UNROLL for (int t = 0; t < tokens; t++) {
            const vec a = vec_broadcast4(q + (size_t)t * p->q_ld + 4 * j);
            UNROLL for (int g = 0; g < groups; g++) {
                UNROLL for (int v = 0; v < TILE_VECS; v++) {
                    isum[g][t][v] = byte_step(isum[g][t][v], vec_load(w[g * PANEL_BLOCKS].code[j][v * VEC_ROWS]), a);
                    KEEP(isum[g][t][v]);
                }
            }
        }
    }
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int g = 0; g < groups; g++)
            UNROLL for (int v = 0; v < TILE_VECS; v++)
                isum[g][t][v] = byte_end(isum[g][t][v], byte_zero_of(p, in, b, t));
}

TILE byte_tile_of(const struct block_tile *p, const struct byte_panel *in, const int groups, const int tokens)
{
    struct block_tile group[BYTE_GROUPS];
    vecf y[BYTE_GROUPS][BYTE_ROOM][TILE_VECS];
    UNROLL for (int g = 0; g < groups; g++) {
        group[g] = *p;
        group[g].acc += (size_t)g * in->acc_ld;
        if (SUMS_STAY)
            sums_load(group[g].acc, y[g], tokens);
    }
    for (size_t b = 0; b < p->n_blocks; b++) {
        vec isum[BYTE_GROUPS][BYTE_ROOM][TILE_VECS];
        byte_sums(p, in, b, isum, groups, tokens);
        UNROLL for (int t = 0; t < tokens; t++)
            UNROLL for (int g = 0; g < groups; g++)
                UNROLL for (int v = 0; v < TILE_VECS; v++)
                    sums_add(&group[g], b, t, v, isum[g][t][v], in->w[(size_t)g * PANEL_BLOCKS + b].d, y[g]);
    }
    if (SUMS_STAY)
        UNROLL for (int g = 0; g < groups; g++)
            sums_store(group[g].acc, y[g], tokens);
}

/* unpack: n_blocks blocks of the group of rows [row, row + 16), from column k on */
typedef void (*unpack_fn)(const struct weights *w, size_t row, size_t k, size_t n_blocks, struct byte_block *out);

/* A panel_kernel.run of BYTE_PANEL_COLS and BYTE_GROUPS but for `unpack`, the bytes of a group's block in memory, and `zero` */
TILE byte_run(const struct panel *p, unpack_fn unpack, const size_t block_bytes, const int32_t zero)
{
    struct byte_block *w = p->space;
    struct byte_panel in = {.w = w, .acc_ld = (p->t1 - p->t0) * Q_GROUP, .zero = zero};
    for (size_t g = 0; g < p->groups; g++)
        unpack(p->w, p->row0 + g * Q_GROUP, p->k0, (p->k1 - p->k0) / Q_BLOCK, w + g * PANEL_BLOCKS);
    for (size_t t = p->t0, n; t < p->t1; t += n) {
        const struct block_tile tile = block_tile(p, 0, t);
        n = next_tile(p->t1 - t, BYTE_TILE);
        if (ZERO_SUMS_AHEAD)
            byte_zero_sums(&in, &tile, n);
        if (VEC_BITS == 512) /* 256 were not measured */
            panel_ahead(p, block_bytes / Q_BLOCK, t, n);
#define RUN_ALL(tokens) byte_tile_of(&tile, &in, BYTE_GROUPS, tokens)
#define RUN_ONE(tokens) byte_tile_of(&tile, &in, 1, tokens)
        if (BYTE_GROUPS == 1 || p->groups == BYTE_GROUPS)
            switch (n) {
                TILE_CASES_6(RUN_ALL)
            }
        else
            switch (n) {
                TILE_CASES_6(RUN_ONE)
            }
#undef RUN_ALL
#undef RUN_ONE
    }
}

#endif
