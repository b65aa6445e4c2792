/* f32: weights as they are. The numerical oracle of the other formats, not a rival.
 *
 * File: float [rows][cols]. Memory: [row / 16][col][16], one cache line per column of a group. The definition of the product:
 * acc = +0, then acc = fma(w[k], x[k], acc) for k = 0, 1, ..., cols - 1, one after the other. */
#include <math.h>
#include <string.h>

#include "baselines/baseline_kernels.h"
#include "kernels/cpu.h"

static size_t f32_row_bytes(size_t cols)
{
    return cols * sizeof(float);
}

static void f32_pack_row(const float *src, size_t cols, float scale, void *dst)
{
    (void)scale;
    memcpy(dst, src, cols * sizeof *src);
}

static void f32_unpack_row(const void *src, size_t cols, float scale, float *dst)
{
    (void)scale;
    memcpy(dst, src, cols * sizeof *dst);
}

static size_t f32_mem_bytes(size_t rows, size_t cols)
{
    return (rows + F32_GROUP - 1) / F32_GROUP * F32_GROUP * cols * sizeof(float);
}

static size_t f32_index(const struct weights *w, size_t row, size_t k)
{
    return (row / F32_GROUP * w->cols + k) * F32_GROUP + row % F32_GROUP;
}

/* Column by column: writes one stream, reads one per row of the group. */
static void f32_load(const void *file, size_t row0, size_t row1, const struct weights *w, void *data)
{
    float *mem = data;
    for (size_t g = row0; g < row1; g += F32_GROUP) {
        const size_t n_rows = row1 - g < F32_GROUP ? row1 - g : F32_GROUP;
        const char *rows = (const char *)file + g * f32_row_bytes(w->cols);
        for (size_t k = 0; k < w->cols; k++)
            for (size_t r = 0; r < n_rows; r++)
                memcpy(&mem[g * w->cols + k * F32_GROUP + r], rows + (r * w->cols + k) * sizeof *mem, sizeof *mem);
    }
}

static void f32_get_row(const struct weights *w, size_t row, float *dst)
{
    const float *mem = w->data;
    for (size_t k = 0; k < w->cols; k++)
        dst[k] = mem[f32_index(w, row, k)];
}

static void f32_c(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    const float *mem = w->data;
    (void)scratch;
    for (size_t t = 0; t < x->n; t++) {
        for (size_t r = row0; r < row1; r++) {
            float acc = 0;
            for (size_t k = 0; k < w->cols; k++)
                acc = fmaf(mem[f32_index(w, r, k)], x->f32[t * x->ld + k], acc);
            y[t * ldy + r] = acc;
        }
    }
}

static const struct kernel f32_kernels[] = {
#ifdef HAVE_ISA_avx512
    {"avx512", CPU_AVX2 | CPU_AVX512, f32_gemv_avx512, f32_gemm_avx512},
#endif
#ifdef HAVE_ISA_avx2
    {"avx2", CPU_AVX2, f32_gemv_avx2, f32_gemm_avx2},
#endif
#ifdef HAVE_ISA_neon
    {"neon", CPU_NEON, f32_gemv_neon, f32_gemm_neon},
#endif
    {"c", 0, f32_c, f32_c},
};

const struct format format_f32 = {
    .name = "f32",
    .gguf_type = 0,
    .bits = 32,
    .act = ACT_F32,
    .cols_multiple = 1,
    .row_group = F32_GROUP,
    .row_bytes = f32_row_bytes,
    .pack_row = f32_pack_row,
    .unpack_row = f32_unpack_row,
    .mem_bytes = f32_mem_bytes,
    .load = f32_load,
    .get_row = f32_get_row,
    .kernels = f32_kernels,
};
