/* The JSON arrays: times in nanoseconds, rates in 1e9 per second, every raw sample. */
#include "harness/json_util.h"
#include "harness/kernel_out.h"
#include "profiles/metric_out.h"

static json_t *interval_json(const struct interval *i, double factor)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:s}", "median", json_number_or_null(i->value * factor), "lo",
                     json_number_or_null(i->lo * factor), "hi", json_number_or_null(i->hi * factor), "confidence",
                     json_number_or_null(i->confidence), "method", i->method);
}

/* NULL instead of a list that lacks an element. */
static json_t *whole(json_t *list, int rc)
{
    if (!rc)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *samples_json(const double *x, size_t n, double factor)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_real(x[i] * factor));
    return list;
}

json_t *kernel_peaks_json(const struct kernel_bench *b)
{
    json_t *list = json_array();
    int rc = 0;
    for (size_t i = 0; i < b->peaks.n; i++) {
        const struct kernel_peak *p = &b->peaks.list[i];
        rc |= json_array_append_new(list, json_pack("{s:i, s:s, s:s, s:s, s:f, s:o}", "threads", (int)p->threads, "kind",
                                              peak_kind_name(p->kind), "isa", p->loops->isa, "unit",
                                              p->kind == PEAK_READ ? "GB/s" : "GMAC/s", "best", kernel_peak_best(p, 0, p->n),
                                              "samples", samples_json(p->rates, p->n, 1)));
    }
    return whole(list, rc);
}

static json_t *limit_json(const struct kernel_limit *l)
{
    return json_pack("{s:s, s:o, s:f}", "bound", peak_kind_name(l->bound), "isa", json_text_or_null(l->isa), "share", l->share);
}

static void add_results(json_t *o, const struct kernel_bench *b, const struct kernel_cell *c)
{
    struct interval call_s, over_c;
    if (kernel_cell_time(c, &call_s, &over_c) != 0)
        return;
    const struct kernel_limit own = kernel_cell_limit(b, c, call_s.value, false),
                              best = kernel_cell_limit(b, c, call_s.value, true);
    json_object_set_new(o, "calls_per_sample", json_integer((json_int_t)c->calls));
    json_object_set_new(o, "samples_ns", samples_json(c->call_s, c->n_samples, 1e9));
    json_object_set_new(o, "ns", interval_json(&call_s, 1e9));
    json_object_set_new(o, "gmac_s", json_real(1e-9 * kernel_cell_macs(b->plan, c) / call_s.value));
    json_object_set_new(o, "gb_s", json_real(1e-9 * (double)c->weight_bytes / call_s.value));
    json_object_set_new(o, "speed_over_c", interval_json(&over_c, 1));
    json_object_set_new(o, "peaks_from", json_integer((json_int_t)c->peaks_from));
    json_object_set_new(o, "limit", limit_json(&own));
    json_object_set_new(o, "limit_best_isa", limit_json(&best));
}

static json_t *cell_json(const struct kernel_bench *b, const struct kernel_cell *c)
{
    const struct kernel_shape *s = &b->plan->req.shapes[c->shape];
    const bool ok = c->status == KERNEL_OK;
    json_t *o = json_pack("{s:o, s:I, s:I, s:s, s:s, s:i, s:i, s:s, s:o, s:I, s:I, s:{s:I, s:i}}", "tensors", text_json(s->tensors), "rows",
                          (json_int_t)s->rows, "cols", (json_int_t)s->cols, "format", c->fmt->name, "isa", kernel_cell_isa(c),
                          "threads", (int)c->threads, "n", (int)c->n, "status", ok ? "ok" : "failed", "reason",
                          ok ? json_null() : json_string(c->reason), "weight_bytes", (json_int_t)c->weight_bytes, "copies",
                          (json_int_t)c->copies, "timed", "rows", (json_int_t)c->rows_timed, "n", (int)c->n_timed);
    if (ok && o)
        add_results(o, b, c);
    return o;
}

json_t *kernel_cells_json(const struct kernel_bench *b)
{
    json_t *list = json_array();
    int rc = 0;
    for (size_t i = 0; i < b->plan->n_cells; i++)
        rc |= json_array_append_new(list, cell_json(b, &b->plan->cells[i]));
    return whole(list, rc);
}

json_t *kernel_skips_json(const struct kernel_bench *b)
{
    json_t *list = json_array();
    int rc = 0;
    for (size_t i = 0; i < b->plan->n_skips; i++) {
        const struct kernel_skip *s = &b->plan->skips[i];
        const struct kernel_shape *shape = s->shape == KERNEL_ANY_SHAPE ? NULL : &b->plan->req.shapes[s->shape];
        rc |= json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:s}", "format", s->fmt->name, "isa", json_text_or_null(s->isa),
                                              "rows", shape ? json_integer((json_int_t)shape->rows) : json_null(), "cols",
                                              shape ? json_integer((json_int_t)shape->cols) : json_null(), "reason", s->reason));
    }
    return whole(list, rc);
}
