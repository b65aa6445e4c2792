/* The peaks of the micro-benchmark. Made-up loops of a known duration show that work and threads are counted right; the real loops
 * must stand in the relations that their instructions have. Other programs may disturb any sample, so relations get many attempts:
 * they are between best values, which a quiet moment settles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine/topology.h"
#include "harness/kernel_peaks.h"
#include "kernels/cpu.h"
#include "tests/sanitized.h"
#include "tests/under_qemu.h"

enum { BYTES = 16 << 20, ATTEMPTS = 400 };

/* ---- loops of a known duration ---------------------------------------------------------------------------------------------- */

enum { NAP_MS = 5, MAX_READS = 64 };

static void nap(void)
{
    const struct timespec t = {.tv_nsec = NAP_MS * 1000000};
    nanosleep(&t, NULL);
}

static int64_t nap_loop(uint64_t iterations)
{
    nap();
    return (int64_t)iterations;
}

static struct {
    const char *from;
    size_t bytes;
} reads[MAX_READS];
static atomic_size_t n_reads;

static int64_t nap_read(const void *p, size_t bytes, size_t ahead)
{
    const size_t i = atomic_fetch_add(&n_reads, 1);
    (void)ahead;
    if (i < MAX_READS) {
        reads[i].from = p;
        reads[i].bytes = bytes;
    }
    nap();
    return 0;
}

static const struct peak_loops naps = {"naps", 0, nap_loop, 32, nap_loop, 8, nap_read};
static const struct uint_list up_to_two = {{1, 2}, 2};

static char *memory_of(size_t bytes)
{
    char *p = aligned_alloc(4096, bytes);
    assert_non_null(p);
    memset(p, 1, bytes);
    return p;
}

/* Sleeping threads do not wait for each other: two do twice the work in the same time, on any machine. */
static void counts_work_and_threads(void **state)
{
    (void)state;
    static const struct peak_loops *const tables[] = {&naps, NULL};
    char *memory = memory_of(BYTES);
    const struct kernel_peaks_spec s = {tables, 0, &up_to_two, memory, BYTES, 1e-3};
    struct kernel_peaks p;
    assert_int_equal(kernel_peaks_new(&s, &p), 0);
    assert_int_equal(p.n, 3 * 2);
    for (unsigned threads = 1; threads <= 2; threads++) {
        struct pool *pool;
        assert_int_equal(pool_new(threads, false, 50, &pool), 0);
        for (unsigned round = 0; round < 8; round++)
            assert_int_equal(kernel_peaks_sample(&p, pool, round), 0);
        pool_free(pool);
        for (int kind = 0; kind < PEAK_KINDS; kind++) {
            const struct kernel_peak *k = kernel_peaks_find(&p, (enum peak_kind)kind, threads, 0);
            assert_non_null(k);
            assert_int_equal(k->n, 8);
            /* A nap is never shorter than its 5 ms: this is the most that can come out. A read is of the whole 16 MB by all
             * threads. */
            const double work = kind == PEAK_READ ? (double)BYTES : (kind == PEAK_INT8 ? 32 : 8) * (double)k->iterations * threads;
            const double most = 1e-9 * work / (1e-3 * NAP_MS);
            const double rate = kernel_peak_best(k, 0, k->n);
            assert_true(rate <= most * 1.0001 && rate >= most * 0.6);
        }
    }
    kernel_peaks_free(&p);
    free(memory);
}

/* The threads of a read get parts that lie side by side, and the next sample reads further on until the memory ends. */
static void reads_all_of_the_memory(void **state)
{
    (void)state;
    static const struct peak_loops *const tables[] = {&naps, NULL};
    static const struct uint_list two = {{2}, 1};
    const size_t bytes = 2 * (size_t)PEAK_WINDOW_BYTES;
    const char *const memory = (const char *)(uintptr_t)0x100000; /* never looked at */
    const struct kernel_peaks_spec s = {tables, 0, &two, memory, bytes, 1e-3};
    struct kernel_peaks p;
    struct pool *pool;
    assert_int_equal(kernel_peaks_new(&s, &p), 0);
    assert_int_equal(pool_new(2, false, 50, &pool), 0);
    atomic_store(&n_reads, 0);
    for (unsigned round = 0; round < 3; round++)
        assert_int_equal(kernel_peaks_sample(&p, pool, round), 0);
    assert_int_equal(atomic_load(&n_reads), 6);
    for (size_t i = 0; i < 6; i += 2) {
        const char *window = memory + (i / 2 % 2) * PEAK_WINDOW_BYTES;
        const size_t half = PEAK_WINDOW_BYTES / 2;
        assert_int_equal(reads[i].bytes, half);
        assert_int_equal(reads[i + 1].bytes, half);
        assert_ptr_equal(reads[i].from < reads[i + 1].from ? reads[i].from : reads[i + 1].from, window);
        assert_int_equal(llabs(reads[i].from - reads[i + 1].from), half);
    }
    /* to warm up: both windows by both threads, of which nothing is kept; no more when the time is over */
    kernel_peaks_read_all(&p, pool, 3600);
    kernel_peaks_read_all(&p, pool, 0);
    assert_int_equal(atomic_load(&n_reads), 6 + 4);
    assert_int_equal(kernel_peaks_find(&p, PEAK_READ, 2, 0)->n, 3);
    pool_free(pool);
    kernel_peaks_free(&p);
}

/* ---- the real loops --------------------------------------------------------------------------------------------------------- */

static double best(const struct kernel_peaks *p, enum peak_kind kind, unsigned threads, const struct peak_loops *loops)
{
    const struct kernel_peak *k = kernel_peaks_find(p, kind, threads, loops->need);
    assert_non_null(k);
    assert_ptr_equal(k->loops, loops);
    return kernel_peak_best(k, 0, k->n);
}

/* An ISA is not slower than one that it contains, vectors beat scalars, and an int8 multiply-add is at least as fast as a float one. */
static bool in_order(const struct kernel_peaks *p)
{
    const uint32_t have = cpu_features();
    bool ok = true;
    for (size_t i = 0; peak_tables[i] && peak_tables[i] != &peak_c; i++) {
        const struct peak_loops *l = peak_tables[i];
        if ((l->need & have) != l->need)
            continue;
        ok = ok && best(p, PEAK_INT8, 1, l) >= best(p, PEAK_FMA, 1, l);
        for (size_t j = i + 1; peak_tables[j]; j++) {
            const struct peak_loops *less = peak_tables[j];
            const double factor = less == &peak_c ? 2.0 : 0.9;
            if ((less->need & l->need) != less->need)
                continue;
            ok = ok && best(p, PEAK_INT8, 1, l) >= factor * best(p, PEAK_INT8, 1, less);
            ok = ok && best(p, PEAK_FMA, 1, l) >= factor * best(p, PEAK_FMA, 1, less);
        }
    }
    return ok;
}

/* Two threads together do at least what one does alone, and not more than twice that, give or take a frequency step. */
static bool scales(const struct kernel_peaks *p)
{
    bool ok = true;
    for (size_t i = 0; i < p->n; i++) {
        if (p->list[i].threads != 2 || p->list[i].kind == PEAK_READ)
            continue;
        const double one = best(p, p->list[i].kind, 1, p->list[i].loops), two = best(p, p->list[i].kind, 2, p->list[i].loops);
        ok = ok && two >= 0.95 * one && two <= 2.4 * one;
    }
    return ok;
}

/* At most 2 x 64-byte multiply-add instructions per cycle at 7 GHz for each thread: 7 * 2 * 64 int8 and a quarter of it floats
 * (AMX and SME are not used); a memory system of 2 TB/s. A chain that the compiler merges or skips shows up as more. */
static void check_possible(const struct kernel_peaks *p)
{
    static const double most[PEAK_KINDS] = {2000, 900, 224};
    for (size_t i = 0; i < p->n; i++) {
        const struct kernel_peak *k = &p->list[i];
        assert_true(kernel_peak_best(k, 0, k->n) > 0.001);
        for (size_t s = 0; s < k->n; s++)
            assert_true(k->rates[s] > 0 && k->rates[s] < most[k->kind] * (k->kind == PEAK_READ ? 1 : k->threads));
    }
}

static void stand_in_order_and_scale(void **state)
{
    (void)state;
    char *memory = memory_of(BYTES);
    int cpus[2];
    const bool two_cpus = topology_cpus(cpus, 2, NULL) == 2;
    const struct kernel_peaks_spec s = {peak_tables, cpu_features(), &up_to_two, memory, BYTES, 3e-4};
    struct kernel_peaks p;
    struct pool *pools[2];
    /* an emulator, and instrumented loops, take longer for a vector instruction than for a few others */
    const bool no_order = under_qemu() || sanitized();
    bool order = false, threads = false;
    assert_int_equal(kernel_peaks_new(&s, &p), 0);
    assert_int_equal(pool_new(2, true, 50, &pools[1]), 0);
    assert_int_equal(pool_new(1, true, 50, &pools[0]), 0);
    for (unsigned i = 0; i < ATTEMPTS && (!order || !threads || i < 8); i++) {
        assert_int_equal(kernel_peaks_sample(&p, pools[0], i), 0);
        assert_int_equal(kernel_peaks_sample(&p, pools[1], i), 0);
        order = no_order || in_order(&p);
        threads = !two_cpus || scales(&p);
    }
    for (size_t i = 0; i < p.n; i++)
        print_message("# %u threads: %s %s %.2f of %zu samples\n", p.list[i].threads, peak_kind_name(p.list[i].kind),
                      p.list[i].loops->isa, kernel_peak_best(&p.list[i], 0, p.list[i].n), p.list[i].n);
    check_possible(&p);
    assert_true(order);
    assert_true(threads);
    pool_free(pools[0]);
    pool_free(pools[1]);
    kernel_peaks_free(&p);
    free(memory);
}

/* A kernel is held against the best loops that need no more than it does. */
static void finds_the_loops_of_a_kernel(void **state)
{
    (void)state;
    static const struct peak_loops wide = {.isa = "wide", .need = CPU_AVX2 | CPU_AVX512},
                                   narrow = {.isa = "narrow", .need = CPU_AVX2}, none = {.isa = "none"};
    struct kernel_peak list[] = {{.kind = PEAK_INT8, .loops = &wide, .threads = 1},
                                 {.kind = PEAK_INT8, .loops = &wide, .threads = 2},
                                 {.kind = PEAK_INT8, .loops = &narrow, .threads = 2},
                                 {.kind = PEAK_INT8, .loops = &none, .threads = 2}};
    const struct kernel_peaks p = {.list = list, .n = 4};
    assert_ptr_equal(kernel_peaks_find(&p, PEAK_INT8, 2, UINT32_MAX), &list[1]);
    assert_ptr_equal(kernel_peaks_find(&p, PEAK_INT8, 2, CPU_AVX2 | CPU_AVXVNNI), &list[2]);
    assert_ptr_equal(kernel_peaks_find(&p, PEAK_INT8, 2, CPU_NEON), &list[3]);
    assert_null(kernel_peaks_find(&p, PEAK_INT8, 1, CPU_AVX2));
    assert_null(kernel_peaks_find(&p, PEAK_READ, 2, UINT32_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_work_and_threads),
        cmocka_unit_test(reads_all_of_the_memory),
        cmocka_unit_test(stand_in_order_and_scale),
        cmocka_unit_test(finds_the_loops_of_a_kernel),
    };
    return cmocka_run_group_tests_name("kernel peaks", tests, NULL, NULL);
}
