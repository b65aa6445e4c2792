/* The 16 canonical lanes (ops.h) as four NEON registers, and their fixed tree. */
#ifndef BITJOULE_LANES_NEON_H
#define BITJOULE_LANES_NEON_H

#include <arm_neon.h>

struct lanes {
    float32x4_t r[4]; /* lanes 0-3, 4-7, 8-11, 12-15 */
};

static inline struct lanes lanes_zero(void)
{
    const float32x4_t zero = vdupq_n_f32(0.0f);
    return (struct lanes){{zero, zero, zero, zero}};
}

static inline struct lanes lanes_load(const float *p)
{
    return (struct lanes){{vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}};
}

static inline void lanes_store(float *p, struct lanes s)
{
    vst1q_f32(p, s.r[0]);
    vst1q_f32(p + 4, s.r[1]);
    vst1q_f32(p + 8, s.r[2]);
    vst1q_f32(p + 12, s.r[3]);
}

/* 16 -> 8 -> 4 */
static inline float32x4_t lanes_tree4(struct lanes s)
{
    return vaddq_f32(vaddq_f32(s.r[0], s.r[2]), vaddq_f32(s.r[1], s.r[3]));
}

/* 16 -> 8 -> 4 -> 2 -> 1 */
static inline float lanes_tree(struct lanes s)
{
    const float32x4_t v4 = lanes_tree4(s);
    const float32x2_t v2 = vadd_f32(vget_low_f32(v4), vget_high_f32(v4));
    return vget_lane_f32(v2, 0) + vget_lane_f32(v2, 1);
}

/* The trees of four sums side by side: element i of the result is that of s[i]. */
static inline float32x4_t lanes_trees(const struct lanes s[4])
{
    const float32x4_t a = lanes_tree4(s[0]), b = lanes_tree4(s[1]), c = lanes_tree4(s[2]), d = lanes_tree4(s[3]);
    const float32x4_t ab = vaddq_f32(vcombine_f32(vget_low_f32(a), vget_low_f32(b)), vcombine_f32(vget_high_f32(a), vget_high_f32(b)));
    const float32x4_t cd = vaddq_f32(vcombine_f32(vget_low_f32(c), vget_low_f32(d)), vcombine_f32(vget_high_f32(c), vget_high_f32(d)));
    return vpaddq_f32(ab, cd);
}

#endif
