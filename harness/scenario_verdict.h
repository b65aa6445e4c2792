/* From the loads of a scenario to its verdict: pure functions over the record's JSON. */
#ifndef BITJOULE_SCENARIO_VERDICT_H
#define BITJOULE_SCENARIO_VERDICT_H

#include <jansson.h>
#include <stdbool.h>

#include "harness/suite.h"
#include "harness/watch.h"

/* Whether a load of the server meets the targets: {"meets", "proven", "why"}. meets: its percentiles of TTFT and TPOT are at most the
 * targets, and nothing failed. proven: so are the penalised ones, which need many requests (latency_stats.h). */
json_t *scenario_meets(const struct scenario *s, const json_t *load);

/* The load of that kind in an array of them; borrowed; NULL: none. */
const json_t *scenario_load(const json_t *loads, const char *name);

/* Alerts: an array of {"limit", "threshold", "value", "unit", "message"}, one for each service limit that was crossed. */
json_t *scenario_alerts(const struct scenario *s, const json_t *loads, const struct watch_summary *w);

/* "delivers": {"output_tokens_per_s", "p95_latency_s", "requests_per_min", "joules_per_token", "joules_reason", "server_rate"}; null
 * where there is none. */
json_t *scenario_delivers(const json_t *loads, const json_t *search);

/* Parallel efficiency of the load with the most threads: speed over (threads * speed of one thread); NAN: not had. */
double scenario_efficiency(const json_t *scaling);

#endif
