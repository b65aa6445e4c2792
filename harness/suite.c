/* Suite keys, their table and the INI reader around inih.
 *
 * inih hands over section, name and value but no line number and silently splits long lines, so reading goes through a line
 * source of our own that counts, and that refuses a line inih's buffer cannot hold. */
#include "harness/suite.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/topology.h"
#include "kernels/cpu.h"
#include "profiles/counters.h"

enum key_type {
    KEY_WORDS,
    KEY_FORMATS,
    KEY_UINTS,
    KEY_REQUESTS,
    KEY_UINT,
    KEY_U64,
    KEY_SECONDS,
    KEY_SHARE,
    KEY_REAL,
    KEY_PRIORITY,
    KEY_LOADS,
    KEY_TEXT,
    KEY_FORMAT,
    KEY_KV,
    KEY_ISA
};

struct key {
    const char *section, *name;
    enum key_type type;
    size_t offset;     /* in struct suite */
    unsigned min, max; /* of numbers */
    bool cores;        /* the words "all" and "pow2" stand for core counts */
};

enum { MAX_TOKENS = 1 << 20, MAX_REPS = 10000, MAX_NUMBER = 1000000000 };

const char scenario_priorities[] = "latency, efficiency, throughput, scalability";
const char scenario_loads[] = "single-stream, offline, server";

#define AT(field) offsetof(struct suite, field)
static const struct key keys[] = {
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
enum { N_KEYS = sizeof keys / sizeof keys[0] };
_Static_assert(N_KEYS <= 64, "suite.given has one bit per key");

void suite_init(struct suite *s)
{
    *s = (struct suite){
        .kv = KV_F16,
        .seed = 1,
        .warmup = 1,
        .block_s = 1,
        .block_energy_s = 2,
        .min_rounds = 6,
        .max_rounds = 20,
        .repeats = 1,
        .precision = 0.02,
        .contest_s = 120,
        .timeout_s = 600,
        .quality = {.window = 128, .windows = 32},
        .lossless = {.prompts = 64, .prompt_tokens = 32, .tokens = 100, .window = 128, .windows = 32},
        .scenario = {.request = {.v = {{128, 32}}, .n = 1},
                     .requests = 32,
                     .sequences = 4,
                     .trials = 6,
                     .target_ttft_ms = 2000,
                     .target_tpot_ms = 200,
                     .percentile = 99,
                     .confidence = 99,
                     .max_memory_mb = 1024,
                     .max_cpu_percent = 80,
                     .min_tokens_per_s = 5,
                     .max_error_percent = 5,
                     .max_latency_ms = 5000},
        .depth = {.v = {0}, .n = 1},
        .batch = {.v = {128}, .n = 1},
        .sequences = {.v = {1}, .n = 1},
    };
}

void suite_free(struct suite *s)
{
    struct str_list *lists[] = {&s->models, &s->formats, &s->quality.models, &s->quality.formats, &s->lossless.models};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        str_list_clear(lists[i]);
    free(s->path);
    free(s->description);
    free(s->embedding);
    free(s->isa);
    free(s->counters);
    free(s->counter_group);
    free(s->quality.text);
    free(s->lossless.text);
    free(s->scenario.priority);
    free(s->scenario.loads);
    free(s->external.name);
    free(s->external.command);
    free(s->external.time);
    *s = (struct suite){0};
}

static const struct key *find_key(const char *section, const char *name)
{
    for (size_t i = 0; i < N_KEYS; i++)
        if (!strcmp(keys[i].section, section) && !strcmp(keys[i].name, name))
            return &keys[i];
    return NULL;
}

static int set_text(char **dst, const char *value, char err[SUITE_ERR_LEN])
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

static int set_number(const struct key *k, void *field, const char *value, char err[SUITE_ERR_LEN])
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

static int set_real(const struct key *k, double *field, const char *value, char err[SUITE_ERR_LEN])
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
    return rc ? rc : set_text(field, value, err);
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
    return set_text(field, value, err);
}

/* What "all" means for threads: the physical cores this process may use. */
static unsigned all_cores(void)
{
    int cpus[1024];
    size_t cores = 0;
    topology_cpus(cpus, sizeof cpus / sizeof cpus[0], &cores);
    return cores ? (unsigned)cores : 1;
}

static int set_uints(const struct key *k, struct uint_list *l, const char *value, bool append, char err[SUITE_ERR_LEN])
{
    if (!append)
        l->n = 0;
    return uint_list_add(l, value, (struct uint_limits){k->min, k->max, k->cores ? all_cores() : 0}, err);
}

static int set_requests(const struct key *k, struct request_list *l, const char *value, bool append, char err[SUITE_ERR_LEN])
{
    if (!append)
        l->n = 0;
    return request_list_add(l, value, k->max, err);
}

static int set_key(struct suite *s, const struct key *k, const char *value, char err[SUITE_ERR_LEN])
{
    void *field = (char *)s + k->offset;
    const uint64_t bit = (uint64_t)1 << (k - keys);
    const bool append = s->given & bit;
    json_t *text = json_string(value);
    if (!text) { /* every setting ends up in the record, which is JSON */
        snprintf(err, SUITE_ERR_LEN, "the value is not valid UTF-8");
        return -EINVAL;
    }
    json_decref(text);
    s->given |= bit;
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
    case KEY_FORMAT: return check_format(value, err) ? -EINVAL : set_text(field, value, err);
    case KEY_TEXT: break;
    }
    return set_text(field, value, err);
}

int suite_set(struct suite *s, const char *section, const char *key, const char *value, char err[SUITE_ERR_LEN])
{
    return set_key(s, find_key(section, key), value, err);
}

void suite_begin_overrides(struct suite *s)
{
    s->given = 0;
}

/* ---- reading a file ------------------------------------------------------------------------------------------------- */

struct ini_source {
    struct suite *suite;
    FILE *f;
    const char *path;
    unsigned line;
    bool continued; /* the line begins with a blank: inih takes it as more of the value before */
    int rc;
    char *err; /* SUITE_ERR_LEN */
};

static void fail(struct ini_source *src, int rc, const char *what)
{
    if (src->rc)
        return;
    src->rc = rc;
    snprintf(src->err, SUITE_ERR_LEN, "%s:%u: %.400s", src->path, src->line, what);
}

static char *next_line(char *buf, int cap, void *stream)
{
    struct ini_source *src = stream;
    if (src->rc || !fgets(buf, cap, src->f))
        return NULL;
    src->line++;
    src->continued = isspace((unsigned char)buf[0]);
    if (!strchr(buf, '\n') && !feof(src->f)) {
        fail(src, -EINVAL, "line too long: cut the list in two, the second line beginning with a blank");
        return NULL;
    }
    return buf;
}

static bool is_list(const struct key *k)
{
    return k->type == KEY_WORDS || k->type == KEY_FORMATS || k->type == KEY_UINTS || k->type == KEY_REQUESTS;
}

/* inih's handler: 1 is good. */
static int on_key(void *user, const char *section, const char *name, const char *value)
{
    struct ini_source *src = user;
    char what[SUITE_ERR_LEN], reason[SUITE_ERR_LEN] = "";
    const struct key *k = find_key(section, name);
    if (!k) {
        snprintf(what, sizeof what, "unknown key '%.60s' in section [%.60s]: configs/README.md lists the keys", name, section);
        fail(src, -EINVAL, what);
        return 0;
    }
    const bool given = src->suite->given >> (k - keys) & 1;
    if (given && !(src->continued && is_list(k))) {
        snprintf(what, sizeof what, "'%.60s' is given twice", name);
        fail(src, -EINVAL, what);
        return 0;
    }
    const int rc = value[0] ? set_key(src->suite, k, value, reason) : -EINVAL;
    if (rc) {
        snprintf(what, sizeof what, "%.60s: %.380s", name, value[0] ? reason : "has no value");
        fail(src, rc, what);
    }
    return !rc;
}

static int set_name(struct suite *s, const char *path, char err[SUITE_ERR_LEN])
{
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    size_t len = strlen(base);
    if (len > 4 && !strcmp(base + len - 4, ".ini"))
        len -= 4;
    snprintf(s->name, sizeof s->name, "%.*s", (int)(len < sizeof s->name ? len : sizeof s->name - 1), base);
    return set_text(&s->path, path, err);
}

int suite_read(struct suite *s, const char *path, char err[SUITE_ERR_LEN])
{
    struct ini_source src = {.suite = s, .path = path, .err = err, .f = fopen(path, "re")};
    if (!src.f) {
        const int e = errno;
        snprintf(err, SUITE_ERR_LEN, "%s: %s", path, strerror(e));
        return -e;
    }
    s->given = 0;
    const int bad_line = ini_parse_stream(next_line, &src, on_key, &src);
    if (ferror(src.f))
        fail(&src, -EIO, "cannot be read");
    fclose(src.f);
    if (!src.rc &&
        bad_line) { /* a line that is neither section, key nor comment; reading goes on to the end, so the number is inih's */
        src.line = bad_line > 0 ? (unsigned)bad_line : src.line;
        fail(&src, -EINVAL, "neither 'key = value', '[section]' nor a comment");
    }
    return src.rc ? src.rc : set_name(s, path, err);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

static bool any_above_zero(const struct uint_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i])
            return true;
    return false;
}

int suite_check(const struct suite *s, char err[SUITE_ERR_LEN])
{
    const struct quality_suite *q = &s->quality;
    const struct scenario *sc = &s->scenario;
    const char *what = NULL;
    char counters[COUNTERS_ERR_LEN];
    if ((sc->threads || sc->memory_mb || sc->priority || sc->loads) && !(sc->threads && sc->memory_mb && sc->priority && sc->loads))
        what = "[scenario] needs threads, memory_mb, priority and loads together";
    else if (sc->threads && (!s->models.n || !s->formats.n))
        what = "a scenario needs a model (-m) and formats (-f)";
    else if (sc->threads && sc->request.n != 1)
        what = "a scenario has one kind of request";
    else if (sc->threads)
        return 0;
    else if (s->models.n && (!s->formats.n || !s->threads.n))
        what = "models need formats (-f) and threads (-t)";
    else if (s->models.n && !any_above_zero(&s->prompt) && !any_above_zero(&s->gen) && !s->requests.n)
        what = "nothing to run: prompt (-p) and gen (-n) are 0, and there is no request (-pg)";
    else if (q->models.n && (!q->text || !q->formats.n))
        what = "[quality] needs models, formats and text together";
    else if (s->external.command && (!s->external.name || strpbrk(s->external.name, "/ \t") || format_find(s->external.name)))
        what = "[external] needs a name: one word without '/' that is no format";
    else if (s->external.time && strcmp(s->external.time, "wall") && strcmp(s->external.time, "llama-bench"))
        what = "[external] time: llama-bench or wall";
    else if (s->lossless.models.n && !s->lossless.text)
        what = "[lossless] needs models and text together";
    else if (!s->models.n && !q->models.n && !s->lossless.models.n)
        what = "no model: give one with -m, or models in the suite";
    else if (s->min_rounds > s->max_rounds)
        what = "min_rounds is above max_rounds";
    else if ((s->counters || s->counter_group) && !counters_check(s->counters, s->counter_group, counters))
        what = counters;
    if (!what)
        return 0;
    snprintf(err, SUITE_ERR_LEN, "%s%s%s", s->path ? s->path : "", s->path ? ": " : "", what);
    return -EINVAL;
}

/* ---- to the record and back ----------------------------------------------------------------------------------------- */

/* Adds an entry to "a,b". Takes over both; text NULL: the first one. */
static json_t *append(json_t *text, json_t *entry)
{
    if (!text)
        return entry;
    json_t *longer = json_sprintf("%s,%s", json_string_value(text), json_string_value(entry));
    json_decref(text);
    json_decref(entry);
    return longer;
}

/* Lists as "a,b"; NULL: an empty list. New references. */
static json_t *words_text(const struct str_list *l)
{
    json_t *text = NULL;
    for (size_t i = 0; i < l->n; i++)
        text = append(text, json_string(l->v[i]));
    return text;
}

static json_t *numbers_text(const struct uint_list *l)
{
    json_t *text = NULL;
    for (size_t i = 0; i < l->n; i++)
        text = append(text, json_sprintf("%u", l->v[i]));
    return text;
}

static json_t *requests_text(const struct request_list *l)
{
    json_t *text = NULL;
    for (size_t i = 0; i < l->n; i++)
        text = append(text, json_sprintf("pp%u+tg%u", l->v[i].n_prompt, l->v[i].n_gen));
    return text;
}

/* NULL: not set, or a number that cannot be given (rounds 0: none asked for). New reference. */
static json_t *value_text(const struct suite *s, const struct key *k)
{
    const void *field = (const char *)s + k->offset;
    const char *text = NULL;
    switch (k->type) {
    case KEY_WORDS:
    case KEY_FORMATS: return words_text(field);
    case KEY_UINTS: return numbers_text(field);
    case KEY_UINT: return *(const unsigned *)field < k->min ? NULL : json_sprintf("%u", *(const unsigned *)field);
    case KEY_U64: return json_sprintf("%" PRIu64, *(const uint64_t *)field);
    case KEY_SECONDS:
    case KEY_SHARE: return json_sprintf("%.17g", *(const double *)field);
    case KEY_REAL: return *(const double *)field > k->min ? json_sprintf("%.17g", *(const double *)field) : NULL;
    case KEY_REQUESTS: return requests_text(field);
    case KEY_PRIORITY:
    case KEY_LOADS: return NULL; /* only of scenarios, which are not taken up again */
    case KEY_KV: return json_string(*(const enum kv_type *)field == KV_F32 ? "f32" : "f16");
    case KEY_ISA:
    case KEY_FORMAT:
    case KEY_TEXT: text = *(char *const *)field; break;
    }
    return text ? json_string(text) : NULL;
}

json_t *suite_values(const struct suite *s)
{
    json_t *o = json_object();
    for (size_t i = 0; i < N_KEYS; i++) {
        char name[96];
        const bool scenario = !strcmp(keys[i].section, "scenario") || !strcmp(keys[i].section, "limits");
        json_t *text = scenario ? NULL : value_text(s, &keys[i]);
        snprintf(name, sizeof name, "%s.%s", keys[i].section, keys[i].name);
        if (text)
            json_object_set_new(o, name, text);
    }
    return o;
}

int suite_from_values(struct suite *s, const char *name, const char *path, const json_t *values, char err[SUITE_ERR_LEN])
{
    suite_init(s);
    snprintf(s->name, sizeof s->name, "%s", name);
    s->depth.n = s->batch.n = 0;
    int rc = path ? set_text(&s->path, path, err) : 0;
    for (size_t i = 0; i < N_KEYS && !rc; i++) {
        char full[96];
        snprintf(full, sizeof full, "%s.%s", keys[i].section, keys[i].name);
        const char *value = json_string_value(json_object_get(values, full));
        rc = value ? set_key(s, &keys[i], value, err) : 0;
    }
    return rc ? rc : suite_check(s, err);
}

void suite_resolve(const struct suite *s, const char *name, char *buf, size_t len)
{
    snprintf(buf, len, "%s", name);
    if (name[0] == '/' || !s->path || !access(buf, F_OK))
        return;
    const char *slash = strrchr(s->path, '/');
    const int dir_len = slash ? (int)(slash - s->path) : 1;
    snprintf(buf, len, "%.*s/../../%s", dir_len, slash ? s->path : ".", name);
    if (access(buf, F_OK))
        snprintf(buf, len, "%s", name); /* so that messages show what was written */
}
