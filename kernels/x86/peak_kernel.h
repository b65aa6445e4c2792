/* The peak loops of every x86 instruction set; the ISA comes with vec.h.
 *
 * int8 multiply-adds are vpdpbusd, or vpmaddubsw and vpaddw without VNNI, as in the kernels; float ones are vfmadd. They run in
 * chains that do not wait for each other: more of them than the 8 that a latency of 4 cycles and 2 instructions in a cycle ask for.
 * The sums begin with different values, or the compiler would keep one chain for all, and each is tied to a register: left to
 * itself gcc 12 keeps them in memory or copies them in every step (half the rate on Zen 4), and clang 14 leaves out a chain
 * whose value does not change. */
#ifndef BITJOULE_PEAK_KERNEL_H
#define BITJOULE_PEAK_KERNEL_H

#include "kernels/peak_loops.h"
#include "kernels/x86/vec.h"

enum {
    PEAK_CHAINS = VEC_BITS == 256 ? 12 : 16, /* of 16 or 32 registers */
    PEAK_CACHE_LINE = 64, /* bytes */
    PEAK_LINE_VECS = PEAK_CACHE_LINE / VEC_BYTES,
    PEAK_STEP_LINES = 16, /* without prefetch */
    PEAK_READ_SUMS = 4 * PEAK_LINE_VECS,
};

/* Ties a value to a register, two of them at the same moment. No register, no tie: the address sanitizer keeps arrays in memory,
 * where a tie would only be one more way there and back, and in tests that emulate an ISA a vector is a struct. */
#if defined(__SANITIZE_ADDRESS__) || defined(ISA_EMULATED)
#define PEAK_TIE(v) ((void)0)
#else
#define PEAK_TIE(v) __asm__("" : "+v"(v))
#endif
#ifdef ISA_EMULATED
#define PEAK_TIE_TWO(v, w) ((void)0)
#else
#define PEAK_TIE_TWO(v, w) __asm__("" : "+v"(v), "+v"(w))
#endif

/* The lanes together */
static inline int64_t peak_lanes(vec sum)
{
    _Alignas(VEC_BYTES) int32_t lane[VEC_ROWS];
    int64_t all = 0;
    vec_store(lane, sum);
    for (int i = 0; i < VEC_ROWS; i++)
        all += lane[i];
    return all;
}

#ifdef VEC_DPBUSD
static inline int64_t peak_int8(uint64_t iterations)
{
    vec s[PEAK_CHAINS];
    const vec a = vec_byte(1), b = vec_byte(2);
    PEAK_UNROLL for (int c = 0; c < PEAK_CHAINS; c++)
        s[c] = vec_set32(c);
    for (uint64_t i = 0; i < iterations; i++) {
        PEAK_UNROLL for (int c = 0; c < PEAK_CHAINS; c++) {
            s[c] = VEC_DPBUSD(s[c], a, b);
            PEAK_TIE(s[c]);
        }
    }
    PEAK_UNROLL for (int c = 1; c < PEAK_CHAINS; c++)
        s[0] = vec_add32(s[0], s[c]);
    return peak_lanes(s[0]);
}
#else
/* Two products, then two additions: a strict alternation is a tenth slower, and kernels passed it. `a` is new each time, as far as
 * the compiler knows: so is the product. */
static inline int64_t peak_int8(uint64_t iterations)
{
    vec s[PEAK_CHAINS], a = vec_byte(1);
    const vec b = vec_byte(2);
    PEAK_UNROLL for (int c = 0; c < PEAK_CHAINS; c++)
        s[c] = vec_set32(c);
    for (uint64_t i = 0; i < iterations; i++) {
        PEAK_UNROLL for (int c = 0; c < PEAK_CHAINS; c += 2) {
            vec p = vec_maddubs(a, b), q;
            PEAK_TIE_TWO(p, a);
            q = vec_maddubs(a, b);
            PEAK_TIE_TWO(q, a);
            PEAK_TIE_TWO(p, q); /* both products before the additions */
            s[c] = vec_add16(s[c], p);
            s[c + 1] = vec_add16(s[c + 1], q);
            PEAK_TIE(s[c]);
            PEAK_TIE(s[c + 1]);
        }
    }
    PEAK_UNROLL for (int c = 1; c < PEAK_CHAINS; c++)
        s[0] = vec_add32(s[0], s[c]);
    return peak_lanes(s[0]);
}
#endif

static inline int64_t peak_fma(uint64_t iterations)
{
    const float half = 0.5f, one = 1.0f;
    const vecf a = vecf_broadcast(&half), b = vecf_broadcast(&one);
    vecf s[PEAK_CHAINS];
    _Alignas(VEC_BYTES) float lane[VEC_ROWS];
    PEAK_UNROLL for (int c = 0; c < PEAK_CHAINS; c++)
        s[c] = vecf_of(vec_set32(c));
    for (uint64_t i = 0; i < iterations; i++) {
        PEAK_UNROLL for (int c = 0; c < PEAK_CHAINS; c++) {
            s[c] = vecf_fma(s[c], a, b);
            PEAK_TIE(s[c]);
        }
    }
    PEAK_UNROLL for (int c = 1; c < PEAK_CHAINS; c++)
        s[0] = vecf_fma(s[c], b, s[0]);
    vecf_store(lane, s[0]);
    for (int i = 1; i < VEC_ROWS; i++)
        lane[0] += lane[i];
    return (int64_t)lane[0];
}

/* How a loop is unrolled matters as much as what it prefetches: on Zen 2 one core reads 15.3 GB/s with the hardware's prefetcher alone
 * in steps of one line, 16.6 in steps of 4 and 18.5 in steps of 16; 18.5, 16.5 and 15.8 with a prefetch 1 KB ahead. Hence long
 * steps without prefetch and short ones with it. */
static inline int64_t peak_read(const void *p, size_t bytes, size_t ahead)
{
    const char *from = p;
    const char *const end = from + bytes;
    vec s[PEAK_READ_SUMS];
    PEAK_UNROLL for (int c = 0; c < PEAK_READ_SUMS; c++)
        s[c] = vec_set32(c);
    for (; ahead && from < end; from += PEAK_CACHE_LINE) {
        _mm_prefetch(from + ahead, _MM_HINT_T0);
        PEAK_UNROLL for (int c = 0; c < PEAK_LINE_VECS; c++) {
            s[c] = vec_add32(s[c], vec_load(from + c * VEC_BYTES));
            PEAK_TIE(s[c]);
        }
    }
    for (; from < end; from += (ptrdiff_t)PEAK_STEP_LINES * PEAK_CACHE_LINE) {
        PEAK_UNROLL for (int c = 0; c < PEAK_STEP_LINES * PEAK_LINE_VECS; c++) {
            vec *sum = &s[c % PEAK_READ_SUMS];
            *sum = vec_add32(*sum, vec_load(from + c * VEC_BYTES));
            PEAK_TIE(*sum);
        }
    }
    PEAK_UNROLL for (int c = 1; c < PEAK_READ_SUMS; c++)
        s[0] = vec_add32(s[0], s[c]);
    return peak_lanes(s[0]);
}

/* What follows .need in struct peak_loops */
#define PEAK_LOOPS peak_int8, (double)(VEC_BYTES * PEAK_CHAINS), peak_fma, (double)(VEC_ROWS * PEAK_CHAINS), peak_read

#endif
