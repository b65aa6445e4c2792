/* Private to baselines/: memory layouts, and the functions that the kernel tables name.
 *
 * Every layout interleaves the rows of a group, so that a vector lane is a row: one stream per group from its first column to
 * its last, no sum across lanes, and the sums of a row run in the order of the columns whatever the vector width. A group is
 * padded with zero rows. The structs below are the layout of the integer formats: 16 rows x one block of columns; a matrix is
 *
 *     [group = row / 16][block][struct]
 *
 * f32 is [row / 16][col][16] floats and f16 [row / 32][col][32] halves: one cache line per column. */
#ifndef BITJOULE_BASELINE_KERNELS_H
#define BITJOULE_BASELINE_KERNELS_H

#include "baselines/baselines.h"

enum {
    F32_GROUP = 16,   /* rows */
    F16_GROUP = 32,   /* rows */
    Q_GROUP = 16,     /* rows of a group of q8_0, q4_0, q6_k */
    Q_BLOCK = 32,     /* columns per scale of q8_0 and q4_0, and per activation scale */
    Q6_K_SUPER = 256, /* columns per f16 scale of q6_k */
    Q6_K_SUB = 16     /* columns per int8 scale of q6_k */
};

/* Column k = 4 j + i of the block lies in q[j][row][i]. */
struct q8_0_group {
    uint16_t d[Q_GROUP]; /* f16 */
    int8_t q[8][Q_GROUP][4];
};

/* Column k = 4 j + i lies in the low nibbles of q[j][row][i], column k + 16 in the high ones. */
struct q4_0_group {
    uint16_t d[Q_GROUP]; /* f16 */
    uint8_t q[4][Q_GROUP][4];
};

/* Column k = 16 h + 4 j + i of a block: bits 0-3 are nibble h (0: low) of low[j][row][i]; bits 4-5 are bits 2 j, 2 j + 1 of
 * high[h][row][i]. Its scale is scale[2 block + h][row]. */
struct q6_k_group {
    uint16_t d[Q_GROUP]; /* f16 */
    int8_t scale[Q6_K_SUPER / Q6_K_SUB][Q_GROUP];
    struct q6_k_block {
        uint8_t low[4][Q_GROUP][4];
        uint8_t high[2][Q_GROUP][4];
    } block[Q6_K_SUPER / Q_BLOCK];
};

_Static_assert(sizeof(struct q8_0_group) == 16 * 34, "no larger than the file, a multiple of 32 bytes");
_Static_assert(sizeof(struct q4_0_group) == 16 * 18, "no larger than the file, a multiple of 32 bytes");
_Static_assert(sizeof(struct q6_k_group) == 16 * 210, "no larger than the file, a multiple of 32 bytes");

/* Weight of one column of a q6_k block, 0..63; its value is d * scale * (weight - 32). */
static inline int q6_k_code(const struct q6_k_block *b, size_t row, size_t k)
{
    const size_t h = k / 16, j = k % 16 / 4, i = k % 4;
    return ((b->low[j][row][i] >> (4 * h)) & 15) | (((b->high[h][row][i] >> (2 * j)) & 3) << 4);
}

/* ---- multiplication of many tokens, one panel of weights at a time ------------------------------------------------------ */

/* Some groups of rows x columns [k0, k1) x tokens [t0, t1). */
struct panel {
    const struct weights *w;
    const struct acts *x;
    size_t row0;   /* first row of the first group */
    size_t groups; /* of rows: 1 .. panel_kernel.groups */
    size_t k0, k1; /* k0 is a multiple of panel_kernel.cols */
    size_t t0, t1;
    size_t next_row, next_k, next_cols; /* where the panel after this one begins, and its columns; 0: there is none */
    float *acc;  /* [groups][t1 - t0][row_group], 64-byte aligned: sums over the columns before k0; to be continued */
    void *space; /* PANEL_SPACE bytes, 64-byte aligned, for unpacked weights */
};

struct panel_kernel {
    void (*run)(const struct panel *p);
    size_t cols;   /* columns of a panel */
    size_t groups; /* groups of rows of a panel: tokens that have come to L1 meet all of them */
};

enum {
    PANEL_SUMS = 16384, /* floats: sums of all rows of a panel and all tokens that are kept at once */
    PANEL_TOKENS = 192, /* at most at once: with more, blocks of fewer columns bring the sums from y too often */
    PANEL_SPACE = KERNEL_SCRATCH_BYTES - PANEL_SUMS * (int)sizeof(float)
};

/* The body of a gemm: walks groups and panels, keeps the sums in the scratch, copies them to y. Other arguments: matmul_fn. */
void gemm_by_panels(const struct panel_kernel *kernel, const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y,
                    size_t ldy, void *scratch);

/* The two kernels of an ISA, from FORMAT_gemv() and the struct panel_kernel FORMAT_panels. */
#define BLOCK_KERNELS(format, isa) \
    MATMUL(format##_gemv_##isa) \
    { \
        (void)ldy, (void)scratch; \
        format##_gemv(w, x, row0, row1, y); \
    } \
    BLOCK_GEMM(format, isa)
/* Only its gemm: another ISA's gemv waits for memory as well. */
#define BLOCK_GEMM(format, isa) \
    MATMUL(format##_gemm_##isa) \
    { \
        gemm_by_panels(&format##_panels, w, x, row0, row1, y, ldy, scratch); \
    }

/* ---- kernels: matmul_fn -------------------------------------------------------------------------------------------------- */

/* Rows of the tables exist where the compiler knows the ISA. */
DECLARE_KERNELS(f32, avx2);
DECLARE_KERNELS(f32, avx512);
DECLARE_KERNELS(f16, avx2);
DECLARE_KERNELS(f16, avx512);
DECLARE_KERNELS(q8_0, avx2);
DECLARE_KERNELS(q8_0, avxvnni);
MATMUL(q8_0_gemm_avx512); /* gemv: AVX2's, which waits for memory as well */
DECLARE_KERNELS(q8_0, avx512vnni);
DECLARE_KERNELS(q4_0, avx2);
DECLARE_KERNELS(q4_0, avxvnni);
DECLARE_KERNELS(q4_0, avx512);
DECLARE_KERNELS(q4_0, avx512vnni);
DECLARE_KERNELS(q6_k, avx2);
DECLARE_KERNELS(q6_k, avxvnni);
MATMUL(q6_k_gemm_avx512); /* gemv: AVX2's */
DECLARE_KERNELS(q6_k, avx512vnni);
DECLARE_KERNELS(f32, neon);
DECLARE_KERNELS(f16, neon);
DECLARE_KERNELS(q8_0, neon);
DECLARE_KERNELS(q8_0, dotprod);
MATMUL(q8_0_gemm_i8mm); /* gemv: dotprod's, here and below */
DECLARE_KERNELS(q4_0, neon);
DECLARE_KERNELS(q4_0, dotprod);
MATMUL(q4_0_gemm_i8mm);
DECLARE_KERNELS(q6_k, neon);
DECLARE_KERNELS(q6_k, dotprod);
MATMUL(q6_k_gemm_i8mm);

#endif
