/* See kernel_bench.h. Thread pools: one for each number of threads, bound like the engine's; those that are not in use sleep. */
#include "harness/kernel_bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"
#include "harness/kernel_data.h"
#include "kernels/cpu.h"
#include "profiles/time_clock.h"

enum { SPIN_US = 50, MAX_CALLS = 1 << 20, TOUCH_ALIGN = 2 << 20, MIN_ARENA = 64 << 20 };

struct runner {
    struct kernel_bench *b;
    struct pool
        *pools[LIST_MAX]; /* most threads first: a pool binds its caller, and the next one sees only the CPUs of all its threads */
    size_t n_pools;
    char *scratch;         /* [most threads, KERNEL_SCRATCH_BYTES] */
    struct huge_map arena; /* as the engine's weights lie: for the matrices of one shape after the other */
    struct kernel_data data;
};

/* ---- a sample ------------------------------------------------------------------------------------------------------- */

struct calls {
    const struct kernel_cell *cell;
    struct kernel_matrix *m;
    struct acts x;
    struct pool *pool;
    char *scratch;
    float *y;
    unsigned n, untimed; /* n calls after `untimed` ones */
    double seconds;      /* of the n */
};

static void run_calls(void *arg, unsigned thread, unsigned threads)
{
    struct calls *s = arg;
    struct weights w = s->m->w;
    const matmul_fn fn = s->x.n == 1 ? s->cell->kern->gemv : s->cell->kern->gemm;
    size_t from, to, copy = s->m->next;
    double start = 0;
    pool_share(s->cell->rows_timed, w.fmt->row_group, thread, threads, &from, &to);
    w.kern = s->cell->kern;
    pool_barrier(s->pool);
    for (unsigned i = 0; i < s->untimed + s->n; i++) {
        if (thread == 0 && i == s->untimed)
            start = time_now_s();
        w.data = s->m->first + copy * s->m->stride;
        if (from < to)
            fn(&w, &s->x, from, to, s->y, w.rows, s->scratch + (size_t)thread * KERNEL_SCRATCH_BYTES);
        copy = copy + 1 < s->m->copies ? copy + 1 : 0;
        pool_barrier(s->pool);
    }
    if (thread == 0) {
        s->seconds = time_now_s() - start;
        s->m->next = copy;
    }
}

static struct pool *pool_of(const struct runner *r, unsigned threads)
{
    size_t i = 0;
    while (pool_threads(r->pools[i]) != threads)
        i++;
    return r->pools[i];
}

/* Seconds per call of what the cell computes */
static double time_calls(struct runner *r, const struct kernel_cell *c, unsigned n)
{
    struct kernel_matrix *m = kernel_data_matrix(&r->data, c->fmt);
    struct calls s = {.cell = c,
                      .m = m,
                      .x = kernel_data_acts(&r->data, c->fmt->act, c->n_timed),
                      .pool = pool_of(r, c->threads),
                      .scratch = r->scratch,
                      .y = r->data.y,
                      .n = n,
                      .untimed = r->b->in_cache ? 1 : 0};
    pool_run(s.pool, run_calls, &s);
    return s.seconds / n;
}

/* ---- one shape ------------------------------------------------------------------------------------------------------ */

/* One call into poisoned outputs, held against plain C; then how many calls make a sample. */
static void check(struct runner *r, struct kernel_cell *c)
{
    const struct kernel_matrix *m = kernel_data_matrix(&r->data, c->fmt);
    kernel_data_poison(&r->data, c->n_timed);
    double took = time_calls(r, c, 1);
    c->weight_bytes = c->fmt->mem_bytes(m->w.rows, m->w.cols);
    c->copies = m->copies;
    c->calls = 1;
    if (!kernel_data_check(&r->data, m, c->rows_timed, c->n_timed, c->reason)) {
        c->status = KERNEL_WRONG;
        r->b->n_wrong++;
        return;
    }
    c->status = KERNEL_OK;
    while (took * c->calls < r->b->min_time_s && c->calls < MAX_CALLS) {
        const double want = 1.2 * r->b->min_time_s / took;
        const unsigned calls = want < 2.0 * c->calls ? 2 * c->calls : want < 8.0 * c->calls ? (unsigned)want : 8 * c->calls;
        took = time_calls(r, c, calls); /* at most 8 times as many, since the few before were cold */
        c->calls = calls;
    }
}

static void sample(struct runner *r, struct kernel_cell *c)
{
    const bool few = c->n_samples >= r->b->rounds_slow;
    if (c->status != KERNEL_OK || (few && (c->kern->need == 0 || c->slow)))
        return;
    const struct kernel_shape *s = &r->b->plan->req.shapes[c->shape];
    const double scale = (double)s->rows * c->n / ((double)c->rows_timed * c->n_timed);
    const double call_s = time_calls(r, c, c->calls);
    c->call_s[c->n_samples++] = call_s * scale;
    c->slow = call_s * c->calls > KERNEL_SLOW_S;
}

static int run_round(struct runner *r, size_t from, size_t to, unsigned round, unsigned nth)
{
    int rc = 0;
    for (size_t i = 0; i < r->n_pools && rc == 0; i++)
        rc = kernel_peaks_sample(&r->b->peaks, r->pools[i], nth);
    for (size_t i = from; i < to; i++)
        sample(r, &r->b->plan->cells[round % 2 == 0 ? i : to - 1 - (i - from)]);
    return rc;
}

/* The formats and the largest batch of cells [from, to), into s; `formats` has room. */
static void describe(const struct kernel_plan *p, size_t from, size_t to, const struct format **formats, struct kernel_data_spec *s)
{
    const struct kernel_shape *shape = &p->req.shapes[p->cells[from].shape];
    s->rows = shape->rows;
    s->cols = shape->cols;
    s->formats = formats;
    for (size_t i = from; i < to; i++) {
        size_t f = 0;
        while (f < s->n_formats && formats[f] != p->cells[i].fmt)
            f++;
        if (f == s->n_formats)
            formats[s->n_formats++] = p->cells[i].fmt;
        s->n_max = p->cells[i].n > s->n_max ? p->cells[i].n : s->n_max;
    }
}

static int run_shape(struct runner *r, size_t from, size_t to, char err[KERNEL_ERR_LEN])
{
    const struct kernel_bench *b = r->b;
    const struct format *formats[KERNEL_MAX_FORMATS];
    struct kernel_data_spec spec = {
        .arena = r->arena.data, .arena_bytes = b->arena_bytes, .one_copy = b->in_cache, .seed = b->seed, .pool = r->pools[0]};
    const size_t shape = b->plan->cells[from].shape;
    describe(b->plan, from, to, formats, &spec);
    int rc = 0;
    for (size_t i = from; i < to && rc == 0; i++) {
        struct kernel_cell *c = &b->plan->cells[i];
        c->call_s = calloc(b->rounds, sizeof *c->call_s);
        c->peaks_from = b->peaks.list[0].n;
        rc = c->call_s ? 0 : -ENOMEM;
    }
    if (b->progress)
        b->progress(b, shape, 0);
    if (rc == 0)
        rc = kernel_data_new(&spec, &r->data);
    for (size_t i = from; i < to && rc == 0; i++)
        check(r, &b->plan->cells[i]);
    for (unsigned round = 0; round < b->rounds && rc == 0; round++) {
        if (b->progress)
            b->progress(b, shape, round + 1);
        rc = run_round(r, from, to, round, (unsigned)shape * b->rounds + round);
    }
    kernel_data_free(&r->data);
    if (rc != 0)
        snprintf(err, KERNEL_ERR_LEN, "%zu x %zu: %s", spec.rows, spec.cols, strerror(-rc));
    return rc;
}

/* ---- all shapes ----------------------------------------------------------------------------------------------------- */

/* The end of the cells of one shape. */
static size_t shape_end(const struct kernel_plan *p, size_t from)
{
    size_t to = from;
    while (to < p->n_cells && p->cells[to].shape == p->cells[from].shape)
        to++;
    return to;
}

/* The arena: KERNEL_LLC_TIMES the caches, less when memory is short, and never too small for one copy of each of a shape's
 * matrices. */
static int size_arena(struct kernel_bench *b, char err[KERNEL_ERR_LEN])
{
    const struct format *formats[KERNEL_MAX_FORMATS];
    size_t least = b->in_cache ? 0 : MIN_ARENA, besides = 0, want = b->in_cache ? 0 : KERNEL_LLC_TIMES * b->llc_bytes;
    for (size_t from = 0; from < b->plan->n_cells; from = shape_end(b->plan, from)) {
        struct kernel_data_spec s = {0};
        describe(b->plan, from, shape_end(b->plan, from), formats, &s);
        const size_t arena = kernel_data_arena_min(&s), rest = kernel_data_bytes(&s);
        if (arena + rest > b->available - b->available / 8) {
            snprintf(err, KERNEL_ERR_LEN, "%zu x %zu: needs %.1f GB, %.1f GB available; choose fewer formats (-f) or tokens (-n)",
                     s.rows, s.cols, 1e-9 * (double)(arena + rest), 1e-9 * (double)b->available);
            return -ENOMEM;
        }
        least = arena > least ? arena : least;
        besides = rest > besides ? rest : besides;
    }
    if (want > b->available / 2 - besides / 2)
        want = b->available / 2 - besides / 2;
    b->arena_bytes = want > least ? want : least;
    return 0;
}

static void touch(void *arg, unsigned thread, unsigned threads)
{
    const struct runner *r = arg;
    size_t from, to;
    pool_share(r->b->arena_bytes, TOUCH_ALIGN, thread, threads, &from, &to);
    memset((char *)r->arena.data + from, 1,
           to - from); /* all of it and not with zeros: untouched and zero pages may share memory */
}

static int map_arena(struct runner *r)
{
    const int rc = huge_map_new(r->b->arena_bytes, &r->arena);
    if (rc == 0)
        pool_run(r->pools[0], touch, r);
    return rc;
}

static int start_peaks(struct runner *r)
{
    struct kernel_bench *b = r->b;
    const struct kernel_peaks_spec s = {.tables = b->peak_tables,
                                        .features = cpu_features(),
                                        .threads = &b->plan->req.threads,
                                        .memory = b->in_cache ? NULL : r->arena.data,
                                        .bytes = b->arena_bytes,
                                        .sample_s = b->min_time_s};
    return kernel_peaks_new(&s, &b->peaks);
}

static int by_value_down(const void *a, const void *b)
{
    const unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x < y) - (x > y);
}

static int start_pools(struct runner *r, char err[KERNEL_ERR_LEN])
{
    struct uint_list threads = r->b->plan->req.threads;
    qsort(threads.v, threads.n, sizeof threads.v[0], by_value_down);
    for (size_t i = 0; i < threads.n; i++) {
        const int rc = pool_new(threads.v[i], true, SPIN_US, &r->pools[i]);
        if (rc != 0) {
            snprintf(err, KERNEL_ERR_LEN, "cannot start %u threads: %s", threads.v[i], strerror(-rc));
            return rc;
        }
        r->n_pools++;
    }
    r->scratch = aligned_alloc(ACT_ALIGN, (size_t)threads.v[0] * KERNEL_SCRATCH_BYTES);
    return r->scratch ? 0 : -ENOMEM;
}

int kernel_bench_run(struct kernel_bench *b, char err[KERNEL_ERR_LEN])
{
    struct runner r = {.b = b};
    err[0] = '\0';
    int rc = size_arena(b, err);
    rc = rc ? rc : start_pools(&r, err);
    rc = rc ? rc : map_arena(&r);
    rc = rc ? rc : start_peaks(&r);
    for (size_t from = 0; from < b->plan->n_cells && rc == 0; from = shape_end(b->plan, from))
        rc = run_shape(&r, from, shape_end(b->plan, from), err);
    if (rc != 0 && !err[0])
        snprintf(err, KERNEL_ERR_LEN, "%s", strerror(-rc));
    while (r.n_pools > 0) /* in reverse: each gives its caller back the CPUs it found */
        pool_free(r.pools[--r.n_pools]);
    huge_map_free(&r.arena);
    free(r.scratch);
    return rc;
}

void kernel_bench_free(struct kernel_bench *b)
{
    kernel_peaks_free(&b->peaks);
}

/* ---- limits --------------------------------------------------------------------------------------------------------- */

struct kernel_ruler kernel_cell_ruler(const struct kernel_bench *b, const struct kernel_cell *c, bool best_isa)
{
    const enum peak_kind kind = c->fmt->act == ACT_F32 ? PEAK_FMA : PEAK_INT8;
    const struct kernel_peak *read = kernel_peaks_find(&b->peaks, PEAK_READ, c->threads, UINT32_MAX);
    const uint32_t features = best_isa ? UINT32_MAX : kernel_used(c->kern, c->n)->need;
    const struct kernel_peak *compute = kernel_peaks_find(&b->peaks, kind, c->threads, features);
    return (struct kernel_ruler){.read_gb_s = read ? kernel_peak_best(read, c->peaks_from, b->rounds) : 0,
                                 .gmac_s = kernel_peak_best(compute, c->peaks_from, b->rounds),
                                 .kind = kind,
                                 .isa = compute->loops->isa};
}

struct kernel_limit kernel_limit(double bytes, double macs, const struct kernel_ruler *r, double seconds)
{
    const double read_s = r->read_gb_s > 0 ? 1e-9 * bytes / r->read_gb_s : 0, compute_s = 1e-9 * macs / r->gmac_s;
    if (read_s > compute_s)
        return (struct kernel_limit){.bound = PEAK_READ, .share = read_s / seconds};
    return (struct kernel_limit){.bound = r->kind, .isa = r->isa, .share = compute_s / seconds};
}

struct kernel_limit kernel_cell_limit(const struct kernel_bench *b, const struct kernel_cell *c, double seconds, bool best_isa)
{
    const struct kernel_ruler r = kernel_cell_ruler(b, c, best_isa);
    return kernel_limit((double)c->weight_bytes, kernel_cell_macs(b->plan, c), &r, seconds);
}
