/* The record as llama-bench's JSON: samples go out in whole nanoseconds, and mean and deviation are computed from those. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/record_export.h"

/* "128" after `word` at *s; moves *s behind it. */
static bool take_count(const char **s, const char *word, unsigned *n)
{
    char *end;
    const size_t len = strlen(word);
    if (strncmp(*s, word, len) || !isdigit((unsigned char)(*s)[len]))
        return false;
    const unsigned long v = strtoul(*s + len, &end, 10);
    if (v < 1 || v > 1u << 30)
        return false;
    *n = (unsigned)v;
    *s = end;
    return true;
}

bool export_test_tokens(const char *test, unsigned *n_prompt, unsigned *n_gen)
{
    *n_prompt = *n_gen = 0;
    const bool prompt = take_count(&test, "pp", n_prompt), both = prompt && *test == '+';
    test += both;
    if ((both || !prompt) && !take_count(&test, "tg", n_gen))
        return false;
    return !*test;
}

void export_put_json(struct textbuf *out, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(value);
    if (!text) {
        out->oom = true;
        return;
    }
    textbuf_add(out, text);
    textbuf_add(out, "\n");
    free(text);
}

static json_t *number_or_null(double v)
{
    return isfinite(v) ? json_integer(llround(v)) : json_null();
}

static json_t *text_or_null(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return json_is_string(v) ? json_string(json_string_value(v)) : json_null();
}

/* Mean and standard deviation (n - 1; 0 for one sample, as llama-bench has it) of an array of numbers. */
static void mean_sd(const json_t *list, double *mean, double *sd)
{
    const size_t n = json_array_size(list);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += json_number_value(json_array_get(list, i));
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += pow(json_number_value(json_array_get(list, i)) - *mean, 2);
    *sd = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
}

static void add_samples(json_t *entry, const struct report_cell *c)
{
    json_t *ns = json_array(), *ts = json_array();
    double mean_ns, sd_ns, mean_ts, sd_ts;
    for (size_t i = 0; i < json_array_size(c->samples_s); i++) {
        const double t = round(json_number_value(json_array_get(c->samples_s, i)) * 1e9);
        json_array_append_new(ns, json_integer((json_int_t)t));
        json_array_append_new(ts, json_real(c->work_tokens * 1e9 / t));
    }
    mean_sd(ns, &mean_ns, &sd_ns);
    mean_sd(ts, &mean_ts, &sd_ts);
    json_object_set_new(entry, "avg_ns", number_or_null(mean_ns));
    json_object_set_new(entry, "stddev_ns", number_or_null(sd_ns));
    json_object_set_new(entry, "avg_ts", json_real(mean_ts));
    json_object_set_new(entry, "stddev_ts", json_real(sd_ts));
    json_object_set_new(entry, "samples_ns", ns);
    json_object_set_new(entry, "samples_ts", ts);
}

static json_t *entry_of(struct arena *a, const struct report_cell *c, unsigned n_prompt, unsigned n_gen)
{
    const json_t *root = c->run->root, *tool = json_object_get(root, "tool");
    const double bytes = report_metric_value(c, "weights_bytes") + report_metric_value(c, "embedding_bytes");
    char *type = (char *)arena_fmt(a, "%s %s", c->model, c->format);
    for (char *p = type + strlen(c->model); *p; p++)
        *p = (char)toupper((unsigned char)*p);
    json_t *entry = json_pack(
        "{s:o, s:n, s:o, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:s?, s:s?, s:i, s:i, s:I, s:o}", "build_commit",
        text_or_null(tool, "commit"), "build_number", "cpu_info", text_or_null(json_object_get(root, "host"), "cpu_model"),
        "backends", "CPU", "model_filename", c->model, "model_type", type, "model_size", number_or_null(bytes), "model_n_params",
        number_or_null(c->params), "n_batch", (json_int_t)c->batch, "n_ubatch", (json_int_t)c->batch, "n_threads",
        (json_int_t)c->threads, "type_k", c->kv, "type_v", c->kv, "n_prompt", (int)n_prompt, "n_gen", (int)n_gen, "n_depth",
        (json_int_t)c->depth, "test_time", text_or_null(json_object_get(root, "run"), "started_utc"));
    if (entry)
        add_samples(entry, c);
    return entry;
}

/* Every sample is a time above 0, and there is at least one. */
static bool has_times(const struct report_cell *c)
{
    const size_t n = json_array_size(c->samples_s);
    for (size_t i = 0; i < n; i++)
        if (!(json_number_value(json_array_get(c->samples_s, i)) * 1e9 >= 0.5))
            return false;
    return n > 0 && c->work_tokens > 0;
}

void export_llama_bench(struct report_set *set, struct textbuf *out, size_t *left_out)
{
    json_t *list = json_array();
    for (size_t r = 0; r < set->n_runs; r++)
        for (size_t i = 0; i < set->runs[r]->n_cells; i++) {
            const struct report_cell *c = &set->runs[r]->cells[i];
            unsigned n_prompt, n_gen;
            if (!c->ok)
                continue;
            const bool fits = export_test_tokens(c->test, &n_prompt, &n_gen) && (n_prompt || c->batch <= 1) && has_times(c);
            if (!fits)
                ++*left_out;
            else if (json_array_append_new(list, entry_of(&set->arena, c, n_prompt, n_gen)))
                out->oom = true;
        }
    export_put_json(out, list);
}
