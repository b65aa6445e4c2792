/* The tables of vector operations by ISA, for ops.c's list, and the parts of a table that stand in files of their own. */
#ifndef BITJOULE_OPS_TABLES_H
#define BITJOULE_OPS_TABLES_H

#include "kernels/ops.h"

extern const struct ops ops_c, ops_avx2, ops_neon;

#define DECLARE_SCORES(name, type)                                                                                                  \
    void name(const float *q, size_t q_ld, size_t n_q, const type *k, size_t n_pos, size_t dim, float scale, float *s, size_t s_ld)
#define DECLARE_MIX(name, type)                                                                                                \
    void name(const float *p, size_t p_ld, size_t n_q, const type *v, size_t v_ld, size_t n_pos, size_t dim, const float *inv, \
              float *out, size_t out_ld)
DECLARE_SCORES(attn_scores_f16_avx2, uint16_t);
DECLARE_SCORES(attn_scores_f32_avx2, float);
DECLARE_MIX(attn_mix_f16_avx2, uint16_t);
DECLARE_MIX(attn_mix_f32_avx2, float);
DECLARE_SCORES(attn_scores_f16_neon, uint16_t);
DECLARE_SCORES(attn_scores_f32_neon, float);
DECLARE_MIX(attn_mix_f16_neon, uint16_t);
DECLARE_MIX(attn_mix_f32_neon, float);

#endif
