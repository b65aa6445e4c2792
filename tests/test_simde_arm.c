/* The stand-in for arm_neon.h (simde/from_arm) where it is not SIMDe's: every function of its own against its definition, lane by lane.
 * What SIMDe computes otherwise is held by the kernels' results. */
#include "tests/simde/from_arm/arm_neon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/kernel_fixture.h"

enum { ROUNDS = 2000 };

/* The square of 1 + 2^-12 is no float: only one rounding keeps its last bit. */
static void multiply_add_rounds_once(void **state)
{
    (void)state;
    const float32x4_t a = vdupq_n_f32(-1.00048828125f), b = vdupq_n_f32(1.000244140625f);
    assert_true(vgetq_lane_f32(vfmaq_f32(a, b, b), 3) == 0x1p-24f);
    assert_true(vgetq_lane_f32(vfmaq_n_f32(a, b, 1.000244140625f), 0) == 0x1p-24f);
    assert_true(vgetq_lane_f32(vfmaq_laneq_f32(a, b, b, 2), 1) == 0x1p-24f);
}

static void halves_become_floats_and_back(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 65536; i += 4) {
        const uint16_t h[4] = {(uint16_t)i, (uint16_t)(i + 1), (uint16_t)(i + 2), (uint16_t)(i + 3)};
        float x[4];
        uint16_t back[4];
        const float32x4_t v = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(h)));
        vst1q_f32(x, v);
        vst1_u16(back, vreinterpret_u16_f16(vcvt_f16_f32(v)));
        for (int k = 0; k < 4; k++) {
            assert_int_equal(float_to_bits(x[k]), float_to_bits(half_to_float(h[k])));
            assert_int_equal(back[k], half_from_float(x[k]));
        }
    }
}

static void largest_lane(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        float x[4] = {-3.0f, -2.0f, -4.0f, -9.0f};
        x[k] = 1.0f;
        assert_true(vmaxvq_f32(vld1q_f32(x)) == 1.0f);
        x[k] = NAN;
        assert_true(isnan(vmaxvq_f32(vld1q_f32(x))));
    }
}

static void quotients(void **state)
{
    (void)state;
    const float a[4] = {1.0f, -7.0f, 0.0f, 3e38f}, b[4] = {3.0f, 9.0f, -2.0f, 1e-5f};
    float y[4];
    vst1q_f32(y, vdivq_f32(vld1q_f32(a), vld1q_f32(b)));
    for (int k = 0; k < 4; k++)
        assert_int_equal(float_to_bits(y[k]), float_to_bits(a[k] / b[k]));
}

/* sum[i][j] += row i of a . row j of b */
static void matrix_products(void **state)
{
    (void)state;
    struct rng r = {test_seed()};
    for (int round = 0; round < ROUNDS; round++) {
        int8_t a[2][8], b[2][8];
        int32_t sum[2][2] = {{1, -2}, {3, 1 << 20}}, got[4];
        for (int k = 0; k < 16; k++) {
            a[k / 8][k % 8] = (int8_t)rng_next(&r);
            b[k / 8][k % 8] = (int8_t)rng_next(&r);
        }
        vst1q_s32(got, vmmlaq_s32(vld1q_s32(sum[0]), vld1q_s8(a[0]), vld1q_s8(b[0])));
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++) {
                for (int k = 0; k < 8; k++)
                    sum[i][j] += a[i][k] * b[j][k];
                assert_int_equal(got[2 * i + j], sum[i][j]);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiply_add_rounds_once), cmocka_unit_test(halves_become_floats_and_back),
        cmocka_unit_test(largest_lane),             cmocka_unit_test(quotients),
        cmocka_unit_test(matrix_products),
    };
    return cmocka_run_group_tests_name("simde arm", tests, NULL, NULL);
}
