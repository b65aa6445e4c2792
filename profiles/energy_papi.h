/* What is used of PAPI: a table, so that a test can stand in for the library. Internal to profiles/. */
#ifndef BITJOULE_ENERGY_PAPI_H
#define BITJOULE_ENERGY_PAPI_H

#include <stdbool.h>

struct papi_api {
    int (*init)(void);                                        /* 0, or PAPI's negative code */
    bool (*has_component)(const char *name);                  /* compiled in, and not disabled on this machine */
    int (*new_set)(const char *component, int cpu, int *set); /* cpu: bound to it, system-wide; -1: not bound */
    int (*add)(int set, const char *event);                   /* 0: it exists and is in the set */
    int (*start)(int set);
    int (*read)(int set, long long *values); /* in the order in which they were added */
    void (*end)(int set);
    void (*shutdown)(void);
    const char *(*error)(int code);
};

#endif
