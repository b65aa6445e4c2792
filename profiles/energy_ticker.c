/* The slow reader's thread. It waits on a condition with a deadline, so that stop() never has to wait for a period to end; the
 * deadlines are multiples of the period from the start, so late wake-ups do not add up. All signals are blocked in it: they belong
 * to the thread that waits for them. */
#include "profiles/energy_ticker.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct energy_ticker {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool started, quit;
    double period_s;
    void (*fn)(void *);
    void *arg;
};

int energy_ticker_new(struct energy_ticker **out)
{
    struct energy_ticker *t = calloc(1, sizeof *t);
    pthread_condattr_t attr;
    if (!t)
        return -ENOMEM;
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->wake, &attr);
    pthread_condattr_destroy(&attr);
    *out = t;
    return 0;
}

void energy_ticker_free(struct energy_ticker *t)
{
    energy_ticker_stop(t);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static struct timespec later(struct timespec from, double s)
{
    const double whole = floor(s);
    from.tv_sec += (time_t)whole;
    from.tv_nsec += (long)(1e9 * (s - whole));
    if (from.tv_nsec >= 1000000000) {
        from.tv_nsec -= 1000000000;
        from.tv_sec++;
    }
    return from;
}

static void *run(void *arg)
{
    struct energy_ticker *t = arg;
    struct timespec next;
    pthread_mutex_lock(&t->lock);
    clock_gettime(CLOCK_MONOTONIC, &next);
    next = later(next, t->period_s);
    while (!t->quit) {
        if (pthread_cond_timedwait(&t->wake, &t->lock, &next) != ETIMEDOUT)
            continue;
        t->fn(t->arg);
        next = later(next, t->period_s);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

bool energy_ticker_start(struct energy_ticker *t, double period_s, void (*fn)(void *), void *arg)
{
    sigset_t all, old;
    energy_ticker_stop(t);
    t->quit = false;
    t->period_s = period_s;
    t->fn = fn;
    t->arg = arg;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    t->started = pthread_create(&t->thread, NULL, run, t) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return t->started;
}

void energy_ticker_stop(struct energy_ticker *t)
{
    if (!t->started)
        return;
    pthread_mutex_lock(&t->lock);
    t->quit = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    t->started = false;
}

void energy_ticker_lock(struct energy_ticker *t)
{
    pthread_mutex_lock(&t->lock);
}

void energy_ticker_unlock(struct energy_ticker *t)
{
    pthread_mutex_unlock(&t->lock);
}
