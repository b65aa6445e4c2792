/* The stand-in for immintrin.h (simde/from_x86) where it is not SIMDe's: every function of its own, and the two of SIMDe's that
 * most kernels rest on, against their definitions lane by lane. What SIMDe computes otherwise is held by the kernels' results. */
#include "tests/simde/from_x86/immintrin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/kernel_fixture.h"

enum { ROUNDS = 2000 };

/* Bytes of every kind: random, with many 0, 127, -128 and 255 among them */
static void fill(void *p, size_t n, struct rng *r)
{
    static const uint8_t edge[] = {0, 1, 0x7f, 0x80, 0xff};
    uint8_t *byte = p;
    for (size_t i = 0; i < n; i++) {
        const uint64_t v = rng_next(r);
        byte[i] = v % 3 ? (uint8_t)(v >> 8) : edge[(v >> 8) % sizeof edge];
    }
}

static __m512i load_512(const void *p)
{
    __m512i v;
    memcpy(&v, p, sizeof v);
    return v;
}

static __m256i load_256(const void *p)
{
    __m256i v;
    memcpy(&v, p, sizeof v);
    return v;
}

#define STORE(array, value) \
    do { \
        __typeof__(value) value_ = (value); \
        assert_int_equal(sizeof(array), sizeof value_); \
        memcpy(array, &value_, sizeof(array)); \
    } while (0)

/* The products of (1 + 2^-12)^2 are no floats: only one rounding keeps their last bit. */
static void multiply_add_rounds_once(void **state)
{
    (void)state;
    struct rng r = {test_seed()};
    float a[16], b[16], c[16], y[16], z[8];
    for (int i = 0; i < 16; i++) {
        a[i] = i ? (float)(int32_t)rng_next(&r) : 1.000244140625f;
        b[i] = i ? (float)(int32_t)rng_next(&r) : 1.000244140625f;
        c[i] = i ? -a[i] * b[i] : -1.00048828125f;
    }
    __m512 x[3];
    __m256 w[3];
    memcpy(x, a, sizeof a), memcpy(x + 1, b, sizeof b), memcpy(x + 2, c, sizeof c);
    memcpy(w, a, sizeof z), memcpy(w + 1, b, sizeof z), memcpy(w + 2, c, sizeof z);
    STORE(y, _mm512_fmadd_ps(x[0], x[1], x[2]));
    STORE(z, _mm256_fmadd_ps(w[0], w[1], w[2]));
    assert_true(y[0] == 0x1p-24f);
    for (int i = 0; i < 16; i++) {
        const double want = (double)a[i] * (double)b[i] + (double)c[i]; /* the error of a product is a float */
        assert_true((double)y[i] == want);
        assert_true(i >= 8 || (double)z[i] == want);
    }
}

static void halves_become_floats(void **state)
{
    (void)state;
    uint16_t h[16];
    float y[16], z[8];
    for (uint32_t i = 0; i < 65536; i += 16) {
        for (uint32_t k = 0; k < 16; k++)
            h[k] = (uint16_t)(i + k);
        __m128i first;
        memcpy(&first, h, sizeof first);
        STORE(y, _mm512_cvtph_ps(load_256(h)));
        STORE(z, _mm256_cvtph_ps(first));
        for (int k = 0; k < 16; k++) {
            const int e = h[k] >> 10 & 31, m = h[k] & 1023;
            const double size = e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
            if (e == 31)
                assert_true(m ? y[k] != y[k] : isinf(y[k]));
            else
                assert_true((double)y[k] == (h[k] >> 15 ? -size : size) && (signbit(y[k]) != 0) == (h[k] >> 15 != 0));
            assert_true(k >= 8 || float_to_bits(z[k]) == float_to_bits(y[k]));
        }
    }
}

/* To the nearest half, to the even one of two: no half is nearer than the result, and 2^-24 and 65520 are where it ends. */
static void floats_become_halves(void **state)
{
    (void)state;
    const float x[8] = {1.00048828125f, 1.00146484375f, 65519.996f, 65520.0f, 0x1p-25f, 0x1.8p-25f, -0.0f, -1e9f};
    const uint16_t want[8] = {0x3c00, 0x3c02, 0x7bff, 0x7c00, 0, 1, 0x8000, 0xfc00};
    uint16_t h[8];
    __m256 v;
    memcpy(&v, x, sizeof v);
    STORE(h, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
    assert_memory_equal(h, want, sizeof want);
}

static void integers_widen(void **state)
{
    (void)state;
    struct rng r = {test_seed()};
    for (int n = 0; n < ROUNDS; n++) {
        int8_t b[16];
        int16_t s[16];
        int32_t i[16], y[16];
        float f[16];
        __m128i bytes;
        fill(b, sizeof b, &r), fill(s, sizeof s, &r), fill(i, sizeof i, &r);
        memcpy(&bytes, b, sizeof b);
        STORE(y, _mm512_cvtepi8_epi32(bytes));
        for (int k = 0; k < 16; k++)
            assert_int_equal(y[k], b[k]);
        STORE(y, _mm512_cvtepi16_epi32(load_256(s)));
        for (int k = 0; k < 16; k++)
            assert_int_equal(y[k], s[k]);
        STORE(f, _mm512_cvtepi32_ps(load_512(i)));
        for (int k = 0; k < 16; k++)
            assert_true(f[k] == (float)i[k]);
    }
}

/* A quotient rounded down */
static void shifts_keep_the_sign(void **state)
{
    (void)state;
    struct rng r = {test_seed()};
    for (unsigned count = 0; count < 40; count++) {
        int32_t i[16], y[16];
        fill(i, sizeof i, &r);
        STORE(y, _mm512_srai_epi32(load_512(i), count));
        for (int k = 0; k < 16; k++)
            assert_true((double)y[k] == floor(ldexp((double)i[k], -(int)count)));
    }
}

/* Only the lanes with a bit are written: the others may lie beyond a page. */
static void masked_stores_write_no_more(void **state)
{
    (void)state;
    float x[16];
    __m512 v;
    for (int i = 0; i < 16; i++)
        x[i] = (float)(i + 1);
    memcpy(&v, x, sizeof v);
    for (unsigned n = 0; n <= 16; n++) {
        struct guarded to = guard_alloc(16 * sizeof(float), sizeof(float));
        float *y = to.ptr;
        memset(y, 0, 16 * sizeof *y);
        _mm512_mask_storeu_ps(y + 16 - n, (__mmask16)((1u << n) - 1), v);
        for (unsigned i = 0; i < 16; i++)
            assert_true(y[i] == (i < 16 - n ? 0.0f : x[i - (16 - n)]));
        memset(y, 0, 16 * sizeof *y);
        _mm512_mask_storeu_ps(y, (__mmask16)(0x5555u << (n % 2)), v);
        for (unsigned i = 0; i < 16; i++)
            assert_true(y[i] == (i % 2 == n % 2 ? x[i] : 0.0f));
        guard_free(&to);
    }
}

/* sum + 4 products of unsigned and signed bytes, which never saturate; the pairs of vpmaddubsw do. */
static void byte_products(void **state)
{
    (void)state;
    struct rng r = {test_seed()};
    for (int n = 0; n < ROUNDS; n++) {
        int32_t sum[16], y[16], z[8];
        uint8_t u[64];
        int8_t s[64];
        int16_t pair[32], words[32];
        fill(sum, sizeof sum, &r), fill(u, sizeof u, &r), fill(s, sizeof s, &r), fill(words, sizeof words, &r);
        STORE(y, _mm512_dpbusd_epi32(load_512(sum), load_512(u), load_512(s)));
        STORE(z, _mm256_dpbusd_avx_epi32(load_256(sum), load_256(u), load_256(s)));
        STORE(pair, _mm512_maddubs_epi16(load_512(u), load_512(s)));
        for (int i = 0; i < 16; i++) {
            uint32_t want = (uint32_t)sum[i];
            for (int k = 4 * i; k < 4 * i + 4; k++)
                want += (uint32_t)(u[k] * s[k]);
            assert_int_equal((uint32_t)y[i], want);
            assert_true(i >= 8 || (uint32_t)z[i] == want);
        }
        for (int i = 0; i < 32; i++) {
            const int want = u[2 * i] * s[2 * i] + u[2 * i + 1] * s[2 * i + 1];
            assert_int_equal(pair[i], want > INT16_MAX ? INT16_MAX : want < INT16_MIN ? INT16_MIN : want);
        }
        STORE(y, _mm512_madd_epi16(load_512(words), load_512(pair)));
        for (int i = 0; i < 16; i++)
            assert_int_equal((uint32_t)y[i], (uint32_t)(words[2 * i] * pair[2 * i]) + (uint32_t)(words[2 * i + 1] * pair[2 * i + 1]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiply_add_rounds_once), cmocka_unit_test(halves_become_floats), cmocka_unit_test(floats_become_halves),
        cmocka_unit_test(integers_widen),           cmocka_unit_test(shifts_keep_the_sign), cmocka_unit_test(masked_stores_write_no_more),
        cmocka_unit_test(byte_products),
    };
    return cmocka_run_group_tests_name("stand-in for immintrin.h", tests, NULL, NULL);
}
