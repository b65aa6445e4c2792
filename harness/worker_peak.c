/* The machine's peaks as a variant of the rounds: a worker that keeps a large buffer and a thread pool like the engine's, and in a
 * block of a fraction of a second measures what the machine can do at that moment.
 *
 *     read       prefetch distances take turns; the mean rate of the best one
 *     int8, fma  the mean rate of as many samples
 *
 * Means, since that is what the variants beside it are: where a neighbour on the other thread of the core takes a share of it, from one
 * millisecond to the next, the best of many short samples shows a core that no variant ever had.
 * The buffer is walked through, so that no cache holds what is read next; each page is first written by the thread that reads it.
 * Before the samples it is read once, for warm_s at most: a buffer that nobody read for seconds is slow to read at first (in a virtual
 * machine with 2 GB of it 16 GB/s, then 27: page tables come from memory, too), which the variants' longer blocks hardly notice. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/pool.h"
#include "harness/kernel_peaks.h"
#include "harness/worker_internal.h"
#include "kernels/cpu.h"
#include "profiles/time_clock.h"

enum { SPIN_US = 50, MIN_SAMPLES = PEAK_AHEADS };
static const double arithmetic_s = 0.004, warm_s = 0.3, block_s = 0.25;

struct peak_bench {
    struct pool *pool;
    char *memory;
    size_t bytes;
    const struct peak_loops *tables[2];
    struct kernel_peaks peaks;
};

void worker_peak_close(struct child *c)
{
    struct peak_bench *b = c->peaks;
    if (!b)
        return;
    kernel_peaks_free(&b->peaks);
    if (b->pool)
        pool_free(b->pool);
    if (b->memory)
        munmap(b->memory, b->bytes);
    free(b);
    c->peaks = NULL;
}

/* Every thread writes the parts of the windows that it will read. Not zero: zero pages may be shared. */
static void touch(void *arg, unsigned thread, unsigned threads)
{
    const struct peak_bench *b = arg;
    const size_t window = b->bytes < PEAK_WINDOW_BYTES ? b->bytes : PEAK_WINDOW_BYTES, part = window / threads;
    for (size_t at = 0; at < b->bytes; at += window) {
        const size_t from = at + thread * part, room = from < b->bytes ? b->bytes - from : 0;
        memset(b->memory + from, 1, part < room ? part : room);
    }
}

static int open_bench(struct peak_bench *b, unsigned threads, size_t bytes)
{
    const struct uint_list list = {.v = {threads}, .n = 1};
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -errno;
    b->memory = memory;
    b->bytes = bytes;
    madvise(memory, bytes, MADV_HUGEPAGE);
    const int rc = pool_new(threads, true, SPIN_US, &b->pool);
    if (rc)
        return rc;
    pool_run(b->pool, touch, b);
    b->tables[0] = peak_loops_for(cpu_features());
    const struct kernel_peaks_spec spec = {.tables = b->tables,
                                           .features = cpu_features(),
                                           .threads = &list,
                                           .memory = b->memory,
                                           .bytes = bytes,
                                           .sample_s = arithmetic_s};
    return kernel_peaks_new(&spec, &b->peaks);
}

json_t *worker_do_peak_open(struct child *c, const json_t *cmd)
{
    const unsigned threads = worker_uint(cmd, "threads");
    const json_int_t bytes = json_integer_value(json_object_get(cmd, "buffer_bytes"));
    if (!threads || threads > POOL_MAX_THREADS)
        return worker_refuse("bad number of threads");
    if (bytes < (json_int_t)threads * PEAK_MIN_BYTES)
        return worker_refuse("bad size of the buffer");
    worker_peak_close(c);
    c->peaks = calloc(1, sizeof *c->peaks);
    if (!c->peaks)
        return worker_refuse("out of memory");
    const int rc = open_bench(c->peaks, threads, (size_t)bytes);
    if (!rc)
        return json_pack("{s:i, s:s}", "threads", (int)threads, "isa", peak_loops_for(cpu_features())->isa);
    worker_peak_close(c);
    return worker_refuse(strerror(-rc));
}

/* Mean rate of the samples first, first + step, ... Rates of equal amounts of work: the mean is harmonic. */
static double mean_rate(const struct kernel_peak *p, size_t first, size_t step)
{
    double inverse = 0, n = 0;
    for (size_t i = first; i < p->n; i += step) {
        inverse += 1 / p->rates[i];
        n++;
    }
    return n > 0 ? n / inverse : 0;
}

/* Of the prefetch distance that did best */
static double best_read(const struct kernel_peak *p)
{
    double best = 0;
    for (size_t first = 0; first < PEAK_AHEADS; first++) {
        const double rate = mean_rate(p, first, PEAK_AHEADS);
        best = rate > best ? rate : best;
    }
    return best;
}

json_t *worker_do_peak_block(struct child *c, const json_t *cmd)
{
    (void)cmd;
    struct peak_bench *b = c->peaks;
    double rate[PEAK_KINDS] = {0};
    int rc = 0;
    if (!b)
        return worker_refuse("no peaks are open");
    for (size_t i = 0; i < b->peaks.n; i++)
        b->peaks.list[i].n = 0;
    kernel_peaks_read_all(&b->peaks, b->pool, warm_s);
    const double began = time_now_s();
    for (unsigned i = 0; !rc && (i < MIN_SAMPLES || time_now_s() - began < block_s || i % PEAK_AHEADS); i++)
        rc = kernel_peaks_sample(&b->peaks, b->pool, i);
    if (rc)
        return worker_refuse(strerror(-rc));
    for (size_t i = 0; i < b->peaks.n; i++) {
        const struct kernel_peak *p = &b->peaks.list[i];
        rate[p->kind] = p->kind == PEAK_READ ? best_read(p) : mean_rate(p, 0, 1);
    }
    return json_pack("{s:f, s:f, s:f, s:f}", "read_gb_s", rate[PEAK_READ], "int8_gmac_s", rate[PEAK_INT8], "fma_gmac_s",
                     rate[PEAK_FMA], "time_s", time_now_s() - began);
}
