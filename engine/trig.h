/* sin, cos, exp and log in double precision from basic IEEE operations only, for RoPE: the same bits on every machine, which
 * the C library does not promise. Absolute error of sin and cos below 1e-14 for |x| < 1e6 and
 * growing slowly beyond; relative error of powd below 1e-13. */
#ifndef BITJOULE_TRIG_H
#define BITJOULE_TRIG_H

void sincosd(double x, double *sin_x, double *cos_x);
/* base^exponent for base > 0 and |exponent * ln base| < 700 */
double powd(double base, double exponent);

#endif
