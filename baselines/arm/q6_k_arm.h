/* Private to baselines/arm/: q6_k on every ARM instruction set. Layout: q6_k.c.
 *
 * gemv leaves the codes as they are, 0..63, and takes their zero of 32 off with the sums of the activations; gemm makes them -32..31
 * once for all tokens of a panel. A run of 16 columns is summed and then multiplied by its int8 scale in int32: exact, see q6_k.c.
 * int16 sums: 4 steps of 63 * 128 = 32256. */
#ifndef BITJOULE_Q6_K_ARM_H
#define BITJOULE_Q6_K_ARM_H

#include "baselines/arm/block_tile_arm.h"
#include "baselines/q6_k_file.h"

enum { Q6_K_BLOCKS = Q6_K_SUPER / Q_BLOCK, RUN_STEPS = Q6_K_SUB / 4, RUN_BYTES = Q6_K_SUB * Q_GROUP };

static inline const struct q6_k_group *q6_k_at(const struct weights *w, size_t row, size_t k)
{
    return (const struct q6_k_group *)w->data + row / Q_GROUP * (w->cols / Q6_K_SUPER) + k / Q6_K_SUPER;
}

/* 4 int8 scales as int32 */
static inline int32x4_t load_scales_4(const int8_t *scale)
{
    int32_t four;
    memcpy(&four, scale, sizeof four);
    const int8x8_t bytes = vreinterpret_s8_s32(vdup_n_s32(four));
    return vmovl_s16(vget_low_s16(vmovl_s8(bytes)));
}

/* The codes 0..63 of a run, 4 rows from row r on: code[j] has columns 4 j .. 4 j + 3 */
TILE q6_k_run(const struct q6_k_block *in, size_t r, const int run, int8x16_t code[4])
{
    const uint8x16_t high = vld1q_u8(in->high[run][r]), two = vdupq_n_u8(0x30), nibble = vdupq_n_u8(15);
    const uint8x16_t bits[4] = {vandq_u8(vshlq_n_u8(high, 4), two), vandq_u8(vshlq_n_u8(high, 2), two), vandq_u8(high, two),
                                vandq_u8(vshrq_n_u8(high, 2), two)};
    UNROLL for (int j = 0; j < 4; j++) {
        const uint8x16_t low = vld1q_u8(in->low[j][r]);
        code[j] = vreinterpretq_s8_u8(vorrq_u8(run ? vshrq_n_u8(low, 4) : vandq_u8(low, nibble), bits[j]));
    }
}

/* scale * sum((code - 32) q) over a run, 4 rows from row r on. sum: of the activations */
static inline int32x4_t q6_k_run_sum(const struct q6_k_group *g, size_t b, size_t r, const int run, const int8_t *q, int32_t sum)
{
    const int8x16_t a = vld1q_s8(q + run * Q6_K_SUB);
    struct sums s = dot_zero();
    int8x16_t code[4];
    q6_k_run(&g->block[b], r, run, code);
    DOT_ADD2(s, code[0], code[1], a, 0, 1);
    DOT_ADD2(s, code[2], code[3], a, 2, 3);
    return vmulq_s32(vsubq_s32(dot_total(s), vdupq_n_s32(Q6_K_ZERO * sum)), load_scales_4(&g->scale[2 * b + (size_t)run][r]));
}

static inline void q6_k_gemv(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y)
{
    for (size_t r = row0; r < row1; r += Q_GROUP) {
        const struct q6_k_group *g = q6_k_at(w, r, 0);
        float32x4_t acc[PANEL_REGS];
        UNROLL for (int v = 0; v < PANEL_REGS; v++)
            acc[v] = vdupq_n_f32(0.0f);
        for (size_t i = 0; i < w->cols / Q_BLOCK; i++) {
            const struct q6_k_group *s = &g[i / Q6_K_BLOCKS];
            UNROLL for (size_t v = 0; v < PANEL_REGS; v++) {
                const int32x4_t run0 = q6_k_run_sum(s, i % Q6_K_BLOCKS, 4 * v, 0, x->q + i * Q_BLOCK, x->sum[2 * i]);
                const int32x4_t run1 = q6_k_run_sum(s, i % Q6_K_BLOCKS, 4 * v, 1, x->q + i * Q_BLOCK, x->sum[2 * i + 1]);
                acc[v] = add_block(acc[v], vaddq_s32(run0, run1), load_half_4(s->d + 4 * v), x->scale[i]);
            }
        }
        store_group(y, r, row1, acc);
    }
}

/* ---- gemm: unpacked once per panel ---- */

struct unpacked {
    float d[Q_GROUP];
    struct unpacked_run {
        int32_t scale[Q_GROUP];
        int8_t codes[RUN_BYTES];
    } run[Q6_K_BLOCKS][2];
};
_Static_assert(sizeof(struct unpacked) <= PANEL_SPACE, "fits the scratch");

TILE unpack_run(const struct q6_k_group *in, size_t b, const int run, struct unpacked_run *out)
{
    const int8x16_t zero = vdupq_n_s8(Q6_K_ZERO);
    UNROLL for (int v = 0; v < PANEL_REGS; v++) {
        int8x16_t code[4];
        q6_k_run(&in->block[b], (size_t)(4 * v), run, code);
        vst1q_s32(out->scale + 4 * v, load_scales_4(&in->scale[2 * b + (size_t)run][4 * v]));
        panel_store2(out->codes, 0, v, vsubq_s8(code[0], zero), vsubq_s8(code[1], zero));
        panel_store2(out->codes, 2, v, vsubq_s8(code[2], zero), vsubq_s8(code[3], zero));
    }
}

static inline void unpack(const struct q6_k_group *in, struct unpacked *out)
{
    UNROLL for (int v = 0; v < PANEL_REGS; v++)
        vst1q_f32(out->d + 4 * v, load_half_4(in->d + 4 * v));
    for (size_t b = 0; b < Q6_K_BLOCKS; b++) {
        unpack_run(in, b, 0, &out->run[b][0]);
        unpack_run(in, b, 1, &out->run[b][1]);
    }
}

/* isum[t][v] (of block b) = or += scale * run */
TILE run_tile(const struct block_tile *p, const struct unpacked_run *w, size_t b, const int run, int32x4_t isum[][PANEL_REGS],
              const int tokens)
{
    int32x4_t sum[DOT_TILE][PANEL_REGS];
    dot_tile(w->codes, RUN_STEPS, p->q + b * Q_BLOCK + run * Q6_K_SUB, p->q_ld, sum, tokens);
    UNROLL for (int v = 0; v < PANEL_REGS; v++) {
        const int32x4_t scale = vld1q_s32(w->scale + 4 * v);
        UNROLL for (int t = 0; t < tokens; t++)
            isum[t][v] = run ? vmlaq_s32(isum[t][v], sum[t][v], scale) : vmulq_s32(sum[t][v], scale);
    }
}

TILE q6_k_tile_of(const struct block_tile *p, const struct unpacked *w, const int tokens)
{
    float32x4_t d[PANEL_REGS];
    UNROLL for (int v = 0; v < PANEL_REGS; v++)
        d[v] = vld1q_f32(w->d + 4 * v);
    for (size_t b = 0; b < Q6_K_BLOCKS; b++) {
        int32x4_t isum[DOT_TILE][PANEL_REGS];
        run_tile(p, &w->run[b][0], b, 0, isum, tokens);
        run_tile(p, &w->run[b][1], b, 1, isum, tokens);
        UNROLL for (int t = 0; t < tokens; t++)
            add_block_to(p, b, t, isum[t], d);
    }
}

static inline void q6_k_panel(const struct panel *p)
{
    struct unpacked *w = p->space;
    unpack(q6_k_at(p->w, p->row0, p->k0), w);
#define RUN(tokens) q6_k_tile_of(&tile_, w, tokens)
    FOR_TILES(p, 0, RUN)
#undef RUN
}

static const struct panel_kernel q6_k_panels = {q6_k_panel, Q6_K_SUPER, 1};

#endif
