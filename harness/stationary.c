/* Two tests on the samples in the order of their rounds; see stationary.h. The limits keep what is significant but small from becoming
 * noise in the record. */
#include "harness/stationary.h"

#include <math.h>
#include <stdio.h>

#include "harness/stats_trend.h"

enum { MIN_BLOCKS = 6 };
static const double alpha = 0.01, drift_limit = 0.05, first_limit = 1.1;

int stationary_fault(const struct cell_result *r, char fault[STATIONARY_LEN])
{
    const size_t n = r->time_s.n;
    struct trend trend;
    struct first_run first;
    fault[0] = 0;
    if (n < MIN_BLOCKS)
        return 0;
    stats_first_run(r->time_s.v, n, &first);
    if (first.p < alpha && first.ratio > first_limit) {
        snprintf(fault, STATIONARY_LEN, "its first block took %.0f %% longer than the others: the warm-up was too short (--warmup)",
                 100 * (first.ratio - 1));
        return 0;
    }
    const int rc = stats_trend(r->time_s.v, n, &trend);
    const double change = trend.slope * (double)(n - 1) / stats_mean(r->time_s.v, n);
    if (!rc && trend.p < alpha && fabs(change) > drift_limit)
        snprintf(fault, STATIONARY_LEN,
                 "it got %.0f %% %s over its %zu blocks: the machine was not steady; ratios of rounds stand what meets both alike",
                 100 * fabs(change), change > 0 ? "slower" : "faster", n);
    return rc;
}
