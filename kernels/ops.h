/* Vector operations between the matrix multiplications: quantisation of activations, norms, activations, attention.
 *
 * One table per ISA; the C table is the definition and every other gives the same bits. Where floats are summed the order is
 * fixed ("canonical"): 16 virtual lanes, lane l takes elements l, l+16, l+32, ... one after the other with fused multiply-add,
 * and the lanes are added as a fixed tree: 16 -> 8 (l + (l+8)) -> 4 -> 2 -> 1. Sums over positions of the KV cache, and over
 * k in the float formats, run strictly one after the other per output element; there vectors lie across outputs. */
#ifndef BITJOULE_OPS_H
#define BITJOULE_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/format.h"

struct ops {
    const char *isa;
    uint32_t need; /* enum cpu_feature bits */

    /* One row to int8 with one scale: scale = max(absmax, 1e-5) / 127, q = round_half_even(x * (127 / max(absmax, 1e-5))),
     * sum = sum of q. NaN counts as 0. (BitNet b1.58, arXiv 2402.17764, section 2, per token.) */
    void (*quantize_i8)(const float *x, size_t cols, int8_t *q, float *scale, int32_t *sum);
    /* One row to int8 with one scale per 32: scale = absmax / 127, q = round_half_even(x * (127 / absmax)), 0 where absmax is below 1e-30;
     * sum[i] = sum of q over values 16 i .. 16 i + 15. cols is a multiple of 32. */
    void (*quantize_q8)(const float *x, size_t cols, int8_t *q, float *scale, int32_t *sum);

    /* y = (x * w) * (1 / sqrt(mean(x^2) + eps)), in this order */
    void (*rmsnorm)(const float *x, const float *w, float eps, size_t n, float *y);
    /* y = y + x */
    void (*add)(float *y, const float *x, size_t n);
    /* y = max(gate, 0)^2 * up */
    void (*relu2_mul)(const float *gate, const float *up, size_t n, float *y);
    /* y = gate / (1 + exp(-gate)) * up */
    void (*silu_mul)(const float *gate, const float *up, size_t n, float *y);

    /* Scores of n_q query heads that share a key head: s[h, j] = scale * q[h] . k[j], j < n_pos; q [n_q, dim] (row stride q_ld),
     * k [n_pos, dim] in f16 or f32, s row stride s_ld. dim is a multiple of 16. Canonical 16-lane sum over dim. */
    void (*attn_scores_f16)(const float *q, size_t q_ld, size_t n_q, const uint16_t *k, size_t n_pos, size_t dim, float scale, float *s,
                            size_t s_ld);
    void (*attn_scores_f32)(const float *q, size_t q_ld, size_t n_q, const float *k, size_t n_pos, size_t dim, float scale, float *s,
                            size_t s_ld);
    /* s = exp(s - max(s)); returns the canonical sum. n >= 1. */
    float (*softmax_exp)(float *s, size_t n);
    /* out[h, d] = sum over j, in order, of fma(p[h, j], v[j, d]); then times inv[h]. v [n_pos, dim] (row stride v_ld); dim and v_ld
     * are multiples of 16. */
    void (*attn_mix_f16)(const float *p, size_t p_ld, size_t n_q, const uint16_t *v, size_t v_ld, size_t n_pos, size_t dim,
                         const float *inv, float *out, size_t out_ld);
    void (*attn_mix_f32)(const float *p, size_t p_ld, size_t n_q, const float *v, size_t v_ld, size_t n_pos, size_t dim,
                         const float *inv, float *out, size_t out_ld);
    /* f32 -> f16, round to nearest even */
    void (*to_half)(const float *x, size_t n, uint16_t *y);
};

/* All tables this build has, best first, C last; n of them. */
extern const struct ops *const ops_tables[];
/* The best table for this CPU as limited by cpu_limit(). */
const struct ops *ops_select(void);

/* Bytes of buffer for n tokens of cols values as `kind`, and the laying out of that buffer (64-byte aligned) as an acts. */
size_t acts_bytes(enum act_kind kind, size_t n, size_t cols);
/* f32, or q, scale and sum, point into buf. */
struct acts acts_layout(enum act_kind kind, size_t n, size_t cols, void *buf);
/* Quantises (or, for ACT_F32, copies) token t of x [cols] into a laid-out acts. */
void acts_fill(const struct ops *ops, struct acts *a, size_t t, const float *x);

/* exp(x) for x <= 0 as the engine defines it, |relative error| < 3e-7; below -87 it is 0. The definition behind softmax_exp
 * and, through exp(-|x|), silu_mul. */
float canonical_expf(float x);

#endif
