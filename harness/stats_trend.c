/* Mann-Kendall with Theil-Sen's slope, and the test of the first value; formulas in the header. O(n^2), meant for some hundred
 * values. */
#include "harness/stats_trend.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "engine/student_t.h"
#include "harness/stats.h"
#include "harness/stats_normal.h"

enum { EXACT_MAX = 100 };

/* Sum of t (t - 1) (2t + 5) over groups of t equal values. */
static double tie_term(const double *sorted, size_t n)
{
    double sum = 0;
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && sorted[j] <= sorted[i]; j++)
            ;
        const double t = (double)(j - i);
        sum += t * (t - 1) * (2 * t + 5);
    }
    return sum;
}

/* P(|S| >= |s|) of a random order of n different values. S = pairs - 2 * inversions; p[k] = P(k inversions), built up one value at
 * a time: the i-th adds 0 .. i - 1 inversions, each as likely. NAN: out of memory. */
static double exact_p(size_t n, double s)
{
    const size_t pairs = n * (n - 1) / 2;
    double *p = calloc(pairs + 1, sizeof *p), *next = calloc(pairs + 1, sizeof *next), far = 0;
    if (p && next) {
        p[0] = 1;
        for (size_t i = 2; i <= n; i++) {
            double window = 0; /* sum of p[k - i + 1 .. k] */
            for (size_t k = 0; k <= i * (i - 1) / 2; k++) {
                window += p[k] - (k >= i ? p[k - i] : 0);
                next[k] = window / (double)i;
            }
            double *swap = p;
            p = next;
            next = swap;
        }
        for (size_t k = 0; k <= pairs; k++)
            far += fabs((double)pairs - 2 * (double)k) >= fabs(s) ? p[k] : 0;
    } else {
        far = NAN;
    }
    free(p);
    free(next);
    return fmin(1, far);
}

static double normal_p(size_t n, double s, double ties)
{
    const double N = (double)n, variance = (N * (N - 1) * (2 * N + 5) - ties) / 18;
    return variance > 0 ? fmin(1, 2 * normal_cdf(-fmax(0, fabs(s) - 1) / sqrt(variance))) : 1;
}

int stats_trend(const double *x, size_t n, struct trend *out)
{
    assert(n >= 2);
    const size_t pairs = n * (n - 1) / 2;
    size_t k = 0;
    double *slope = malloc(pairs * sizeof *slope), *sorted = malloc(n * sizeof *sorted);
    const int rc = slope && sorted ? 0 : -ENOMEM;
    if (!rc) {
        out->s = 0;
        for (size_t i = 0; i < n; i++) {
            sorted[i] = x[i];
            for (size_t j = i + 1; j < n; j++) {
                out->s += (x[j] > x[i]) - (x[j] < x[i]);
                slope[k++] = (x[j] - x[i]) / (double)(j - i);
            }
        }
        stats_sort(slope, pairs);
        stats_sort(sorted, n);
        const double ties = tie_term(sorted, n);
        out->tau = out->s / (double)pairs;
        out->slope = stats_quantile(slope, pairs, 0.5);
        out->exact = n <= EXACT_MAX && !(ties > 0);
        out->p = out->exact ? exact_p(n, out->s) : normal_p(n, out->s, ties);
    }
    free(slope);
    free(sorted);
    return rc || isnan(out->p) ? -ENOMEM : 0;
}

void stats_first_run(const double *x, size_t n, struct first_run *out)
{
    assert(n >= 2);
    const double rest = (double)(n - 1);
    double mean = 0, square = 0;
    for (size_t i = 1; i < n; i++)
        mean += log(x[i]) / rest;
    for (size_t i = 1; i < n; i++)
        square += (log(x[i]) - mean) * (log(x[i]) - mean);
    const double gap = log(x[0]) - mean;
    out->ratio = exp(gap);
    out->p = NAN;
    if (n < 3)
        return;
    const double se = sqrt(square / (rest - 1) * (1 + 1 / rest));
    if (se > 0)
        out->p = fmin(1, 2 * student_t_cdf(-fabs(gap) / se, rest - 1));
    else
        out->p = fabs(gap) > 0 ? 0 : 1;
}
