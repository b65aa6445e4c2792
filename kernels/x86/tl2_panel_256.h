/* Behind tl2_panel.h, AVX2 and AVX-VNNI: codes of triples of 16 rows -> the panel of ternary_gemm.h.
 *
 * Two codes side by side in the bytes of a 16-bit lane are looked up by vpshufb, one table for each of their three weights (it
 * ignores the sign at bit 4); vpsignb applies the sign. Bytes are then put side by side in the order of the weights, two of a row
 * to a lane, and lanes to pairs. */
#ifndef BITJOULE_TL2_PANEL_256_H
#define BITJOULE_TL2_PANEL_256_H

#include "kernels/tl2_layout.h"
#include "kernels/x86/ternary_gemm.h"
#include "kernels/x86/tl2_digits.h"

/* Weights a, b, c of the codes without a sign, for vpshufb */
struct tl2_tables {
    vec digit[3];
};

static inline struct tl2_tables tl2_tables(void)
{
    struct tl2_tables t;
    UNROLL for (int i = 0; i < 3; i++)
        t.digit[i] = _mm256_broadcastsi128_si256(tl2_digits(i));
    return t;
}

/* After five words the code ends at TL2_SPARE. */
static inline vec tl2_gather(vec gathered, vec word)
{
    return vec_or(vec_add16(gathered, gathered), vec_and(word, _mm256_set1_epi16(1 << TL2_SPARE)));
}

/* Even bytes of a, odd bytes of b */
static inline vec tl2_even_odd(vec a, vec b)
{
    return _mm256_blendv_epi8(a, b, _mm256_set1_epi16((short)0xff00));
}

/* Codes of two triples (bits 0-4 of each lane; others are ignored) -> a b, c a', b' c' as lanes, weights + 1 */
static inline void tl2_pairs(const struct tl2_tables *t, vec first, vec second, vec pair[3])
{
    const vec mask = _mm256_set1_epi16(TL2_SIGN | TL2_MAGNITUDE);
    const vec code = _mm256_or_si256(vec_and(first, mask), _mm256_slli_epi16(vec_and(second, mask), 8));
    const vec sign = _mm256_slli_epi16(code, 3); /* bit 4 to bit 7; a byte of 0 is the code 0, and stays 0 */
    vec digit[3];
    UNROLL for (int i = 0; i < 3; i++)
        digit[i] = _mm256_add_epi8(_mm256_sign_epi8(vec_look_up(t->digit[i], code), sign), vec_byte(1));
    pair[0] = tl2_even_odd(digit[0], _mm256_slli_epi16(digit[1], 8));
    pair[1] = tl2_even_odd(digit[2], digit[0]);
    pair[2] = tl2_even_odd(vec_shift16(digit[1], 8), digit[2]);
}

/* Weights 0, 1 and 2, 3 of 16 rows as a step */
static inline void tl2_store_step(uint8_t *panel, vec first, vec second)
{
    const vec low = _mm256_unpacklo_epi16(first, second);  /* rows 0-3, 8-11 */
    const vec high = _mm256_unpackhi_epi16(first, second); /* rows 4-7, 12-15 */
    vec_store(panel, _mm256_permute2x128_si256(low, high, 0x20));
    vec_store(panel + VEC_BYTES, _mm256_permute2x128_si256(low, high, 0x31));
}

/* Three steps from the codes of four triples */
static inline void tl2_store_triples(uint8_t *panel, const struct tl2_tables *t, const vec code[4])
{
    vec pair[6];
    tl2_pairs(t, code[0], code[1], pair);
    tl2_pairs(t, code[2], code[3], pair + 3);
    UNROLL for (int i = 0; i < 3; i++)
        tl2_store_step(panel + i * GEMM_STEP, pair[2 * i], pair[2 * i + 1]);
}

#endif
