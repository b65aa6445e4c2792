/* What is used of likwid, for energy and for counters: a table, so that a test can stand in for the library. Internal to profiles/.
 *
 * likwid is GPL-3: it is loaded at run time, never linked. It ends the process when its daemon fails: see likwid_trial.h. */
#ifndef BITJOULE_LIKWID_LIBRARY_H
#define BITJOULE_LIKWID_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>

struct likwid_api {
    /* RAPL registers. domain: likwid's numbers, 0 package, 1 cores, 2 graphics, 3 DRAM, 4 platform */
    int (*power_init)(bool daemon, int cpu); /* 0 or a negative errno */
    int (*power_add_cpu)(int cpu);           /* likewise */
    double (*unit_j)(int domain);            /* joules per count; 0: this CPU has no such domain */
    int (*power_read)(int cpu, int domain, uint32_t *count);
    void (*power_finish)(void);
    /* its counter groups */
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

/* The library, loaded at run time; NULL: it is not there, and *why says so. */
const struct likwid_api *likwid_library(const char **why);

#endif
