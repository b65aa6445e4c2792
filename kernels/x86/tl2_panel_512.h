/* tl2's unpacking for the gemm of AVX-512 (BW, with or without VNNI): codes of triples -> the panel of ternary_gemm.h.
 *
 * Four triples of 32 rows are 12 weights, three steps of the panel. vpermw turns a code into two weights (bytes 0..2), a b, b c,
 * or into one of them beside a 0: six registers of 32 rows x 2 weights, which vpermt2w pairs to 16 rows x 4 weights.
 * The gemm is multiplication and not look-up, for a table serves one token, a panel all. */
#ifndef BITJOULE_TL2_PANEL_512_H
#define BITJOULE_TL2_PANEL_512_H

#define VEC_BITS 512
#define GEMM_GROUP GEMM_ROWS
#define GEMM_COLS 240 /* five blocks */
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
struct tl2_pairs {
    vec ab, bc, c0, _0a; /* 0: a zero */
};

static inline struct tl2_pairs tl2_pairs(void)
{
    const vec a = tl2_weights(0), b = tl2_weights(1), c = tl2_weights(2);
    return (struct tl2_pairs){_mm512_or_si512(a, tl2_high(b)), _mm512_or_si512(b, tl2_high(c)), c, tl2_high(a)};
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
static inline void tl2_store_triples(uint8_t *panel, const struct tl2_pairs *to, const vec code[4])
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

/* An unpack_fn. The last block is unpacked as a whole, with zeros for the words that it lacks: the panel has room. */
static inline void tl2_unpack(const struct weights *w, size_t row, size_t k, size_t cols, uint8_t *panel)
{
    const uint8_t *p = (const uint8_t *)w->data + tl2_offset(w, row, k);
    const struct tl2_pairs to = tl2_pairs();
    for (size_t left = tl2_words(cols), n; left; left -= n, panel += TL2_BLOCK_K / 4 * GEMM_STEP) {
        vec code[TL2_BLOCK_TRIPLES], gathered = vec_zero();
        n = left < TL2_BLOCK_WORDS ? left : TL2_BLOCK_WORDS;
        UNROLL for (size_t j = 0; j < TL2_BLOCK_WORDS; j++, p += TL2_LINE) {
            const vec word = j < n ? vec_load(p) : vec_zero();
            code[3 * j] = word;
            code[3 * j + 1] = vec_shift16(word, TL2_FIELD1);
            code[3 * j + 2] = vec_shift16(word, TL2_FIELD2);
            gathered = tl2_gather(gathered, word);
        }
        code[TL2_BLOCK_TRIPLES - 1] = vec_shift16(gathered, TL2_SPARE);
        UNROLL for (int i = 0; i < TL2_BLOCK_TRIPLES / 4; i++)
            tl2_store_triples(panel + 3 * i * GEMM_STEP, &to, code + 4 * i);
    }
}

#endif
