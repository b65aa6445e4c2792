/* A cell's samples and answers -> the object of harness/README.md, "The record".
 *
 *     sample        = time of a block / its repetitions
 *     tokens_per_s  = tokens of a repetition / sample, median over the blocks that count
 *     ttft_s        = time of a prefill repetition, which ends with the first token chosen
 *     joules_per_token = energy of the blocks' windows / (tokens * repetitions)
 *     energy_delay_js = energy of a repetition * its mean time
 *     roofline      = tokens / max(bytes / bandwidth, int8 MACs / int8 peak + float MACs / fma peak) by the peaks of a block's
 * round;
 *                     share: what the block reached of it, median over the blocks */
#include "harness/cell_result.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cell_ops.h"
#include "harness/cell_request.h"
#include "harness/json_util.h"
#include "profiles/metric_out.h"

int samples_push(struct samples *s, double x)
{
    if (s->n == s->cap) {
        const size_t cap = s->cap ? 2 * s->cap : 64;
        double *grown = realloc(s->v, cap * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        s->v = grown;
        s->cap = cap;
    }
    s->v[s->n++] = x;
    return 0;
}

static int take_samples(struct cell_result *r, const struct block *b)
{
    const double n = b->repetitions;
    int rc = samples_push(&r->time_s, b->time_s / n);
    for (size_t i = 0; !rc && i < json_array_size(b->token_s); i++)
        rc = samples_push(&r->token_s, json_number_value(json_array_get(b->token_s, i)));
    if (!rc && b->energy_j > 0 && b->energy_s > 0)
        rc = samples_push(&r->energy_j, b->energy_j / n) || samples_push(&r->energy_s, b->energy_s / n) ? -ENOMEM : 0;
    r->repetitions += n;
    return rc ? rc : metric_totals_add(&r->totals, b);
}

int cell_result_add(struct cell_result *r, struct block *b)
{
    if (r->n_blocks == r->cap_blocks) {
        const size_t cap = r->cap_blocks ? 2 * r->cap_blocks : 16;
        struct block *grown = realloc(r->blocks, cap * sizeof *grown);
        if (!grown) {
            block_free(b);
            return -ENOMEM;
        }
        r->blocks = grown;
        r->cap_blocks = cap;
    }
    const int rc = block_counts(b) ? take_samples(r, b) : 0;
    block_settle(b);
    r->blocks[r->n_blocks++] = *b;
    return rc;
}

void cell_result_free(struct cell_result *r)
{
    free(r->blocks); /* their JSON went when they were added */
    free(r->time_s.v);
    free(r->warmup_s.v);
    free(r->token_s.v);
    free(r->energy_j.v);
    free(r->energy_s.v);
    json_decref(r->load);
    json_decref(r->setup);
    metric_totals_free(&r->totals);
    json_decref(r->metrics);
    json_decref(r->profile);
    *r = (struct cell_result){0};
}

static double work_of(const struct cell_result *r, const char *key)
{
    const json_t *v = json_object_get(json_object_get(r->setup, "work"), key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

double cell_tokens(const struct cell_result *r)
{
    return work_of(r, "tokens");
}

static json_t *samples_json(const struct samples *s)
{
    json_t *a = json_array();
    for (size_t i = 0; i < s->n; i++)
        json_array_append_new(a, json_real(s->v[i]));
    return a;
}

/* ---- speed and latency ---------------------------------------------------------------------------------------------- */

static json_t *speed_json(const struct cell_result *r, struct interval *speed)
{
    double *v = malloc(r->time_s.n * sizeof *v);
    for (size_t i = 0; v && i < r->time_s.n; i++)
        v[i] = cell_tokens(r) / r->time_s.v[i];
    const int rc = v ? stats_median_interval(v, r->time_s.n, speed) : -ENOMEM;
    free(v);
    return rc ? NULL : json_interval(speed);
}

static json_t *ttft_json(const struct cell_result *r)
{
    struct interval t;
    return stats_median_interval(r->time_s.v, r->time_s.n, &t) ? NULL : json_interval(&t);
}

static double median_s(const struct cell_result *r)
{
    struct interval t;
    return r->time_s.n && !stats_median_interval(r->time_s.v, r->time_s.n, &t) ? t.value : (double)NAN;
}

static json_t *latency_json(const struct cell_result *r)
{
    const size_t n = r->token_s.n;
    double *v = malloc(n * sizeof *v);
    if (!v)
        return NULL;
    memcpy(v, r->token_s.v, n * sizeof *v);
    stats_sort(v, n);
    json_t *j = json_pack("{s:I, s:f, s:f, s:f, s:f, s:o}", "n", (json_int_t)n, "median", stats_quantile(v, n, 0.5), "p95",
                          stats_quantile(v, n, 0.95), "p99", stats_quantile(v, n, 0.99), "max", v[n - 1], "samples",
                          samples_json(&r->token_s));
    free(v);
    return j;
}

/* ---- roofline ------------------------------------------------------------------------------------------------------- */

/* Tokens per second at most on a machine with these peaks, and what binds. */
static double limit_of(const struct cell_result *r, const struct block_peaks *p, const char **bound)
{
    const double t_bytes = work_of(r, "bytes") / (p->read_gb_s * 1e9);
    const double t_int8 = work_of(r, "int8_macs") / (p->int8_gmac_s * 1e9), t_fma = work_of(r, "fma_macs") / (p->fma_gmac_s * 1e9);
    *bound = t_bytes >= t_int8 + t_fma ? "bandwidth" : t_int8 >= t_fma ? "int8" : "fma";
    return cell_tokens(r) / fmax(t_bytes, t_int8 + t_fma);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The block in the middle decides what binds: the one whose limit is the median. */
static json_t *roofline_of(const struct cell_result *r, double *limits, double *shares)
{
    struct interval share;
    const char *bound = "", *said = "";
    size_t n = 0;
    for (size_t i = 0; i < r->n_blocks; i++) {
        const struct block *b = &r->blocks[i];
        if (!block_counts(b) || isnan(b->peaks.read_gb_s))
            continue;
        limits[n] = limit_of(r, &b->peaks, &bound);
        shares[n] = cell_tokens(r) / block_sample_s(b) / limits[n];
        n++;
    }
    if (!n || !isfinite(limits[0]))
        return json_null();
    if (stats_median_interval(shares, n, &share))
        return NULL;
    qsort(limits, n, sizeof *limits, by_value);
    const double limit = limits[n / 2];
    for (size_t i = 0; i < r->n_blocks; i++)
        if (block_counts(&r->blocks[i]) && limit_of(r, &r->blocks[i].peaks, &bound) == limit)
            said = bound;
    return json_pack("{s:s, s:f, s:o, s:o, s:f, s:I}", "bound", said, "share", share.value, "lo", json_number_or_null(share.lo),
                     "hi", json_number_or_null(share.hi), "limit_tokens_per_s", limit, "rounds", (json_int_t)n);
}

static json_t *roofline_json(const struct cell_result *r)
{
    double *v = malloc(2 * (r->n_blocks + 1) * sizeof *v);
    json_t *o = v ? roofline_of(r, v, v + r->n_blocks + 1) : NULL;
    free(v);
    return o;
}

/* ---- metrics -------------------------------------------------------------------------------------------------------- */

/* The domain that the run's energy is of: the one whose watts are given too. Another one does not step in where it fails in a cell:
 * joules of different domains must not be compared. */
static const struct {
    const char *joules, *watts;
} headlines[] = {{"energy_pkg_j", "power_pkg_w"},
                 {"energy_psys_j", "power_psys_w"},
                 {"energy_board_j", "power_board_w"},
                 {"energy_pmic_j", "power_pmic_w"}};
enum { N_HEADLINES = sizeof headlines / sizeof headlines[0] };

/* An estimate is no energy that was read, whatever it is called. */
static bool has_value(const json_t *metric)
{
    const char *status = json_string_value(json_object_get(metric, "status"));
    return json_is_number(json_object_get(metric, "value")) && !(status && !strcmp(status, "estimated"));
}

const json_t *cell_energy_metric(const struct cell_result *r)
{
    for (size_t i = 0; i < N_HEADLINES; i++) {
        const json_t *m = metric_json_find(r->metrics, headlines[i].joules);
        if (has_value(m) && has_value(metric_json_find(r->metrics, headlines[i].watts)))
            return m;
    }
    return NULL;
}

/* Whose reason says why there are no joules: of the domain that the source has, whose watts are missing with them; else the
 * package. */
static const json_t *missing_energy(const struct cell_result *r)
{
    for (size_t i = 1; i < N_HEADLINES; i++)
        if (metric_json_find(r->metrics, headlines[i].watts))
            return metric_json_find(r->metrics, headlines[i].joules);
    return metric_json_find(r->metrics, headlines[0].joules);
}

const char *cell_no_energy_reason(const struct cell_result *r)
{
    return json_string_value(json_object_get(missing_energy(r), "reason"));
}

/* A metric made from the joules of the window: their value times `factor`, with their caveat; unavailable for the same reason as
 * they are. */
static json_t *from_joules(const struct cell_result *r, const char *name, const char *unit, double factor)
{
    const json_t *energy = cell_energy_metric(r), *said = energy ? energy : missing_energy(r);
    const char *reason = json_string_value(json_object_get(said, "reason")),
               *source = json_string_value(json_object_get(said, "source"));
    const char *of = json_string_value(json_object_get(energy, "name"));
    struct metric m;
    source = source ? source : headlines[0].joules;
    if (!energy) {
        metric_unavailable(&m, name, unit, source, reason ? reason : "no energy was read");
        return metric_json(&m);
    }
    metric_set(&m, name, unit, METRIC_DERIVED, json_number_value(json_object_get(energy, "value")) * factor, source);
    const bool usual = !strcmp(of, headlines[0].joules);
    snprintf(m.reason, sizeof m.reason, "%s%s%s%s", usual ? "" : "from ", usual ? "" : of, !usual && reason ? "; " : "",
             reason ? reason : "");
    return metric_json(&m);
}

void cell_result_settle(struct cell_result *r)
{
    if (r->totals.n || r->totals.state) {
        json_decref(r->metrics);
        r->metrics = metric_totals_json(&r->totals);
        const char *name = json_string_value(json_object_get(cell_energy_metric(r), "name"));
        r->energy_repetitions = name ? metric_totals_repetitions(&r->totals, name) : 0;
    }
    metric_totals_free(&r->totals);
}

static json_t *all_metrics_json(const struct cell_result *r)
{
    json_t *all = json_array();
    json_array_extend(all, r->metrics);
    const double n = r->energy_repetitions;
    json_array_append_new(all, from_joules(r, "joules_per_token", "J", 1 / (cell_tokens(r) * n)));
    json_array_append_new(all, from_joules(r, "energy_delay_js", "J s", stats_mean(r->time_s.v, r->time_s.n) / n));
    return all;
}

/* ---- the cell ------------------------------------------------------------------------------------------------------- */

static json_t *shape_json(const struct hparams *hp)
{
    if (!hp->n_layer)
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "params", (json_int_t)plan_total_params(hp), "linear_params",
                     (json_int_t)plan_linear_params(hp), "hidden", (json_int_t)hp->n_embd, "ffn", (json_int_t)hp->n_ff, "layers",
                     (json_int_t)hp->n_layer, "heads", (json_int_t)hp->n_head, "kv_heads", (json_int_t)hp->n_head_kv, "vocab",
                     (json_int_t)hp->n_vocab);
}

static json_t *work_json(const struct cell_result *r)
{
    if (!r->setup)
        return json_null();
    const double macs = work_of(r, "int8_macs") + work_of(r, "fma_macs"), bytes = work_of(r, "bytes");
    return json_pack("{s:I, s:o, s:o}", "tokens", (json_int_t)cell_tokens(r), "macs",
                     isnan(macs) ? json_null() : json_integer((json_int_t)macs), "bytes",
                     isnan(bytes) ? json_null() : json_integer((json_int_t)bytes));
}

static json_t *borrowed_or_null(json_t *from, const char *key)
{
    json_t *v = json_object_get(from, key);
    return v ? json_incref(v) : json_null();
}

static json_t *identity_json(const struct plan *p, const struct cell *c, const char *kv)
{
    const struct group *g = &p->groups[c->group];
    char id[PLAN_ID_LEN];
    plan_cell_id(p, c, id);
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:i, s:s, s:i, s:i, s:o}", "id", id, "model", g->model, "format", g->format->name,
                  "bits_per_weight",
                  json_number_or_null(g->format->bits), "embedding", json_text_or_null(g->embedding), "kv", kv, "threads",
                  (int)c->threads, "test", c->test, "depth", (int)c->depth, "batch", (int)c->batch, "shape", shape_json(&g->hp));
    if (g->external)
        json_object_set_new(o, "external",
                            json_pack("{s:s, s:n, s:{s:s, s:s}}", "program", g->external->name, "source", "settings", "command",
                                      g->external->command, "time", g->external->time ? g->external->time : "llama-bench"));
    if (g->arm[0])
        json_object_set_new(o, "arm", json_string(g->arm));
    return o;
}

static json_t *blocks_json(const struct cell_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_blocks; i++)
        json_array_append_new(list, block_entry_json(&r->blocks[i]));
    return list;
}

/* What only a finished cell has. */
static json_t *measured_json(const struct cell *c, const struct cell_result *r)
{
    struct interval speed;
    json_t *tokens_per_s = speed_json(r, &speed);
    if (!tokens_per_s)
        return NULL;
    const bool decode = r->token_s.n > 0, prefill = !decode && !c->quality;
    return json_pack("{s:o, s:o, s:o, s:o}", "tokens_per_s", tokens_per_s, "token_latency_s",
                     decode ? latency_json(r) : json_null(), "ttft_s", prefill ? ttft_json(r) : json_null(), "roofline",
                     c->quality || isnan(work_of(r, "bytes")) ? json_null() : roofline_json(r));
}

json_t *cell_json(const struct plan *p, const struct cell *c, const struct cell_result *r, const char *kv)
{
    static const char *const status[] = {[CELL_OK] = "ok", [CELL_SKIPPED] = "skipped", [CELL_FAILED] = "failed"};
    const bool ok = r->status == CELL_OK;
    json_t *cell = identity_json(p, c, kv);
    const char *sha256 = p->groups[c->group].external ? "" : r->output_sha256; /* another program's tokens are not known */
    json_t *rest = json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "status", status[r->status], "reason",
        json_text_or_null(r->reason), "cpus", borrowed_or_null(r->setup, "cpus"), "kernel", borrowed_or_null(r->setup, "kernel"),
        "load_s", borrowed_or_null(r->load, "load_s"), "warmup_s", samples_json(&r->warmup_s), "samples_s",
        samples_json(&r->time_s), "energy_samples_j", samples_json(&r->energy_j), "energy_samples_s", samples_json(&r->energy_s),
        "repetitions", (json_int_t)r->repetitions, "output_sha256", json_text_or_null(sha256), "work", work_json(r),
        "metrics", ok ? all_metrics_json(r) : json_array(), "stop", json_text_or_null(r->stop), "blocks", blocks_json(r));
    json_t *measured =
        ok ? measured_json(c, r) : json_pack("{s:n, s:n, s:n, s:n}", "tokens_per_s", "token_latency_s", "ttft_s", "roofline");
    if (!cell || !rest || !measured || json_object_update(cell, rest) || json_object_update(cell, measured) ||
        request_into_cell(cell, c, r) || ops_into_cell(cell, ok ? r->profile : NULL, median_s(r))) {
        json_decref(cell);
        cell = NULL;
    }
    json_decref(rest);
    json_decref(measured);
    return cell;
}
