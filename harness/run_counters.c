/* Counts events of the prompt and of the generation of `bitjoule run`, each as a window of its own; metrics of the last turn are kept. */
#include "harness/run_counters.h"

#include <stdlib.h>

#include "profiles/counters.h"
#include "profiles/metric_out.h"
#include "profiles/time_clock.h"

struct phase {
    struct metric m[PROBE_MAX_METRICS];
    size_t n; /* 0: there was none */
};

struct run_state {
    struct counters *counters;
    double start_s;
    struct phase phase[RUN_PHASES];
};

static int open_counters(const char *backend, const char *groups, void **state)
{
    const struct probe_env env = {.counters = backend ? backend : "perf", .counter_groups = groups};
    char err[COUNTERS_ERR_LEN];
    if (!counters_check(env.counters, groups, err)) {
        fprintf(stderr, "bitjoule run: --counters: %s\n", err);
        return 2;
    }
    struct run_state *r = calloc(1, sizeof *r);
    if (!r || counters_open(&env, &r->counters)) {
        free(r);
        fprintf(stderr, "bitjoule run: out of memory\n");
        return 1;
    }
    *state = r;
    return 0;
}

static void start(void *state)
{
    struct run_state *r = state;
    counters_prepare(r->counters);
    r->start_s = time_now_s();
    counters_start(r->counters);
}

static void stop(void *state, enum run_phase phase)
{
    struct run_state *r = state;
    counters_stop(r->counters);
    const double window_s = time_now_s() - r->start_s;
    r->phase[phase].n = counters_read(r->counters, window_s, r->phase[phase].m, PROBE_MAX_METRICS);
}

static void print(void *state, FILE *f)
{
    static const char *const names[RUN_PHASES] = {"prompt", "generation"};
    const struct run_state *r = state;
    for (size_t i = 0; i < RUN_PHASES; i++) {
        if (!r->phase[i].n)
            continue;
        fprintf(f, "counters of the %s\n", names[i]);
        metrics_print(f, r->phase[i].m, r->phase[i].n);
    }
}

static void close_counters(void *state)
{
    struct run_state *r = state;
    if (r)
        counters_close(r->counters);
    free(r);
}

const struct run_meter run_counters = {open_counters, start, stop, print, close_counters};
