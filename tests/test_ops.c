/* The vector operations: every table this CPU can run against C, bit for bit, on random and worst-case input at sizes around the
 * vector widths; and the C definitions against the C library in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/trig.h"
#include "kernels/canonical.h"
#include "kernels/cpu.h"
#include "kernels/half.h"
#include "kernels/ops_tables.h"

enum { MAX_N = 4100, GUARD = 16 };

static uint64_t seed = 1;

static uint32_t random_bits(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 32);
}

static float random_float(float range)
{
    return range * ((float)random_bits() * (2.0f / 4294967296.0f) - 1.0f);
}

static void fill(float *x, size_t n, float range)
{
    for (size_t i = 0; i < n; i++)
        x[i] = random_float(range);
}

/* Rows that quantisation must survive: all zero, one giant, NaN and infinity, subnormal, exact halves. */
static void fill_special(float *x, size_t n, int kind)
{
    fill(x, n, 3.0f);
    for (size_t i = 0; i < n; i++) {
        if (kind == 1)
            x[i] = 0.0f;
        else if (kind == 4)
            x[i] = 1e-40f * (float)(i % 7);
        else if (kind == 5)
            x[i] = 0.5f * (float)((int)(i % 255) - 127);
    }
    if (kind == 2)
        x[n / 2] = -1e30f;
    if (kind == 3) {
        x[n / 3] = NAN;
        x[n / 2] = INFINITY;
    }
}

/* Calls `check` for every table but C that this CPU can run; skips where there is none. */
static void for_each_table(void (*check)(const struct ops *))
{
    size_t n = 0;
    for (size_t i = 0; ops_tables[i] != &ops_c; i++)
        if ((ops_tables[i]->need & cpu_features()) == ops_tables[i]->need) {
            check(ops_tables[i]);
            n++;
        }
    if (n == 0) {
        print_message("no table but C can run on this CPU\n");
        skip();
    }
}

static const size_t sizes[] = {1, 7, 8, 15, 16, 17, 31, 32, 33, 64, 100, 256, 2560, 4099};
enum { N_SIZES = sizeof sizes / sizeof sizes[0] };

static void check_quantize(const struct ops *ops)
{
    static float x[MAX_N];
    static int8_t a[MAX_N + GUARD], b[MAX_N + GUARD];
    for (size_t k = 0; k < N_SIZES; k++) {
        for (int kind = 0; kind < 6; kind++) {
            const size_t n = sizes[k];
            float sa = 0, sb = 1;
            int32_t ta = 0, tb = 1;
            fill_special(x, n, kind);
            memset(a, 99, sizeof a);
            memset(b, 99, sizeof b);
            ops_c.quantize_i8(x, n, a, &sa, &ta);
            ops->quantize_i8(x, n, b, &sb, &tb);
            assert_memory_equal(a, b, sizeof a);
            assert_memory_equal(&sa, &sb, sizeof sa);
            assert_int_equal(ta, tb);
        }
    }
}

static void check_quantize_q8(const struct ops *ops)
{
    static float x[MAX_N], sa[MAX_N / 32 + 1], sb[MAX_N / 32 + 1];
    static int8_t a[MAX_N], b[MAX_N];
    static int32_t ta[MAX_N / 16 + 1], tb[MAX_N / 16 + 1];
    for (size_t n = 32; n <= 2560; n = n * 3 / 64 * 32 + 32) {
        for (int kind = 0; kind < 6; kind++) {
            fill_special(x, n, kind);
            ops_c.quantize_q8(x, n, a, sa, ta);
            ops->quantize_q8(x, n, b, sb, tb);
            assert_memory_equal(a, b, n);
            assert_memory_equal(sa, sb, n / 32 * sizeof *sa);
            assert_memory_equal(ta, tb, n / 16 * sizeof *ta);
        }
    }
}

/* Every pattern of sign and exponent with some mantissas: subnormals, ties, overflow, infinity, NaN. */
static void check_halves(const struct ops *ops)
{
    float x[8 * 512];
    uint16_t a[8 * 512], b[8 * 512];
    for (uint32_t i = 0; i < 8 * 512; i++) {
        static const uint32_t mantissa[8] = {0, 1, 0xfff, 0x1000, 0x1001, 0x3000, 0x7ff000, 0x7fffff};
        x[i] = float_from_bits((i / 8) << 23 | mantissa[i % 8]);
    }
    ops_c.to_half(x, 8 * 512, a);
    ops->to_half(x, 8 * 512, b);
    assert_memory_equal(a, b, sizeof a);
}

static void check_vectors(const struct ops *ops)
{
    static float x[MAX_N], w[MAX_N], a[MAX_N + GUARD], b[MAX_N + GUARD];
    for (size_t k = 0; k < N_SIZES; k++) {
        const size_t n = sizes[k];
        fill(x, n, 20.0f);
        fill(w, n, 2.0f);
        x[0] = -0.0f;
        x[n - 1] = -95.0f;
#define COMPARE(call_c, call_isa)                 \
    do {                                          \
        memset(a, 0x55, sizeof a);                \
        memset(b, 0x55, sizeof b);                \
        memcpy(a, w, n * sizeof *a);              \
        memcpy(b, w, n * sizeof *b);              \
        call_c;                                   \
        call_isa;                                 \
        assert_memory_equal(a, b, sizeof a);      \
    } while (0)
        COMPARE(ops_c.rmsnorm(x, w, 1e-5f, n, a), ops->rmsnorm(x, w, 1e-5f, n, b));
        COMPARE(ops_c.add(a, x, n), ops->add(b, x, n));
        COMPARE(ops_c.relu2_mul(x, w, n, a), ops->relu2_mul(x, w, n, b));
        COMPARE(ops_c.silu_mul(x, w, n, a), ops->silu_mul(x, w, n, b));
        COMPARE(ops_c.to_half(x, n, (uint16_t *)(void *)a), ops->to_half(x, n, (uint16_t *)(void *)b));
        memcpy(a, x, n * sizeof *a);
        memcpy(b, x, n * sizeof *b);
        const float sum_a = ops_c.softmax_exp(a, n), sum_b = ops->softmax_exp(b, n);
        assert_memory_equal(&sum_a, &sum_b, sizeof sum_a);
        assert_memory_equal(a, b, n * sizeof *a);
    }
}

enum { ATT_DIM = 128, ATT_POS = 520, ATT_HEADS = 9, ATT_LD = ATT_POS + 3 };

/* One shape of attention: all of `dim` elements, and the weighted sum also of a slice of wider rows. */
static void check_attention_shape(const struct ops *ops, size_t n_q, size_t n_pos, size_t dim)
{
    static float q[ATT_HEADS * ATT_DIM], kf[ATT_POS * ATT_DIM], a[ATT_HEADS * ATT_LD], b[ATT_HEADS * ATT_LD];
    static float oa[ATT_HEADS * ATT_DIM], ob[ATT_HEADS * ATT_DIM];
    static uint16_t kh[ATT_POS * ATT_DIM];
    float inv[ATT_HEADS];
    fill(q, ATT_HEADS * ATT_DIM, 2.0f);
    fill(kf, ATT_POS * ATT_DIM, 2.0f);
    fill(inv, ATT_HEADS, 1.0f);
    ops_c.to_half(kf, ATT_POS * ATT_DIM, kh);
    for (int half = 0; half < 2; half++) {
        memset(a, 0x55, sizeof a);
        memset(b, 0x55, sizeof b);
        if (half) {
            ops_c.attn_scores_f16(q, ATT_DIM, n_q, kh, n_pos, dim, 0.1f, a, ATT_LD);
            ops->attn_scores_f16(q, ATT_DIM, n_q, kh, n_pos, dim, 0.1f, b, ATT_LD);
        } else {
            ops_c.attn_scores_f32(q, ATT_DIM, n_q, kf, n_pos, dim, 0.1f, a, ATT_LD);
            ops->attn_scores_f32(q, ATT_DIM, n_q, kf, n_pos, dim, 0.1f, b, ATT_LD);
        }
        assert_memory_equal(a, b, sizeof a);
        for (size_t v_ld = dim; v_ld <= ATT_DIM; v_ld += ATT_DIM - dim + (dim == ATT_DIM)) {
            memset(oa, 0x55, sizeof oa);
            memset(ob, 0x55, sizeof ob);
            if (half) {
                ops_c.attn_mix_f16(a, ATT_LD, n_q, kh + v_ld - dim, v_ld, n_pos, dim, inv, oa, ATT_DIM);
                ops->attn_mix_f16(a, ATT_LD, n_q, kh + v_ld - dim, v_ld, n_pos, dim, inv, ob, ATT_DIM);
            } else {
                ops_c.attn_mix_f32(a, ATT_LD, n_q, kf + v_ld - dim, v_ld, n_pos, dim, inv, oa, ATT_DIM);
                ops->attn_mix_f32(a, ATT_LD, n_q, kf + v_ld - dim, v_ld, n_pos, dim, inv, ob, ATT_DIM);
            }
            assert_memory_equal(oa, ob, sizeof oa);
        }
    }
}

/* Positions around the blocks of 64, tiles of 2 and 4 and the 512 that AVX-512 takes for one head; heads around the tiles of 4, elements
 * around tiles of 16 to 128. */
static void check_attention(const struct ops *ops)
{
    static const size_t positions[] = {1, 2, 37, 63, 64, 65, 130, 195, 512, 513, ATT_POS};
    for (size_t dim = 16; dim <= ATT_DIM; dim += 16)
        for (size_t n_q = 1; n_q <= ATT_HEADS; n_q++)
            for (size_t i = 0; i < sizeof positions / sizeof positions[0]; i++)
                if (n_q == 1 || positions[i] < 512)
                    check_attention_shape(ops, n_q, positions[i], dim);
}

/* What scores can be: none finite, a NaN in front or behind, infinities, one alone. */
static void check_softmax(const struct ops *ops)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY, -0.0f, 3e38f, -3e38f};
    enum { N_ODD = sizeof odd / sizeof odd[0] };
    float a[40 + GUARD], b[40 + GUARD];
    for (size_t n = 1; n <= 40; n++)
        for (size_t k = 0; k < N_ODD * 3; k++) {
            memset(a, 0x55, sizeof a);
            fill(a, n, 9.0f);
            a[k < N_ODD ? 0 : n - 1] = odd[k % N_ODD];
            for (size_t i = 0; k >= N_ODD * 2 && i < n; i++)
                a[i] = odd[k % N_ODD];
            memcpy(b, a, sizeof b);
            const float sum_a = ops_c.softmax_exp(a, n), sum_b = ops->softmax_exp(b, n);
            assert_memory_equal(&sum_a, &sum_b, sizeof sum_a);
            assert_memory_equal(a, b, sizeof a);
        }
}

static void quantisation_is_the_same(void **state)
{
    (void)state;
    for_each_table(check_quantize);
}

static void block_quantisation_is_the_same(void **state)
{
    (void)state;
    for_each_table(check_quantize_q8);
}

static void vector_operations_are_the_same(void **state)
{
    (void)state;
    for_each_table(check_vectors);
}

static void half_conversion_is_the_same(void **state)
{
    (void)state;
    for_each_table(check_halves);
}

static void attention_is_the_same(void **state)
{
    (void)state;
    for_each_table(check_attention);
    for_each_table(check_softmax);
}

/* Half to even, one scale, the floor of 1e-5: by hand. */
static void quantisation_by_hand(void **state)
{
    (void)state;
    const float x[4] = {127.0f, 0.5f, 1.5f, -2.5f}, tiny[2] = {1e-6f, -1e-7f};
    int8_t q[4];
    float scale;
    int32_t sum;
    ops_c.quantize_i8(x, 4, q, &scale, &sum);
    assert_int_equal(q[0], 127);
    assert_int_equal(q[1], 0);
    assert_int_equal(q[2], 2);
    assert_int_equal(q[3], -2);
    assert_int_equal(sum, 127);
    assert_true(scale == 1.0f);
    ops_c.quantize_i8(tiny, 2, q, &scale, &sum);
    assert_int_equal(q[0], 13); /* 1e-6 * 127 / 1e-5 = 12.7 */
    assert_int_equal(q[1], -1);
}

static void exp_is_close(void **state)
{
    (void)state;
    for (int i = 0; i <= 6340; i++) {
        const float x = -86.9f + 0.0137f * (float)i;
        const double expected = exp((double)x);
        assert_true(fabs((double)canonical_expf(x) / expected - 1.0) < 3e-7);
    }
    assert_true(canonical_expf(0.0f) == 1.0f);
    assert_true(canonical_expf(-88.0f) == 0.0f);
    assert_true(canonical_expf(-INFINITY) == 0.0f);
    assert_true(canonical_expf(NAN) == 0.0f);
}

static void trig_is_close(void **state)
{
    (void)state;
    double x = 0.0;
    for (int i = 0; i < 1200; i++) {
        double s, c;
        x = x * 1.01 + 0.0173;
        sincosd(x, &s, &c);
        assert_true(fabs(s - sin(x)) < 1e-14 && fabs(c - cos(x)) < 1e-14);
        sincosd(-x, &s, &c);
        assert_true(fabs(s + sin(x)) < 1e-14 && fabs(c - cos(x)) < 1e-14);
    }
    assert_true(x > 140000.0);
    for (int i = -128; i <= 0; i++) {
        const double e = (double)i / 128;
        assert_true(fabs(powd(500000.0, e) / pow(500000.0, e) - 1.0) < 1e-13);
        assert_true(fabs(powd(10000.0, e) / pow(10000.0, e) - 1.0) < 1e-13);
    }
}

/* All 65536 halves there and back; and rounding of floats at ties against the definition. */
static void half_conversions(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        const float f = half_to_float((uint16_t)h);
        if (f == f)
            assert_int_equal(half_from_float(f), h);
        else
            assert_true((half_from_float(f) & 0x7e00) == 0x7e00);
    }
    assert_int_equal(half_from_float(65519.996f), 0x7bff);
    assert_int_equal(half_from_float(65520.0f), 0x7c00);
    assert_int_equal(half_from_float(1.00048828125f), 0x3c00);  /* 1 + 2^-11: tie to even */
    assert_int_equal(half_from_float(1.00146484375f), 0x3c02);  /* 1 + 3 * 2^-11: tie to even */
    assert_int_equal(half_from_float(2.98023224e-8f), 0x0000);  /* half the smallest subnormal: tie to zero */
    assert_int_equal(half_from_float(2.98023260e-8f), 0x0001);
    assert_int_equal(half_from_float(-0.0f), 0x8000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantisation_is_the_same),       cmocka_unit_test(block_quantisation_is_the_same),
        cmocka_unit_test(vector_operations_are_the_same), cmocka_unit_test(attention_is_the_same),
        cmocka_unit_test(half_conversion_is_the_same),
        cmocka_unit_test(quantisation_by_hand),           cmocka_unit_test(exp_is_close),
        cmocka_unit_test(trig_is_close),                  cmocka_unit_test(half_conversions),
    };
    return cmocka_run_group_tests_name("vector operations", tests, NULL, NULL);
}
