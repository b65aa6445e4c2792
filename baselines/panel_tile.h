/* Private to baselines/: what a tile of the integer formats is given, on every machine: some tokens x the blocks of a panel x one group
 * of rows. The tiles themselves are in x86/block_tile.h and arm/block_tile_arm.h. */
#ifndef BITJOULE_PANEL_TILE_H
#define BITJOULE_PANEL_TILE_H

#include "baselines/baseline_kernels.h"

/* A tile's share of the arguments; each points at the first token and the first block. */
struct block_tile {
    const int8_t *q;
    const float *scale;
    const int32_t *sum;
    size_t q_ld, scale_ld; /* between tokens; of sum: 2 * scale_ld */
    size_t n_blocks;
    float *acc; /* [tokens][16] */
};

/* Of group g and the tokens from t on */
static inline struct block_tile block_tile(const struct panel *p, size_t g, size_t t)
{
    const size_t row_blocks = p->w->cols / Q_BLOCK, block = t * row_blocks + p->k0 / Q_BLOCK;
    return (struct block_tile){.q = p->x->q + t * p->x->ld + p->k0,
                               .scale = p->x->scale + block,
                               .sum = p->x->sum + 2 * block,
                               .q_ld = p->x->ld,
                               .scale_ld = row_blocks,
                               .n_blocks = (p->k1 - p->k0) / Q_BLOCK,
                               .acc = p->acc + (g * (p->t1 - p->t0) + t - p->t0) * Q_GROUP};
}

/* Sums of token t's activations over both halves of block b */
static inline const int32_t *block_sum(const struct block_tile *p, size_t b, int t)
{
    return p->sum + 2 * ((size_t)t * p->scale_ld + b);
}

#endif
