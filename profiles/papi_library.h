/* What is used of PAPI, for energy and for counters: a table, so that a test can stand in for the library. Internal to profiles/. */
#ifndef BITJOULE_PAPI_LIBRARY_H
#define BITJOULE_PAPI_LIBRARY_H

#include <stdbool.h>
#include <sys/types.h>

/* What an event set counts. */
struct papi_target {
    const char *component; /* of that name, user and kernel mode; NULL: the CPU's counters, in PAPI's default, user mode alone */
    pid_t pid;             /* a thread or command and what it starts; -1: none */
    int cpu;               /* whoever runs on that CPU, or what it alone can read; -1: none */
};

/* int: 0, or PAPI's negative code. */
struct papi_api {
    int (*init)(void);
    bool (*has_component)(const char *name); /* compiled in, and not disabled on this machine */
    int (*new_set)(const struct papi_target *target, int *set);
    int (*add)(int set, const char *event); /* 0: it exists and is in the set */
    int (*start)(int set);
    int (*read)(int set, long long *values); /* in the order in which they were added */
    int (*stop)(int set, long long *values); /* likewise, for the last time */
    void (*end)(int set);                    /* of a set that was stopped or never started */
    void (*shutdown)(void);
    const char *(*error)(int code);
};

/* The library, loaded at run time; NULL: it is not there, and *why says so. */
const struct papi_api *papi_library(const char **why);

#endif
