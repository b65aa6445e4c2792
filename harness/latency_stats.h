/* Latencies of requests: their quantiles, and a percentile that is safe with few samples. Pure functions.
 *
 * A p99 of 50 samples is little more than their maximum. MLPerf Inference ("early stopping", inference policies, appendix) answers with
 * an order statistic so high that the true percentile lies below it with a stated confidence: of n samples it leaves out the t
 * largest, with the largest t for which
 *
 *     P[Binomial(n, 1 - p) <= t] <= 1 - confidence
 *
 * so the percentile that is read off, (n - t) / n, is above p, the more so the fewer samples there are. With fewer than
 * log(1 - confidence) / log(p) samples not even the largest will do, and there is no value. For p = 0.9 and 99 % these are 44 samples
 * for t = 0 and 64 for t = 1, for p = 0.99 they are 459 and 662. */
#ifndef BITJOULE_LATENCY_STATS_H
#define BITJOULE_LATENCY_STATS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct latency_bound {
    double value;     /* NAN: too few samples */
    double effective; /* percentile that was read off, 0..1; NAN likewise */
    size_t left_out;  /* t */
    size_t needed;    /* samples from which on there is a value */
};

/* sorted: [n], ascending; 0 < p < 1, 0 < confidence < 1. */
void latency_bound(const double *sorted, size_t n, double p, double confidence, struct latency_bound *out);

/* {"n", "mean", "median", "p90", "p95", "p99", "max"}, with `samples` also these, in their order. New reference; null for n = 0; NULL:
 * no memory. Quantiles are stats_quantile()'s. */
json_t *latency_stats_json(const double *v, size_t n, bool samples);
/* {"percentile", "confidence", "value" | null, "effective" | null, "needed"} of unsorted values. */
json_t *latency_bound_json(const double *v, size_t n, double p, double confidence);
/* The p-quantile of unsorted values; NAN for none. */
double latency_quantile(const double *v, size_t n, double p);

#endif
