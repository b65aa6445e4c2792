/* Holm's step-down adjustment and the geometric mean of ratios; formulas in the header. */
#include "harness/stats_multi.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct entry {
    double p;
    size_t at;
};

static int by_p(const void *a, const void *b)
{
    const double x = ((const struct entry *)a)->p, y = ((const struct entry *)b)->p;
    return (x > y) - (x < y);
}

int stats_holm(const double *p, size_t n, double *adjusted)
{
    struct entry *v = malloc((n + 1) * sizeof *v);
    size_t m = 0;
    double running = 0;
    if (!v)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        adjusted[i] = NAN;
        if (!isnan(p[i]))
            v[m++] = (struct entry){p[i], i};
    }
    qsort(v, m, sizeof *v, by_p);
    for (size_t k = 0; k < m; k++) { /* the k-th smallest times the tests that are left, never below the one before it */
        running = fmax(running, fmin(1, (double)(m - k) * v[k].p));
        adjusted[v[k].at] = running;
    }
    free(v);
    return 0;
}

void stats_geomean_of_ratios(const struct interval *ratio, size_t n, struct interval *out)
{
    assert(n >= 1);
    double mean = 0, square = 0, confidence = 1;
    for (size_t i = 0; i < n; i++) {
        const double half = (log(ratio[i].hi) - log(ratio[i].lo)) / 2; /* NAN without an interval, and so is the sum */
        mean += log(ratio[i].value) / (double)n;
        square += half * half;
        confidence = fmin(confidence, ratio[i].confidence);
    }
    const double half = sqrt(square) / (double)n;
    out->value = exp(mean);
    out->lo = exp(mean - half);
    out->hi = exp(mean + half);
    out->confidence = isnan(half) ? (double)NAN : confidence;
    snprintf(out->method, sizeof out->method,
             isnan(half) ? "geometric mean of %zu: a cell has no interval" : "geometric mean of %zu", n);
}
