/* The loops in plain C, the choice among the instruction sets, and how long a loop must run. */
#include "kernels/peak_loops.h"

#include <time.h>

#include "kernels/cpu.h"

enum { C_CHAINS = 8 };

static int64_t int8_c(uint64_t iterations)
{
    int32_t s[C_CHAINS] = {0, 1, 2, 3, 4, 5, 6, 7}; /* different, or the compiler would keep one chain for all */
    volatile int8_t one = 1;
    const int8_t a = one;
    for (uint64_t i = 0; i < iterations; i++)
        PEAK_UNROLL for (int c = 0; c < C_CHAINS; c++)
            s[c] += a * (int8_t)(i + (uint64_t)c);
    int64_t sum = 0;
    for (int c = 0; c < C_CHAINS; c++)
        sum += s[c];
    return sum;
}

static int64_t fma_c(uint64_t iterations)
{
    float s[C_CHAINS] = {0, 1, 2, 3, 4, 5, 6, 7};
    volatile float half = 0.5f;
    const float a = half;
    for (uint64_t i = 0; i < iterations; i++)
        PEAK_UNROLL for (int c = 0; c < C_CHAINS; c++)
            s[c] = s[c] * a + 1.0f;
    float sum = 0;
    for (int c = 0; c < C_CHAINS; c++)
        sum += s[c];
    return (int64_t)sum;
}

static int64_t read_c(const void *p, size_t bytes, size_t ahead)
{
    const uint64_t *word = p;
    uint64_t s[C_CHAINS] = {0};
    for (size_t i = 0; i < bytes / 8; i += C_CHAINS) {
        if (ahead)
            __builtin_prefetch((const char *)(word + i) + ahead);
        PEAK_UNROLL for (int c = 0; c < C_CHAINS; c++)
            s[c] += word[i + (size_t)c];
    }
    uint64_t sum = 0;
    for (int c = 0; c < C_CHAINS; c++)
        sum += s[c];
    return (int64_t)sum;
}

const struct peak_loops peak_c = {"c", 0, int8_c, C_CHAINS, fma_c, C_CHAINS, read_c};

const struct peak_loops *const peak_tables[] = {
#ifdef HAVE_ISA_avx512vnni
    &peak_avx512vnni,
#endif
#ifdef HAVE_ISA_avxvnni
    &peak_avxvnni,
#endif
#ifdef HAVE_ISA_avx512
    &peak_avx512,
#endif
#ifdef HAVE_ISA_avx2
    &peak_avx2,
#endif
#ifdef HAVE_ISA_i8mm
    &peak_i8mm,
#endif
#ifdef HAVE_ISA_dotprod
    &peak_dotprod,
#endif
#ifdef HAVE_ISA_neon
    &peak_neon,
#endif
    &peak_c,
    NULL,
};

const struct peak_loops *peak_loops_for(uint32_t features)
{
    size_t i = 0;
    while ((peak_tables[i]->need & features) != peak_tables[i]->need)
        i++;
    return peak_tables[i];
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

size_t peak_ahead(unsigned round)
{
    static const size_t distance[PEAK_AHEADS] = {4096, 0, 1024, 2048, 8192};
    return distance[round % PEAK_AHEADS];
}

uint64_t peak_calibrate(int64_t (*loop)(uint64_t), double seconds)
{
    uint64_t n = 1 << 10;
    volatile uint64_t sink = 0;
    for (;;) {
        const double start = now_s();
        sink = sink + (uint64_t)loop(n);
        const double took = now_s() - start;
        if (took > 0.2 * seconds && sink != UINT64_MAX)
            return (uint64_t)((double)n * seconds / took) + 1;
        n *= 2;
    }
}
