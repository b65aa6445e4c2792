/* Student's t by way of the incomplete beta function.
 *
 * I_x(a, b) is evaluated by its continued fraction (Abramowitz and Stegun 26.5.8) with Lentz's method; the symmetry
 * I_x(a, b) = 1 - I_{1-x}(b, a) keeps x on the side where the fraction converges fast. Quantiles are found by bisection of the
 * tail probability, which stays accurate where 1 - p would cancel. Not tuned: it is called a few times per cell. */
#include "engine/student_t.h"

#include <assert.h>
#include <float.h>
#include <math.h>

static double away_from_zero(double x)
{
    return fabs(x) < DBL_MIN / DBL_EPSILON ? DBL_MIN / DBL_EPSILON : x;
}

/* The continued fraction 1/(1+ d1/(1+ d2/(1+ ...))) with
 * d(2m) = m (b-m) x / ((a+2m-1)(a+2m)),  d(2m+1) = -(a+m)(a+b+m) x / ((a+2m)(a+2m+1)). */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), h = d;
    for (int m = 1; m <= 100000; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / away_from_zero(1 + even * d);
        c = away_from_zero(1 + even / c);
        h *= d * c;
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / away_from_zero(1 + odd * d);
        c = away_from_zero(1 + odd / c);
        h *= d * c;
        if (fabs(d * c - 1) < 4 * DBL_EPSILON)
            break;
    }
    return h;
}

double beta_inc(double a, double b, double x)
{
    assert(a > 0 && b > 0 && x >= 0 && x <= 1);
    if (x <= 0 || x >= 1)
        return x;
    int sign;
    const double log_front = lgamma_r(a + b, &sign) - lgamma_r(a, &sign) - lgamma_r(b, &sign) + a * log(x) + b * log1p(-x);
    if (x < (a + 1) / (a + b + 2))
        return exp(log_front) * beta_fraction(a, b, x) / a;
    return 1 - exp(log_front) * beta_fraction(b, a, 1 - x) / b;
}

/* P(T > t) for t >= 0: I_{df/(df+t^2)}(df/2, 1/2) / 2 */
static double upper_tail(double t, double df)
{
    return 0.5 * beta_inc(df / 2, 0.5, df / (df + t * t));
}

double student_t_cdf(double t, double df)
{
    return t < 0 ? upper_tail(-t, df) : 1 - upper_tail(t, df);
}

double student_t_quantile(double p, double df)
{
    assert(p > 0 && p < 1 && df > 0);
    if (p < 0.5)
        return -student_t_quantile(1 - p, df);
    const double tail = 1 - p;
    double lo = 0, hi = 1;
    while (upper_tail(hi, df) > tail && hi < 1e150)
        hi *= 2;
    while (hi - lo > 1e-12 * hi) {
        const double mid = lo + (hi - lo) / 2;
        if (upper_tail(mid, df) > tail)
            lo = mid;
        else
            hi = mid;
    }
    return lo + (hi - lo) / 2;
}
