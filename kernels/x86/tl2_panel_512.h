/* Behind tl2_panel.h, AVX-512 (BW, with or without VNNI): codes of triples of 32 rows -> the panel of ternary_gemm.h.
 *
 * vpermw turns a code into two weights (bytes 0..2), a b, b c, or into one of them beside a 0: six registers of 32 rows x 2
 * weights, which vpermt2w pairs to 16 rows x 4 weights. */
#ifndef BITJOULE_TL2_PANEL_512_H
#define BITJOULE_TL2_PANEL_512_H

#ifndef VEC_BITS /* a header on its own is read by tools only */
#define VEC_BITS 512
#endif
#include "kernels/tl2_layout.h"
#include "kernels/x86/ternary_gemm.h"
#include "kernels/x86/tl2_digits.h"

/* Shifts the bit of one more word into the code of the sixteenth triple. After five of them its bits end at TL2_SPARE; what is in
 * other bits was never wanted. */
static inline vec tl2_gather(vec gathered, vec word)
{
    const vec spare = _mm512_set1_epi16(1 << TL2_SPARE);
    return _mm512_ternarylogic_epi32(vec_add16(gathered, gathered), word, spare, 0xd8); /* spare ? word : doubled */
}

/* For the 32 codes, int16: weight i, plus 1 */
static inline vec tl2_weights(int i)
{
    const __m256i digit = _mm256_cvtepi8_epi16(tl2_digits(i)), one = _mm256_set1_epi16(1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_add_epi16(one, digit)), _mm256_sub_epi16(one, digit), 1);
}

static inline vec tl2_high(vec weights)
{
    return _mm512_slli_epi16(weights, 8);
}

/* Tables from codes to two weights, plus 1: low byte and high byte */
struct tl2_tables {
    vec ab, bc, c0, _0a; /* 0: a zero */
};

static inline struct tl2_tables tl2_tables(void)
{
    const vec a = tl2_weights(0), b = tl2_weights(1), c = tl2_weights(2);
    return (struct tl2_tables){_mm512_or_si512(a, tl2_high(b)), _mm512_or_si512(b, tl2_high(c)), c, tl2_high(a)};
}

/* Weights 0, 1 and 2, 3 of 32 rows as a step */
static inline void tl2_store_step(uint8_t *panel, vec first, vec second)
{
    const vec row = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const vec low = _mm512_or_si512(row, _mm512_slli_epi32(_mm512_add_epi32(row, _mm512_set1_epi32(32)), 16)); /* 0 32 1 33 ... */
    vec_store(panel, _mm512_permutex2var_epi16(first, low, second));
    vec_store(panel + VEC_BYTES, _mm512_permutex2var_epi16(first, vec_add16(low, _mm512_set1_epi16(VEC_ROWS)), second));
}

/* Three steps from the codes of four triples */
static inline void tl2_store_triples(uint8_t *panel, const struct tl2_tables *to, const vec code[4])
{
    vec pair[6];
    UNROLL for (int i = 0; i < 2; i++) {
        const vec first = code[2 * i], second = code[2 * i + 1];
        pair[3 * i] = _mm512_permutexvar_epi16(first, to->ab);
        pair[3 * i + 1] = _mm512_or_si512(_mm512_permutexvar_epi16(first, to->c0), _mm512_permutexvar_epi16(second, to->_0a));
        pair[3 * i + 2] = _mm512_permutexvar_epi16(second, to->bc);
    }
    UNROLL for (int i = 0; i < 3; i++)
        tl2_store_step(panel + i * GEMM_STEP, pair[2 * i], pair[2 * i + 1]);
}

#endif
