/* A register of 256 bits behind vec.h: 8 rows, one in each 32-bit lane. vec_512.h gives the same names to 512 bits. */
#ifndef BITJOULE_VEC_256_H
#define BITJOULE_VEC_256_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef __m256i vec;
/* 6 tokens x 2 registers of sums, 2 of weights and an activation fit the 16 registers */
enum { VEC_BYTES = 32, VEC_ROWS = 8, VEC_TILE = 6 };
#define VEC_TILE_CASES TILE_CASES_6

static inline vec vec_zero(void)
{
    return _mm256_setzero_si256();
}

static inline vec vec_load(const void *p)
{
    return _mm256_load_si256((const __m256i *)p);
}

static inline void vec_store(void *p, vec v)
{
    _mm256_store_si256((__m256i *)p, v);
}

/* the same byte everywhere */
static inline vec vec_byte(int byte)
{
    return _mm256_set1_epi8((char)byte);
}

static inline vec vec_and(vec a, vec b)
{
    return _mm256_and_si256(a, b);
}

static inline vec vec_add32(vec a, vec b)
{
    return _mm256_add_epi32(a, b);
}

static inline vec vec_add16(vec a, vec b)
{
    return _mm256_add_epi16(a, b);
}

/* bytes: unsigned x signed, pairs added */
static inline vec vec_maddubs(vec a, vec b)
{
    return _mm256_maddubs_epi16(a, b);
}

/* bytes */
static inline vec vec_sub8(vec a, vec b)
{
    return _mm256_sub_epi8(a, b);
}

/* unsigned bytes */
static inline vec vec_min8(vec a, vec b)
{
    return _mm256_min_epu8(a, b);
}

/* A table of 16 bytes, and table[index & 15] in every byte; index < 128 */
static inline vec vec_table(const uint8_t table[16])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

static inline vec vec_look_up(vec table, vec index)
{
    return _mm256_shuffle_epi8(table, index);
}

/* int32, modulo 2^32 */
static inline vec vec_mul32(vec a, uint32_t factor)
{
    return _mm256_mullo_epi32(a, _mm256_set1_epi32((int32_t)factor));
}

static inline vec vec_set32(int32_t v)
{
    return _mm256_set1_epi32(v);
}

static inline vec vec_xor(vec a, vec b)
{
    return _mm256_xor_si256(a, b);
}

static inline vec vec_or(vec a, vec b)
{
    return _mm256_or_si256(a, b);
}

static inline vec vec_sub32(vec a, vec b)
{
    return _mm256_sub_epi32(a, b);
}

/* int16 pairs of a and b: products, the two of a pair added */
static inline vec vec_dot16(vec a, vec b)
{
    return _mm256_madd_epi16(a, b);
}

/* p: not aligned */
static inline vec vec_loadu(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* p: aligned to 32 bytes; a 64-byte register may straddle cache lines */
static inline vec vec_load_half_line(const void *p)
{
    return _mm256_load_si256((const __m256i *)p);
}

/* shifts: of 16-bit lanes, zeros from above; of 32-bit lanes, arithmetic */
#define vec_shift16(v, n) _mm256_srli_epi16(v, n)
#define vec_shift32(v, n) _mm256_srai_epi32(v, n)
#define vec_shift64(v, n) _mm256_srli_epi64(v, n)
#define vec_shift16_left(v, n) _mm256_slli_epi16(v, n)
#define vec_shift16_signed(v, n) _mm256_srai_epi16(v, n)

/* ---- floats, one for each row ---- */

typedef __m256 vecf;

static inline vecf vecf_load(const float *p)
{
    return _mm256_load_ps(p);
}

static inline void vecf_store(float *p, vecf v)
{
    _mm256_store_ps(p, v);
}

static inline vecf vecf_zero(void)
{
    return _mm256_setzero_ps();
}

/* p: not aligned */
static inline vecf vecf_loadu(const float *p)
{
    return _mm256_loadu_ps(p);
}

static inline void vecf_storeu(float *p, vecf v)
{
    _mm256_storeu_ps(p, v);
}

static inline vecf vecf_broadcast(const float *p)
{
    return _mm256_broadcast_ss(p);
}

static inline vecf vecf_mul(vecf a, vecf b)
{
    return _mm256_mul_ps(a, b);
}

/* a * b + c, one rounding */
static inline vecf vecf_fma(vecf a, vecf b, vecf c)
{
    return _mm256_fmadd_ps(a, b, c);
}

/* of int32, of int8, of f16 */
static inline vecf vecf_of(vec v)
{
    return _mm256_cvtepi32_ps(v);
}

static inline vecf vecf_of_int8(const int8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}

static inline vecf vecf_of_half(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_load_si128((const __m128i *)(const void *)p));
}

/* of f16, p: not aligned */
static inline vecf vecf_of_halves(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

/* y[r .. r + 8) = v, only rows before row1; r may lie beyond row1 */
static inline void vecf_store_rows(float *y, size_t r, size_t row1, vecf v)
{
    if (r + VEC_ROWS <= row1) {
        _mm256_storeu_ps(y + r, v);
    } else if (r < row1) {
        float rows[VEC_ROWS];
        _mm256_storeu_ps(rows, v);
        memcpy(y + r, rows, (row1 - r) * sizeof *rows);
    }
}

#endif
