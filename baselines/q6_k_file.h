/* Private to baselines/: a block of q6_k as it lies in a file, described in q6_k.c. Every member is a byte: no alignment. */
#ifndef BITJOULE_Q6_K_FILE_H
#define BITJOULE_Q6_K_FILE_H

#include <stddef.h>
#include <stdint.h>

enum { Q6_K_ZERO = 32 }; /* the code of the value 0 */

struct q6_k_file {
    uint8_t ql[128], qh[64];
    int8_t scales[16];
    uint8_t d[2]; /* f16 */
};
_Static_assert(sizeof(struct q6_k_file) == 210, "no padding");

/* Where weight k (0..255) is: 4 bits of ql[low] from bit low_shift on, 2 bits of qh[high] from bit high_shift on. */
struct q6_k_place {
    size_t low, high;
    int low_shift, high_shift;
};

static inline struct q6_k_place q6_k_place(size_t k)
{
    const size_t half = k / 128, quarter = k % 128 / 32, l = k % 32;
    return (struct q6_k_place){half * 64 + quarter % 2 * 32 + l, half * 32 + l, quarter < 2 ? 0 : 4, (int)quarter * 2};
}

/* The code of weight k, 0..63 */
static inline int q6_k_file_code(const struct q6_k_file *s, size_t k)
{
    const struct q6_k_place p = q6_k_place(k);
    return ((s->ql[p.low] >> p.low_shift) & 15) | (((s->qh[p.high] >> p.high_shift) & 3) << 4);
}

/* The search for the scales of the 16 runs of 16 weights (q6_k_pack.c). Try t wants the extreme of a run to have the code
 * -target. */
enum { Q6_K_RUNS = 16, Q6_K_TRIES = 20 };

static inline float q6_k_target(int t)
{
    return 30.2f + 0.2f * (float)t;
}

void q6_k_find_scales_avx2(const float *x, float *scales);

/* One row of floats to blocks: format.pack_row of q6_k. */
void q6_k_pack_row(const float *src, size_t cols, float scale, void *dst);

#endif
