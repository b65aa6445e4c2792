/* What `bitjoule energy` prints of a finished measurement. Internal to profiles/. */
#ifndef BITJOULE_ENERGY_PRINT_H
#define BITJOULE_ENERGY_PRINT_H

#include "profiles/energy_baseline.h"
#include "profiles/probe.h"

struct energy_result {
    void *probe; /* state of probe_energy */
    double duration_s;
    int interrupted;            /* a signal, or 0 */
    int status;                 /* exit status of the command */
    bool has_command, estimate; /* estimate: --estimate was given */
    double quantisation;        /* relative error bound of the window */
    const char *headline;       /* "pkg", ...; NULL: no source */
    struct metric *m;
    size_t n, cap;
    const struct energy_baseline *before, *after; /* NULL: not asked for */
};

/* Adds what is computed from other metrics: delay product, overhead, baseline and net, estimates. */
void energy_result_derive(struct energy_result *r, unsigned n_cpus);
void energy_result_print(const struct energy_result *r);
void energy_result_print_json(const struct energy_result *r);

#endif
