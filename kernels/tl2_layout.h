/* tl2's memory layout (described in tl2.c), shared by its kernels. */
#ifndef BITJOULE_TL2_LAYOUT_H
#define BITJOULE_TL2_LAYOUT_H

#include <stddef.h>

#include "kernels/format.h"

enum {
    TL2_ROWS = 128,          /* interleaved rows: a group */
    TL2_LINE = 2 * TL2_ROWS, /* bytes of a line: one 16-bit word of each row */
    TL2_BLOCK_K = 48,        /* columns of a block: 16 triples in 5 words */
    TL2_BLOCK_TRIPLES = 16,
    TL2_BLOCK_WORDS = 5,
    TL2_WORD_TRIPLES = 3, /* triples in a word, apart from the sixteenth of the block */
    TL2_WORD_K = 3 * TL2_WORD_TRIPLES,

    /* Bits of a word: the first triple is at bit 0, the others at */
    TL2_FIELD1 = 5,
    TL2_FIELD2 = 11,
    TL2_SPARE = 10, /* belongs to the sixteenth triple */

    /* Bits of a triple's code */
    TL2_SIGN = 16,      /* it is negative */
    TL2_MAGNITUDE = 15, /* |9 a + 3 b + c|: 0..13 */
};

/* Words of `cols` columns of a row. A row has a multiple of 16: what is left of a block takes 0, 2 or 4 words. */
static inline size_t tl2_words(size_t cols)
{
    return cols / TL2_BLOCK_K * TL2_BLOCK_WORDS + (cols % TL2_BLOCK_K + TL2_WORD_K - 1) / TL2_WORD_K;
}

/* Offset of the word of `row` in the first line of the block that starts at column k */
static inline size_t tl2_offset(const struct weights *w, size_t row, size_t k)
{
    return (row / TL2_ROWS * tl2_words(w->cols) + tl2_words(k)) * TL2_LINE + row % TL2_ROWS * 2;
}

#endif
