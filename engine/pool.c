/* The thread pool: a counting barrier whose generation number is also the futex that sleepers wait on.
 *
 * The last thread to arrive resets the count and raises the generation; the others spin on the generation until the spin time
 * is over, announce themselves in `sleepers` and sleep in the kernel. The raiser wakes them only when someone sleeps, so in the
 * common case a barrier is a few atomic operations without a system call. pool_run() is the same barrier at both ends. */
#include "engine/pool.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/topology.h"

enum { CPU_LIST_LEN = 256, SPINS_PER_CLOCK = 64 };

struct worker {
    struct pool *pool;
    unsigned index;
    pthread_t thread;
};

struct pool {
    _Alignas(64) atomic_uint arrived;
    _Alignas(64) atomic_uint generation;
    _Alignas(64) atomic_uint sleepers;
    unsigned threads, started;
    uint64_t spin_ns;
    pool_fn fn;
    void *arg;
    bool quit, caller_bound;
    cpu_set_t caller_was;
    char cpu_list[CPU_LIST_LEN];
    struct worker *workers;
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void futex(atomic_uint *word, int op, unsigned value)
{
    syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/* Returns once the generation is no longer `old`. */
static void wait_generation(struct pool *p, unsigned old)
{
    const uint64_t until = now_ns() + p->spin_ns;
    do {
        for (int i = 0; i < SPINS_PER_CLOCK; i++) {
            if (atomic_load_explicit(&p->generation, memory_order_acquire) != old)
                return;
            relax();
        }
    } while (now_ns() < until);
    atomic_fetch_add(&p->sleepers, 1);
    while (atomic_load(&p->generation) == old)
        futex(&p->generation, FUTEX_WAIT, old);
    atomic_fetch_sub(&p->sleepers, 1);
}

void pool_barrier(struct pool *p)
{
    if (p->threads == 1)
        return;
    const unsigned generation = atomic_load_explicit(&p->generation, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&p->arrived, 1, memory_order_acq_rel) + 1 < p->threads) {
        wait_generation(p, generation);
        return;
    }
    atomic_store_explicit(&p->arrived, 0, memory_order_relaxed);
    atomic_store(&p->generation, generation + 1);
    if (atomic_load(&p->sleepers) > 0) /* sequentially consistent with the sleeper's add and its check of the generation */
        futex(&p->generation, FUTEX_WAKE, INT_MAX);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    for (;;) {
        pool_barrier(p);
        if (p->quit)
            return NULL;
        p->fn(p->arg, w->index, p->threads);
        pool_barrier(p);
    }
}

void pool_run(struct pool *p, pool_fn fn, void *arg)
{
    p->fn = fn;
    p->arg = arg;
    pool_barrier(p);
    fn(arg, 0, p->threads);
    pool_barrier(p);
}

static void list_cpus(struct pool *p, const int *cpus)
{
    size_t used = 0;
    for (unsigned i = 0; i < p->threads && used < sizeof p->cpu_list; i++) {
        const int n = snprintf(p->cpu_list + used, sizeof p->cpu_list - used, "%s%d", i ? "," : "", cpus[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

/* Binds the caller and every worker; a failure leaves all unbound, which the empty list shows. */
static void bind_threads(struct pool *p, const int *cpus)
{
    cpu_set_t set;
    p->caller_bound = pthread_getaffinity_np(pthread_self(), sizeof p->caller_was, &p->caller_was) == 0;
    for (unsigned i = 0; i < p->threads && p->caller_bound; i++) {
        CPU_ZERO(&set);
        CPU_SET((size_t)cpus[i], &set);
        if (pthread_setaffinity_np(i ? p->workers[i].thread : pthread_self(), sizeof set, &set) != 0) {
            for (unsigned k = 0; k < i; k++)
                pthread_setaffinity_np(k ? p->workers[k].thread : pthread_self(), sizeof p->caller_was, &p->caller_was);
            return;
        }
    }
    if (p->caller_bound)
        list_cpus(p, cpus);
}

int pool_new(unsigned threads, bool pin, unsigned spin_us, struct pool **out)
{
    int cpus[POOL_MAX_THREADS];
    size_t cores = 0;
    const size_t n_cpus = topology_cpus(cpus, POOL_MAX_THREADS, &cores);
    if (threads == 0)
        threads = cores ? (unsigned)cores : 1;
    if (threads > POOL_MAX_THREADS)
        return -EINVAL;
    struct pool *p = aligned_alloc(64, (sizeof *p + 63) / 64 * 64);
    if (!p)
        return -ENOMEM;
    *p = (struct pool){.threads = threads, .spin_ns = (uint64_t)spin_us * 1000};
    p->workers = calloc(threads, sizeof *p->workers);
    if (!p->workers) {
        free(p);
        return -ENOMEM;
    }
    for (p->started = 1; p->started < threads; p->started++) {
        struct worker *w = &p->workers[p->started];
        *w = (struct worker){.pool = p, .index = p->started};
        const int rc = pthread_create(&w->thread, NULL, worker_main, w);
        if (rc != 0) {
            pool_free(p);
            return -rc;
        }
    }
    if (pin && threads <= n_cpus)
        bind_threads(p, cpus);
    *out = p;
    return 0;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    p->quit = true;
    if (p->started < p->threads) /* pool_new() failed: those that exist leave through the barrier */
        p->threads = p->started;
    pool_barrier(p);
    for (unsigned i = 1; i < p->started; i++)
        pthread_join(p->workers[i].thread, NULL);
    if (p->caller_bound)
        pthread_setaffinity_np(pthread_self(), sizeof p->caller_was, &p->caller_was);
    free(p->workers);
    free(p);
}

unsigned pool_threads(const struct pool *p)
{
    return p->threads;
}

const char *pool_cpus(const struct pool *p)
{
    return p->cpu_list;
}

void pool_share(size_t n, size_t group, unsigned thread, unsigned threads, size_t *from, size_t *to)
{
    const size_t groups = (n + group - 1) / group;
    const size_t a = groups * thread / threads * group, b = groups * (thread + 1) / threads * group;
    *from = a < n ? a : n;
    *to = b < n ? b : n;
}
