/* What an experiment can find, and how many rounds it would take.
 *
 * sd is the standard deviation of one round's log ratio ln(new / base); of two samples without rounds sqrt(sd_base^2 + sd_new^2),
 * with n values on each side. Effects are log ratios: 0.03 is about 3 %. The test is taken to have the efficiency of the signed
 * ranks on normal noise, 3 / pi = 0.955 of the t test's (Hollander and Wolfe, 3.11), so that se = sd / sqrt(0.955 n). */
#ifndef BITJOULE_STATS_POWER_H
#define BITJOULE_STATS_POWER_H

#include <stddef.h>

#include "harness/stats.h"

/* The sd behind a ratio's interval from n rounds: half = t(n - 1) * se on the log scale. NAN without an interval or n < 2. */
double stats_sd_of_interval(const struct interval *ratio, size_t n);

/* Minimum detectable effect: the smallest |log ratio| that a two-sided test at level alpha finds with this power,
 * (t(1 - alpha/2, n - 1) + t(power, n - 1)) * se. NAN for n < 2. */
double stats_mde(double sd, size_t n, double alpha, double power);

/* Rounds until the interval of the log ratio is at most +- half wide, or until an effect is found with this power. At least 6,
 * where the exact interval of 95 % begins; 0: more than `most`. */
size_t stats_rounds_for_half_width(double sd, double half, double confidence, size_t most);
size_t stats_rounds_for_effect(double sd, double effect, double alpha, double power, size_t most);

#endif
