/* f16: IEEE half precision weights, float activations and sums. What published speed-ups of ternary models are measured against.
 *
 * File: half [rows][cols]. Memory: [row / 32][col][32], one cache line per column of a group. The definition of the product:
 * acc = +0, then acc = fma(float(w[k]), x[k], acc) for k = 0, 1, ..., cols - 1, one after the other. */
#include <math.h>
#include <string.h>

#include "baselines/baseline_kernels.h"
#include "kernels/cpu.h"
#include "kernels/half.h"

static size_t f16_row_bytes(size_t cols)
{
    return cols * sizeof(uint16_t);
}

/* Both directions go in steps of a fixed length, of which the compiler makes vectors. */
enum { STEP = 32 };

static void f16_pack_row(const float *src, size_t cols, float scale, void *dst)
{
    (void)scale;
    for (size_t k = 0; k < cols; k += STEP) {
        uint16_t h[STEP];
        float x[STEP] = {0};
        const size_t n = cols - k < STEP ? cols - k : STEP;
        memcpy(x, src + k, n * sizeof *x);
        for (size_t i = 0; i < STEP; i++)
            h[i] = half_from_float(x[i]);
        memcpy((char *)dst + k * sizeof *h, h, n * sizeof *h);
    }
}

static void f16_unpack_row(const void *src, size_t cols, float scale, float *dst)
{
    (void)scale;
    for (size_t k = 0; k < cols; k += STEP) {
        uint16_t h[STEP] = {0};
        float x[STEP];
        const size_t n = cols - k < STEP ? cols - k : STEP;
        memcpy(h, (const char *)src + k * sizeof *h, n * sizeof *h);
        for (size_t i = 0; i < STEP; i++)
            x[i] = half_to_float(h[i]);
        memcpy(dst + k, x, n * sizeof *x);
    }
}

static size_t f16_mem_bytes(size_t rows, size_t cols)
{
    return (rows + F16_GROUP - 1) / F16_GROUP * F16_GROUP * cols * sizeof(uint16_t);
}

static size_t f16_index(const struct weights *w, size_t row, size_t k)
{
    return (row / F16_GROUP * w->cols + k) * F16_GROUP + row % F16_GROUP;
}

/* Column by column: writes one stream, reads one per row of the group. */
static void f16_load(const void *file, size_t row0, size_t row1, const struct weights *w, void *data)
{
    uint16_t *mem = data;
    for (size_t g = row0; g < row1; g += F16_GROUP) {
        const size_t n_rows = row1 - g < F16_GROUP ? row1 - g : F16_GROUP;
        const char *rows = (const char *)file + g * f16_row_bytes(w->cols);
        for (size_t k = 0; k < w->cols; k++)
            for (size_t r = 0; r < n_rows; r++)
                memcpy(&mem[g * w->cols + k * F16_GROUP + r], rows + (r * w->cols + k) * sizeof *mem, sizeof *mem);
    }
}

static void f16_get_row(const struct weights *w, size_t row, float *dst)
{
    const uint16_t *mem = w->data;
    for (size_t k = 0; k < w->cols; k++)
        dst[k] = half_to_float(mem[f16_index(w, row, k)]);
}

static void f16_c(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    const uint16_t *mem = w->data;
    (void)scratch;
    for (size_t t = 0; t < x->n; t++) {
        for (size_t r = row0; r < row1; r++) {
            float acc = 0;
            for (size_t k = 0; k < w->cols; k++)
                acc = fmaf(half_to_float(mem[f16_index(w, r, k)]), x->f32[t * x->ld + k], acc);
            y[t * ldy + r] = acc;
        }
    }
}

static const struct kernel f16_kernels[] = {
#ifdef HAVE_ISA_avx512
    {"avx512", CPU_AVX2 | CPU_AVX512, f16_gemv_avx512, f16_gemm_avx512},
#endif
#ifdef HAVE_ISA_avx2
    {"avx2", CPU_AVX2, f16_gemv_avx2, f16_gemm_avx2},
#endif
#ifdef HAVE_ISA_neon
    {"neon", CPU_NEON, f16_gemv_neon, f16_gemm_neon},
#endif
    {"c", 0, f16_c, f16_c},
};

const struct format format_f16 = {
    .name = "f16",
    .gguf_type = 1,
    .bits = 16,
    .act = ACT_F32,
    .cols_multiple = 1,
    .row_group = F16_GROUP,
    .row_bytes = f16_row_bytes,
    .pack_row = f16_pack_row,
    .unpack_row = f16_unpack_row,
    .mem_bytes = f16_mem_bytes,
    .load = f16_load,
    .get_row = f16_get_row,
    .kernels = f16_kernels,
};
