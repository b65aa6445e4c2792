/* Requests of the kernel benchmark's tests. */
#ifndef BITJOULE_KERNEL_REQUEST_H
#define BITJOULE_KERNEL_REQUEST_H

#include "harness/kernel_plan.h"

/* Each list ends with NULL or 0. */
static inline struct kernel_request request(const struct format *const *formats, const unsigned *tokens, const unsigned *threads)
{
    struct kernel_request r = {0};
    while (formats[r.n_formats]) {
        r.formats[r.n_formats] = formats[r.n_formats];
        r.n_formats++;
    }
    while (tokens[r.tokens.n]) {
        r.tokens.v[r.tokens.n] = tokens[r.tokens.n];
        r.tokens.n++;
    }
    while (threads[r.threads.n]) {
        r.threads.v[r.threads.n] = threads[r.threads.n];
        r.threads.n++;
    }
    return r;
}

#endif
