/* A thread that calls a function now and then between start and stop: keeps counters from wrapping unseen, samples power. */
#ifndef BITJOULE_ENERGY_TICKER_H
#define BITJOULE_ENERGY_TICKER_H

#include <stdbool.h>

struct energy_ticker;

int energy_ticker_new(struct energy_ticker **out); /* 0 or -ENOMEM; starts no thread */
void energy_ticker_free(struct energy_ticker *t);  /* stops it first */
/* Calls fn(arg), with the lock held, every period_s from now on. */
bool energy_ticker_start(struct energy_ticker *t, double period_s, void (*fn)(void *), void *arg); /* false: no thread */
void energy_ticker_stop(struct energy_ticker *t); /* after it fn is not called any more */
void energy_ticker_lock(struct energy_ticker *t);
void energy_ticker_unlock(struct energy_ticker *t);

#endif
