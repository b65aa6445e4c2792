/* Exact and approximate rank tests.
 *
 * Ranks are kept as whole numbers: twice the midrank, so that ties stay exact. The distribution of a sum of ranks is a count of
 * subsets: of a given size for Mann-Whitney (every choice of na out of the N ranks is as likely), of any size for the signed ranks
 * (every choice of signs is). ways[k][s] grows by one rank at a time, as in a knapsack; counts are doubles, exact below 2^53 and
 * within 1e-13 of relative error above. Cost: N * na * sum of ranks, 50 million additions for 50 + 50 values without ties. */
#include "harness/stats_rank.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/stats_normal.h"

struct ranked {
    double x;
    size_t at, rank2; /* position in the input, twice the midrank */
};

static int by_x(const void *a, const void *b)
{
    const double x = ((const struct ranked *)a)->x, y = ((const struct ranked *)b)->x;
    return (x > y) - (x < y);
}

/* Sorts and ranks; returns the tie term, the sum of t^3 - t over groups of t equal values. */
static double rank_values(struct ranked *v, size_t n)
{
    double ties = 0;
    qsort(v, n, sizeof *v, by_x);
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && v[j].x <= v[i].x; j++)
            ;
        const double t = (double)(j - i);
        ties += t * t * t - t;
        for (size_t k = i; k < j; k++)
            v[k].rank2 = i + j + 1; /* ranks i+1 .. j: twice their mean */
    }
    return ties;
}

/* ways[s] = number of subsets of `size` of the n ranks with sum s, s <= total. NULL: out of memory. */
static double *subset_sums(const size_t *rank, size_t n, size_t size, size_t total)
{
    const size_t width = total + 1;
    double *ways = calloc((size + 1) * width, sizeof *ways);
    if (!ways)
        return NULL;
    ways[0] = 1;
    for (size_t i = 0; i < n; i++)
        for (size_t k = size < i + 1 ? size : i + 1; k > 0; k--) { /* larger subsets first: each rank is used once */
            double *to = ways + k * width;
            const double *from = to - width;
            for (size_t s = rank[i]; s <= total; s++)
                to[s] += from[s - rank[i]];
        }
    for (size_t s = 0; s < width && size > 0; s++)
        ways[s] = ways[size * width + s];
    return ways;
}

/* ways[s] = number of subsets of any size with sum s. */
static double *any_subset_sums(const size_t *rank, size_t n, size_t total)
{
    double *ways = calloc(total + 1, sizeof *ways);
    if (!ways)
        return NULL;
    ways[0] = 1;
    for (size_t i = 0; i < n; i++)
        for (size_t s = total + 1; s-- > rank[i];)
            ways[s] += ways[s - rank[i]];
    return ways;
}

/* Share of the ways whose sum is at least as far from expected2 / 2 as the one seen. */
static double two_sided(const double *ways, size_t total, size_t seen, size_t expected2)
{
    double far = 0, all = 0;
    const size_t gap = 2 * seen > expected2 ? 2 * seen - expected2 : expected2 - 2 * seen;
    for (size_t s = 0; s <= total; s++) {
        all += ways[s];
        if ((2 * s > expected2 ? 2 * s - expected2 : expected2 - 2 * s) >= gap)
            far += ways[s];
    }
    return fmin(1, far / all);
}

static double normal_p(double statistic, double mean, double variance)
{
    if (variance <= 0)
        return 1;
    const double gap = fmax(0, fabs(statistic - mean) - 0.5); /* continuity: the statistic is a whole number */
    return fmin(1, 2 * normal_cdf(-gap / sqrt(variance)));
}

/* ---- Mann-Whitney ------------------------------------------------------------------------------------------------------ */

static int exact_mann_whitney(const struct ranked *v, size_t na, size_t n, size_t sum2, double *p)
{
    size_t *rank = malloc(n * sizeof *rank), total = 0;
    for (size_t i = 0; rank && i < n; i++)
        total += rank[i] = v[i].rank2;
    double *ways = rank ? subset_sums(rank, n, na, total) : NULL;
    if (ways) /* E(sum of na midranks) = na (n + 1) / 2; ours are doubled, and two_sided() doubles again */
        *p = two_sided(ways, total, sum2, 2 * na * (n + 1));
    free(rank);
    free(ways);
    return ways ? 0 : -ENOMEM;
}

int stats_mann_whitney(const double *a, size_t na, const double *b, size_t nb, struct rank_test *out)
{
    assert(na >= 1 && nb >= 1);
    const size_t n = na + nb;
    struct ranked *v = malloc(n * sizeof *v);
    if (!v)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        v[i] = (struct ranked){i < na ? a[i] : b[i - na], i, 0};
    const double ties = rank_values(v, n), x = (double)na, y = (double)nb, N = (double)n;
    size_t sum2 = 0;
    int rc = 0;
    for (size_t i = 0; i < n; i++)
        sum2 += v[i].at < na ? v[i].rank2 : 0;
    out->statistic = (double)sum2 / 2 - x * (x + 1) / 2;
    out->n = n;
    out->exact = n <= STATS_EXACT_MAX;
    if (out->exact)
        rc = exact_mann_whitney(v, na, n, sum2, &out->p);
    else
        out->p = normal_p(out->statistic, x * y / 2, x * y / 12 * (N + 1 - ties / (N * (N - 1))));
    snprintf(out->method, sizeof out->method, "%s Mann-Whitney U, n=%zu and %zu%s",
             out->exact ? "exact" : "normal approximation of", na, nb, ties > 0 ? ", ties" : "");
    free(v);
    return rc;
}

/* C(na + nb, na) arrangements, the two extreme ones. */
double stats_mann_whitney_min_p(size_t na, size_t nb)
{
    double choose = 1;
    for (size_t i = 1; i <= na; i++)
        choose *= (double)(nb + i) / (double)i;
    return fmin(1, 2 / choose);
}

double *stats_mann_whitney_tail(size_t na, size_t nb, size_t *len)
{
    const size_t n = na + nb, least = na * (na + 1) / 2, total = na * nb + least;
    size_t *rank = malloc((n + 1) * sizeof *rank);
    for (size_t i = 0; rank && i < n; i++)
        rank[i] = i + 1;
    double *ways = rank ? subset_sums(rank, n, na, total) : NULL;
    free(rank);
    if (!ways)
        return NULL;
    *len = na * nb + 1;
    double all = 0;
    for (size_t u = 0; u < *len; u++)
        ways[u] = all += ways[u + least];
    for (size_t u = 0; u < *len; u++)
        ways[u] /= all;
    return ways;
}

/* ---- signed ranks ------------------------------------------------------------------------------------------------------ */

static int exact_signed_rank(const struct ranked *v, size_t n, size_t positive2, double *p)
{
    size_t *rank = malloc((n + 1) * sizeof *rank), total = 0;
    for (size_t i = 0; rank && i < n; i++)
        total += rank[i] = v[i].rank2;
    double *ways = rank ? any_subset_sums(rank, n, total) : NULL;
    if (ways) /* each rank is positive with probability 1/2 */
        *p = two_sided(ways, total, positive2, total);
    free(rank);
    free(ways);
    return ways ? 0 : -ENOMEM;
}

int stats_signed_rank(const double *d, size_t n, struct rank_test *out)
{
    struct ranked *v = malloc((n + 1) * sizeof *v);
    size_t m = 0, positive2 = 0;
    int rc = 0;
    if (!v)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (fabs(d[i]) > 0)
            v[m++] = (struct ranked){fabs(d[i]), i, 0};
    const double ties = rank_values(v, m), N = (double)m;
    for (size_t i = 0; i < m; i++)
        positive2 += d[v[i].at] > 0 ? v[i].rank2 : 0;
    out->statistic = (double)positive2 / 2;
    out->n = m;
    out->exact = m <= STATS_EXACT_MAX;
    if (out->exact)
        rc = exact_signed_rank(v, m, positive2, &out->p);
    else
        out->p = normal_p(out->statistic, N * (N + 1) / 4, (N * (N + 1) * (2 * N + 1) - ties / 2) / 24);
    snprintf(out->method, sizeof out->method, "%s Wilcoxon signed-rank, n=%zu%s%s",
             out->exact ? "exact" : "normal approximation of", m, ties > 0 ? ", ties" : "", m < n ? ", zeros left out" : "");
    free(v);
    return rc;
}

double stats_signed_rank_min_p(size_t n)
{
    return fmin(1, 2 * pow(0.5, (double)n));
}

double *stats_signed_rank_tail(size_t n, size_t *len)
{
    size_t *rank = malloc((n + 1) * sizeof *rank);
    const size_t total = n * (n + 1) / 2;
    for (size_t i = 0; rank && i < n; i++)
        rank[i] = i + 1;
    double *p = rank ? any_subset_sums(rank, n, total) : NULL;
    free(rank);
    if (!p)
        return NULL;
    *len = total + 1;
    double all = 0;
    for (size_t s = 0; s < *len; s++)
        p[s] = all += p[s];
    for (size_t s = 0; s < *len; s++)
        p[s] /= all;
    return p;
}
