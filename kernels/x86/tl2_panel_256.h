/* tl2's unpacking for the gemm of AVX2 and AVX-VNNI: codes of triples -> the panel of ternary_gemm.h.
 *
 * Four triples of 16 rows are 12 weights, three steps of the panel. Two codes side by side in the bytes of a 16-bit lane are
 * looked up by vpshufb, one table for each of their three weights (it ignores the sign at bit 4); vpsignb applies the sign. Bytes
 * are then put side by side in the order of the weights, two of a row to a lane, and lanes to pairs. */
#ifndef BITJOULE_TL2_PANEL_256_H
#define BITJOULE_TL2_PANEL_256_H

#define GEMM_GROUP GEMM_ROWS
#define GEMM_COLS 240 /* five blocks */
#include "kernels/tl2_layout.h"
#include "kernels/x86/ternary_gemm.h"
#include "kernels/x86/tl2_digits.h"

/* Even bytes of a, odd bytes of b */
static inline vec tl2_even_odd(vec a, vec b)
{
    return _mm256_blendv_epi8(a, b, _mm256_set1_epi16((short)0xff00));
}

/* Codes of two triples (bits 0-4 of each lane; others are ignored) -> a b, c a', b' c' as lanes, weights + 1 */
static inline void tl2_pairs(vec first, vec second, vec pair[3])
{
    const vec mask = _mm256_set1_epi16(TL2_SIGN | TL2_MAGNITUDE);
    const vec code = _mm256_or_si256(vec_and(first, mask), _mm256_slli_epi16(vec_and(second, mask), 8));
    const vec sign = _mm256_slli_epi16(code, 3); /* bit 4 to bit 7; a byte of 0 is the code 0, and stays 0 */
    vec digit[3];
    UNROLL for (int i = 0; i < 3; i++)
        digit[i] = _mm256_add_epi8(
            _mm256_sign_epi8(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(tl2_digits(i)), code), sign), vec_byte(1));
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
static inline void tl2_store_triples(uint8_t *panel, const vec code[4])
{
    vec pair[6];
    tl2_pairs(code[0], code[1], pair);
    tl2_pairs(code[2], code[3], pair + 3);
    UNROLL for (int i = 0; i < 3; i++)
        tl2_store_step(panel + i * GEMM_STEP, pair[2 * i], pair[2 * i + 1]);
}

/* An unpack_fn. The last block is unpacked as a whole, with zeros for the words that it lacks: the panel has room. */
static inline void tl2_unpack(const struct weights *w, size_t row, size_t k, size_t cols, uint8_t *panel)
{
    const uint8_t *p = (const uint8_t *)w->data + tl2_offset(w, row, k);
    for (size_t left = tl2_words(cols), n; left; left -= n, panel += TL2_BLOCK_K / 4 * GEMM_STEP) {
        vec code[TL2_BLOCK_TRIPLES], gathered = vec_zero();
        n = left < TL2_BLOCK_WORDS ? left : TL2_BLOCK_WORDS;
        UNROLL for (size_t j = 0; j < TL2_BLOCK_WORDS; j++, p += TL2_LINE) {
            const vec word = j < n ? vec_load(p) : vec_zero();
            code[3 * j] = word;
            code[3 * j + 1] = vec_shift16(word, TL2_FIELD1);
            code[3 * j + 2] = vec_shift16(word, TL2_FIELD2);
            gathered = _mm256_or_si256(vec_add16(gathered, gathered), vec_and(word, _mm256_set1_epi16(1 << TL2_SPARE)));
        }
        code[TL2_BLOCK_TRIPLES - 1] = vec_shift16(gathered, TL2_SPARE);
        UNROLL for (int i = 0; i < TL2_BLOCK_TRIPLES / 4; i++)
            tl2_store_triples(panel + 3 * i * GEMM_STEP, code + 4 * i);
    }
}

#endif
