/* Activations for the kernels: the layout of the buffer that holds n tokens in one of the kinds of kernels/format.h.
 *
 * ACT_F32 [n, ld] floats; ACT_I8 [n, ld] int8, then [n] scales, [n] sums; ACT_Q8 [n, ld] int8, then [n, cols/32] scales and
 * [n, cols/16] sums. ld is cols rounded up to 64, so that each row starts on a cache line. */
#include <assert.h>
#include <string.h>

#include "kernels/ops.h"

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static size_t n_scales(enum act_kind kind, size_t n, size_t cols)
{
    return kind == ACT_I8 ? n : kind == ACT_Q8 ? n * (cols / ACT_Q8_BLOCK) : 0;
}

static size_t n_sums(enum act_kind kind, size_t n, size_t cols)
{
    return kind == ACT_I8 ? n : kind == ACT_Q8 ? n * (cols / ACT_Q8_SUM) : 0;
}

size_t acts_bytes(enum act_kind kind, size_t n, size_t cols)
{
    const size_t ld = round_up(cols, ACT_ALIGN);
    const size_t elem = kind == ACT_F32 ? sizeof(float) : 1;
    return n * ld * elem + round_up(n_scales(kind, n, cols) * sizeof(float), ACT_ALIGN) +
           round_up(n_sums(kind, n, cols) * sizeof(int32_t), ACT_ALIGN);
}

struct acts acts_layout(enum act_kind kind, size_t n, size_t cols, void *buf)
{
    struct acts a = {.kind = kind, .n = n, .cols = cols, .ld = round_up(cols, ACT_ALIGN)};
    assert((uintptr_t)buf % ACT_ALIGN == 0);
    if (kind == ACT_F32) {
        a.f32 = buf;
        return a;
    }
    char *p = buf;
    a.q = buf;
    p += n * a.ld;
    a.scale = (float *)(void *)p;
    p += round_up(n_scales(kind, n, cols) * sizeof(float), ACT_ALIGN);
    a.sum = (int32_t *)(void *)p;
    return a;
}

void acts_fill(const struct ops *ops, struct acts *a, size_t t, const float *x)
{
    switch (a->kind) {
    case ACT_F32:
        memcpy(a->f32 + t * a->ld, x, a->cols * sizeof *x);
        break;
    case ACT_I8:
        ops->quantize_i8(x, a->cols, a->q + t * a->ld, &a->scale[t], &a->sum[t]);
        break;
    case ACT_Q8:
        ops->quantize_q8(x, a->cols, a->q + t * a->ld, a->scale + t * (a->cols / ACT_Q8_BLOCK), a->sum + t * (a->cols / ACT_Q8_SUM));
        break;
    case ACT_KINDS:
        break;
    }
}
