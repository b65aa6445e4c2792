/* Quantiles and the penalised percentile of latency_stats.h. The binomial sum is built term by term in logarithms, so that it holds for
 * any number of samples. */
#include "harness/latency_stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/json_util.h"
#include "harness/stats.h"

void latency_bound(const double *sorted, size_t n, double p, double confidence, struct latency_bound *out)
{
    const double q = 1 - p, most = 1 - confidence;
    double log_term = (double)n * log(p), sum = exp(log_term); /* P[k = 0], P[k <= 0] */
    *out = (struct latency_bound){.value = (double)NAN, .effective = (double)NAN, .needed = (size_t)ceil(log(most) / log(p))};
    for (size_t t = 0; t < n && sum <= most; t++) {
        out->left_out = t;
        out->value = sorted[n - 1 - t];
        out->effective = (double)(n - t) / (double)n;
        log_term += log((double)(n - t) / (double)(t + 1) * q / p);
        sum += exp(log_term);
    }
}

static double *sorted_copy(const double *v, size_t n)
{
    double *copy = n ? malloc(n * sizeof *copy) : NULL;
    if (!copy)
        return NULL;
    memcpy(copy, v, n * sizeof *copy);
    stats_sort(copy, n);
    return copy;
}

double latency_quantile(const double *v, size_t n, double p)
{
    double *sorted = sorted_copy(v, n);
    const double value = sorted ? stats_quantile(sorted, n, p) : (double)NAN;
    free(sorted);
    return value;
}

json_t *latency_stats_json(const double *v, size_t n, bool samples)
{
    if (!n)
        return json_null();
    double *x = sorted_copy(v, n);
    if (!x)
        return NULL;
    json_t *o = json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "n", (json_int_t)n, "mean", stats_mean(x, n), "median",
                          stats_quantile(x, n, 0.5), "p90", stats_quantile(x, n, 0.9), "p95", stats_quantile(x, n, 0.95), "p99",
                          stats_quantile(x, n, 0.99), "max", x[n - 1]);
    free(x);
    json_t *list = samples ? json_array() : NULL;
    for (size_t i = 0; list && i < n; i++)
        json_array_append_new(list, json_real(v[i]));
    if (list)
        json_object_set_new(o, "samples", list);
    return o;
}

json_t *latency_bound_json(const double *v, size_t n, double p, double confidence)
{
    struct latency_bound b;
    double *x = sorted_copy(v, n);
    if (n && !x)
        return NULL;
    latency_bound(x, n, p, confidence, &b);
    free(x);
    return json_pack("{s:f, s:f, s:o, s:o, s:I}", "percentile", p, "confidence", confidence, "value", json_number_or_null(b.value),
                     "effective", json_number_or_null(b.effective), "needed", (json_int_t)b.needed);
}
