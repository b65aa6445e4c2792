/* The machine's peaks: threads start together at a barrier, each runs its loop for a fixed amount of work, the slowest one's time
 * counts. Bandwidth: every thread reads its own part of one buffer (huge pages where the kernel gives them) once per round. */
#include "kernels/peak.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "kernels/cpu.h"
#include "kernels/peak_loops.h"

enum { C_CHAINS = 8, HUGE_PAGE = 2 << 20 };
#define LOOP_S 0.05 /* of each arithmetic loop in a round */

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

struct job {
    pthread_mutex_t gate; /* held until all threads exist, or are to leave */
    bool leave;
    pthread_barrier_t start;
    const struct peak_loops *loops;
    char *buffer;
    size_t bytes; /* of each thread's part */
    uint64_t int8_iterations, fma_iterations;
    unsigned rounds;
};

struct member {
    struct job *job;
    pthread_t thread;
    unsigned index;
    int cpu;             /* -1: not bound */
    double seconds[3];   /* of the current round */
    uint64_t sink;       /* keeps the work from being optimised away */
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

size_t peak_ahead(unsigned round)
{
    static const size_t distance[] = {4096, 0, 2048, 8192};
    return distance[round % (sizeof distance / sizeof distance[0])];
}

static void *member_main(void *arg)
{
    struct member *m = arg;
    struct job *j = m->job;
    pthread_mutex_lock(&j->gate);
    const bool leave = j->leave;
    pthread_mutex_unlock(&j->gate);
    if (leave)
        return NULL;
    if (m->cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)m->cpu, &set);
        pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    }
    /* touched by its reader, for memory of its own NUMA node; not zero, since untouched and zero pages may share memory */
    memset(j->buffer + m->index * j->bytes, 1, j->bytes);
    for (unsigned r = 0; r < j->rounds; r++) {
        for (int what = 0; what < 3; what++) {
            pthread_barrier_wait(&j->start); /* the previous times have been read */
            pthread_barrier_wait(&j->start);
            const double start = now_s();
            m->sink += (uint64_t)(what == 0   ? j->loops->read(j->buffer + m->index * j->bytes, j->bytes, peak_ahead(r))
                                  : what == 1 ? j->loops->int8(j->int8_iterations)
                                              : j->loops->fma(j->fma_iterations));
            m->seconds[what] = now_s() - start;
        }
    }
    pthread_barrier_wait(&j->start);
    return NULL;
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

static double slowest(const struct member *m, unsigned threads, int what)
{
    double t = 0;
    for (unsigned i = 0; i < threads; i++)
        t = m[i].seconds[what] > t ? m[i].seconds[what] : t;
    return t;
}

static void keep_best(struct peak *out, const struct job *j, const struct member *m, unsigned threads, int what)
{
    const double amount[3] = {(double)j->bytes, j->loops->int8_macs * (double)j->int8_iterations,
                              j->loops->fma_macs * (double)j->fma_iterations};
    double *const best[3] = {&out->read_gb_s, &out->int8_gmac_s, &out->fma_gmac_s};
    const double rate = 1e-9 * amount[what] * (double)threads / slowest(m, threads, what);
    if (rate > *best[what])
        *best[what] = rate;
}

/* All threads or none: 0 or a negative errno. */
static int start_members(struct job *j, struct member *m, unsigned threads, const int *cpus)
{
    unsigned made = 0;
    int rc = 0;
    pthread_mutex_lock(&j->gate);
    while (made < threads && rc == 0) {
        m[made] = (struct member){.job = j, .index = made, .cpu = cpus ? cpus[made] : -1};
        rc = -pthread_create(&m[made].thread, NULL, member_main, &m[made]);
        made += rc == 0;
    }
    j->leave = rc != 0;
    pthread_mutex_unlock(&j->gate);
    for (unsigned i = 0; i < made && rc != 0; i++)
        pthread_join(m[i].thread, NULL);
    return rc;
}

static int measure(struct job *j, struct member *m, unsigned threads, const int *cpus, struct peak *out)
{
    if (pthread_barrier_init(&j->start, NULL, threads + 1) != 0)
        return -ENOMEM;
    const int rc = start_members(j, m, threads, cpus);
    for (unsigned r = 0; r < j->rounds && rc == 0; r++) {
        for (int what = 0; what < 3; what++) {
            pthread_barrier_wait(&j->start);
            if (r > 0 || what > 0)
                keep_best(out, j, m, threads, (what + 2) % 3);
            pthread_barrier_wait(&j->start);
        }
    }
    if (rc == 0) {
        pthread_barrier_wait(&j->start);
        keep_best(out, j, m, threads, 2);
        for (unsigned i = 0; i < threads; i++)
            pthread_join(m[i].thread, NULL);
    }
    pthread_barrier_destroy(&j->start);
    return rc;
}

int peak_measure(unsigned threads, const int *cpus, unsigned rounds, size_t buffer_bytes, struct peak *out)
{
    struct job j = {.gate = PTHREAD_MUTEX_INITIALIZER, .loops = peak_loops_for(cpu_features()), .rounds = rounds};
    j.bytes = threads ? buffer_bytes / threads / HUGE_PAGE * HUGE_PAGE : 0;
    const size_t bytes = threads * j.bytes;
    if (rounds == 0 || j.bytes == 0)
        return -EINVAL;
    *out = (struct peak){.threads = threads, .isa = j.loops->isa};
    void *buffer = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct member *m = calloc(threads, sizeof *m);
    int rc = -ENOMEM;
    if (buffer != MAP_FAILED && m) {
        madvise(buffer, bytes, MADV_HUGEPAGE);
        j.buffer = buffer;
        j.int8_iterations = peak_calibrate(j.loops->int8, LOOP_S);
        j.fma_iterations = peak_calibrate(j.loops->fma, LOOP_S);
        rc = measure(&j, m, threads, cpus, out);
    }
    if (buffer != MAP_FAILED)
        munmap(buffer, bytes);
    free(m);
    return rc;
}
