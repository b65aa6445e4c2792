/* Private to baselines/x86/: the codes of q6_k as unsigned bytes 0..63, for every kernel of it. Layout: q6_k.c.
 *
 * 8 rows at a time whatever VEC_BITS: so does gemv (see the log in README.md), and the panel of a gemm is not unpacked faster
 * by registers of 16 rows. */
#ifndef BITJOULE_Q6_K_CODES_H
#define BITJOULE_Q6_K_CODES_H

#include "baselines/x86/tile_avx2.h"

enum { BLOCKS = Q6_K_SUPER / Q_BLOCK };

/* Bits 4-5 of the codes, in place: bits 2 j, 2 j + 1 of every byte. 16-bit shifts: what crosses a byte is masked off. */
static inline __m256i high_bits(__m256i high, int j)
{
    const __m256i shifted = j < 2 ? _mm256_slli_epi16(high, 4 - 2 * j) : _mm256_srli_epi16(high, 2 * j - 4);
    return _mm256_and_si256(shifted, _mm256_set1_epi8(0x30));
}

/* The codes of one run of 16 columns (half of the block), 8 rows from row r on: code[j] has 4 columns */
TILE unpack_run(const struct q6_k_block *in, size_t r, const int run, __m256i code[4])
{
    const __m256i high = load_i(in->high[run][r]);
    UNROLL for (int j = 0; j < 4; j++) {
        const __m256i low = _mm256_srli_epi16(load_i(in->low[j][r]), 4 * run);
        code[j] = _mm256_or_si256(_mm256_and_si256(low, _mm256_set1_epi8(15)), high_bits(high, j));
    }
}

static inline void store_i(void *p, __m256i v)
{
    _mm256_store_si256((__m256i *)p, v);
}

/* A block into L1: [run][4-column group][row][column] */
static inline void unpack_codes(const struct q6_k_block *in, uint8_t out[2][4][Q_GROUP][4])
{
    for (size_t r = 0; r < Q_GROUP; r += 8) {
        UNROLL for (int run = 0; run < 2; run++) {
            __m256i code[4];
            unpack_run(in, r, run, code);
            UNROLL for (int j = 0; j < 4; j++)
                store_i(out[run][j][r], code[j]);
        }
    }
}

#endif
