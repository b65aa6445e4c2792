/* What is used of likwid: a table, so that a test can stand in for the library. Internal to profiles/. */
#ifndef BITJOULE_ENERGY_LIKWID_H
#define BITJOULE_ENERGY_LIKWID_H

#include <stdbool.h>
#include <stdint.h>

/* domain: likwid's numbers, 0 package, 1 cores, 2 graphics, 3 DRAM, 4 platform */
struct likwid_api {
    int (*init)(bool daemon, int cpu); /* 0 or a negative errno */
    int (*add_cpu)(int cpu);           /* likewise */
    double (*unit_j)(int domain);      /* joules per count; 0: this CPU has no such domain */
    int (*read)(int cpu, int domain, uint32_t *count);
    void (*finish)(void);
};

#endif
