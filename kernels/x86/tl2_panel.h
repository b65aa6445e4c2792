/* tl2's gemm on every x86 instruction set: a few tokens are looked up, more are multiplied by ternary_gemm.h, since a table
 * serves one token and a panel all. Here is what unpacks codes of triples into that panel.
 *
 * Four triples are 12 weights, three steps of the panel; a block is four times that. What depends on the width of the register
 * is in tl2_panel_256.h and tl2_panel_512.h; either has
 *
 *     struct tl2_tables, tl2_tables()              from a code to its weights, plus 1
 *     vec tl2_gather(gathered, word)               one more bit of the sixteenth triple's code
 *     void tl2_store_triples(panel, tables, code)  three steps from the codes of four triples, the low five bits of each lane */
#ifndef BITJOULE_TL2_PANEL_H
#define BITJOULE_TL2_PANEL_H

#define GEMM_GROUP GEMM_ROWS
#define GEMM_COLS 240 /* five blocks */
#include "kernels/x86/ternary_gemm.h"
#if VEC_BITS == 512
#include "kernels/x86/tl2_panel_512.h"
#else
#include "kernels/x86/tl2_panel_256.h"
#endif

/* An unpack_fn. The last block is unpacked as a whole, with zeros for the words that it lacks: the panel has room. */
static inline void tl2_unpack(const struct weights *w, size_t row, size_t k, size_t cols, uint8_t *panel)
{
    const uint8_t *p = (const uint8_t *)w->data + tl2_offset(w, row, k);
    const struct tl2_tables tables = tl2_tables();
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
            tl2_store_triples(panel + 3 * i * GEMM_STEP, &tables, code + 4 * i);
    }
}

/* The gemm of an ISA. gemv: takes any number of tokens; faster than a panel up to `few` */
#define TL2_GEMM(isa, gemv, few) \
    MATMUL(tl2_gemm_##isa) \
    { \
        if (x->n <= (few)) \
            gemv(w, x, row0, row1, y, ldy, scratch); \
        else \
            ternary_gemm(w, x, row0, row1, y, ldy, scratch, tl2_unpack); \
    }

#endif
