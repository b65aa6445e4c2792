/* What the back-end papi uses of PAPI: a table, so that a test can stand in for the library. Internal to profiles/. */
#ifndef BITJOULE_COUNTER_PAPI_H
#define BITJOULE_COUNTER_PAPI_H

#include <sys/types.h>

struct counter_papi_api {
    int (*init)(void); /* 0, or PAPI's negative code */
    /* A set for a thread or a command and what it starts (pid), or for a CPU and whoever runs on it (pid -1). */
    int (*new_set)(pid_t pid, int cpu, int *set);
    int (*add)(int set, const char *event); /* 0: it exists and is in the set */
    int (*start)(int set);
    int (*stop)(int set, long long *values); /* in the order in which they were added */
    void (*end)(int set);
    const char *(*error)(int code);
};

#endif
