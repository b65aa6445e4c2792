/* tl2 on AVX-512 (BW). The table of a triple is one register, the sums of its 32 codes as int16, and vpermw looks up 32 rows at
 * once: it takes the low five bits of each lane, so that a code needs no mask.
 *
 * A table is made where it is used, by two vpmaddubsw and an addition, and serves 128 rows: nothing but weights and activations
 * is read. (Tables in memory cost less arithmetic and more time, see the README's log.) It holds sum((weight + 1) a), so that
 * sum(a) is subtracted at the end. Software prefetch on Intel only: the stream is sequential, and AMD's hardware does better alone.
 *
 * An entry is within 3 * 2 * 128 = 768; int16 holds 42 triples. Sums are widened after two blocks: 32 * 768 = 24576.
 * gemm: look-up for a few tokens, else multiplication, see tl2_panel.h. */
#ifndef __AVX512BW__
#error "compile with -mavx512f -mavx512bw"
#endif
#define VEC_BITS 512

#include "kernels/ternary.h"
#include "kernels/x86/stream.h"
#include "kernels/x86/tl2_panel.h"

enum { VECS = TL2_LINE / VEC_BYTES, RUN_BLOCKS = 2 };

/* For the codes, as bytes: a b and 0 c, plus 1 each but for the 0 */
struct digits {
    vec ab, _0c;
};

struct state {
    vec sum[VECS];      /* int16, 32 rows each */
    vec gathered[VECS]; /* codes of the sixteenth triple */
};

static inline vec broadcast2(const int8_t *x)
{
    int16_t two;
    memcpy(&two, x, sizeof two);
    return _mm512_set1_epi16(two);
}

/* (a + 1) x[0] + (b + 1) x[1] + (c + 1) x[2] */
static inline vec make_table(const struct digits *d, const int8_t *x)
{
    return vec_add16(vec_maddubs(d->ab, broadcast2(x)), vec_maddubs(d->_0c, broadcast2(x + 1)));
}

static inline vec look_up(vec sum, vec codes, vec table)
{
    return vec_add16(sum, _mm512_permutexvar_epi16(codes, table));
}

/* The three triples of a line; x: their 9 activations */
TILE add_line(struct state *s, const struct digits *d, const uint8_t *line, const int8_t *x)
{
    const vec t0 = make_table(d, x), t1 = make_table(d, x + 3), t2 = make_table(d, x + 6);
    UNROLL for (int v = 0; v < VECS; v++) {
        const vec word = vec_load(line + v * VEC_BYTES);
        s->sum[v] = look_up(s->sum[v], word, t0);
        s->sum[v] = look_up(s->sum[v], vec_shift16(word, TL2_FIELD1), t1);
        s->sum[v] = look_up(s->sum[v], vec_shift16(word, TL2_FIELD2), t2);
        s->gathered[v] = tl2_gather(s->gathered[v], word);
        KEEP(s->sum[v]);
        KEEP(s->gathered[v]);
    }
}

TILE add_block(struct state *s, const struct digits *d, const uint8_t *p, const int8_t *x)
{
    prefetch_intel(cpu_core, p, TL2_BLOCK_WORDS * TL2_LINE);
    UNROLL for (int j = 0; j < TL2_BLOCK_WORDS; j++)
        add_line(s, d, p + j * TL2_LINE, x + j * TL2_WORD_K);
    const vec table = make_table(d, x + TL2_BLOCK_K - 3);
    UNROLL for (int v = 0; v < VECS; v++)
        s->sum[v] = look_up(s->sum[v], vec_shift16(s->gathered[v], TL2_SPARE), table);
}

/* sum[2 v], sum[2 v + 1] += the int16 sums of register v */
TILE widen(struct state *s, vec sum[2 * VECS])
{
    UNROLL for (int v = 0; v < VECS; v++) {
        sum[2 * v] = vec_add32(sum[2 * v], _mm512_cvtepi16_epi32(_mm512_castsi512_si256(s->sum[v])));
        sum[2 * v + 1] = vec_add32(sum[2 * v + 1], _mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(s->sum[v], 1)));
        s->sum[v] = vec_zero();
    }
}

/* Sums of the 128 rows at p. `rest`: the activations behind the last whole block, followed by zeros. */
TILE dot(const uint8_t *p, size_t cols, const int8_t *q, const int8_t *rest, vec sum[2 * VECS])
{
    const struct digits d = {_mm512_or_si512(tl2_weights(0), tl2_high(tl2_weights(1))), tl2_high(tl2_weights(2))};
    struct state s;
    UNROLL for (int v = 0; v < VECS; v++)
        s.sum[v] = s.gathered[v] = sum[2 * v] = sum[2 * v + 1] = vec_zero();
    for (size_t left = cols / TL2_BLOCK_K, n; left; left -= n) {
        n = left < RUN_BLOCKS ? left : RUN_BLOCKS;
        for (size_t i = 0; i < n; i++, p += TL2_BLOCK_WORDS * TL2_LINE, q += TL2_BLOCK_K)
            add_block(&s, &d, p, q);
        widen(&s, sum);
    }
    for (size_t k = 0; k < cols % TL2_BLOCK_K; k += TL2_WORD_K, p += TL2_LINE)
        add_line(&s, &d, p, rest + k);
    widen(&s, sum);
}

/* Takes any number of tokens, one after the other for every group of rows: for a few, that is faster than the gemm. */
void tl2_gemv_avx512(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)scratch;
    const size_t n_rest = w->cols % TL2_BLOCK_K;
    int8_t rest[TL2_BLOCK_K] = {0};
    for (size_t r = row0; r < row1; r += TL2_ROWS) {
        for (size_t t = 0; t < x->n; t++) {
            const int8_t *q = x->q + t * x->ld;
            vec sum[2 * VECS];
            memcpy(rest, q + w->cols - n_rest, n_rest);
            dot((const uint8_t *)w->data + tl2_offset(w, r, 0), w->cols, q, rest, sum);
            UNROLL for (int v = 0; v < 2 * VECS; v++)
                vec_finish(y + t * ldy, r + (size_t)v * VEC_ROWS, row1, sum[v], x->sum[t], w->scale * x->scale[t]);
        }
    }
}

TL2_GEMM(avx512, tl2_gemv_avx512, 8)
