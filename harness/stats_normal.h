/* The normal distribution: what the approximations of the rank tests and the bootstrap need. */
#ifndef BITJOULE_STATS_NORMAL_H
#define BITJOULE_STATS_NORMAL_H

double normal_cdf(double z);
/* The z with normal_cdf(z) = p, 0 < p < 1. Absolute error below 1e-12. */
double normal_quantile(double p);

#endif
