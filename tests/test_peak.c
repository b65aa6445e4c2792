/* The peak of arithmetic is a ruler for everything else: no real kernel is above it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "kernels/cpu.h"
#include "kernels/ops.h"
#include "kernels/peak_loops.h"
#include "kernels/ternary.h"
#include "tests/under_qemu.h"

static const double slice_s = 2e-4; /* about what the kernel takes */
static volatile int64_t sink;       /* keeps the loop from being optimised away */

enum { ROWS = 256, COLS = 2048, TOKENS = 48 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A real kernel on data in cache stays below the int8 peak, give or take a frequency step. */
static void bound_a_real_kernel(void **state)
{
    (void)state;
    if (!(cpu_features() & (CPU_AVX2 | CPU_NEON))) {
        print_message("plain C: its kernels are definitions, not measured against a peak\n");
        skip();
    }
    if (under_qemu()) {
        print_message("under an emulator no loop runs at the speed of the instructions it shows\n");
        skip();
    }
    const struct format *f = &format_i2_s;
    void *data = aligned_alloc(64, f->mem_bytes(ROWS, COLS)), *buf = aligned_alloc(64, acts_bytes(ACT_I8, TOKENS, COLS));
    void *scratch = aligned_alloc(64, KERNEL_SCRATCH_BYTES);
    float *y = malloc(TOKENS * ROWS * sizeof *y), *x = malloc(COLS * sizeof *x);
    assert_true(data && buf && scratch && y && x);
    memset(data, 0x15, f->mem_bytes(ROWS, COLS));
    const struct weights w = {.fmt = f, .kern = format_kernel(f), .rows = ROWS, .cols = COLS, .data = data, .scale = 1.0f};
    struct acts a = acts_layout(ACT_I8, TOKENS, COLS, buf);
    for (size_t k = 0; k < COLS; k++)
        x[k] = (float)(k % 7);
    for (size_t t = 0; t < TOKENS; t++)
        acts_fill(ops_select(), &a, t, x);
    /* Both are the best of slices of the same length, taken in turns: what else runs on the machine, or steals it, hits both alike. */
    const struct peak_loops *loops = peak_loops_for(cpu_features());
    const uint64_t iterations = peak_calibrate(loops->int8, slice_s);
    double peak = 0, rate = 0;
    for (int attempt = 0; attempt < 40 && (attempt == 0 || rate >= 1.1 * peak); attempt++)
        for (int i = 0; i < 50; i++) {
            const double start = now_s();
            w.kern->gemm(&w, &a, 0, ROWS, y, ROWS, scratch);
            const double between = now_s();
            sink += loops->int8(iterations);
            const double end = now_s();
            rate = fmax(rate, 1e-9 * ROWS * COLS * TOKENS / (between - start));
            peak = fmax(peak, 1e-9 * loops->int8_macs * (double)iterations / (end - between));
        }
    print_message("# i2_s %s: %.1f GMAC/s, peak %.1f\n", w.kern->isa, rate, peak);
    assert_true(rate < 1.1 * peak);
    free(data);
    free(buf);
    free(scratch);
    free(y);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bound_a_real_kernel),
    };
    return cmocka_run_group_tests_name("peaks", tests, NULL, NULL);
}
