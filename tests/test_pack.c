/* Two ways to the same bytes: ternary rows from codes and from floats; q6_k packed by plain C and by the best instructions of this CPU. The
 * data are random; a failure prints the seed, and BITJOULE_TEST_SEED=N repeats it. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "baselines/baselines.h"
#include "kernels/cpu.h"
#include "tests/kernel_fixture.h"

enum { COLS = 2560, RUNS = 40 };

static uint64_t seed;

#define FAIL(...) \
    do { \
        print_message("BITJOULE_TEST_SEED=%llu\n", (unsigned long long)seed); \
        fail_msg(__VA_ARGS__); \
    } while (0)

/* Ternary rows as codes and as floats. */
static void test_codes(void **state)
{
    (void)state;
    static float x[COLS];
    static uint8_t codes[COLS];
    struct rng r = {seed};
    for (size_t f = 0; ternary_formats[f]; f++) {
        const struct format *fmt = ternary_formats[f];
        for (size_t cols = fmt->cols_multiple; cols <= COLS && fmt->pack_codes; cols += 3 * fmt->cols_multiple) {
            const size_t bytes = fmt->row_bytes(cols);
            struct guarded from_floats = guard_alloc(bytes, 1), from_codes = guard_alloc(bytes, 1);
            for (size_t k = 0; k < cols; k++) {
                codes[k] = (uint8_t)(rng_next(&r) % 3);
                x[k] = 0.375f * (float)(codes[k] - 1);
            }
            fmt->pack_row(x, cols, 0.375f, from_floats.ptr);
            memset(from_codes.ptr, 0xff, bytes);
            fmt->pack_codes(codes, cols, 0.375f, from_codes.ptr);
            if (memcmp(from_floats.ptr, from_codes.ptr, bytes) != 0)
                FAIL("%s: %zu codes are packed otherwise than floats", fmt->name, cols);
            guard_free(&from_floats);
            guard_free(&from_codes);
        }
    }
}

/* A run of 16 weights of every kind that the search has to tell apart. */
static void odd_run(struct rng *r, size_t kind, float x[16])
{
    static const float magnitudes[] = {1, 1e-3f, 1e30f, 3e38f, 1e-30f, FLT_MIN, 1e-42f, 0};
    for (size_t k = 0; k < 16; k++)
        x[k] = magnitudes[kind % 8] * rng_uniform(r, -1, 1);
    if (kind >= 8 && kind < 16) /* the extreme twice, with both signs, or many times */
        x[kind % 5] = -(x[7] = kind % 2 ? 2.0f : x[7]);
    if (kind >= 16 && kind < 24)
        x[kind % 16] = kind % 3 == 0 ? NAN : kind % 3 == 1 ? INFINITY : -INFINITY;
    for (size_t k = 0; kind >= 24 && kind < 28 && k < 16; k++)
        x[k] = kind % 2 ? 0.5f : -0.5f;
}

/* The search for scales in vectors gives the bytes of the plain C. */
static void test_pack_q6_k_isas(void **state)
{
    (void)state;
    static float x[COLS];
    struct rng r = {seed};
    const size_t bytes = format_q6_k.row_bytes(COLS);
    if (!(cpu_features() & CPU_AVX2)) {
        print_message("this CPU has only the plain C\n");
        skip();
    }
    struct guarded c = guard_alloc(bytes, 1), best = guard_alloc(bytes, 1);
    for (size_t i = 0; i < RUNS; i++) {
        for (size_t k = 0; k < COLS; k++)
            x[k] = rng_uniform(&r, -1, 1) * rng_uniform(&r, 0, 1);
        for (size_t run = 0; i % 2 && run < COLS / 16; run++)
            odd_run(&r, rng_next(&r) % 32, x + 16 * run);
        cpu_limit(0);
        format_q6_k.pack_row(x, COLS, 0, c.ptr);
        cpu_limit(UINT32_MAX);
        format_q6_k.pack_row(x, COLS, 0, best.ptr);
        if (memcmp(c.ptr, best.ptr, bytes) != 0)
            FAIL("q6_k is packed otherwise by the best instructions than by C, in row %zu", i);
    }
    guard_free(&c);
    guard_free(&best);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_codes), cmocka_unit_test(test_pack_q6_k_isas)};
    seed = test_seed();
    return cmocka_run_group_tests_name("packing", tests, NULL, NULL);
}
