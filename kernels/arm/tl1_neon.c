/* tl1 on NEON, for one token by look-up: tbl gives the sum of a pair's two products for 16 rows at once. The gemm is tl1_panel_arm.h's.
 *
 * The sum s = a0 x0 + a1 x1 of a pair, |s| <= 256, does not fit a byte: tables hold lo and hi of s = lo + 23 hi, both within -11..11.
 * The 8 pairs of a line add up to 88 in int8, and 256 lines of them to 22528 in int16. Tables take 32 bytes for each pair; those of as
 * many columns as the scratch holds are made once for all rows. */
#include "kernels/ternary.h"
#include "kernels/arm/tl1_panel_arm.h"

enum {
    TABLE_BASE = 23,
    TABLE_BYTES = 32, /* of a pair: 16 of lo, 16 of hi */
    TABLE_COLS = KERNEL_SCRATCH_BYTES / TABLE_BYTES * 2,
    STRETCH_COLS = 256 * TL1_LINE_K, /* until sums are widened */
};

/* lo and hi of 8 entries: weights w0, w1 (-1..1). hi = round(s / 23) as (2 s 1425 + 2^15) >> 16: 1425 / 2^15 is off by 2.2e-7 * 42,
 * and s / 23 is never nearer to a half than 1 / 46. */
static inline void split_8(int16x8_t w0, int16x8_t w1, int16_t a0, int16_t a1, int8x8_t *lo, int8x8_t *hi)
{
    const int16x8_t s = vmlaq_n_s16(vmulq_n_s16(w0, a0), w1, a1), h = vqrdmulhq_n_s16(s, 1425);
    *lo = vmovn_s16(vmlsq_n_s16(s, h, TABLE_BASE));
    *hi = vmovn_s16(h);
}

static void make_tables(const int8_t *q, size_t cols, int8_t *table)
{
    static const int16_t first[16] = {-1, -1, -1, 0, 0, 0, 1, 1, 1}, second[16] = {-1, 0, 1, -1, 0, 1, -1, 0, 1};
    const int16x8_t f0 = vld1q_s16(first), f1 = vld1q_s16(first + 8), s0 = vld1q_s16(second), s1 = vld1q_s16(second + 8);
    for (size_t k = 0; k < cols; k += 2, table += TABLE_BYTES) {
        int8x8_t lo0, lo1, hi0, hi1;
        split_8(f0, s0, q[k], q[k + 1], &lo0, &hi0);
        split_8(f1, s1, q[k], q[k + 1], &lo1, &hi1);
        vst1q_s8(table, vcombine_s8(lo0, lo1));
        vst1q_s8(table + 16, vcombine_s8(hi0, hi1));
    }
}

/* int16 sums of lo and hi of 16 rows */
struct pair_sums {
    int16x8_t lo[2], hi[2];
};

/* 16 columns of 32 rows */
TILE add_line(struct pair_sums s[2], const uint8_t *p, const int8_t *table)
{
    const uint8x16_t nibble = vdupq_n_u8(15);
    int8x16_t lo[2] = {vdupq_n_s8(0), vdupq_n_s8(0)}, hi[2] = {vdupq_n_s8(0), vdupq_n_s8(0)};
    UNROLL for (int v = 0; v < 4; v++, p += TL1_ROWS, table += 2 * TABLE_BYTES) {
        const int8x16_t lo0 = vld1q_s8(table), hi0 = vld1q_s8(table + 16), lo1 = vld1q_s8(table + 32), hi1 = vld1q_s8(table + 48);
        UNROLL for (int i = 0; i < 2; i++) {
            const uint8x16_t b = vld1q_u8(p + 16 * i), first = vandq_u8(b, nibble), second = vshrq_n_u8(b, 4);
            lo[i] = vaddq_s8(lo[i], vaddq_s8(vqtbl1q_s8(lo0, first), vqtbl1q_s8(lo1, second)));
            hi[i] = vaddq_s8(hi[i], vaddq_s8(vqtbl1q_s8(hi0, first), vqtbl1q_s8(hi1, second)));
        }
    }
    UNROLL for (int i = 0; i < 2; i++) {
        s[i].lo[0] = vaddw_s8(s[i].lo[0], vget_low_s8(lo[i]));
        s[i].lo[1] = vaddw_high_s8(s[i].lo[1], lo[i]);
        s[i].hi[0] = vaddw_s8(s[i].hi[0], vget_low_s8(hi[i]));
        s[i].hi[1] = vaddw_high_s8(s[i].hi[1], hi[i]);
    }
}

/* sum[j] (rows 8 j .. 8 j + 7 as two registers) += lo + 23 hi */
TILE widen(const struct pair_sums s[2], int32x4_t sum[4][2])
{
    UNROLL for (int j = 0; j < 4; j++) {
        const int16x8_t lo = s[j / 2].lo[j % 2], hi = s[j / 2].hi[j % 2];
        sum[j][0] = vmlal_n_s16(vaddw_s16(sum[j][0], vget_low_s16(lo)), vget_low_s16(hi), TABLE_BASE);
        sum[j][1] = vmlal_n_s16(vaddw_s16(sum[j][1], vget_high_s16(lo)), vget_high_s16(hi), TABLE_BASE);
    }
}

/* sum += the lines of `cols` columns */
TILE add_lines(const uint8_t *line, const int8_t *table, size_t cols, int32x4_t sum[4][2])
{
    for (size_t k = 0, end; k < cols; k = end) {
        struct pair_sums s[2];
        end = cols - k < STRETCH_COLS ? cols : k + STRETCH_COLS;
        UNROLL for (int i = 0; i < 2; i++)
            s[i].lo[0] = s[i].lo[1] = s[i].hi[0] = s[i].hi[1] = vdupq_n_s16(0);
        for (size_t i = k; i < end; i += TL1_LINE_K)
            add_line(s, line + i / TL1_LINE_K * TL1_LINE, table + i / 2 * TABLE_BYTES);
        widen(s, sum);
    }
}

MATMUL(tl1_gemv_neon)
{
    const float factor = w->scale * x->scale[0];
    int8_t *table = scratch;
    size_t made = SIZE_MAX; /* first column of the tables */
    (void)ldy;
    for (size_t r = row0; r < row1; r += TL1_ROWS) {
        const uint8_t *group = (const uint8_t *)w->data + r / TL1_ROWS * tl1_group_bytes(w->cols);
        int32x4_t sum[4][2];
        for (int j = 0; j < 4; j++)
            sum[j][0] = sum[j][1] = vdupq_n_s32(0);
        for (size_t k = 0; k < w->cols; k += TABLE_COLS) {
            const size_t cols = w->cols - k < TABLE_COLS ? w->cols - k : TABLE_COLS;
            if (made != k)
                make_tables(x->q + k, cols, table);
            made = k;
            add_lines(group + k / TL1_LINE_K * TL1_LINE, table, cols, sum);
        }
        for (size_t j = 0; j < 8; j++)
            finish_4_rows(y, r + 4 * j, row1, sum[j / 2][j % 2], 0, factor);
    }
}

TL1_GEMM(neon)
