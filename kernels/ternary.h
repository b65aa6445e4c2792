/* What the ternary formats share: their registry entries, the numbers of the integer path, and the C definitions that need
 * no knowledge of a layout. */
#ifndef BITJOULE_TERNARY_H
#define BITJOULE_TERNARY_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/format.h"

extern const struct format format_i2_s, format_tl2, format_tl1, format_tq1_0, format_tq2_0;

/* Codes 0, 1, 2 of n floats that hold -s, 0 or +s */
static inline void ternary_codes(const float *x, size_t n, uint8_t *codes)
{
    for (size_t i = 0; i < n; i++)
        codes[i] = (uint8_t)(1 + (x[i] > 0.0f) - (x[i] < 0.0f));
}

/* Whether n bytes of four 2-bit codes each are free of the code 3. */
static inline bool codes_valid(const uint8_t *p, size_t n)
{
    unsigned bad = 0;
    for (size_t i = 0; i < n; i++)
        bad |= p[i] & (p[i] >> 1) & 0x55u;
    return bad == 0;
}

/* sum over k of W[row, k] * q[k] */
typedef int32_t (*row_sum_fn)(const struct weights *w, size_t row, const int8_t *q);

/* A whole matmul_fn but for `row_sum`: the definition. One scale at the end, y = isum * (w_scale * act_scale), is what the kernels
 * of every ISA compute. */
static inline void ternary_gemm_c(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy,
                                  row_sum_fn row_sum)
{
    for (size_t t = 0; t < x->n; t++) {
        const float factor = w->scale * x->scale[t];
        for (size_t r = row0; r < row1; r++)
            y[t * ldy + r] = (float)row_sum(w, r, x->q + t * x->ld) * factor;
    }
}

/* Kernels other than C, in files of their own; rows of the formats' tables exist where the compiler knows the ISA. */
DECLARE_KERNELS(i2_s, avx2);
DECLARE_KERNELS(i2_s, avxvnni);
DECLARE_KERNELS(i2_s, avx512);
DECLARE_KERNELS(i2_s, avx512vnni);
DECLARE_KERNELS(tl2, avx2);
MATMUL(tl2_gemm_avxvnni); /* gemv: AVX2's */
DECLARE_KERNELS(tl2, avx512);
MATMUL(tl2_gemm_avx512vnni); /* gemv: that of AVX-512 (BW) */
DECLARE_KERNELS(tq1_0, avx2);
DECLARE_KERNELS(tq1_0, avxvnni);
DECLARE_KERNELS(tq1_0, avx512);
DECLARE_KERNELS(tq1_0, avx512vnni);
DECLARE_KERNELS(tq1_0, avx512vbmi);
DECLARE_KERNELS(i2_s, neon);
DECLARE_KERNELS(i2_s, dotprod);
MATMUL(i2_s_gemm_i8mm); /* gemv: dotprod's */
DECLARE_KERNELS(tl1, neon);
MATMUL(tl1_gemm_dotprod); /* gemv: NEON's */
MATMUL(tl1_gemm_i8mm);
DECLARE_KERNELS(tq1_0, neon);
DECLARE_KERNELS(tq1_0, dotprod);
MATMUL(tq1_0_gemm_i8mm); /* gemv: dotprod's */

#endif
