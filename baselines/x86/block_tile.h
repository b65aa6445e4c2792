/* Private to baselines/x86/: what the gemms of q8_0, q4_0 and q6_k share on every ISA. The ISA comes with kernels/x86/vec.h.
 *
 * A tile is the 16 rows of a group x VEC_TILE tokens x the blocks of a panel. The integer sums of one block of 32 columns are in
 * registers; at its end they are scaled and added to the float sums: one multiplication and one FMA for each
 * register of rows and token, whatever the ISA. Those two use the same execution units as the multiply-adds: 2 of every 10
 * instructions there with VNNI (8 vpdpbusd a block), so that 80 % of the int8 peak is the bound of these formats. */
#ifndef BITJOULE_BLOCK_TILE_H
#define BITJOULE_BLOCK_TILE_H

#include "baselines/panel_tile.h"
#include "kernels/tile.h"
#include "kernels/x86/vec.h"

enum { TILE_VECS = Q_GROUP / VEC_ROWS /* registers of a group of rows: 1 or 2 */ };

/* Float sums of a tile. 32 registers (AVX-512) hold them for a whole panel beside the integer sums, 16 do not: there they go to
 * memory after every block. Keeping them in memory on AVX-512 too cost 6 %. */
enum { SUMS_STAY = VEC_BITS == 512 };

TILE sums_load(const float *acc, vecf y[][TILE_VECS], const int tokens)
{
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int v = 0; v < TILE_VECS; v++)
            y[t][v] = vecf_load(acc + t * Q_GROUP + v * VEC_ROWS);
}

TILE sums_store(float *acc, vecf y[][TILE_VECS], const int tokens)
{
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int v = 0; v < TILE_VECS; v++)
            vecf_store(acc + t * Q_GROUP + v * VEC_ROWS, y[t][v]);
}

/* y = fma(float(isum), d * scale, y) for token t, register v, block b: the end of the definition's every step. d: of the 16 rows */
TILE sums_add(const struct block_tile *p, size_t b, int t, int v, vec isum, const float *d, vecf y[][TILE_VECS])
{
    const vecf factor = vecf_mul(vecf_load(d + v * VEC_ROWS), vecf_broadcast(p->scale + (size_t)t * p->scale_ld + b));
    float *acc = p->acc + t * Q_GROUP + v * VEC_ROWS;
    if (SUMS_STAY)
        y[t][v] = vecf_fma(vecf_of(isum), factor, y[t][v]);
    else
        vecf_store(acc, vecf_fma(vecf_of(isum), factor, vecf_load(acc)));
}

#endif
