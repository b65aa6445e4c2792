/* Taylor series after argument reduction. Speed does not matter here: a position needs rope_dim / 2 values once for all layers. */
#include "engine/trig.h"

#include <math.h>

/* pi/2 in three parts: the first two have 33 significant bits, so that k * PART is exact for |k| < 2^20; then rounding of
 * the third part matters only below 1e-20 * k. */
#define PIO2_1 1.57079632673412561417e+00
#define PIO2_2 6.07710050630396597660e-11
#define PIO2_3 2.02226624879595063154e-21
#define LN2_HI 6.93147180369123816490e-01 /* 33 bits */
#define LN2_LO 1.90821492927058770002e-10

/* |r| <= pi/4: terms up to r^19 / 19! (0.785^21 / 21! = 1.2e-22 is the first left out) */
static double sin_small(double r)
{
    double term = r, sum = r;
    for (int n = 3; n <= 19; n += 2) {
        term *= -r * r / (double)(n * (n - 1));
        sum += term;
    }
    return sum;
}

static double cos_small(double r)
{
    double term = 1.0, sum = 1.0;
    for (int n = 2; n <= 20; n += 2) {
        term *= -r * r / (double)(n * (n - 1));
        sum += term;
    }
    return sum;
}

void sincosd(double x, double *sin_x, double *cos_x)
{
    const double k = floor(x / (PIO2_1 + PIO2_2) + 0.5);
    const double r = ((x - k * PIO2_1) - k * PIO2_2) - k * PIO2_3;
    const double s = sin_small(r), c = cos_small(r);
    switch ((long long)k & 3) {
    case 0: *sin_x = s, *cos_x = c; break;
    case 1: *sin_x = c, *cos_x = -s; break;
    case 2: *sin_x = -s, *cos_x = -c; break;
    default: *sin_x = -c, *cos_x = s; break;
    }
}

/* ln x = e ln 2 + 2 atanh((m - 1) / (m + 1)), m in [sqrt(1/2), sqrt 2): |z| < 0.172, z^33 / 33 < 1e-26 */
static double logd(double x)
{
    int e;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752440) {
        m *= 2.0;
        e--;
    }
    const double z = (m - 1.0) / (m + 1.0);
    double power = z, sum = z;
    for (int n = 3; n <= 31; n += 2) {
        power *= z * z;
        sum += power / (double)n;
    }
    return 2.0 * sum + (double)e * LN2_LO + (double)e * LN2_HI;
}

static double expd(double x)
{
    const double n = floor(x / (LN2_HI + LN2_LO) + 0.5);
    const double r = (x - n * LN2_HI) - n * LN2_LO;
    double term = 1.0, sum = 1.0;
    for (int i = 1; i <= 18; i++) {
        term *= r / (double)i;
        sum += term;
    }
    return ldexp(sum, (int)n);
}

double powd(double base, double exponent)
{
    return expd(exponent * logd(base));
}
