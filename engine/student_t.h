/* Student's t distribution. It lies in engine/ because both the perplexity interval here and the harness's statistics need it. */
#ifndef BITJOULE_STUDENT_T_H
#define BITJOULE_STUDENT_T_H

/* Regularised incomplete beta function I_x(a, b), a and b > 0, 0 <= x <= 1. */
double beta_inc(double a, double b, double x);

/* P(T <= t) for df > 0 degrees of freedom (need not be whole). */
double student_t_cdf(double t, double df);

/* The t with P(T <= t) = p, 0 < p < 1. Relative error below 1e-9 for df >= 0.5. */
double student_t_quantile(double p, double df);

#endif
