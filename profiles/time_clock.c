/* CLOCK_MONOTONIC_RAW as seconds, and what a reading of it costs.
 *
 * The cost is the median of several batches, so that one interruption does not show. This clock does not count suspended time. */
#include "profiles/time_clock.h"

#include <math.h>
#include <time.h>

double time_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { BATCHES = 9, BATCH_READS = 500 };

static void insert_sorted(double *v, int n, double x)
{
    while (n > 0 && v[n - 1] > x) {
        v[n] = v[n - 1];
        n--;
    }
    v[n] = x;
}

void time_clock_measure(struct time_clock_info *out)
{
    double batch_s[BATCHES];
    double step_s = INFINITY;
    for (int b = 0; b < BATCHES; b++) {
        double first = time_now_s(), last = first;
        for (int i = 0; i < BATCH_READS; i++) {
            double t = time_now_s();
            if (t > last)
                step_s = fmin(step_s, t - last);
            last = t;
        }
        insert_sorted(batch_s, b, (last - first) / BATCH_READS);
    }
    out->cost_s = batch_s[BATCHES / 2];
    out->resolution_s = step_s;
}
