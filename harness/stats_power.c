/* Sample sizes from Student's t; formulas in the header. Needed rounds are found by bisection, as the effect falls with n. */
#include "harness/stats_power.h"

#include <math.h>

#include "engine/student_t.h"

static const double efficiency = 0.9549296585513721; /* 3 / pi */
enum { FEWEST = 6 };

static double standard_error(double sd, size_t n)
{
    return sd / sqrt(efficiency * (double)n);
}

double stats_sd_of_interval(const struct interval *ratio, size_t n)
{
    if (n < 2 || !(ratio->confidence > 0 && ratio->confidence < 1))
        return NAN;
    const double half = (log(ratio->hi) - log(ratio->lo)) / 2;
    return half / student_t_quantile(0.5 + ratio->confidence / 2, (double)(n - 1)) * sqrt(efficiency * (double)n);
}

/* power 0.5 leaves t(power) = 0: then the effect is the half width of the interval */
double stats_mde(double sd, size_t n, double alpha, double power)
{
    if (n < 2)
        return NAN;
    const double df = (double)(n - 1);
    return (student_t_quantile(1 - alpha / 2, df) + student_t_quantile(power, df)) * standard_error(sd, n);
}

size_t stats_rounds_for_effect(double sd, double effect, double alpha, double power, size_t most)
{
    size_t lo = FEWEST, hi = most;
    if (most < FEWEST || !(stats_mde(sd, most, alpha, power) <= effect))
        return 0;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (stats_mde(sd, mid, alpha, power) <= effect)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

size_t stats_rounds_for_half_width(double sd, double half, double confidence, size_t most)
{
    return stats_rounds_for_effect(sd, half, 1 - confidence, 0.5, most);
}
