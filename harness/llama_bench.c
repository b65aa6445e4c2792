/* llama-bench's JSON: found in the text, checked field by field, made into cells. */
#include "harness/llama_bench.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/json_util.h"
#include "harness/stats.h"

enum { MAX_COUNT = 1 << 30, FORMAT_LEN = 64, PART_LEN = 96 };

/* ---- reading -------------------------------------------------------------------------------------------------------- */

/* What is wrong with a count: it must be a whole number in [min, MAX_COUNT]. NULL: nothing. */
static const char *bad_count(const json_t *entry, const char *key, json_int_t min)
{
    const json_t *v = json_object_get(entry, key);
    const json_int_t n = json_integer_value(v);
    return json_is_integer(v) && n >= min && n <= MAX_COUNT ? NULL : key;
}

static bool good_samples(const json_t *list)
{
    const size_t n = json_array_size(list);
    for (size_t i = 0; i < n; i++)
        if (!json_is_number(json_array_get(list, i)) || !(json_number_value(json_array_get(list, i)) > 0))
            return false;
    return n > 0;
}

/* NULL: a good entry. Otherwise what is wrong with it, in buf or constant. */
static const char *check_entry(const json_t *entry, char buf[128])
{
    if (!json_is_object(entry))
        return "is no object";
    const char *bad = bad_count(entry, "n_prompt", 0);
    bad = bad ? bad : bad_count(entry, "n_gen", 0);
    bad = bad ? bad : bad_count(entry, "n_threads", 1);
    if (!bad && json_object_get(entry, "n_depth"))
        bad = bad_count(entry, "n_depth", 0);
    if (bad) {
        snprintf(buf, 128, "\"%s\" is missing or not a count", bad);
        return buf;
    }
    if (!json_integer_value(json_object_get(entry, "n_prompt")) && !json_integer_value(json_object_get(entry, "n_gen")))
        return "has neither prompt nor generated tokens";
    if (!json_object_get(entry, "samples_ns"))
        return "has no \"samples_ns\": llama-bench writes them with -o json or -o jsonl only";
    return good_samples(json_object_get(entry, "samples_ns")) ? NULL : "\"samples_ns\" are not all times above 0";
}

/* Where the JSON begins: at the first line that begins with a bracket. */
static size_t json_start(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len) {
        if (text[i] == '[' || text[i] == '{')
            return i;
        const char *end = memchr(text + i, '\n', len - i);
        i = end ? (size_t)(end - text) + 1 : len;
    }
    return len;
}

/* All values in the text, arrays taken apart. NULL: je says why. */
static json_t *read_values(const char *text, size_t len, json_error_t *je)
{
    json_t *list = json_array();
    size_t at = json_start(text, len);
    while (at < len) {
        json_t *v = json_loadb(text + at, len - at, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, je);
        if (!v || (json_is_array(v) ? json_array_extend(list, v) : json_array_append(list, v))) {
            json_decref(v);
            json_decref(list);
            return NULL;
        }
        json_decref(v);
        at += (size_t)je->position;
        while (at < len && isspace((unsigned char)text[at]))
            at++;
    }
    return list;
}

json_t *llama_bench_parse(const char *text, size_t len, const char *where, char err[LLAMA_BENCH_ERR_LEN])
{
    json_error_t je = {.text = ""};
    char buf[128];
    json_t *list = read_values(text, len, &je);
    if (!list) {
        snprintf(err, LLAMA_BENCH_ERR_LEN, "%.300s: not the JSON of llama-bench: %.150s", where, je.text);
        return NULL;
    }
    const char *bad = json_array_size(list) ? NULL : "no results of llama-bench (-o json) are in it";
    if (bad)
        snprintf(err, LLAMA_BENCH_ERR_LEN, "%.300s: %s", where, bad);
    for (size_t i = 0; !bad && i < json_array_size(list); i++)
        if ((bad = check_entry(json_array_get(list, i), buf)))
            snprintf(err, LLAMA_BENCH_ERR_LEN, "%.300s: entry %zu %s", where, i + 1, bad);
    if (bad) {
        json_decref(list);
        return NULL;
    }
    return list;
}

/* ---- an entry ------------------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *entry, const char *key)
{
    const char *s = json_string_value(json_object_get(entry, key));
    return s ? s : "";
}

static json_int_t count_of(const json_t *entry, const char *key)
{
    return json_integer_value(json_object_get(entry, key));
}

size_t llama_bench_samples(const json_t *entry, double *v, size_t n)
{
    const json_t *list = json_object_get(entry, "samples_ns");
    for (size_t i = 0; v && i < n && i < json_array_size(list); i++)
        v[i] = json_number_value(json_array_get(list, i)) * 1e-9;
    return json_array_size(list);
}

double llama_bench_test(const json_t *entry, char name[LLAMA_BENCH_TEST_LEN])
{
    const int p = (int)count_of(entry, "n_prompt"), g = (int)count_of(entry, "n_gen");
    if (p && g)
        snprintf(name, LLAMA_BENCH_TEST_LEN, "pp%d+tg%d", p, g);
    else
        snprintf(name, LLAMA_BENCH_TEST_LEN, "%s%d", p ? "pp" : "tg", p ? p : g);
    return (double)p + (double)g;
}

static bool is_type(const char *word)
{
    static const char *const begins[] = {"Q", "IQ", "TQ", "I2_", "TL", "F16", "F32", "BF16", "MXFP"};
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        const size_t len = strlen(begins[i]);
        const bool number = len > 2 || isdigit((unsigned char)word[len]); /* "Q4_0", not "Qwen" */
        const bool digit = begins[i][len - 1] == 'Q' ? isdigit((unsigned char)word[len]) != 0 : number;
        if (!strncmp(word, begins[i], len) && digit)
            return true;
    }
    return false;
}

/* The weight type out of "bitnet 2B IQ2_BN - 2.00 bpw Bitnet": the first word that looks like one, in lower case. */
static void format_of(const json_t *entry, char format[FORMAT_LEN])
{
    const char *s = text_of(entry, "model_type");
    snprintf(format, FORMAT_LEN, "unknown");
    while (*s) {
        const size_t len = strcspn(s, " ,");
        if (is_type(s) && len < FORMAT_LEN) {
            for (size_t i = 0; i < len; i++)
                format[i] = (char)tolower((unsigned char)s[i]);
            format[len] = 0;
            return;
        }
        s += len + (s[len] != 0);
    }
}

static void model_of(const json_t *entry, const char *asked, char model[PART_LEN])
{
    const char *file = text_of(entry, "model_filename"), *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    size_t len = strlen(base);
    if (len > 5 && !strcmp(base + len - 5, ".gguf"))
        len -= 5;
    if (asked)
        snprintf(model, PART_LEN, "%.90s", asked);
    else
        snprintf(model, PART_LEN, "%.*s", (int)(len ? (len < 90 ? len : 90) : 7), len ? base : "unknown");
}

static json_t *kv_of(const json_t *entry)
{
    const char *k = text_of(entry, "type_k"), *v = text_of(entry, "type_v");
    char both[PART_LEN];
    snprintf(both, sizeof both, "%.40s/%.40s", k, v);
    return json_text_or_null(strcmp(k, v) ? both : k);
}

/* Tokens of one forward pass: of prefill the micro-batch, of decode 1. */
static json_int_t pass_of(const json_t *entry)
{
    const json_int_t p = count_of(entry, "n_prompt"), u = count_of(entry, "n_ubatch");
    return !p ? 1 : u > 0 && u < p ? u : p;
}

/* ---- the cell ------------------------------------------------------------------------------------------------------- */

/* samples_s, repetitions, tokens_per_s, work, ttft_s */
static int add_results(json_t *cell, const json_t *entry, double tokens)
{
    const size_t n = llama_bench_samples(entry, NULL, 0);
    struct interval speed;
    json_t *list = json_array();
    double *v = calloc(n, sizeof *v);
    if (!v || !list) {
        free(v);
        json_decref(list);
        return -1;
    }
    llama_bench_samples(entry, v, n);
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, json_real(v[i]));
        v[i] = tokens / v[i];
    }
    const int rc = stats_median_interval(v, n, &speed);
    free(v);
    json_t *more = rc ? NULL
                      : json_pack("{s:O, s:I, s:o, s:{s:I, s:n, s:n}, s:n}", "samples_s", list, "repetitions", (json_int_t)n,
                                  "tokens_per_s", json_interval(&speed), "work", "tokens", (json_int_t)tokens, "macs", "bytes", "ttft_s");
    json_decref(list);
    const int failed = !more || json_object_update(cell, more);
    json_decref(more);
    return failed ? -1 : 0;
}

static json_t *external_json(const json_t *entry, const struct external_label *label)
{
    json_t *o = json_pack("{s:s, s:o, s:o}", "program", label->program, "source", json_text_or_null(label->source), "settings",
                          json_deep_copy(entry));
    json_t *settings = json_object_get(o, "settings");
    static const char *const results[] = {"samples_ns", "samples_ts", "avg_ns", "stddev_ns", "avg_ts", "stddev_ts"};
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
        json_object_del(settings, results[i]);
    return o;
}

json_t *llama_bench_cell(const json_t *entry, const struct external_label *label)
{
    char model[PART_LEN], type[FORMAT_LEN], format[FORMAT_LEN + PART_LEN], test[LLAMA_BENCH_TEST_LEN], id[512];
    const double tokens = llama_bench_test(entry, test);
    const json_t *params = json_object_get(entry, "model_n_params");
    const int threads = (int)count_of(entry, "n_threads"), depth = (int)count_of(entry, "n_depth"), pass = (int)pass_of(entry);
    model_of(entry, label->model, model);
    format_of(entry, type);
    snprintf(format, sizeof format, "%.80s:%s", label->program, type);
    snprintf(id, sizeof id, "%s/%s/-/t%d/%s/d%d/b%d", model, format, threads, test, depth, pass);
    json_t *shape = json_is_integer(params) ? json_pack("{s:O}", "params", params) : json_null();
    json_t *cell = json_pack("{s:s, s:s, s:s, s:n, s:n, s:o, s:i, s:n, s:s, s:i, s:i, s:o}", "id", id, "model", model, "format", format,
                             "bits_per_weight", "embedding", "kv", kv_of(entry), "threads", threads, "cpus", "test", test, "depth", depth,
                             "batch", pass, "shape", shape);
    json_t *rest = json_pack("{s:s, s:n, s:n, s:n, s:[], s:[], s:[], s:n, s:n, s:n, s:[], s:n, s:n, s:o}", "status", "ok", "reason",
                             "kernel", "load_s", "warmup_s", "energy_samples_j", "energy_samples_s", "token_latency_s", "output_sha256",
                             "roofline", "metrics", "ops", "profile", "external", external_json(entry, label));
    const bool bad = !cell || !rest || json_object_update(cell, rest) || add_results(cell, entry, tokens);
    json_decref(rest);
    if (bad) {
        json_decref(cell);
        cell = NULL;
    }
    return cell;
}
