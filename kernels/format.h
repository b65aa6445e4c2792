/* A weight format: how a matrix is stored and which kernels multiply by it. The contract of kernels/ and baselines/.
 *
 * A matrix W[rows, cols] is stored row after row, each row in the same number of bytes (the GGUF layout, "file layout").
 * A format may rearrange it once at load into a layout its kernels prefer ("memory layout"). Every multiplication is
 *
 *     y[n, rows] = x[n, cols] . W[rows, cols]^T
 *
 * over a range of rows, so that threads share a matrix by rows. The first kernel whose CPU bits are there is used; the last
 * row of the table is plain C, needs nothing and is the definition: the others give the same bits.
 *
 * To add a kernel: one file, one row in the format's table. To add a format: one file, one line in the registry. */
#ifndef BITJOULE_FORMAT_H
#define BITJOULE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How activations are handed to a kernel. */
enum act_kind {
    ACT_F32, /* float as it is */
    ACT_I8,  /* int8, one scale per token: W1.58A8 */
    ACT_Q8,  /* int8, one scale per 32 values: the q8_0, q4_0 and q6_k baselines */
    ACT_KINDS
};

enum {
    ACT_Q8_BLOCK = 32,                /* values per scale in ACT_Q8 */
    ACT_Q8_SUM = 16,                  /* values per entry of acts.sum in ACT_Q8 */
    ACT_ALIGN = 64,                   /* bytes: alignment of every row of acts.f32 and acts.q, and of weights.data */
    KERNEL_SCRATCH_BYTES = 256 * 1024 /* per thread, 64-byte aligned, handed to every kernel call */
};

/* n tokens of `cols` values. Only the fields of its kind are set. Not owned by kernels. */
struct acts {
    enum act_kind kind;
    size_t n, cols;
    size_t ld;          /* distance between rows of f32 or q, in elements; a multiple of 64 */
    float *f32;         /* ACT_F32: [n, ld] */
    int8_t *q;          /* ACT_I8, ACT_Q8: [n, ld], -127..127 */
    float *scale;       /* ACT_I8: [n]; ACT_Q8: [n, cols/32]. x = q * scale */
    int32_t *sum;       /* ACT_I8: [n], sum of q over the row; ACT_Q8: [n, cols/16], sums of q over 16 values */
};

struct weights;

/* y[t * ldy + r] = sum over k of x[t, k] * W[r, k], for all tokens t of x and rows row0 <= r < row1.
 * row0 is a multiple of the format's row_group; row1 too, or the number of rows. `scratch`: KERNEL_SCRATCH_BYTES. */
typedef void (*matmul_fn)(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy,
                          void *scratch);
/* A function of that type: its declaration, or the head of its body. */
#define MATMUL(name) \
    void name(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
#define DECLARE_KERNELS(format, isa) \
    MATMUL(format##_gemv_##isa); \
    MATMUL(format##_gemm_##isa)

struct kernel {
    const char *isa; /* "avx2", "c": the suffix of its functions and file */
    uint32_t need;   /* enum cpu_feature bits, all needed */
    matmul_fn gemv;  /* x->n == 1. May be that of a row further down, whose ISA it then is */
    matmul_fn gemm;  /* x->n >= 1; same bits as gemv token by token */
};

struct format {
    const char *name;
    uint32_t gguf_type; /* tensor type id in a GGUF file. The first format of a type is that of files, others are layouts of memory */
    double bits;        /* per weight, with block scales */
    enum act_kind act;
    bool ternary;           /* holds only -s, 0, +s */
    unsigned cols_multiple; /* cols must be a multiple of this */
    unsigned row_group;     /* rows that are interleaved in the memory layout; 1: none */

    /* File layout. A tensor takes rows * row_bytes(cols) + tail_bytes. */
    size_t (*row_bytes)(size_t cols);
    size_t tail_bytes;
    /* One row of floats <-> one row of the file. `scale`: the per-tensor scale of a ternary format (the largest |w|), else
     * unused. For a ternary format pack_row's values must be -scale, 0 or +scale. */
    void (*pack_row)(const float *src, size_t cols, float scale, void *dst);
    /* The same row from codes 0, 1, 2 for -scale, 0, +scale, one in a byte: many times faster. NULL: pack_row is the only way. */
    void (*pack_codes)(const uint8_t *codes, size_t cols, float scale, void *dst);
    void (*unpack_row)(const void *src, size_t cols, float scale, float *dst);
    /* False when a row of the file holds a code that stands for no weight: the bounds of the kernels would not hold. NULL: every
     * byte is a weight. */
    bool (*row_valid)(const void *src, size_t cols);
    /* The per-tensor scale of a tensor in file layout. Returns 0, or 1 when scales differ from block to block (then *scale is
     * the largest). NULL: not a ternary format. */
    int (*file_scale)(const void *file, size_t rows, size_t cols, float *scale);
    /* Writes the tail_bytes after the rows. NULL: there are none. */
    void (*write_tail)(void *tail, float scale);

    /* Memory layout of weights without per_block (those keep the file layout: weights_bytes(), weights_load()): one group of row_group
     * rows after the other, each mem_bytes(row_group, cols) long, so that a group can be made by itself, from a few rows of the file
     * layout. */
    size_t (*mem_bytes)(size_t rows, size_t cols);
    /* Rows [row0, row1) of the file layout (file: its row 0) into w->data, which is zeroed and writable; w->rows, cols are set.
     * row0 and row1 as in matmul_fn. Rows of padding in the last group stay zero. NULL: plain copy of the rows. */
    void (*load)(const void *file, size_t row0, size_t row1, const struct weights *w, void *data);
    /* One row of the memory layout as floats: the embedding look-up. */
    void (*get_row)(const struct weights *w, size_t row, float *dst);

    const struct kernel *kernels; /* best first; the last one is C, with need == 0 */
    const struct kernel *block_kernel; /* C, for weights with per_block. NULL: the format has none */
};

/* A matrix in memory, ready to multiply with. `data` is owned by whoever allocated it. */
struct weights {
    const struct format *fmt;
    const struct kernel *kern;
    size_t rows, cols;
    const void *data; /* weights_bytes(), 64-byte aligned */
    float scale;      /* ternary: per-tensor scale */
    bool per_block;   /* tq1_0, tq2_0: scales differ by block. data is in the file layout, kern is fmt->block_kernel */
};

/* First kernel of the format that this CPU, as limited by cpu_limit(), can run. Never NULL. */
const struct kernel *format_kernel(const struct format *fmt);
/* The row that tells what a kernel does with n tokens: k itself, or for one token the row whose gemv it has. */
const struct kernel *kernel_used(const struct kernel *k, size_t n);

/* Weights of a format as they are in memory, per_block or not. load: as in struct format, of w->fmt. */
size_t weights_bytes(const struct weights *w);
void weights_load(const struct weights *w, const void *file, size_t row0, size_t row1, void *data);

/* The ternary formats, NULL-terminated. */
extern const struct format *const ternary_formats[];

#endif
