/* x86 intrinsics as portable C: SIMDe's functions under the names of the intrinsics, so that tests run kernels whose instruction
 * sets this machine lacks. Stands in the way of the compiler's header of this name (Makefile, SIMDE_FOLDERS).
 *
 * At the end the macros are defined by which the compiler would announce the instruction sets: the kernels refuse to compile
 * without them. In between are functions that Debian 12's SIMDe (0.7.4) has not, and those that it rounds otherwise: its multiply-adds
 * round the product, and its conversions to and from half know one NaN. test_simde_x86.c holds all of them against their definitions. */
#ifndef BITJOULE_FROM_X86_IMMINTRIN_H
#define BITJOULE_FROM_X86_IMMINTRIN_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/simde-common.h>
#undef SIMDE_FUNCTION_ATTRIBUTES
#define SIMDE_FUNCTION_ATTRIBUTES static inline /* not always_inline: one kernel took minutes to compile */
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

#include <math.h>
#include <string.h>

#include "kernels/half.h"

/* Names that SIMDe leaves out, or defines with another one's arguments */
typedef simde__mmask16 __mmask16;
#undef _mm512_madd_epi16
#define _mm512_madd_epi16 simde_mm512_madd_epi16
#ifndef _MM_FROUND_NO_EXC
#define _MM_FROUND_NO_EXC SIMDE_MM_FROUND_NO_EXC
#endif

/* The lanes of a register as an array, and an array as a register */
#define LANES_OF(type, n, name, reg) \
    type name[n]; \
    memcpy(name, &(reg), sizeof name)
#define RETURN_LANES(reg_type, array) \
    reg_type reg_; \
    memcpy(&reg_, array, sizeof reg_); \
    return reg_

/* a * b + c, one rounding */
#define DEFINE_FMADD(name, reg_type, n) \
    static inline reg_type name(reg_type a, reg_type b, reg_type c) \
    { \
        LANES_OF(float, n, x, a); \
        LANES_OF(float, n, y, b); \
        LANES_OF(float, n, z, c); \
        for (int i = 0; i < (n); i++) \
            x[i] = fmaf(x[i], y[i], z[i]); \
        RETURN_LANES(reg_type, x); \
    }
DEFINE_FMADD(emulated_mm256_fmadd_ps, __m256, 8)
DEFINE_FMADD(emulated_mm512_fmadd_ps, __m512, 16)
#undef _mm256_fmadd_ps
#undef _mm512_fmadd_ps
#define _mm256_fmadd_ps emulated_mm256_fmadd_ps
#define _mm512_fmadd_ps emulated_mm512_fmadd_ps

/* n lanes of one type to n lanes of another */
#define DEFINE_CONVERT(name, from_type, from, to_type, to, n, convert) \
    static inline to_type name(from_type a) \
    { \
        LANES_OF(from, n, x, a); \
        to y[n]; \
        for (int i = 0; i < (n); i++) \
            y[i] = convert(x[i]); \
        RETURN_LANES(to_type, y); \
    }
DEFINE_CONVERT(emulated_mm256_cvtph_ps, __m128i, uint16_t, __m256, float, 8, half_to_float)
DEFINE_CONVERT(emulated_mm512_cvtph_ps, __m256i, uint16_t, __m512, float, 16, half_to_float)
DEFINE_CONVERT(emulated_mm256_cvtps_ph, __m256, float, __m128i, uint16_t, 8, half_from_float)
DEFINE_CONVERT(emulated_mm512_cvtepi8_epi32, __m128i, int8_t, __m512i, int32_t, 16, (int32_t))
DEFINE_CONVERT(emulated_mm512_cvtepi16_epi32, __m256i, int16_t, __m512i, int32_t, 16, (int32_t))
DEFINE_CONVERT(emulated_mm512_cvtepi32_ps, __m512i, int32_t, __m512, float, 16, (float))
#undef _mm256_cvtph_ps
#undef _mm256_cvtps_ph
#define _mm256_cvtph_ps emulated_mm256_cvtph_ps
#define _mm512_cvtph_ps emulated_mm512_cvtph_ps
#define _mm256_cvtps_ph(a, rounding) emulated_mm256_cvtps_ph(a) /* to nearest even is all that the kernels ask for */
#define _mm512_cvtepi8_epi32 emulated_mm512_cvtepi8_epi32
#define _mm512_cvtepi16_epi32 emulated_mm512_cvtepi16_epi32
#define _mm512_cvtepi32_ps emulated_mm512_cvtepi32_ps

/* Arithmetic shift; from 32 bits on only the sign is left. */
static inline __m512i emulated_mm512_srai_epi32(__m512i a, unsigned count)
{
    LANES_OF(int32_t, 16, x, a);
    const unsigned n = count < 32 ? count : 31;
    for (int i = 0; i < 16; i++)
        x[i] = x[i] < 0 ? ~(~x[i] >> n) : x[i] >> n;
    RETURN_LANES(__m512i, x);
}
#define _mm512_srai_epi32 emulated_mm512_srai_epi32

/* Lanes without their bit in k are not written, and need not be memory. */
static inline void emulated_mm512_mask_storeu_ps(void *to, __mmask16 k, __m512 a)
{
    LANES_OF(float, 16, x, a);
    for (int i = 0; i < 16; i++)
        if ((k >> i) & 1)
            memcpy((char *)to + (size_t)i * sizeof x[i], &x[i], sizeof x[i]);
}
#define _mm512_mask_storeu_ps emulated_mm512_mask_storeu_ps

/* SIMDe 0.7.2 has it, without its native name */
#ifndef _mm512_shuffle_f32x4
#define _mm512_shuffle_f32x4 simde_mm512_shuffle_f32x4
#endif

/* The VEX form of an EVEX instruction that SIMDe has */
#define _mm256_dpbusd_avx_epi32 _mm256_dpbusd_epi32

#define ISA_EMULATED 1 /* for kernels/tile.h and kernels/x86/peak_kernel.h */
#define __AVX2__ 1
#define __FMA__ 1
#define __F16C__ 1
#define __AVXVNNI__ 1
#define __AVX512F__ 1
#define __AVX512BW__ 1
#define __AVX512VL__ 1
#define __AVX512DQ__ 1
#define __AVX512VNNI__ 1
#define __AVX512VBMI__ 1

#endif
