/* Numbers that were not had are null in JSON, NAN here, and cross no limit: an alert needs a value. */
#include "harness/scenario_verdict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/json_util.h"
#include "harness/latency_stats.h"

static double number_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

const json_t *scenario_load(const json_t *loads, const char *name)
{
    size_t i;
    json_t *l;
    json_array_foreach(loads, i, l)
    {
        const char *own = json_string_value(json_object_get(l, "load"));
        if (own && !strcmp(own, name))
            return l;
    }
    return NULL;
}

/* ---- the server's targets ------------------------------------------------------------------------------------------- */

/* The percentile of a latency by its samples; NAN: none. */
static double percentile_of(const json_t *load, const char *what, double p)
{
    const json_t *samples = json_object_get(json_object_get(load, what), "samples");
    const size_t n = json_array_size(samples);
    double *v = malloc((n + 1) * sizeof *v);
    for (size_t i = 0; v && i < n; i++)
        v[i] = json_number_value(json_array_get(samples, i));
    const double x = v ? latency_quantile(v, n, p) : (double)NAN;
    free(v);
    return x;
}

static bool bound_within(const json_t *load, const char *what, double limit_s)
{
    return number_of(json_object_get(json_object_get(load, "bounds"), what), "value") <= limit_s; /* false for NAN */
}

json_t *scenario_meets(const struct scenario *s, const json_t *load)
{
    const double ttft = percentile_of(load, "ttft_s", s->percentile / 100),
                 tpot = percentile_of(load, "tpot_s", s->percentile / 100);
    const bool one_token = json_is_null(json_object_get(load, "tpot_s")), none_failed = number_of(load, "failed") == 0;
    const bool ttft_ok = ttft <= 1e-3 * s->target_ttft_ms, tpot_ok = one_token || tpot <= 1e-3 * s->target_tpot_ms;
    const bool proven = none_failed && bound_within(load, "ttft_s", 1e-3 * s->target_ttft_ms) &&
                        (one_token || bound_within(load, "tpot_s", 1e-3 * s->target_tpot_ms));
    char why[256];
    if (!none_failed)
        snprintf(why, sizeof why, "%.0f requests failed or were not done in time", number_of(load, "failed"));
    else
        snprintf(why, sizeof why, "p%.4g TTFT %.4g ms (at most %.4g), TPOT %.4g ms (at most %.4g)", s->percentile, 1e3 * ttft,
                 s->target_ttft_ms, one_token ? 0.0 : 1e3 * tpot, s->target_tpot_ms);
    return json_pack("{s:b, s:b, s:s}", "meets", (int)(none_failed && ttft_ok && tpot_ok), "proven", (int)proven, "why", why);
}

/* ---- alerts --------------------------------------------------------------------------------------------------------- */

static void alert(json_t *list, const char *limit, bool least, double threshold, double value, const char *unit)
{
    char message[160];
    if (!(least ? value < threshold : value > threshold))
        return;
    snprintf(message, sizeof message, "%s: %.4g %s, %s %.4g %s allowed", limit, value, unit, least ? "at least" : "at most",
             threshold, unit);
    json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:s, s:s}", "limit", limit, "threshold", threshold, "value", value,
                                          "unit", unit, "message", message));
}

/* Of all loads together. */
static double error_percent(const json_t *loads)
{
    double failed = 0, all = 0;
    size_t i;
    json_t *l;
    json_array_foreach(loads, i, l)
    {
        failed += number_of(l, "failed");
        all += number_of(l, "requests");
    }
    return all > 0 ? 100 * failed / all : (double)NAN;
}

/* What a user of one request sees: single-stream where it ran, else offline. */
static const json_t *user_load(const json_t *loads)
{
    const json_t *l = scenario_load(loads, "single-stream");
    l = l ? l : scenario_load(loads, "server");
    return l ? l : scenario_load(loads, "offline");
}

json_t *scenario_alerts(const struct scenario *s, const json_t *loads, const struct watch_summary *w)
{
    json_t *list = json_array();
    const json_t *user = user_load(loads);
    alert(list, "memory", false, s->max_memory_mb, w->rss_peak_bytes / (1 << 20), "MB");
    alert(list, "cpu", false, s->max_cpu_percent, w->cpu_host_pct, "%");
    alert(list, "tokens_per_s", true, s->min_tokens_per_s, number_of(user, "output_tokens_per_s"), "tokens/s");
    alert(list, "error_rate", false, s->max_error_percent, error_percent(loads), "%");
    alert(list, "latency", false, s->max_latency_ms, 1e3 * number_of(json_object_get(user, "e2e_s"), "p95"), "ms");
    return list;
}

/* ---- what it delivers ----------------------------------------------------------------------------------------------- */

double scenario_efficiency(const json_t *scaling)
{
    const json_t *last = json_array_get(scaling, json_array_size(scaling) - 1);
    return json_array_size(scaling) > 1 ? number_of(last, "efficiency") : (double)NAN;
}

json_t *scenario_delivers(const json_t *loads, const json_t *search)
{
    const json_t *offline = scenario_load(loads, "offline"), *most = offline ? offline : user_load(loads);
    const json_t *joules = metric_json_find(json_object_get(most, "metrics"), "joules_per_token");
    const char *reason = json_string_value(json_object_get(joules, "reason"));
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o}", "output_tokens_per_s", json_number_or_null(number_of(most, "output_tokens_per_s")),
        "p95_latency_s", json_number_or_null(number_of(json_object_get(user_load(loads), "e2e_s"), "p95")), "requests_per_min",
        json_number_or_null(number_of(most, "requests_per_min")), "joules_per_token",
        json_number_or_null(number_of(joules, "value")), "joules_reason", json_text_or_null(joules ? reason : "no load was run"),
        "server_rate", json_number_or_null(number_of(search, "rate")));
}
