/* Medians, quantiles and intervals; the formulas stand in stats.h. Input arrays are never changed except by stats_sort(). */
#include "harness/stats.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/student_t.h"

static const double confidence = 0.95;

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void stats_sort(double *x, size_t n)
{
    qsort(x, n, sizeof *x, by_value);
}

double stats_quantile(const double *sorted, size_t n, double p)
{
    assert(n >= 1 && p >= 0 && p <= 1);
    const double h = (double)(n - 1) * p;
    const size_t i = (size_t)h;
    if (i + 1 >= n)
        return sorted[n - 1];
    return sorted[i] + (h - (double)i) * (sorted[i + 1] - sorted[i]);
}

double stats_mean(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

double stats_sd(const double *x, size_t n)
{
    const double mean = stats_mean(x, n);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (double)(n - 1));
}

/* Mean and variance (divisor n - 1; 0 for n == 1) of log x. */
struct log_moments {
    double mean, var;
};

static struct log_moments log_moments(const double *x, size_t n)
{
    struct log_moments m = {0, 0};
    for (size_t i = 0; i < n; i++)
        m.mean += log(x[i]) / (double)n;
    for (size_t i = 0; i < n; i++)
        m.var += (log(x[i]) - m.mean) * (log(x[i]) - m.mean);
    if (n > 1)
        m.var /= (double)(n - 1);
    return m;
}

static void no_interval(struct interval *out)
{
    out->lo = out->hi = out->confidence = NAN;
    snprintf(out->method, sizeof out->method, "single sample");
}

static void log_t_interval(const double *x, size_t n, struct interval *out)
{
    const struct log_moments m = log_moments(x, n);
    const double half = student_t_quantile(0.5 + confidence / 2, (double)(n - 1)) * sqrt(m.var / (double)n);
    out->lo = exp(m.mean - half);
    out->hi = exp(m.mean + half);
    out->confidence = confidence;
    snprintf(out->method, sizeof out->method, "t interval of log time, n=%zu", n);
}

void stats_geomean(const double *x, size_t n, struct interval *out)
{
    assert(n >= 1);
    out->value = exp(log_moments(x, n).mean);
    if (n == 1)
        no_interval(out);
    else
        log_t_interval(x, n, out);
}

static void order_interval(const double *sorted, size_t n, struct interval *out)
{
    /* below = P(Binomial(n, 1/2) < k), term = P(Binomial = k). In logs, as 2^-n underflows for n > 1074. */
    const double log_half_n = -(double)n * log(2);
    double log_choose = 0, below = 0;
    size_t k = 0;
    for (;;) {
        const double term = exp(log_choose + log_half_n);
        if (1 - 2 * (below + term) < confidence)
            break;
        below += term;
        log_choose += log((double)(n - k) / (double)(k + 1));
        k++;
    }
    out->lo = sorted[k - 1];
    out->hi = sorted[n - k];
    out->confidence = 1 - 2 * below;
    snprintf(out->method, sizeof out->method, "order statistics of the median %zu..%zu of %zu", k, n + 1 - k, n);
}

int stats_median_interval(const double *x, size_t n, struct interval *out)
{
    assert(n >= 1);
    double *sorted = malloc(n * sizeof *sorted);
    if (!sorted)
        return -ENOMEM;
    memcpy(sorted, x, n * sizeof *sorted);
    stats_sort(sorted, n);
    out->value = stats_quantile(sorted, n, 0.5);
    if (n == 1)
        no_interval(out);
    else if (n < 6)
        log_t_interval(sorted, n, out);
    else
        order_interval(sorted, n, out);
    free(sorted);
    return 0;
}

int stats_mad(const double *x, size_t n, double *out)
{
    double *d = malloc(n * sizeof *d);
    if (!d)
        return -ENOMEM;
    memcpy(d, x, n * sizeof *d);
    stats_sort(d, n);
    const double median = stats_quantile(d, n, 0.5);
    for (size_t i = 0; i < n; i++)
        d[i] = fabs(d[i] - median);
    stats_sort(d, n);
    *out = stats_quantile(d, n, 0.5);
    free(d);
    return 0;
}

void stats_speed_ratio(const double *base, size_t n_base, const double *cell, size_t n_cell, struct interval *out)
{
    const struct log_moments b = log_moments(base, n_base), c = log_moments(cell, n_cell);
    const double diff = b.mean - c.mean;
    out->value = exp(diff);
    if (n_base < 2 || n_cell < 2) {
        no_interval(out);
        return;
    }
    /* Welch: se^2 = vb/nb + vc/nc; df = se^4 / ((vb/nb)^2/(nb-1) + (vc/nc)^2/(nc-1)) */
    const double vb = b.var / (double)n_base, vc = c.var / (double)n_cell, se2 = vb + vc;
    double half = 0, df = (double)(n_base + n_cell - 2);
    if (se2 > 0) {
        df = se2 * se2 / (vb * vb / (double)(n_base - 1) + vc * vc / (double)(n_cell - 1));
        half = student_t_quantile(0.5 + confidence / 2, df) * sqrt(se2);
    }
    out->lo = exp(diff - half);
    out->hi = exp(diff + half);
    out->confidence = confidence;
    snprintf(out->method, sizeof out->method, "Welch t interval of log time, n=%zu and %zu, df=%.3g", n_base, n_cell, df);
}
