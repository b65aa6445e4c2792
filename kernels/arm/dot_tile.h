/* The tile of every integer gemm on ARM, ternary or not: 16 rows x some tokens x some columns, summed in registers.
 *
 * A panel holds the codes of 16 rows as signed bytes, 64 bytes for each 4 columns (a step): byte 4 r + c is weight c of row r. smmla
 * multiplies 2 rows x 8 columns by 2 tokens x 8 columns; there two steps together are 8 registers of two rows each. panel_store2()
 * writes either. How long a panel may be until int16 sums overflow is up to the format: 128 steps of codes 0..2, for example. */
#ifndef BITJOULE_DOT_TILE_H
#define BITJOULE_DOT_TILE_H

#include "kernels/arm/dot.h"

enum {
    PANEL_ROWS = 16,
    PANEL_REGS = PANEL_ROWS / 4, /* registers of a step */
    PANEL_STEP = 4 * PANEL_ROWS, /* bytes of 4 columns */
};

/* Tokens of a tile: as many sums as 32 registers hold beside codes and activations. */
#ifdef DOT_MMLA
enum { DOT_TILE = 6 };
#define DOT_TILE_CASES TILE_CASES_6
#elif defined(DOT_SDOT)
enum { DOT_TILE = 4 };
#define DOT_TILE_CASES TILE_CASES_4
#elif defined(DOT_WIDE)
enum { DOT_TILE = 2 };
#define DOT_TILE_CASES TILE_CASES_2
#else
enum { DOT_TILE = 3 };
#define DOT_TILE_CASES TILE_CASES_3
#endif

/* Rows 4 v .. 4 v + 3 of steps `step` (even) and step + 1 of a panel */
static inline void panel_store2(int8_t *panel, size_t step, int v, int8x16_t even, int8x16_t odd)
{
#ifdef DOT_MMLA
    const int32x4_t e = vreinterpretq_s32_s8(even), o = vreinterpretq_s32_s8(odd);
    int8_t *to = panel + step * PANEL_STEP + 32 * v;
    vst1q_s8(to, vreinterpretq_s8_s32(vzip1q_s32(e, o)));
    vst1q_s8(to + 16, vreinterpretq_s8_s32(vzip2q_s32(e, o)));
#else
    int8_t *to = panel + step * PANEL_STEP + 16 * v;
    vst1q_s8(to, even);
    vst1q_s8(to + PANEL_STEP, odd);
#endif
}

#ifdef DOT_MMLA
/* A register of sums is rows r, r + 1 x tokens t, t + 1. A token that is missing from the last pair repeats the other. */
TILE dot_tile(const int8_t *panel, size_t steps, const int8_t *q, size_t ld, int32x4_t sum[][PANEL_REGS], const int tokens)
{
    int32x4_t s[DOT_TILE / 2][2 * PANEL_REGS];
    const int pairs = (tokens + 1) / 2;
    UNROLL for (int p = 0; p < pairs; p++)
        UNROLL for (int r = 0; r < 2 * PANEL_REGS; r++)
            s[p][r] = vdupq_n_s32(0);
    for (size_t i = 0; i < steps; i += 2, panel += 2 * PANEL_STEP) {
        int8x16_t a[DOT_TILE / 2];
        UNROLL for (int p = 0; p < pairs; p++) {
            const int second = 2 * p + 1 < tokens ? 2 * p + 1 : 2 * p;
            a[p] = vcombine_s8(vld1_s8(q + (size_t)(2 * p) * ld + 4 * i), vld1_s8(q + (size_t)second * ld + 4 * i));
        }
        UNROLL for (int r = 0; r < 2 * PANEL_REGS; r++) {
            const int8x16_t w = vld1q_s8(panel + 16 * r);
            UNROLL for (int p = 0; p < pairs; p++)
                s[p][r] = vmmlaq_s32(s[p][r], w, a[p]);
        }
    }
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int v = 0; v < PANEL_REGS; v++)
            sum[t][v] = t % 2 ? vuzp2q_s32(s[t / 2][2 * v], s[t / 2][2 * v + 1]) : vuzp1q_s32(s[t / 2][2 * v], s[t / 2][2 * v + 1]);
}
#else
/* sum[t][v]: rows 4 v .. 4 v + 3 and token t over `steps` steps, a multiple of 4 */
TILE dot_tile(const int8_t *panel, size_t steps, const int8_t *q, size_t ld, int32x4_t sum[][PANEL_REGS], const int tokens)
{
    struct sums s[DOT_TILE][PANEL_REGS];
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int v = 0; v < PANEL_REGS; v++)
            s[t][v] = dot_zero();
    for (size_t i = 0; i < steps; i += 4, panel += 4 * PANEL_STEP) {
        int8x16_t a[DOT_TILE];
        UNROLL for (int t = 0; t < tokens; t++)
            a[t] = vld1q_s8(q + (size_t)t * ld + 4 * i);
#define STEPS(lane0, lane1) \
    UNROLL for (int v = 0; v < PANEL_REGS; v++) \
    { \
        const int8x16_t w0 = vld1q_s8(panel + lane0 * PANEL_STEP + 16 * v), w1 = vld1q_s8(panel + lane1 * PANEL_STEP + 16 * v); \
        UNROLL for (int t = 0; t < tokens; t++) \
        { \
            DOT_ADD2(s[t][v], w0, w1, a[t], lane0, lane1); \
            DOT_KEEP(s[t][v]); \
        } \
    }
        STEPS(0, 1)
        STEPS(2, 3)
#undef STEPS
    }
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int v = 0; v < PANEL_REGS; v++)
            sum[t][v] = dot_total(s[t][v]);
}
#endif

#endif
