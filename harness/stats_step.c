/* Pettitt's statistic by ranks: U(t) = 2 * (sum of the first t midranks) - t (n + 1), up to its sign. */
#include "harness/stats_step.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/mix64.h"
#include "harness/stats.h"

enum { PERMUTATIONS = 999, SHORTEST = 6 };

static void midranks(const double *x, size_t n, double *rank)
{
    for (size_t i = 0; i < n; i++) {
        double below = 0, equal = 0;
        for (size_t k = 0; k < n; k++) {
            below += x[k] < x[i];
            equal += !(x[k] < x[i]) && !(x[k] > x[i]);
        }
        rank[i] = below + (equal + 1) / 2;
    }
}

/* K of ranks in this order; *at: the first value after the step. */
static double pettitt(const double *rank, size_t n, size_t *at)
{
    double sum = 0, best = -1;
    for (size_t t = 1; t < n; t++) {
        sum += rank[t - 1];
        const double u = fabs(2 * sum - (double)t * ((double)n + 1));
        if (u > best) {
            best = u;
            *at = t;
        }
    }
    return best;
}

static void shuffle(double *x, size_t n, uint64_t seed)
{
    for (size_t i = n; i > 1; i--) {
        const size_t k = (size_t)(random_at(seed, i) % i);
        const double swap = x[i - 1];
        x[i - 1] = x[k];
        x[k] = swap;
    }
}

/* p of the largest step, found at *at. */
static double step_p(const double *x, size_t n, double *rank, size_t *at)
{
    size_t somewhere, as_large = 1;
    midranks(x, n, rank);
    const double seen = pettitt(rank, n, at);
    for (uint64_t i = 0; i < PERMUTATIONS; i++) {
        shuffle(rank, n, mix64(i + 1));
        as_large += pettitt(rank, n, &somewhere) >= seen;
    }
    return (double)as_large / (PERMUTATIONS + 1);
}

struct search {
    const double *x;
    double alpha, *rank; /* alpha of one value: a part is tested at its length times that, so that all parts share alpha */
    struct stats_step *out;
    size_t most, found;
};

static void look(struct search *s, size_t from, size_t to)
{
    size_t at = 0;
    if (to - from < SHORTEST || s->found == s->most)
        return;
    const double p = step_p(s->x + from, to - from, s->rank, &at);
    if (!(p < s->alpha * (double)(to - from)))
        return;
    look(s, from, from + at);
    if (s->found < s->most)
        s->out[s->found++] = (struct stats_step){from + at, p, NAN};
    look(s, from + at, to);
}

static double median_of(const double *x, size_t n, double *work)
{
    memcpy(work, x, n * sizeof *x);
    stats_sort(work, n);
    return stats_quantile(work, n, 0.5);
}

int stats_steps(const double *x, size_t n, double alpha, struct stats_step *out, size_t most, size_t *found)
{
    struct search s = {x, alpha / (double)(n ? n : 1), malloc((n + 1) * sizeof *s.rank), out, most, 0};
    *found = 0;
    if (!s.rank)
        return -ENOMEM;
    look(&s, 0, n);
    for (size_t i = 0; i < s.found; i++) {
        const size_t before = i ? out[i - 1].at : 0, after = i + 1 < s.found ? out[i + 1].at : n;
        const double old = median_of(x + before, out[i].at - before, s.rank);
        out[i].ratio = median_of(x + out[i].at, after - out[i].at, s.rank) / old;
    }
    *found = s.found;
    free(s.rank);
    return 0;
}
