/* Runs a load inside of a window of the probes and makes JSON of it. Every load has a session of its own. */
#include "harness/load_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/session.h"
#include "engine/topology.h"
#include "harness/json_util.h"
#include "harness/latency_stats.h"
#include "harness/load_gen.h"
#include "profiles/energy.h"
#include "profiles/energy_attribution.h"
#include "profiles/metric_out.h"
#include "profiles/time_clock.h"

enum { REASON_LEN = 512, MAX_CPUS = 1024 };

static json_t *refuse(const char *what, int rc)
{
    char text[REASON_LEN];
    snprintf(text, sizeof text, "%s%s%s", what, rc ? ": " : "", rc ? strerror(-rc) : "");
    return json_pack("{s:s}", "error", text);
}

static unsigned count_of(const json_t *cmd, const char *key)
{
    const json_int_t v = json_integer_value(json_object_get(cmd, key));
    return v > 0 && v <= UINT32_MAX ? (unsigned)v : 0;
}

static double number_of(const json_t *cmd, const char *key)
{
    return json_number_value(json_object_get(cmd, key));
}

/* ---- confine -------------------------------------------------------------------------------------------------------- */

static int join_group(const char *group)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/cgroup.procs", group);
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    int rc = fd < 0 ? -errno : 0;
    if (!rc && write(fd, "0", 1) != 1) /* whoever writes */
        rc = errno ? -errno : -EIO;
    if (fd >= 0)
        close(fd);
    return rc;
}

json_t *load_worker_confine(const json_t *cmd)
{
    int cpus[MAX_CPUS];
    const size_t have = topology_cpus(cpus, MAX_CPUS, NULL), asked = count_of(cmd, "cpus"), n = asked < have ? asked : have;
    const char *group = json_string_value(json_object_get(cmd, "cgroup"));
    cpu_set_t set;
    CPU_ZERO(&set);
    for (size_t i = 0; i < n; i++)
        if (cpus[i] < CPU_SETSIZE)
            CPU_SET((size_t)cpus[i], &set);
    if (n && sched_setaffinity(0, sizeof set, &set))
        return refuse("the worker cannot be bound to its CPUs", -errno);
    const int rc = group ? join_group(group) : 0;
    return rc ? refuse("the worker cannot join its control group", rc) : json_pack("{s:I}", "cpus", (json_int_t)n);
}

/* ---- serve ---------------------------------------------------------------------------------------------------------- */

/* Rates and latencies; what follows from no request or one token is null. */
static json_t *result_json(const struct load_options *o, const struct load_result *r, double p, double confidence)
{
    const bool any = r->n > 0 && r->duration_s > 0, tpot = o->n_gen > 1;
    const double s = any ? r->duration_s : (double)NAN, out = (double)r->out_tokens;
    json_t *latencies = json_pack("{s:o, s:o, s:o}", "ttft_s", latency_stats_json(r->ttft_s, r->n, true), "tpot_s",
                                  tpot ? latency_stats_json(r->tpot_s, r->n, true) : json_null(), "e2e_s",
                                  latency_stats_json(r->e2e_s, r->n, true));
    json_t *bounds = json_pack("{s:o, s:o, s:o}", "ttft_s", latency_bound_json(r->ttft_s, r->n, p, confidence), "tpot_s",
                               tpot ? latency_bound_json(r->tpot_s, r->n, p, confidence) : json_null(), "e2e_s",
                               latency_bound_json(r->e2e_s, r->n, p, confidence));
    json_t *answer = json_pack(
        "{s:s, s:i, s:i, s:i, s:i, s:I, s:o, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:o}", "load", load_name(o->kind), "n_prompt",
        (int)o->n_prompt, "n_gen", (int)o->n_gen, "requests", (int)o->requests, "sequences",
        (int)(o->kind == LOAD_SINGLE_STREAM ? 1 : o->sequences), "failed", (json_int_t)r->failed, "rate",
        o->kind == LOAD_SERVER ? json_real(o->rate) : json_null(), "error_rate", (double)r->failed / (double)o->requests,
        "duration_s", r->duration_s, "output_tokens_per_s", json_number_or_null(out / s), "total_tokens_per_s",
        json_number_or_null((out + (double)r->n * o->n_prompt) / s), "requests_per_min", json_number_or_null(60 * (double)r->n / s),
        "mean_batch", json_number_or_null(r->decode_tokens / r->decode_passes), "output_sha256",
        json_text_or_null(r->output_sha256), "bounds", bounds);
    if (!answer || !latencies || json_object_update(answer, latencies)) {
        json_decref(answer);
        answer = NULL;
    }
    json_decref(latencies);
    return answer;
}

/* What the probes saw, and joules per token of output where there is energy. */
static int add_metrics(json_t *answer, struct probe_set *set, const struct probe_env *env, double window_s, double tokens)
{
    enum { CAP = 8 * PROBE_MAX_METRICS };
    char reason[METRIC_REASON_LEN] = "";
    double joules, seconds;
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct metric *m = calloc(CAP, sizeof *m), per_token;
    if (!m)
        return -ENOMEM;
    size_t n = probe_set_read(set, m, CAP - 2);
    const bool judged = energy_attribution_applies(env);
    if (!energy_headline_joules(probe_set_state(set, &probe_energy), &joules, &seconds, reason) || !(tokens > 0))
        metric_unavailable(&per_token, "joules_per_token", "J", "energy", reason[0] ? reason : "no token was put out");
    else if (judged && energy_attribution_fault(m, n, window_s, cpus > 0 ? (unsigned)cpus : 1, reason))
        metric_unavailable(&per_token, "joules_per_token", "J", "energy", reason);
    else
        metric_set(&per_token, "joules_per_token", "J", METRIC_DERIVED, joules / tokens,
                   "energy of the load over its tokens of output");
    if (judged)
        n = energy_attribute(m, n, CAP - 1, window_s, cpus > 0 ? (unsigned)cpus : 1);
    m[n++] = per_token;
    const int rc = json_object_set_new(answer, "metrics", metrics_json(m, n));
    free(m);
    return rc ? -ENOMEM : 0;
}

static json_t *serve_in(const struct model *m, struct session *s, const struct probe_env *env, const struct load_options *o,
                        const json_t *cmd)
{
    struct load_result r;
    struct probe_set *set = NULL;
    int rc = probe_set_open(env, &set);
    if (rc)
        return refuse("no memory for the probes", 0);
    probe_set_start(set);
    const double before = time_now_s();
    rc = load_run(m, s, o, &r);
    const double window_s = time_now_s() - before;
    probe_set_stop(set);
    json_t *answer = rc ? refuse("the load cannot be run", rc)
                        : result_json(o, &r, number_of(cmd, "percentile") / 100, number_of(cmd, "confidence") / 100);
    if (!rc && answer && add_metrics(answer, set, env, window_s, (double)r.out_tokens)) {
        json_decref(answer);
        answer = NULL;
    }
    if (!rc)
        load_result_free(&r);
    probe_set_close(set);
    return answer;
}

static const char *check(const struct load_options *o)
{
    if (o->kind == LOAD_KINDS)
        return "unknown load";
    if (!o->n_prompt || !o->n_gen || !o->requests || !o->sequences || !(o->timeout_s > 0))
        return "a load without prompt, answer, requests, sequences or time";
    return o->kind == LOAD_SERVER && !(o->rate > 0) ? "a server without a rate of requests" : NULL;
}

json_t *load_worker_serve(const struct model *m, const struct probe_env *env, const json_t *cmd)
{
    char err[MODEL_ERR_LEN] = "";
    const char *kind = json_string_value(json_object_get(cmd, "kind")), *kv = json_string_value(json_object_get(cmd, "kv"));
    const struct load_options o = {.kind = load_of_name(kind ? kind : "", kind ? strlen(kind) : 0),
                                   .n_prompt = count_of(cmd, "n_prompt"),
                                   .n_gen = count_of(cmd, "n_gen"),
                                   .requests = count_of(cmd, "requests"),
                                   .sequences = count_of(cmd, "sequences"),
                                   .rate = number_of(cmd, "rate"),
                                   .timeout_s = number_of(cmd, "timeout_s"),
                                   .seed = (uint64_t)json_integer_value(json_object_get(cmd, "seed"))};
    const char *wrong = m ? check(&o) : "no model is loaded";
    if (wrong)
        return refuse(wrong, 0);
    const struct session_options so = {.threads = count_of(cmd, "threads"),
                                       .n_ctx = (size_t)o.n_prompt + o.n_gen,
                                       .chunk = count_of(cmd, "chunk"),
                                       .sequences = o.kind == LOAD_SINGLE_STREAM ? 1 : o.sequences,
                                       .kv = kv && !strcmp(kv, "f32") ? KV_F32 : KV_F16};
    struct session *s = NULL;
    if (session_new(m, &so, &s, err))
        return refuse(err, 0);
    json_t *answer = serve_in(m, s, env, &o, cmd);
    if (answer && !json_object_get(answer, "error"))
        json_object_set_new(answer, "threads", json_integer(session_threads(s)));
    session_free(s);
    return answer;
}
