/* tl2 on AVX2. vpshufb looks up bytes, 16 entries: a sum v = a x0 + b x1 + c x2 is split into lo + 27 hi, two tables of bytes for
 * the codes without their sign, and vpsignb applies the sign to both. 32 rows go together: the codes of rows 0-15 in the even
 * bytes, those of rows 16-31 in the odd ones, at bits 3-7, where vpsignb finds the sign. The tables are made once, in the scratch.
 *
 * |v| <= 3 * 128 = 384, so |lo| <= 13 and |hi| <= 14, and int8 holds nine triples: 9 * 14 = 126. Then vpmaddubsw multiplies by 1
 * and 27 and widens to int16, even and odd bytes apart; these are good for 85 triples, five blocks (80 * 384 = 30720).
 * gemm: look-up for a few tokens, else multiplication, see tl2_panel.h. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include "kernels/ternary.h"
#include "kernels/x86/stream.h"
#include "kernels/x86/tl2_panel.h"

enum {
    TABLE = 32, /* bytes: lo[16], hi[16] */
    BLOCK_TABLES = TL2_BLOCK_TRIPLES * TABLE,
    BLOCK_BYTES = TL2_BLOCK_WORDS * TL2_LINE,
    SLAB_BLOCKS = KERNEL_SCRATCH_BYTES / BLOCK_TABLES, /* 24576 columns */
    BASE = 27,
    BYTE_WORDS = 3,  /* words that int8 holds; the other two of a block go with its sixteenth triple */
    RUN_BLOCKS = 5,  /* blocks that int16 holds */
    PART_ROWS = 32,
    PARTS = TL2_ROWS / PART_ROWS,
};

/* hi = v / 27, rounded: (v * 1214 + 2^14) >> 15 leaves -13 <= v - 27 hi <= 13 for all |v| <= 384 (test_tl2.c has each) */
static inline void make_table(const int8_t *x, uint8_t *table)
{
    vec v = vec_zero();
    UNROLL for (int i = 0; i < 3; i++)
        v = vec_add16(v, _mm256_mullo_epi16(_mm256_cvtepi8_epi16(tl2_digits(i)), _mm256_set1_epi16(x[i])));
    const vec hi = _mm256_mulhrs_epi16(v, _mm256_set1_epi16(1214));
    const vec lo = _mm256_sub_epi16(v, _mm256_mullo_epi16(hi, _mm256_set1_epi16(BASE)));
    vec_store(table, _mm256_permute4x64_epi64(_mm256_packs_epi16(lo, hi), 0xd8)); /* quarters 0 2 1 3 */
}

/* Sums of 32 rows */
struct state {
    vec lo, hi;    /* int8, of up to nine triples */
    vec even, odd; /* int16, of a run: rows 0-15, rows 16-31 */
    vec gathered;  /* code of the sixteenth triple, at bits 2-6 */
};

static inline struct state no_sums(void)
{
    const vec zero = vec_zero();
    return (struct state){zero, zero, zero, zero, zero};
}

/* index: bits 0-3 of each byte, others do not matter; sign: the code at bits 3-7 */
TILE look_up(struct state *s, const uint8_t *table, vec index, vec sign)
{
    index = vec_and(index, vec_byte(TL2_MAGNITUDE));
    const vec lo = _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)table));
    const vec hi = _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)(table + 16)));
    s->lo = _mm256_add_epi8(s->lo, _mm256_sign_epi8(_mm256_shuffle_epi8(lo, index), sign));
    s->hi = _mm256_add_epi8(s->hi, _mm256_sign_epi8(_mm256_shuffle_epi8(hi, index), sign));
    KEEP(s->lo);
    KEEP(s->hi);
}

static inline vec load_unaligned(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* vpsignb's third case, 0 for a byte of 0, is right as well: that byte has the code 0. The bits below 3 are whatever. */
TILE add_line(struct state *s, const uint8_t *p, const uint8_t *tables)
{
    const vec a = vec_load(p), b = vec_load(p + VEC_BYTES);
    const vec low = tl2_even_odd(a, load_unaligned(p + VEC_BYTES - 1)), high = tl2_even_odd(load_unaligned(p + 1), b);
    const vec middle = tl2_even_odd(vec_shift16(a, TL2_FIELD1 - 3), _mm256_slli_epi16(b, 8 + 3 - TL2_FIELD1));
    look_up(s, tables, low, _mm256_slli_epi16(low, 3));
    look_up(s, tables + TABLE, vec_shift16(middle, 3), middle);
    look_up(s, tables + 2 * TABLE, vec_shift16(high, 3), high); /* TL2_FIELD2 is bit 3 of the high byte */
    s->gathered = _mm256_or_si256(_mm256_add_epi8(s->gathered, s->gathered), vec_and(high, vec_byte(1 << (TL2_SPARE - 8))));
}

TILE widen(struct state *s)
{
    const vec one = _mm256_set1_epi16(1), base = _mm256_set1_epi16(BASE); /* in the even bytes */
    const vec odd_one = _mm256_slli_epi16(one, 8), odd_base = _mm256_slli_epi16(base, 8);
    s->even = vec_add16(s->even, vec_add16(vec_maddubs(one, s->lo), vec_maddubs(base, s->hi)));
    s->odd = vec_add16(s->odd, vec_add16(vec_maddubs(odd_one, s->lo), vec_maddubs(odd_base, s->hi)));
    s->lo = s->hi = vec_zero();
}

static inline void add_int16(int32_t *sum, vec v)
{
    vec_store(sum, vec_add32(vec_load(sum), _mm256_cvtepi16_epi32(_mm256_castsi256_si128(v))));
    sum += VEC_ROWS;
    vec_store(sum, vec_add32(vec_load(sum), _mm256_cvtepi16_epi32(_mm256_extracti128_si256(v, 1))));
}

TILE add_block(struct state *state, const uint8_t *p, const uint8_t *tables)
{
    struct state s = *state; /* in registers */
    UNROLL for (int j = 0; j < BYTE_WORDS; j++, p += TL2_LINE, tables += TL2_WORD_TRIPLES * TABLE)
        add_line(&s, p, tables);
    widen(&s);
    UNROLL for (int j = BYTE_WORDS; j < TL2_BLOCK_WORDS; j++, p += TL2_LINE, tables += TL2_WORD_TRIPLES * TABLE)
        add_line(&s, p, tables);
    look_up(&s, tables, vec_shift16(s.gathered, 2), _mm256_add_epi8(s.gathered, s.gathered));
    widen(&s);
    *state = s;
}

/* sum[32] += the int16 sums of a part */
static inline void flush(const struct state *s, int32_t *sum)
{
    add_int16(sum, s->even);
    add_int16(sum + PART_ROWS / 2, s->odd);
}

/* 32 rows over `blocks` blocks, at most a run, and meanwhile lines into L1 for later: in their order, whichever rows are added. */
static inline void add_run(const uint8_t *p, size_t blocks, const uint8_t *tables, const char *later, int32_t *sum)
{
    struct state s = no_sums();
    for (size_t i = 0; i < blocks; i++, p += BLOCK_BYTES, tables += BLOCK_TABLES) {
        prefetch_l1(later, BLOCK_BYTES / PARTS);
        later += BLOCK_BYTES / PARTS;
        add_block(&s, p, tables);
    }
    flush(&s, sum);
}

/* sum[128] += the rows of a group over `words` words. A run is 6.4 KB and 2.5 KB of tables: its four parts find it in L1. */
static void add_words(const uint8_t *p, size_t words, const uint8_t *tables, int32_t *sum)
{
    for (size_t left = words / TL2_BLOCK_WORDS, n; left; left -= n) {
        n = left < RUN_BLOCKS ? left : RUN_BLOCKS;
        const char *later = (const char *)p + (size_t)RUN_BLOCKS * BLOCK_BYTES;
        for (int h = 0; h < PARTS; h++, later += n * BLOCK_BYTES / PARTS)
            add_run(p + 2 * h * PART_ROWS, n, tables, later, sum + h * PART_ROWS);
        p += n * BLOCK_BYTES;
        tables += n * BLOCK_TABLES;
    }
    for (words %= TL2_BLOCK_WORDS; words; words--, p += TL2_LINE, tables += TL2_WORD_TRIPLES * TABLE) {
        for (int h = 0; h < PARTS; h++) {
            struct state s = no_sums();
            add_line(&s, p + 2 * h * PART_ROWS, tables);
            widen(&s);
            flush(&s, sum + h * PART_ROWS);
        }
    }
}

/* The tables of the columns [k, k1) of a token; those beyond the last are zeros. */
static void make_tables(const int8_t *q, size_t k, size_t k1, uint8_t *tables)
{
    for (; k < k1; k += TL2_BLOCK_K) {
        int8_t block[TL2_BLOCK_K] = {0};
        memcpy(block, q + k, k1 - k < TL2_BLOCK_K ? k1 - k : TL2_BLOCK_K);
        for (size_t i = 0; i < TL2_BLOCK_TRIPLES; i++, tables += TABLE)
            make_table(block + 3 * i, tables);
    }
}

/* One token. Where a row is wider than the scratch holds tables for, they are made anew for every group. */
static void multiply(const struct weights *w, const int8_t *q, float factor, size_t row0, size_t row1, float *y, void *scratch)
{
    const size_t slab = SLAB_BLOCKS * TL2_BLOCK_K;
    for (size_t r = row0; r < row1; r += TL2_ROWS) {
        _Alignas(VEC_BYTES) int32_t sum[TL2_ROWS] = {0};
        for (size_t k = 0; k < w->cols; k += slab) {
            const size_t k1 = w->cols - k < slab ? w->cols : k + slab;
            if (r == row0 || w->cols > slab)
                make_tables(q, k, k1, scratch);
            add_words((const uint8_t *)w->data + tl2_offset(w, r, k), tl2_words(k1 - k), scratch, sum);
        }
        for (size_t i = 0; i < TL2_ROWS; i += VEC_ROWS)
            vec_finish(y, r + i, row1, vec_load(sum + i), 0, factor);
    }
}

/* Takes any number of tokens, one after the other: for a few, that is faster than the gemm. */
void tl2_gemv_avx2(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    for (size_t t = 0; t < x->n; t++)
        multiply(w, x->q + t * x->ld, w->scale * x->scale[t], row0, row1, y + t * ldy, scratch);
}

TL2_GEMM(avx2, tl2_gemv_avx2, 6)
