/* The integer multiply-add of the ARM kernels: sums of 4 rows += 4 columns of codes x 4 activations, by name instead of by instruction.
 *
 * A 32-bit lane is a row, as on x86: bytes 4 i .. 4 i + 3 of a register of codes are 4 consecutive weights of row i. The file of an ISA
 * says before it includes anything of this folder
 *     (nothing)          ARMv8.0: smlal, into int16; or #define DOT_WIDE where that overflows: smull, smlal, sadalp, into int32
 *     #define DOT_SDOT   ARMv8.2 with dot products: sdot, 16 products of signed bytes in one instruction
 *     #define DOT_MMLA   and with the 8-bit matrix extension: smmla, 32 of them, in the gemm (dot_tile.h)
 * and the templates do the rest. Codes are signed bytes everywhere: -128..127, or small enough not to need the sign.
 *
 * The four activations that all lanes share come from one lane of a register of 16. A lane must be a constant when the compiler reads
 * it, hence macros. */
#ifndef BITJOULE_DOT_H
#define BITJOULE_DOT_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/tile.h"

#ifdef DOT_MMLA
#define DOT_SDOT
#endif

#ifdef DOT_SDOT
struct sums {
    int32x4_t row; /* one lane for each of 4 rows */
};

static inline struct sums dot_zero(void)
{
    return (struct sums){vdupq_n_s32(0)};
}

/* sum += codes . acts[4 lane .. 4 lane + 3] */
#define DOT_ADD(sum, codes, acts, lane) ((sum).row = vdotq_laneq_s32((sum).row, codes, acts, lane))
/* Two steps, on neighbouring lanes */
#define DOT_ADD2(sum, codes0, codes1, acts, lane0, lane1) \
    do { \
        DOT_ADD(sum, codes0, acts, lane0); \
        DOT_ADD(sum, codes1, acts, lane1); \
    } while (0)

static inline int32x4_t dot_total(struct sums s)
{
    return s.row;
}
#else
/* Four activations in all lanes */
#define DOT_ACTS(acts, lane) vreinterpretq_s8_s32(vdupq_laneq_s32(vreinterpretq_s32_s8(acts), lane))

#ifdef DOT_WIDE
struct sums {
    int32x4_t lo, hi; /* rows 0 0 1 1 and 2 2 3 3 */
};

static inline struct sums dot_zero(void)
{
    return (struct sums){vdupq_n_s32(0), vdupq_n_s32(0)};
}

/* Two steps. A sum of two products of bytes, one of them never -128, fits int16: 2 * 128 * 127 = 32512. */
static inline struct sums dot_add2(struct sums s, int8x16_t codes0, int8x16_t codes1, int8x16_t a0, int8x16_t a1)
{
    const int16x8_t lo = vmlal_s8(vmull_s8(vget_low_s8(codes0), vget_low_s8(a0)), vget_low_s8(codes1), vget_low_s8(a1));
    const int16x8_t hi = vmlal_high_s8(vmull_high_s8(codes0, a0), codes1, a1);
    return (struct sums){vpadalq_s16(s.lo, lo), vpadalq_s16(s.hi, hi)};
}

#define DOT_ADD2(sum, codes0, codes1, acts, lane0, lane1) \
    ((sum) = dot_add2(sum, codes0, codes1, DOT_ACTS(acts, lane0), DOT_ACTS(acts, lane1)))

static inline int32x4_t dot_total(struct sums s)
{
    return vpaddq_s32(s.lo, s.hi);
}
#else
struct sums {
    int16x8_t lo, hi; /* rows 0 0 0 0 1 1 1 1 and 2 2 2 2 3 3 3 3 */
};

static inline struct sums dot_zero(void)
{
    return (struct sums){vdupq_n_s16(0), vdupq_n_s16(0)};
}

static inline struct sums dot_add(struct sums s, int8x16_t codes, int8x16_t a)
{
    return (struct sums){vmlal_s8(s.lo, vget_low_s8(codes), vget_low_s8(a)), vmlal_high_s8(s.hi, codes, a)};
}

#define DOT_ADD(sum, codes, acts, lane) ((sum) = dot_add(sum, codes, DOT_ACTS(acts, lane)))
#define DOT_ADD2(sum, codes0, codes1, acts, lane0, lane1) \
    do { \
        DOT_ADD(sum, codes0, acts, lane0); \
        DOT_ADD(sum, codes1, acts, lane1); \
    } while (0)

static inline int32x4_t dot_total(struct sums s)
{
    return vpaddq_s32(vpaddlq_s16(s.lo), vpaddlq_s16(s.hi));
}
#endif
#endif

/* What gcc 12 would otherwise copy in every step; a sum of two registers it leaves alone */
#ifdef DOT_SDOT
#define DOT_KEEP(sum) KEEP((sum).row)
#else
#define DOT_KEEP(sum) ((void)0)
#endif

/* Rows row .. row + 3 of a result, or those of them before row1 */
static inline void store_4_rows(float *y, size_t row, size_t row1, float32x4_t v)
{
    float rest[4];
    if (row + 4 <= row1) {
        vst1q_f32(y + row, v);
        return;
    }
    vst1q_f32(rest, v);
    if (row < row1)
        memcpy(y + row, rest, (row1 - row) * sizeof *y);
}

#endif
