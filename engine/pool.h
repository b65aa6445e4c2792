/* Worker threads for one program, many data: every thread runs the same function and meets the others at barriers.
 *
 * Threads are bound to CPUs one physical core after the other. A waiting thread spins for a while, then sleeps (futex), so that
 * an idle pool costs neither time nor energy. Nothing is allocated after pool_new(). */
#ifndef BITJOULE_POOL_H
#define BITJOULE_POOL_H

#include <stdbool.h>
#include <stddef.h>

enum { POOL_MAX_THREADS = 1024 };

struct pool;

typedef void (*pool_fn)(void *arg, unsigned thread, unsigned threads);

/* `threads` in all, the caller included: it is thread 0. 0: one per physical core. pin: bind thread i to the i-th CPU (not done
 * when there are more threads than CPUs). 0, -EINVAL, -ENOMEM or pthread_create's error, negative. */
int pool_new(unsigned threads, bool pin, unsigned spin_us, struct pool **out);
void pool_free(struct pool *p);

/* Runs fn on every thread and returns when all have finished. Not to be called from two threads at once. */
void pool_run(struct pool *p, pool_fn fn, void *arg);
/* Inside fn: waits until every thread of the pool has called it. What was written before is seen by all after. */
void pool_barrier(struct pool *p);

unsigned pool_threads(const struct pool *p);
const char *pool_cpus(const struct pool *p); /* "0,1", or "" when not pinned */

/* Thread `thread`'s share of n things in groups of `group`: [*from, *to). Shares differ by at most one group. */
void pool_share(size_t n, size_t group, unsigned thread, unsigned threads, size_t *from, size_t *to);

#endif
