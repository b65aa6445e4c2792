/* Cells of a record: JSON to struct report_cell, with every type checked.
 *
 * Required are id, model, format, test, status and threads; all else may be missing or null. A field of the wrong type is an
 * error that names its place ("cells[3].threads"), because a report made of misread numbers is worse than none. */
#include "reports/report_record.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where we are, for messages; the first error wins. */
struct reader {
    const char *file;
    size_t cell;
    char *err;
    int rc;
};

static void wrong(struct reader *r, const char *at, const char *key, const char *expected)
{
    if (r->rc != 0)
        return;
    r->rc = -EINVAL;
    snprintf(r->err, REPORT_ERR_LEN, "%s: cells[%zu].%s%s%s: expected %s", r->file, r->cell, at, *at ? "." : "", key, expected);
}

static const char *get_string(struct reader *r, const json_t *obj, const char *at, const char *key)
{
    const json_t *v = json_object_get(obj, key);
    if (v && !json_is_null(v) && !json_is_string(v))
        wrong(r, at, key, "a string");
    return json_string_value(v);
}

static double get_number(struct reader *r, const json_t *obj, const char *at, const char *key)
{
    const json_t *v = json_object_get(obj, key);
    if (!v || json_is_null(v))
        return NAN;
    if (!json_is_number(v))
        wrong(r, at, key, "a number");
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static const json_t *get_typed(struct reader *r, const json_t *obj, const char *key, json_type type)
{
    const json_t *v = json_object_get(obj, key);
    if (!v || json_is_null(v))
        return NULL;
    if (json_typeof(v) != type)
        wrong(r, "", key, type == JSON_OBJECT ? "an object" : "an array");
    return json_typeof(v) == type ? v : NULL;
}

static const json_t *get_numbers(struct reader *r, const json_t *obj, const char *at, const char *key)
{
    const json_t *v = json_object_get(obj, key);
    if (!v || json_is_null(v))
        return NULL;
    if (!json_is_array(v))
        wrong(r, at, key, "an array of numbers");
    for (size_t i = 0; i < json_array_size(v); i++)
        if (!json_is_number(json_array_get(v, i)))
            wrong(r, at, key, "an array of numbers");
    return v;
}

static const char *need_string(struct reader *r, const json_t *obj, const char *key)
{
    const char *s = get_string(r, obj, "", key);
    if (!s)
        wrong(r, "", key, "a string (this field is required)");
    return s ? s : "";
}

static long long get_count(struct reader *r, const json_t *obj, const char *key, long long fallback)
{
    const json_t *v = json_object_get(obj, key);
    if (!v && fallback >= 0)
        return fallback;
    if (!json_is_integer(v) || json_integer_value(v) < 0) {
        wrong(r, "", key, "an integer of 0 or more");
        return 0;
    }
    return json_integer_value(v);
}

static struct report_interval get_interval(struct reader *r, const json_t *obj, const char *at)
{
    return (struct report_interval){get_number(r, obj, at, "median"), get_number(r, obj, at, "lo"), get_number(r, obj, at, "hi")};
}

static void parse_speed(struct reader *r, const json_t *obj, struct report_cell *c)
{
    const json_t *tps = get_typed(r, obj, "tokens_per_s", JSON_OBJECT);
    c->tps = get_interval(r, tps, "tokens_per_s");
    c->confidence = get_number(r, tps, "tokens_per_s", "confidence");
    c->method = get_string(r, tps, "tokens_per_s", "method");
    c->samples_s = get_numbers(r, obj, "", "samples_s");
    c->load_s = get_number(r, obj, "", "load_s");
    c->repetitions = get_number(r, obj, "", "repetitions");
    if (isnan(c->repetitions) && c->samples_s)
        c->repetitions = (double)json_array_size(c->samples_s);
}

static void parse_latency(struct reader *r, const json_t *obj, struct report_cell *c)
{
    static const char at[] = "token_latency_s";
    const json_t *lat = get_typed(r, obj, at, JSON_OBJECT);
    c->latency_n = get_number(r, lat, at, "n");
    c->latency_median = get_number(r, lat, at, "median");
    c->latency_p95 = get_number(r, lat, at, "p95");
    c->latency_p99 = get_number(r, lat, at, "p99");
    c->latency_max = get_number(r, lat, at, "max");
    c->latency_samples = get_numbers(r, lat, at, "samples");
    c->ttft = get_interval(r, get_typed(r, obj, "ttft_s", JSON_OBJECT), "ttft_s");
}

static void parse_work(struct reader *r, const json_t *obj, struct report_cell *c)
{
    const json_t *shape = get_typed(r, obj, "shape", JSON_OBJECT);
    const json_t *kernel = get_typed(r, obj, "kernel", JSON_OBJECT);
    const json_t *work = get_typed(r, obj, "work", JSON_OBJECT);
    const json_t *roof = get_typed(r, obj, "roofline", JSON_OBJECT);
    c->params = get_number(r, shape, "shape", "params");
    c->linear_params = get_number(r, shape, "shape", "linear_params");
    c->kernel_format = get_string(r, kernel, "kernel", "format");
    c->isa = get_string(r, kernel, "kernel", "isa");
    c->head_isa = get_string(r, kernel, "kernel", "head_isa");
    c->work_tokens = get_number(r, work, "work", "tokens");
    c->work_macs = get_number(r, work, "work", "macs");
    c->work_bytes = get_number(r, work, "work", "bytes");
    c->bound = get_string(r, roof, "roofline", "bound");
    c->share = get_number(r, roof, "roofline", "share");
    c->share_lo = get_number(r, roof, "roofline", "lo");
    c->share_hi = get_number(r, roof, "roofline", "hi");
    c->limit_tps = get_number(r, roof, "roofline", "limit_tokens_per_s");
}

static void parse_metrics(struct reader *r, struct arena *a, const json_t *obj, struct report_cell *c)
{
    const json_t *list = get_typed(r, obj, "metrics", JSON_ARRAY);
    const size_t n = json_array_size(list);
    c->metrics = n ? arena_alloc(a, n * sizeof(*c->metrics)) : NULL;
    for (size_t i = 0; c->metrics && i < n; i++) {
        const json_t *m = json_array_get(list, i);
        struct report_metric *out = &c->metrics[c->n_metrics++];
        if (!json_is_object(m) || !json_is_string(json_object_get(m, "name")) || !json_is_string(json_object_get(m, "status")))
            wrong(r, "", "metrics", "objects with a name and a status");
        *out = (struct report_metric){get_string(r, m, "metrics", "name"),   get_string(r, m, "metrics", "unit"),
                                      get_string(r, m, "metrics", "status"), get_string(r, m, "metrics", "source"),
                                      get_string(r, m, "metrics", "reason"), get_number(r, m, "metrics", "value")};
        if (out->status && strcmp(out->status, "unavailable") == 0)
            out->value = NAN;
    }
}

static void parse_ops(struct reader *r, struct arena *a, const json_t *obj, struct report_cell *c)
{
    const json_t *list = get_typed(r, obj, "ops", JSON_ARRAY);
    const size_t n = json_array_size(list);
    c->profile_overhead = get_number(r, get_typed(r, obj, "profile", JSON_OBJECT), "profile", "overhead");
    c->ops = n ? arena_alloc(a, n * sizeof(*c->ops)) : NULL;
    for (size_t i = 0; c->ops && i < n; i++) {
        const json_t *op = json_array_get(list, i);
        if (!json_is_string(json_object_get(op, "op")) || !json_is_number(json_object_get(op, "s_per_token")) ||
            !json_is_number(json_object_get(op, "share")))
            wrong(r, "", "ops", "objects with op, s_per_token and share");
        c->ops[c->n_ops++] =
            (struct report_op){json_string_value(json_object_get(op, "op")), json_number_value(json_object_get(op, "s_per_token")),
                               json_number_value(json_object_get(op, "share"))};
    }
}

static void parse_cell(struct reader *r, struct arena *a, const json_t *obj, struct report_cell *c)
{
    if (!json_is_object(obj)) {
        wrong(r, "", "", "an object");
        return;
    }
    c->id = need_string(r, obj, "id");
    c->model = need_string(r, obj, "model");
    c->format = need_string(r, obj, "format");
    c->test = need_string(r, obj, "test");
    c->status = need_string(r, obj, "status");
    c->embedding = get_string(r, obj, "", "embedding");
    c->kv = get_string(r, obj, "", "kv");
    c->cpus = get_string(r, obj, "", "cpus");
    c->reason = get_string(r, obj, "", "reason");
    c->output_sha256 = get_string(r, obj, "", "output_sha256");
    c->arm = get_string(r, obj, "", "arm");
    if (c->arm) /* of two programs that ran the same cells: two models for a reader */
        c->model = arena_fmt(a, "%s (%s)", c->model, c->arm);
    c->threads = get_count(r, obj, "threads", -1);
    c->depth = get_count(r, obj, "depth", 0);
    c->batch = get_count(r, obj, "batch", 1);
    c->bits = get_number(r, obj, "", "bits_per_weight");
    c->ok = strcmp(c->status, "ok") == 0;
    if (!c->ok && strcmp(c->status, "skipped") != 0 && strcmp(c->status, "failed") != 0)
        wrong(r, "", "status", "ok, skipped or failed");
    parse_speed(r, obj, c);
    parse_latency(r, obj, c);
    parse_work(r, obj, c);
    parse_metrics(r, a, obj, c);
    parse_ops(r, a, obj, c);
}

int report_cells_parse(struct arena *a, struct report_run *run, char err[REPORT_ERR_LEN])
{
    const json_t *list = json_object_get(run->root, "cells");
    const size_t n = json_array_size(list);
    struct reader r = {.file = run->path, .err = err};
    run->cells = arena_alloc(a, (n ? n : 1) * sizeof(*run->cells));
    for (size_t i = 0; run->cells && r.rc == 0 && i < n; i++) {
        r.cell = i;
        run->cells[i].run = run;
        run->cells[i].index = i;
        parse_cell(&r, a, json_array_get(list, i), &run->cells[i]);
        run->n_cells++;
    }
    if (a->oom && r.rc == 0) {
        snprintf(err, REPORT_ERR_LEN, "%s: out of memory", run->path);
        r.rc = -ENOMEM;
    }
    return r.rc;
}

const struct report_metric *report_metric_find(const struct report_cell *c, const char *name)
{
    for (size_t i = 0; i < c->n_metrics; i++)
        if (c->metrics[i].name && strcmp(c->metrics[i].name, name) == 0)
            return &c->metrics[i];
    return NULL;
}

double report_metric_value(const struct report_cell *c, const char *name)
{
    const struct report_metric *m = report_metric_find(c, name);
    return m ? m->value : NAN;
}
