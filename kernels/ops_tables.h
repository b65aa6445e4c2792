/* The tables of vector operations by ISA, for ops.c's list, and the parts of a table that stand in files of their own. */
#ifndef BITJOULE_OPS_TABLES_H
#define BITJOULE_OPS_TABLES_H

#include "kernels/ops.h"

extern const struct ops ops_c, ops_avx2, ops_avx512, ops_neon;

#define DECLARE_SCORES(name, type)                                                                                                  \
    void name(const float *q, size_t q_ld, size_t n_q, const type *k, size_t n_pos, size_t dim, float scale, float *s, size_t s_ld)
#define DECLARE_MIX(name, type)                                                                                                \
    void name(const float *p, size_t p_ld, size_t n_q, const type *v, size_t v_ld, size_t n_pos, size_t dim, const float *inv, \
              float *out, size_t out_ld)
DECLARE_SCORES(attn_scores_f16_avx2, uint16_t);
DECLARE_SCORES(attn_scores_f32_avx2, float);
DECLARE_MIX(attn_mix_f16_avx2, uint16_t);
DECLARE_MIX(attn_mix_f32_avx2, float);
DECLARE_SCORES(attn_scores_f16_avx512, uint16_t);
DECLARE_SCORES(attn_scores_f32_avx512, float);
DECLARE_MIX(attn_mix_f16_avx512, uint16_t);
DECLARE_MIX(attn_mix_f32_avx512, float);
DECLARE_SCORES(attn_scores_f16_neon, uint16_t);
DECLARE_SCORES(attn_scores_f32_neon, float);
DECLARE_MIX(attn_mix_f16_neon, uint16_t);
DECLARE_MIX(attn_mix_f32_neon, float);

/* All but attention of AVX2's table, which AVX-512's takes over */
void quantize_i8_avx2(const float *x, size_t cols, int8_t *q, float *scale, int32_t *sum);
void quantize_q8_avx2(const float *x, size_t cols, int8_t *q, float *scale, int32_t *sum);
void rmsnorm_avx2(const float *x, const float *w, float eps, size_t n, float *y);
void add_avx2(float *y, const float *x, size_t n);
void relu2_mul_avx2(const float *gate, const float *up, size_t n, float *y);
void silu_mul_avx2(const float *gate, const float *up, size_t n, float *y);
float softmax_exp_avx2(float *s, size_t n);
void to_half_avx2(const float *x, size_t n, uint16_t *y);
#define OPS_AVX2 \
    .quantize_i8 = quantize_i8_avx2, .quantize_q8 = quantize_q8_avx2, .rmsnorm = rmsnorm_avx2, .add = add_avx2, \
    .relu2_mul = relu2_mul_avx2, .silu_mul = silu_mul_avx2, .softmax_exp = softmax_exp_avx2, .to_half = to_half_avx2

#endif
