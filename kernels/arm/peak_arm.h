/* The peak loops of every ARM instruction set. The ISA comes with dot.h: smlal (8 products), sdot (16) or smmla (32) as in the kernels;
 * float ones are fmla.
 *
 * They run in chains that do not wait for each other: 16, as many as a latency of 4 cycles and 4 instructions in a cycle (Neoverse V1)
 * ask for. Sums begin with different values, or the compiler would keep one chain for all, and each is tied to a register, so that it
 * stays in one and no chain is left out. */
#ifndef BITJOULE_PEAK_ARM_H
#define BITJOULE_PEAK_ARM_H

#include "kernels/arm/dot.h"
#include "kernels/peak_loops.h"

enum {
    PEAK_CHAINS = 16,
    PEAK_READ_REGS = 16, /* 256 bytes */
    PEAK_CACHE_LINE = 64, /* bytes; a line of 128 is prefetched twice, one of 32 half */
};

#if defined(__SANITIZE_ADDRESS__) || !defined(__aarch64__) /* arrays stay in memory, or functions stand for instructions */
#define PEAK_TIE(v) ((void)0)
#else
#define PEAK_TIE(v) __asm__("" : "+w"(v))
#endif

static inline int64_t peak_lanes(const int32x4_t s[PEAK_CHAINS])
{
    int64_t all = 0;
    PEAK_UNROLL for (int c = 0; c < PEAK_CHAINS; c++)
        all += vaddvq_s32(s[c]);
    return all;
}

#ifdef DOT_MMLA
#define PEAK_MACS 32
#define PEAK_STEP(s, a, b) vmmlaq_s32(s, a, b)
#elif defined(DOT_SDOT)
#define PEAK_MACS 16
#define PEAK_STEP(s, a, b) vdotq_s32(s, a, b)
#else
#define PEAK_MACS 8
#define PEAK_STEP(s, a, b) vreinterpretq_s32_s16(vmlal_s8(vreinterpretq_s16_s32(s), vget_low_s8(a), vget_low_s8(b)))
#endif

static inline int64_t peak_int8(uint64_t iterations)
{
    int32x4_t s[PEAK_CHAINS];
    const int8x16_t a = vdupq_n_s8(1), b = vdupq_n_s8(2);
    PEAK_UNROLL for (int c = 0; c < PEAK_CHAINS; c++)
        s[c] = vdupq_n_s32(c);
    for (uint64_t i = 0; i < iterations; i++) {
        PEAK_UNROLL for (int c = 0; c < PEAK_CHAINS; c++) {
            s[c] = PEAK_STEP(s[c], a, b);
            PEAK_TIE(s[c]);
        }
    }
    return peak_lanes(s);
}

static inline int64_t peak_fma(uint64_t iterations)
{
    const float32x4_t a = vdupq_n_f32(0.5f), b = vdupq_n_f32(1.0f);
    float32x4_t s[PEAK_CHAINS];
    PEAK_UNROLL for (int c = 0; c < PEAK_CHAINS; c++)
        s[c] = vdupq_n_f32((float)c);
    for (uint64_t i = 0; i < iterations; i++) {
        PEAK_UNROLL for (int c = 0; c < PEAK_CHAINS; c++) {
            s[c] = vfmaq_f32(s[c], a, b);
            PEAK_TIE(s[c]);
        }
    }
    float all = 0.0f;
    PEAK_UNROLL for (int c = 0; c < PEAK_CHAINS; c++)
        all += vaddvq_f32(s[c]);
    return (int64_t)all;
}

static inline int64_t peak_read(const void *p, size_t bytes, size_t ahead)
{
    const char *from = p;
    int32x4_t s[PEAK_READ_REGS];
    PEAK_UNROLL for (int c = 0; c < PEAK_READ_REGS; c++)
        s[c] = vdupq_n_s32(c);
    for (size_t i = 0; i < bytes; i += sizeof s) {
        PEAK_UNROLL for (size_t line = 0; line < sizeof s; line += PEAK_CACHE_LINE)
            if (ahead)
                __builtin_prefetch(from + i + line + ahead);
        PEAK_UNROLL for (int c = 0; c < PEAK_READ_REGS; c++) {
            s[c] = vaddq_s32(s[c], vld1q_s32((const int32_t *)(const void *)(from + i + 16 * c)));
            PEAK_TIE(s[c]);
        }
    }
    return peak_lanes(s);
}

/* What follows .need in struct peak_loops */
#define PEAK_LOOPS peak_int8, (double)(PEAK_MACS * PEAK_CHAINS), peak_fma, (double)(4 * PEAK_CHAINS), peak_read

#endif
