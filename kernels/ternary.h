/* What the ternary formats share: their registry entries, the numbers of the integer path, and the C definitions that need
 * no knowledge of a layout. */
#ifndef BITJOULE_TERNARY_H
#define BITJOULE_TERNARY_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/format.h"

extern const struct format format_i2_s, format_tl2, format_tq1_0, format_tq2_0;

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

/* The one scale at the end: y = isum * (w_scale * act_scale). Every ternary kernel of every ISA computes just this. */
static inline float ternary_finish(int32_t isum, float factor)
{
    return (float)isum * factor;
}

/* Kernels other than C, in files of their own; rows of the formats' tables exist where the compiler knows the ISA. */
#define DECLARE_MATMUL(name) \
    void name(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
DECLARE_MATMUL(i2_s_gemv_avx2);
DECLARE_MATMUL(i2_s_gemm_avx2);
DECLARE_MATMUL(i2_s_gemv_avxvnni);
DECLARE_MATMUL(i2_s_gemm_avxvnni);
DECLARE_MATMUL(i2_s_gemv_avx512);
DECLARE_MATMUL(i2_s_gemm_avx512);
DECLARE_MATMUL(i2_s_gemv_avx512vnni);
DECLARE_MATMUL(i2_s_gemm_avx512vnni);
DECLARE_MATMUL(tl2_gemv_avx2);
DECLARE_MATMUL(tl2_gemm_avx2);
DECLARE_MATMUL(tl2_gemm_avxvnni);
DECLARE_MATMUL(tl2_gemv_avx512);
DECLARE_MATMUL(tl2_gemm_avx512);
DECLARE_MATMUL(tl2_gemm_avx512vnni);
DECLARE_MATMUL(tq1_0_gemv_avx2);
DECLARE_MATMUL(tq1_0_gemm_avx2);
DECLARE_MATMUL(tq1_0_gemv_avxvnni);
DECLARE_MATMUL(tq1_0_gemm_avxvnni);
DECLARE_MATMUL(tq1_0_gemv_avx512);
DECLARE_MATMUL(tq1_0_gemm_avx512);
DECLARE_MATMUL(tq1_0_gemv_avx512vnni);
DECLARE_MATMUL(tq1_0_gemm_avx512vnni);
DECLARE_MATMUL(tq1_0_gemv_avx512vbmi);
DECLARE_MATMUL(tq1_0_gemm_avx512vbmi);

#endif
