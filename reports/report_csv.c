/* results.csv: fixed columns, then two for every metric that any cell has: its value and its status.
 *
 * Numbers have as many digits as it takes to read back the same double; an empty field means that the record has no number.
 * Repeated cells of a record are all here. Samples stay in the record. */
#include "reports/report_csv.h"

#include <stdlib.h>
#include <string.h>

static const char head[] =
    "run,run_id,cell,model,format,bits_per_weight,embedding,kv,threads,cpus,test,depth,batch,params,linear_params,"
    "status,reason,kernel_format,kernel_isa,head_isa,load_s,repetitions,tokens_per_s,tokens_per_s_lo,"
    "tokens_per_s_hi,confidence,method,speedup_f16,speedup_f16_lo,speedup_f16_hi,speedup_source,latency_n,latency_median_s,"
    "latency_p95_s,latency_p99_s,latency_max_s,ttft_s,ttft_s_lo,ttft_s_hi,output_sha256,work_tokens,work_macs,"
    "work_bytes,roofline_bound,roofline_share,roofline_tokens_per_s";

static void text(struct textbuf *out, const char *s)
{
    textbuf_add(out, ",");
    escape_csv(out, s);
}

static void number(struct arena *a, struct textbuf *out, double v)
{
    textbuf_addf(out, ",%s", number_exact(a, v));
}

static void interval(struct arena *a, struct textbuf *out, struct report_interval x)
{
    number(a, out, x.mid);
    number(a, out, x.lo);
    number(a, out, x.hi);
}

static const char *ratio_source(enum ratio_state s)
{
    static const char *const names[] = {
        [RATIO_NONE] = "",           [RATIO_BASE] = "base",          [RATIO_RECORDED] = "recorded", [RATIO_ENDS] = "interval ends",
        [RATIO_NO_BASE] = "no base", [RATIO_BASE_LOST] = "base lost"};
    return names[s];
}

static void identity(struct arena *a, struct textbuf *out, const struct report_cell *c)
{
    textbuf_addf(out, "%zu", c->run->number);
    text(out, json_string_value(json_object_get(json_object_get(c->run->root, "run"), "id")));
    text(out, c->id);
    text(out, c->model);
    text(out, c->format);
    number(a, out, c->bits);
    text(out, c->embedding);
    text(out, c->kv);
    textbuf_addf(out, ",%lld", c->threads);
    text(out, c->cpus);
    text(out, c->test);
    textbuf_addf(out, ",%lld,%lld", c->depth, c->batch);
    number(a, out, c->params);
    number(a, out, c->linear_params);
    text(out, c->status);
    text(out, c->reason);
    text(out, c->kernel_format);
    text(out, c->isa);
    text(out, c->head_isa);
}

static void results(struct arena *a, struct textbuf *out, const struct report_cell *c)
{
    const double latency[] = {c->latency_n, c->latency_median, c->latency_p95, c->latency_p99, c->latency_max};
    const double work[] = {c->work_tokens, c->work_macs, c->work_bytes};
    number(a, out, c->load_s);
    number(a, out, c->repetitions);
    interval(a, out, c->tps);
    number(a, out, c->confidence);
    text(out, c->method);
    interval(a, out, c->vs_f16.x);
    text(out, ratio_source(c->vs_f16.state));
    for (size_t i = 0; i < 5; i++)
        number(a, out, latency[i]);
    interval(a, out, c->ttft);
    text(out, c->output_sha256);
    for (size_t i = 0; i < 3; i++)
        number(a, out, work[i]);
    text(out, c->bound);
    number(a, out, c->share);
    number(a, out, c->limit_tps);
}

static int order_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of all metrics of all cells, sorted, each once. */
static const char **metric_names(struct report_set *set, size_t *n_names)
{
    const char **names = NULL;
    size_t n = 0, unique = 0;
    for (size_t r = 0; r < set->n_runs; r++)
        for (size_t i = 0; i < set->runs[r]->n_cells; i++) {
            const struct report_cell *c = &set->runs[r]->cells[i];
            for (size_t k = 0; k < c->n_metrics; k++) {
                const char **bigger = arena_grow(&set->arena, names, n, sizeof(*names));
                if (!bigger)
                    return NULL;
                names = bigger;
                names[n++] = c->metrics[k].name;
            }
        }
    if (n)
        qsort(names, n, sizeof(*names), order_names);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(names[i], names[unique - 1]) != 0)
            names[unique++] = names[i];
    *n_names = unique;
    return names;
}

void report_csv_print(struct report_set *set, struct textbuf *out)
{
    struct arena *a = &set->arena;
    size_t n_names = 0;
    const char **names = metric_names(set, &n_names);
    textbuf_add(out, head);
    for (size_t k = 0; names && k < n_names; k++) {
        text(out, names[k]);
        text(out, arena_fmt(a, "%s.status", names[k]));
    }
    textbuf_add(out, "\r\n");
    for (size_t r = 0; r < set->n_runs; r++)
        for (size_t i = 0; i < set->runs[r]->n_cells; i++) {
            const struct report_cell *c = &set->runs[r]->cells[i];
            identity(a, out, c);
            results(a, out, c);
            for (size_t k = 0; names && k < n_names; k++) {
                const struct report_metric *m = report_metric_find(c, names[k]);
                text(out, m ? number_exact(a, m->value) : "");
                text(out, m ? m->status : "");
            }
            textbuf_add(out, "\r\n");
        }
}
