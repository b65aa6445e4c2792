/* By way of erfc(), which keeps the relative accuracy of small tails; the quantile by bisection, as it is rarely called. */
#include "harness/stats_normal.h"

#include <assert.h>
#include <math.h>

double normal_cdf(double z)
{
    return 0.5 * erfc(-z / sqrt(2));
}

double normal_quantile(double p)
{
    assert(p > 0 && p < 1);
    if (p > 0.5)
        return -normal_quantile(1 - p);
    double lo = -40, hi = 0;
    while (hi - lo > 1e-13) {
        const double mid = lo + (hi - lo) / 2;
        if (normal_cdf(mid) < p)
            lo = mid;
        else
            hi = mid;
    }
    return lo + (hi - lo) / 2;
}
