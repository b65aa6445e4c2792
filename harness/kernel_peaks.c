/* See kernel_peaks.h. All threads of a pool start at a barrier and meet at one; the time between the two counts, so the slowest
 * decides. */
#include "harness/kernel_peaks.h"

#include <errno.h>
#include <stdlib.h>

#include "profiles/time_clock.h"

const char *peak_kind_name(enum peak_kind kind)
{
    static const char *const names[PEAK_KINDS] = {"read", "int8", "fma"};
    return names[kind];
}

static int add(struct kernel_peaks *p, const struct kernel_peak *peak)
{
    struct kernel_peak *grown = realloc(p->list, (p->n + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    p->list = grown;
    p->list[p->n++] = *peak;
    return 0;
}

/* One kind with one set of loops, for every number of threads. */
static int add_loops(struct kernel_peaks *p, const struct kernel_peaks_spec *s, enum peak_kind kind, const struct peak_loops *loops)
{
    struct kernel_peak peak = {.kind = kind, .loops = loops};
    int rc = 0;
    if (kind != PEAK_READ)
        peak.iterations = peak_calibrate(kind == PEAK_INT8 ? loops->int8 : loops->fma, s->sample_s);
    for (size_t t = 0; t < s->threads->n && rc == 0; t++) {
        peak.threads = s->threads->v[t];
        rc = add(p, &peak);
    }
    return rc;
}

int kernel_peaks_new(const struct kernel_peaks_spec *s, struct kernel_peaks *out)
{
    int rc = 0;
    *out = (struct kernel_peaks){.memory = s->memory, .bytes = s->bytes};
    for (int kind = s->memory ? PEAK_READ : PEAK_READ + 1; kind < PEAK_KINDS; kind++) {
        for (size_t i = 0; s->tables[i] && rc == 0; i++) {
            if ((s->tables[i]->need & s->features) != s->tables[i]->need)
                continue;
            rc = add_loops(out, s, (enum peak_kind)kind, s->tables[i]);
            if (kind == PEAK_READ)
                break; /* the best one will do */
        }
    }
    return rc;
}

void kernel_peaks_free(struct kernel_peaks *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->list[i].rates);
    free(p->list);
    *p = (struct kernel_peaks){0};
}

/* ---- a sample ------------------------------------------------------------------------------------------------------- */

struct sampling {
    const struct kernel_peak *peak;
    struct pool *pool;
    const char *window; /* of a read */
    size_t ahead, part; /* of a read: prefetch distance, bytes of each thread */
    double seconds;
};

static void run_loop(void *arg, unsigned thread, unsigned threads)
{
    struct sampling *s = arg;
    const struct peak_loops *l = s->peak->loops;
    volatile int64_t sink;
    double start = 0;
    (void)threads;
    pool_barrier(s->pool);
    if (thread == 0)
        start = time_now_s();
    if (s->peak->kind == PEAK_READ)
        sink = l->read(s->window + thread * s->part, s->part, s->ahead);
    else
        sink = (s->peak->kind == PEAK_INT8 ? l->int8 : l->fma)(s->peak->iterations);
    (void)sink;
    pool_barrier(s->pool);
    if (thread == 0)
        s->seconds = time_now_s() - start;
}

static int keep(struct kernel_peak *peak, double rate)
{
    if (peak->n == peak->cap) {
        const size_t cap = peak->cap ? 2 * peak->cap : 64;
        double *grown = realloc(peak->rates, cap * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        peak->rates = grown;
        peak->cap = cap;
    }
    peak->rates[peak->n++] = rate;
    return 0;
}

/* The next window of the memory, for one read sample. */
static const char *next_window(struct kernel_peaks *p, unsigned threads, size_t *part)
{
    const size_t window = p->bytes < PEAK_WINDOW_BYTES ? p->bytes : PEAK_WINDOW_BYTES;
    *part = window / threads / PEAK_MIN_BYTES * PEAK_MIN_BYTES;
    if (p->at + *part * threads > p->bytes)
        p->at = 0;
    const char *from = p->memory + p->at;
    p->at += *part * threads;
    return from;
}

static double work_of(const struct kernel_peak *p, size_t part)
{
    if (p->kind == PEAK_READ)
        return (double)part;
    return (p->kind == PEAK_INT8 ? p->loops->int8_macs : p->loops->fma_macs) * (double)p->iterations;
}

int kernel_peaks_sample(struct kernel_peaks *p, struct pool *pool, unsigned round)
{
    const unsigned threads = pool_threads(pool);
    int rc = 0;
    for (size_t i = 0; i < p->n && rc == 0; i++) {
        struct kernel_peak *peak = &p->list[i];
        if (peak->threads != threads)
            continue;
        struct sampling s = {.peak = peak, .pool = pool, .ahead = peak_ahead(round)};
        if (peak->kind == PEAK_READ)
            s.window = next_window(p, threads, &s.part);
        pool_run(pool, run_loop, &s);
        rc = keep(peak, 1e-9 * work_of(peak, s.part) * threads / s.seconds);
    }
    return rc;
}

void kernel_peaks_read_all(struct kernel_peaks *p, struct pool *pool, double most_s)
{
    const unsigned threads = pool_threads(pool);
    const double began = time_now_s();
    for (size_t i = 0; i < p->n; i++) {
        struct sampling s = {.peak = &p->list[i], .pool = pool, .ahead = peak_ahead(0)};
        if (s.peak->kind != PEAK_READ || s.peak->threads != threads)
            continue;
        for (size_t done = 0; done < p->bytes && time_now_s() - began < most_s; done += s.part * threads) {
            s.window = next_window(p, threads, &s.part);
            pool_run(pool, run_loop, &s);
        }
    }
}

double kernel_peak_best(const struct kernel_peak *p, size_t from, size_t n)
{
    double best = 0;
    for (size_t i = from; i < p->n && i - from < n; i++)
        best = p->rates[i] > best ? p->rates[i] : best;
    return best;
}

const struct kernel_peak *kernel_peaks_find(const struct kernel_peaks *p, enum peak_kind kind, unsigned threads, uint32_t features)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->list[i].kind == kind && p->list[i].threads == threads &&
            (p->list[i].loops->need & features) == p->list[i].loops->need)
            return &p->list[i];
    return NULL;
}
