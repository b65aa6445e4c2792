/* What the back-end likwid uses of likwid: a table, so that a test can stand in for the library. Internal to profiles/. */
#ifndef BITJOULE_COUNTER_LIKWID_H
#define BITJOULE_COUNTER_LIKWID_H

#include <stdbool.h>

struct counter_likwid_api {
    int (*init)(bool daemon, const int *cpus, int n); /* 0 or a negative errno */
    int (*add_group)(const char *name);               /* one of likwid's groups: its number, or negative */
    int (*start)(int group);                          /* sets it up and starts it. 0 or negative */
    int (*stop)(void);                                /* 0 or negative */
    int (*n_metrics)(int group);
    const char *(*metric_name)(int group, int metric);   /* "Memory bandwidth [MBytes/s]" */
    double (*metric)(int group, int metric, int thread); /* of the last start..stop, thread: index into cpus */
    void (*finish)(void);
    void (*marker_init)(void);
    int (*marker)(const char *region, bool start); /* of the CPU that the caller is bound to. 0 or negative */
};

#endif
