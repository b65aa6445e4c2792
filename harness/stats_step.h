/* Where does a series jump? Change points of a history, in which each value is one run.
 *
 * Pettitt, A Non-Parametric Approach to the Change-Point Problem, 1979: K = max over t of |U(t)|, U(t) = sum over i <= t < j of
 * sign(x[j] - x[i]). p is the share of random orders of the same values whose K is as large (999 permutations, seeded, plus the
 * one seen), so ties and short series are right. A series with a step is cut there and both parts are looked at again, each with
 * its share of alpha by its length. */
#ifndef BITJOULE_STATS_STEP_H
#define BITJOULE_STATS_STEP_H

#include <stddef.h>

struct stats_step {
    size_t at; /* first value of the new level */
    double p;
    double ratio; /* median after over median before, of the parts on both sides up to the next steps */
};

/* Steps with p < alpha in the order of the series, at most `most`; *found: how many. Fewer than 6 values have none. Positive
 * values.
 * 0 or -ENOMEM. */
int stats_steps(const double *x, size_t n, double alpha, struct stats_step *out, size_t most, size_t *found);

#endif
