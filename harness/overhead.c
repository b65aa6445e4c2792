/* Drives a worker without a model through empty blocks. */
#include "harness/overhead.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/stats.h"
#include "profiles/time_clock.h"

enum { BLOCKS = 21, MANY = 100000, TIMEOUT_S = 60 };

struct empty_block {
    double time_s, window_s, round_trip_s;
};

static bool run_empty(struct worker *w, unsigned repetitions, struct empty_block *b, char reason[WORKER_REASON_LEN])
{
    json_t *reply = NULL;
    const double before_s = time_now_s();
    if (worker_call(w, json_pack("{s:s, s:i}", "cmd", "block", "repetitions", (int)repetitions), TIMEOUT_S, &reply, reason) !=
        WORKER_OK)
        return false;
    b->round_trip_s = time_now_s() - before_s;
    b->time_s = json_number_value(json_object_get(reply, "time_s"));
    b->window_s = json_number_value(json_object_get(reply, "window_s"));
    json_decref(reply);
    return true;
}

static double median(double *v, size_t n)
{
    stats_sort(v, n);
    return stats_quantile(v, n, 0.5);
}

static json_t *measure(struct worker *w, char reason[WORKER_REASON_LEN])
{
    double window[BLOCKS], round_trip[BLOCKS];
    struct empty_block b, many;
    for (size_t i = 0; i < BLOCKS; i++) {
        if (!run_empty(w, 1, &b, reason))
            return NULL;
        window[i] = b.window_s - b.time_s;
        round_trip[i] = b.round_trip_s;
    }
    if (!run_empty(w, MANY, &many, reason))
        return NULL;
    const double window_s = median(window, BLOCKS), repetition_s = (many.window_s - many.time_s) / MANY;
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:i}", "window_s", window_s, "repetition_s", repetition_s, "share_of_1s",
                     window_s + repetition_s, "clock_s", many.time_s / MANY, "round_trip_s", median(round_trip, BLOCKS), "blocks",
                     BLOCKS);
}

json_t *overhead_measure(const struct worker_options *opt, char reason[WORKER_REASON_LEN])
{
    struct worker *w = NULL;
    json_t *reply = NULL, *result = NULL;
    if (worker_start(opt, NULL, &w, reason))
        return NULL;
    if (worker_call(w, json_pack("{s:s, s:s}", "cmd", "setup", "workload", "null"), TIMEOUT_S, &reply, reason) == WORKER_OK)
        result = measure(w, reason);
    json_decref(reply);
    worker_stop(w);
    return result;
}
