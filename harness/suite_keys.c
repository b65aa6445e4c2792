/* Every key of a suite with its section, type and limits, and how text becomes its value. */
#include "harness/suite_keys.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/topology.h"
#include "kernels/cpu.h"

enum { MAX_TOKENS = 1 << 20, MAX_REPS = 10000, MAX_NUMBER = 1000000000 };

const char scenario_priorities[] = "latency, efficiency, throughput, scalability";
const char scenario_loads[] = "single-stream, offline, server";

#define AT(field) offsetof(struct suite, field)
const struct suite_key suite_keys[] = {
    {"suite", "description", KEY_TEXT, AT(description), 0, 0, false},
    {"matrix", "models", KEY_WORDS, AT(models), 0, 0, false},
    {"matrix", "formats", KEY_FORMATS, AT(formats), 0, 0, false},
    {"matrix", "threads", KEY_UINTS, AT(threads), 1, 1024, true},
    {"matrix", "prompt", KEY_UINTS, AT(prompt), 0, MAX_TOKENS, false},
    {"matrix", "gen", KEY_UINTS, AT(gen), 0, MAX_TOKENS, false},
    {"matrix", "request", KEY_REQUESTS, AT(requests), 1, MAX_TOKENS, false},
    {"matrix", "sequences", KEY_UINTS, AT(sequences), 1, SESSION_MAX_SEQUENCES, false},
    {"matrix", "depth", KEY_UINTS, AT(depth), 0, MAX_TOKENS, false},
    {"matrix", "batch", KEY_UINTS, AT(batch), 1, 4096, false},
    {"matrix", "embedding", KEY_FORMAT, AT(embedding), 0, 0, false},
    {"matrix", "kv", KEY_KV, AT(kv), 0, 0, false},
    {"matrix", "isa", KEY_ISA, AT(isa), 0, 0, false},
    {"matrix", "seed", KEY_U64, AT(seed), 0, 0, false},
    {"measure", "warmup", KEY_UINT, AT(warmup), 0, MAX_REPS, false},
    {"measure", "block_s", KEY_SECONDS, AT(block_s), 0, 0, false},
    {"measure", "block_energy_s", KEY_SECONDS, AT(block_energy_s), 0, 0, false},
    {"measure", "rounds", KEY_UINT, AT(rounds), 1, MAX_REPS, false},
    {"measure", "min_rounds", KEY_UINT, AT(min_rounds), 1, MAX_REPS, false},
    {"measure", "max_rounds", KEY_UINT, AT(max_rounds), 1, MAX_REPS, false},
    {"measure", "repeats", KEY_UINT, AT(repeats), 0, MAX_REPS, false},
    {"measure", "precision", KEY_SHARE, AT(precision), 0, 0, false},
    {"measure", "contest_s", KEY_SECONDS, AT(contest_s), 0, 0, false},
    {"measure", "passes", KEY_UINT, AT(passes), 1, MAX_REPS, false},
    {"measure", "counters", KEY_TEXT, AT(counters), 0, 0, false},
    {"measure", "counter_group", KEY_TEXT, AT(counter_group), 0, 0, false},
    {"measure", "timeout_s", KEY_SECONDS, AT(timeout_s), 0, 0, false},
    {"measure", "watch_hz", KEY_REAL, AT(watch_hz), 0, 10, false},
    {"scenario", "threads", KEY_UINT, AT(scenario.threads), 1, 1024, false},
    {"scenario", "memory_mb", KEY_UINT, AT(scenario.memory_mb), 1, MAX_NUMBER, false},
    {"scenario", "priority", KEY_PRIORITY, AT(scenario.priority), 0, 0, false},
    {"scenario", "loads", KEY_LOADS, AT(scenario.loads), 0, 0, false},
    {"scenario", "request", KEY_REQUESTS, AT(scenario.request), 1, MAX_TOKENS, false},
    {"scenario", "requests", KEY_UINT, AT(scenario.requests), 1, MAX_NUMBER, false},
    {"scenario", "sequences", KEY_UINT, AT(scenario.sequences), 1, SESSION_MAX_SEQUENCES, false},
    {"scenario", "trials", KEY_UINT, AT(scenario.trials), 1, 64, false},
    {"scenario", "target_ttft_ms", KEY_REAL, AT(scenario.target_ttft_ms), 0, MAX_NUMBER, false},
    {"scenario", "target_tpot_ms", KEY_REAL, AT(scenario.target_tpot_ms), 0, MAX_NUMBER, false},
    {"scenario", "percentile", KEY_REAL, AT(scenario.percentile), 0, 100, false},
    {"scenario", "confidence", KEY_REAL, AT(scenario.confidence), 0, 100, false},
    {"limits", "memory_mb", KEY_REAL, AT(scenario.max_memory_mb), 0, MAX_NUMBER, false},
    {"limits", "cpu_percent", KEY_REAL, AT(scenario.max_cpu_percent), 0, 100, false},
    {"limits", "tokens_per_s", KEY_REAL, AT(scenario.min_tokens_per_s), 0, MAX_NUMBER, false},
    {"limits", "error_percent", KEY_REAL, AT(scenario.max_error_percent), 0, 100, false},
    {"limits", "latency_ms", KEY_REAL, AT(scenario.max_latency_ms), 0, MAX_NUMBER, false},
    {"quality", "models", KEY_WORDS, AT(quality.models), 0, 0, false},
    {"quality", "formats", KEY_FORMATS, AT(quality.formats), 0, 0, false},
    {"quality", "text", KEY_TEXT, AT(quality.text), 0, 0, false},
    {"quality", "window", KEY_UINT, AT(quality.window), 2, MAX_TOKENS, false},
    {"quality", "windows", KEY_UINT, AT(quality.windows), 1, MAX_TOKENS, false},
    {"external", "name", KEY_TEXT, AT(external.name), 0, 0, false},
    {"external", "command", KEY_TEXT, AT(external.command), 0, 0, false},
    {"external", "time", KEY_TEXT, AT(external.time), 0, 0, false},
    {"lossless", "models", KEY_WORDS, AT(lossless.models), 0, 0, false},
    {"lossless", "text", KEY_TEXT, AT(lossless.text), 0, 0, false},
    {"lossless", "prompts", KEY_UINT, AT(lossless.prompts), 1, MAX_TOKENS, false},
    {"lossless", "prompt_tokens", KEY_UINT, AT(lossless.prompt_tokens), 1, MAX_TOKENS, false},
    {"lossless", "tokens", KEY_UINT, AT(lossless.tokens), 1, MAX_TOKENS, false},
    {"lossless", "window", KEY_UINT, AT(lossless.window), 2, MAX_TOKENS, false},
    {"lossless", "windows", KEY_UINT, AT(lossless.windows), 0, MAX_TOKENS, false},
};
const size_t n_suite_keys = sizeof suite_keys / sizeof suite_keys[0];
_Static_assert(sizeof suite_keys / sizeof suite_keys[0] <= 64, "suite.given has one bit per key");

const struct suite_key *suite_key_find(const char *section, const char *name)
{
    for (size_t i = 0; i < n_suite_keys; i++)
        if (!strcmp(suite_keys[i].section, section) && !strcmp(suite_keys[i].name, name))
            return &suite_keys[i];
    return NULL;
}

bool suite_key_is_list(const struct suite_key *k)
{
    return k->type == KEY_WORDS || k->type == KEY_FORMATS || k->type == KEY_UINTS || k->type == KEY_REQUESTS;
}

bool suite_key_given(const struct suite *s, const struct suite_key *k)
{
    return s->given >> (k - suite_keys) & 1;
}

int suite_set_text(char **dst, const char *value, char err[SUITE_ERR_LEN])
{
    char *copy = strdup(value);
    if (!copy) {
        snprintf(err, SUITE_ERR_LEN, "out of memory");
        return -ENOMEM;
    }
    free(*dst);
    *dst = copy;
    return 0;
}

static int check_format(const char *name, char err[SUITE_ERR_LEN])
{
    if (format_find(name))
        return 0;
    char names[FORMAT_NAMES_LEN];
    snprintf(err, SUITE_ERR_LEN, "'%.40s' is no weight format (%s)", name, format_names(names, sizeof names));
    return -EINVAL;
}

static int set_words(struct str_list *l, const char *value, bool formats, bool append, char err[SUITE_ERR_LEN])
{
    if (!append)
        str_list_clear(l);
    const size_t old = l->n;
    int rc = str_list_add(l, value, err);
    for (size_t i = old; !rc && formats && i < l->n; i++)
        rc = check_format(l->v[i], err);
    return rc;
}

static int set_number(const struct suite_key *k, void *field, const char *value, char err[SUITE_ERR_LEN])
{
    const unsigned long long max = k->type == KEY_U64 ? UINT64_MAX : k->max;
    unsigned long long v;
    if (!parse_uint(value, k->min, max, &v)) {
        snprintf(err, SUITE_ERR_LEN, "'%.60s' is not a whole number from %u to %llu", value, k->min, max);
        return -EINVAL;
    }
    if (k->type == KEY_U64)
        *(uint64_t *)field = v;
    else
        *(unsigned *)field = (unsigned)v;
    return 0;
}

static int set_seconds(double *field, const char *value, char err[SUITE_ERR_LEN])
{
    char *end;
    const double v = strtod(value, &end);
    if (end == value || *end || !(v > 0) || v > 1e7) {
        snprintf(err, SUITE_ERR_LEN, "'%.60s' is not a number of seconds above 0", value);
        return -EINVAL;
    }
    *field = v;
    return 0;
}

/* "2%", "2 %" or "0.02" */
static int set_share(double *field, const char *value, char err[SUITE_ERR_LEN])
{
    char *end;
    double v = strtod(value, &end);
    const bool number = end != value;
    end += strspn(end, " ");
    if (*end == '%' && !end[1]) {
        v /= 100;
        end++;
    }
    if (!number || *end || !(v > 0) || v > 1) {
        snprintf(err, SUITE_ERR_LEN, "'%.60s' is not a share above 0, such as 2%% or 0.02", value);
        return -EINVAL;
    }
    *field = v;
    return 0;
}

static int set_real(const struct suite_key *k, double *field, const char *value, char err[SUITE_ERR_LEN])
{
    char *end;
    const double v = strtod(value, &end);
    if (end == value || *end || !(v > k->min) || v > k->max) {
        snprintf(err, SUITE_ERR_LEN, "'%.60s' is not a number above %u, at most %u", value, k->min, k->max);
        return -EINVAL;
    }
    *field = v;
    return 0;
}

/* One of the words, or with `many` a list of them. */
static int set_choice(const char *words, char **field, const char *value, bool many, char err[SUITE_ERR_LEN])
{
    struct str_list own = {.n = 0}, all = {.n = 0};
    int rc = str_list_add(&all, words, err);
    if (!rc)
        rc = str_list_add(&own, value, err);
    if (!rc && own.n > 1 && !many)
        rc = -EINVAL;
    for (size_t i = 0; !rc && i < own.n; i++) {
        bool known = false;
        for (size_t j = 0; j < all.n; j++)
            known |= !strcmp(own.v[i], all.v[j]);
        rc = known ? 0 : -EINVAL;
    }
    if (rc == -EINVAL)
        snprintf(err, SUITE_ERR_LEN, "'%.60s' is not %s: %s", value, many ? "a list of these" : "one of these", words);
    str_list_clear(&own);
    str_list_clear(&all);
    return rc ? rc : suite_set_text(field, value, err);
}

static int set_kv(enum kv_type *field, const char *value, char err[SUITE_ERR_LEN])
{
    if (strcmp(value, "f16") && strcmp(value, "f32")) {
        snprintf(err, SUITE_ERR_LEN, "'%.40s' is no KV cache type: f16 or f32", value);
        return -EINVAL;
    }
    *field = strcmp(value, "f32") ? KV_F16 : KV_F32;
    return 0;
}

static int set_isa(char **field, const char *value, char err[SUITE_ERR_LEN])
{
    uint32_t mask;
    if (cpu_isa_mask(value, &mask)) {
        char names[CPU_ISA_NAMES_LEN];
        snprintf(err, SUITE_ERR_LEN, "'%.40s' is no instruction set (%s)", value, cpu_isa_names(names, sizeof names));
        return -EINVAL;
    }
    return suite_set_text(field, value, err);
}

/* What "all" means for threads: the physical cores this process may use. */
static unsigned all_cores(void)
{
    int cpus[1024];
    size_t cores = 0;
    topology_cpus(cpus, sizeof cpus / sizeof cpus[0], &cores);
    return cores ? (unsigned)cores : 1;
}

static int set_uints(const struct suite_key *k, struct uint_list *l, const char *value, bool append, char err[SUITE_ERR_LEN])
{
    if (!append)
        l->n = 0;
    return uint_list_add(l, value, (struct uint_limits){k->min, k->max, k->cores ? all_cores() : 0}, err);
}

static int set_requests(const struct suite_key *k, struct request_list *l, const char *value, bool append, char err[SUITE_ERR_LEN])
{
    if (!append)
        l->n = 0;
    return request_list_add(l, value, k->max, err);
}

int suite_key_set(struct suite *s, const struct suite_key *k, const char *value, char err[SUITE_ERR_LEN])
{
    void *field = (char *)s + k->offset;
    const bool append = suite_key_given(s, k);
    json_t *text = json_string(value);
    if (!text) { /* every setting ends up in the record, which is JSON */
        snprintf(err, SUITE_ERR_LEN, "the value is not valid UTF-8");
        return -EINVAL;
    }
    json_decref(text);
    s->given |= (uint64_t)1 << (k - suite_keys);
    switch (k->type) {
    case KEY_WORDS:
    case KEY_FORMATS: return set_words(field, value, k->type == KEY_FORMATS, append, err);
    case KEY_UINTS: return set_uints(k, field, value, append, err);
    case KEY_REQUESTS: return set_requests(k, field, value, append, err);
    case KEY_UINT:
    case KEY_U64: return set_number(k, field, value, err);
    case KEY_SECONDS: return set_seconds(field, value, err);
    case KEY_SHARE: return set_share(field, value, err);
    case KEY_REAL: return set_real(k, field, value, err);
    case KEY_PRIORITY: return set_choice(scenario_priorities, field, value, false, err);
    case KEY_LOADS: return set_choice(scenario_loads, field, value, true, err);
    case KEY_KV: return set_kv(field, value, err);
    case KEY_ISA: return set_isa(field, value, err);
    case KEY_FORMAT: return check_format(value, err) ? -EINVAL : suite_set_text(field, value, err);
    case KEY_TEXT: break;
    }
    return suite_set_text(field, value, err);
}
