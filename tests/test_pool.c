/* The thread pool: shares cover everything once, every thread sees what was written before a barrier, and waiting threads both
 * spin and sleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/pool.h"
#include "engine/topology.h"

static void shares_cover_all_once(void **state)
{
    (void)state;
    for (size_t n = 0; n < 70; n++) {
        for (size_t group = 1; group < 20; group += 3) {
            for (unsigned threads = 1; threads < 9; threads++) {
                size_t next = 0;
                for (unsigned t = 0; t < threads; t++) {
                    size_t from, to;
                    pool_share(n, group, t, threads, &from, &to);
                    assert_int_equal(from, next);
                    assert_true(to >= from && (from % group == 0 || from == n));
                    next = to;
                }
                assert_int_equal(next, n);
            }
        }
    }
}

enum { ROUNDS = 3000, MAX_THREADS = 5 };

struct ring {
    struct pool *pool;
    unsigned value[MAX_THREADS]; /* plain memory: ordered by the barriers alone */
    atomic_uint wrong;
    useconds_t pause_us;
};

/* Each round everyone adds one and then checks everyone else's count. */
static void go_round(void *arg, unsigned thread, unsigned threads)
{
    struct ring *r = arg;
    for (unsigned i = 1; i <= (r->pause_us ? 20 : ROUNDS); i++) {
        if (r->pause_us && thread == i % threads)
            usleep(r->pause_us);
        r->value[thread]++;
        pool_barrier(r->pool);
        for (unsigned t = 0; t < threads; t++)
            if (r->value[t] != i)
                atomic_fetch_add(&r->wrong, 1);
        pool_barrier(r->pool);
    }
}

static void barriers_order_memory(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= MAX_THREADS; threads++) {
        struct ring r = {.pause_us = 0};
        assert_int_equal(pool_new(threads, false, 5, &r.pool), 0);
        assert_int_equal(pool_threads(r.pool), threads);
        pool_run(r.pool, go_round, &r);
        assert_int_equal(atomic_load(&r.wrong), 0);
        pool_free(r.pool);
    }
}

/* With no spin time and a late thread, the others must go to sleep and be woken. */
static void sleepers_are_woken(void **state)
{
    (void)state;
    struct ring r = {.pause_us = 2000};
    assert_int_equal(pool_new(3, false, 0, &r.pool), 0);
    pool_run(r.pool, go_round, &r);
    assert_int_equal(atomic_load(&r.wrong), 0);
    memset(r.value, 0, sizeof r.value);
    usleep(20000); /* the workers sleep between two runs as well */
    pool_run(r.pool, go_round, &r);
    assert_int_equal(atomic_load(&r.wrong), 0);
    pool_free(r.pool);
}

static void pinning_is_reported(void **state)
{
    (void)state;
    struct pool *p;
    int cpus[POOL_MAX_THREADS];
    size_t cores = 0;
    const size_t n = topology_cpus(cpus, POOL_MAX_THREADS, &cores);
    assert_true(n >= 1 && cores >= 1 && cores <= n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(cpus[i], cpus[k]);
    assert_int_equal(pool_new(1, true, 0, &p), 0);
    assert_int_equal((int)strtol(pool_cpus(p), NULL, 10), cpus[0]);
    assert_true(pool_cpus(p)[0] != '\0');
    pool_free(p);
    assert_int_equal(pool_new((unsigned)n + 1, true, 0, &p), 0);
    assert_string_equal(pool_cpus(p), ""); /* more threads than CPUs are left to the scheduler */
    pool_free(p);
    assert_true(pool_new(POOL_MAX_THREADS + 1, false, 0, &p) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_cover_all_once),
        cmocka_unit_test(barriers_order_memory),
        cmocka_unit_test(sleepers_are_woken),
        cmocka_unit_test(pinning_is_reported),
    };
    return cmocka_run_group_tests_name("thread pool", tests, NULL, NULL);
}
