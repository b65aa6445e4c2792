/* A register of 512 bits behind vec.h: 16 rows, one in each 32-bit lane. vec_256.h says what the functions do. */
#ifndef BITJOULE_VEC_512_H
#define BITJOULE_VEC_512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef __m512i vec;
/* 12 tokens x 2 registers of sums, 2 of weights and an activation fit the 32 registers */
enum { VEC_BYTES = 64, VEC_ROWS = 16, VEC_TILE = 12 };
#define VEC_TILE_CASES TILE_CASES_12

static inline vec vec_zero(void)
{
    return _mm512_setzero_si512();
}

static inline vec vec_load(const void *p)
{
    return _mm512_load_si512(p);
}

static inline void vec_store(void *p, vec v)
{
    _mm512_store_si512(p, v);
}

static inline vec vec_byte(int byte)
{
    return _mm512_set1_epi8((char)byte);
}

static inline vec vec_and(vec a, vec b)
{
    return _mm512_and_si512(a, b);
}

static inline vec vec_add32(vec a, vec b)
{
    return _mm512_add_epi32(a, b);
}

static inline vec vec_add16(vec a, vec b)
{
    return _mm512_add_epi16(a, b);
}

static inline vec vec_maddubs(vec a, vec b)
{
    return _mm512_maddubs_epi16(a, b);
}

static inline vec vec_sub8(vec a, vec b)
{
    return _mm512_sub_epi8(a, b);
}

static inline vec vec_min8(vec a, vec b)
{
    return _mm512_min_epu8(a, b);
}

static inline vec vec_table(const uint8_t table[16])
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)table));
}

static inline vec vec_look_up(vec table, vec index)
{
    return _mm512_shuffle_epi8(table, index);
}

static inline vec vec_mul32(vec a, uint32_t factor)
{
    return _mm512_mullo_epi32(a, _mm512_set1_epi32((int32_t)factor));
}

static inline vec vec_set32(int32_t v)
{
    return _mm512_set1_epi32(v);
}

static inline vec vec_xor(vec a, vec b)
{
    return _mm512_xor_si512(a, b);
}

static inline vec vec_or(vec a, vec b)
{
    return _mm512_or_si512(a, b);
}

static inline vec vec_sub32(vec a, vec b)
{
    return _mm512_sub_epi32(a, b);
}

static inline vec vec_dot16(vec a, vec b)
{
    return _mm512_madd_epi16(a, b);
}

static inline vec vec_loadu(const void *p)
{
    return _mm512_loadu_si512(p);
}

static inline vec vec_load_half_line(const void *p)
{
    return vec_loadu(p);
}

#define vec_shift16(v, n) _mm512_srli_epi16(v, n)
#define vec_shift32(v, n) _mm512_srai_epi32(v, n)
#define vec_shift64(v, n) _mm512_srli_epi64(v, n)
#define vec_shift16_left(v, n) _mm512_slli_epi16(v, n)
#define vec_shift16_signed(v, n) _mm512_srai_epi16(v, n)

/* ---- floats, one for each row ---- */

typedef __m512 vecf;

static inline vecf vecf_load(const float *p)
{
    return _mm512_load_ps(p);
}

static inline void vecf_store(float *p, vecf v)
{
    _mm512_store_ps(p, v);
}

static inline vecf vecf_zero(void)
{
    return _mm512_setzero_ps();
}

static inline vecf vecf_loadu(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline void vecf_storeu(float *p, vecf v)
{
    _mm512_storeu_ps(p, v);
}

static inline vecf vecf_broadcast(const float *p)
{
    return _mm512_set1_ps(*p);
}

static inline vecf vecf_mul(vecf a, vecf b)
{
    return _mm512_mul_ps(a, b);
}

static inline vecf vecf_fma(vecf a, vecf b, vecf c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline vecf vecf_of(vec v)
{
    return _mm512_cvtepi32_ps(v);
}

static inline vecf vecf_of_int8(const int8_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_load_si128((const __m128i *)(const void *)p)));
}

static inline vecf vecf_of_half(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_load_si256((const __m256i *)(const void *)p));
}

static inline vecf vecf_of_halves(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

static inline void vecf_store_rows(float *y, size_t r, size_t row1, vecf v)
{
    const unsigned n = r >= row1 ? 0 : row1 - r < VEC_ROWS ? (unsigned)(row1 - r) : VEC_ROWS;
    _mm512_mask_storeu_ps(y + r, (__mmask16)((1u << n) - 1), v);
}

#endif
