/* The vector operations with AVX-512: attention. The others are a few percent of the time and those of AVX2.
 *
 * One query head over a long cache, which comes from memory then, is left to AVX2 too, which reads it faster: log in README.md. */
#include "kernels/cpu.h"
#include "kernels/ops_tables.h"

enum { IN_CACHE = 512 /* positions of a head: 192 KB of K and V at 96 elements in f16 */ };

#define CHOICE(name) (n_q > 1 || n_pos <= IN_CACHE ? name##_avx512 : name##_avx2)
#define SCORES(name, type) \
    static DECLARE_SCORES(name, type) \
    { \
        CHOICE(attn_##name)(q, q_ld, n_q, k, n_pos, dim, scale, s, s_ld); \
    }
#define MIX(name, type) \
    static DECLARE_MIX(name, type) \
    { \
        CHOICE(attn_##name)(p, p_ld, n_q, v, v_ld, n_pos, dim, inv, out, out_ld); \
    }

SCORES(scores_f16, uint16_t)
SCORES(scores_f32, float)
MIX(mix_f16, uint16_t)
MIX(mix_f32, float)

const struct ops ops_avx512 = {
    .isa = "avx512",
    .need = CPU_AVX2 | CPU_AVX512,
    OPS_AVX2,
    .attn_scores_f16 = scores_f16,
    .attn_scores_f32 = scores_f32,
    .attn_mix_f16 = mix_f16,
    .attn_mix_f32 = mix_f32,
};
